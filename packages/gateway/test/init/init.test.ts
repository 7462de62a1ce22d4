// What `postern init` writes for each provider, and what it refuses. test/e2e/init.test.ts runs it
// as a person does.
import assert from "node:assert/strict";
import {
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { runInit } from "../../src/init/run-init.ts";

type Flags = Record<string, string | undefined>;

const complete: Flags = {
  "team-domain": "login.example.com",
  provider: "google",
  "client-id": "postern",
  allow: "@example.com",
};

function aFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-init-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Answers by flags alone. @returns what it told */
async function init(folder: string, flags: Flags): Promise<string[]> {
  const lines: string[] = [];
  await runInit({
    output: join(folder, "postern.yaml"),
    flags: { ...complete, ...flags },
    prompt: undefined,
    tell: (line) => lines.push(line),
    offline: true,
    command: "postern",
  });
  return lines;
}

test("each provider gets the issuer and the fields that it needs", async (context) => {
  const cases: [flags: Flags, issuer: string, fields: Record<string, unknown>][] = [
    [{}, "https://accounts.google.com", { require_email_verified: true }],
    [
      { provider: "entra", tenant: "7a1b" },
      "https://login.microsoftonline.com/7a1b/v2.0",
      { email_claim_name: "preferred_username" },
    ],
    [
      { provider: "okta", "okta-domain": "example.okta.com" },
      "https://example.okta.com",
      { scopes: ["openid", "email", "profile", "groups"] },
    ],
    [
      { provider: "keycloak", "provider-url": "https://sso.example.com/", realm: "staff" },
      "https://sso.example.com/realms/staff",
      { claims: ["groups", "realm_access.roles"] },
    ],
    [
      { provider: "authentik", "provider-url": "https://auth.example.com", slug: "postern" },
      "https://auth.example.com/application/o/postern/",
      { claims: ["groups"] },
    ],
    [{ provider: "oidc", issuer: "https://idp.example.com/a" }, "https://idp.example.com/a", {}],
  ];
  for (const [flags, issuer, fields] of cases) {
    const folder = aFolder(context);
    await init(folder, flags);
    const file = join(folder, "postern.yaml");
    const text = readFileSync(file, "utf8");
    const environment = { POSTERN_CLIENT_SECRET: "hush" };
    const { config, warnings } = loadConfig({ text, file, environment });
    assert.deepEqual(warnings, [], text);
    const [provider] = config.identity_providers;
    assert.deepEqual(
      { ...provider?.config },
      { ...provider?.config, ...fields, issuer, client_id: "postern", client_secret: "hush" },
    );
  }
});

test("answers that YAML would read otherwise are what was answered", async (context) => {
  const reference = ["$", "{env:HOME}"].join("");
  for (const [name, domain, people] of [
    ["yes", "app.example.com", "@example.com"],
    ["1e3", "1.example.com/v1/a-b", "0x10@example.com"],
    [`"Orders": #1, {a: b} \\`, "app.example.com/%20", "a'b@example.com"],
    [reference, "app.example.com", "@example.com"],
    ["Größe\u2028&", "app.example.com/a/b", "ada+x@example.com"],
  ] as const) {
    const folder = aFolder(context);
    const flags = { "app-name": name, "app-domain": domain, allow: people };
    const file = join(folder, "postern.yaml");
    const outcome = await init(folder, flags).catch((error: Error) => error);
    // What refers to something outside the file is refused, and never filled in.
    if (name === reference) {
      assert.match(String(outcome), /--app-name/);
      continue;
    }
    const environment = { POSTERN_CLIENT_SECRET: "hush" };
    const { config } = loadConfig({ text: readFileSync(file, "utf8"), file, environment });
    assert.equal(config.applications[0]?.name, name);
    assert.deepEqual(config.applications[0]?.domains, [domain]);
  }
});

test("what cannot become a configuration is said with its flag, and nothing is written", async (context) => {
  const folder = aFolder(context);
  const cases: [flags: Flags, reason: RegExp][] = [
    [{ provider: undefined }, /--provider is missing, and there is no terminal to ask for it/],
    [{ provider: "ldap" }, /--provider: ldap is not one of google, entra/],
    [{ provider: "entra", tenant: "common" }, /--tenant: common lets in accounts of every organi/],
    [{ provider: "keycloak" }, /--provider-url is missing/],
    [{ "client-id": undefined }, /--client-id is missing/],
    [{ "client-id": "two words" }, /--client-id: /],
    [{ allow: "everybody" }, /--allow: everybody is neither an email address nor a domain/],
    [{ origin: "localhost:3000" }, /--origin: localhost:3000 is not a URL/],
    [{ origin: "http://a.test/path" }, /--origin: .* has more than scheme, host and port/],
    [{ "team-domain": "https://login.example.com" }, /--team-domain: .* is not a host name/],
    [{ "app-domain": "https://app.example.com" }, /--app-domain: .* is not a host name/],
    [{ "app-domain": "login.example.com" }, /postern\.yaml:\d+: applications/],
    [{ "tls-cert": "/nonexistent.pem" }, /--tls-cert: there is no such file in /],
    [{ "tls-cert": "/etc/hostname", "tls-key": "none.key" }, /--tls-key: there is no such file/],
    [{ "client-secret-file": "the-secret-itself" }, /--client-secret-file: there is no such file/],
    [
      { "team-domain": "login.localhost:8600", "tls-cert": "a.pem" },
      /--tls-cert: a team domain below \.localhost is served over plain HTTP/,
    ],
    [
      { "team-domain": "localhost", "tls-key": "a.key" },
      /--tls-key: a team domain below \.localhost is served over plain HTTP/,
    ],
    [{ allow: "*@example.com" }, /--allow: \*@example\.com is neither an email address nor/],
    [{ allow: "@two words" }, /--allow: @two words is neither/],
    [{ "app-domain": "app.example.com/^v[0-9]$" }, /--app-domain: .* with or without a path/],
    [{ "app-name": " " }, /--app-name: an answer is needed/],
    [{ origin: "http://a.test/#b" }, /--origin: .* has more than scheme, host and port/],
    [{ provider: "oidc", issuer: "http://idp.example.com" }, /--issuer: .* must be https/],
    [
      { "team-domain": `${"a".repeat(300)}.example.com` },
      /--team-domain: a+\S+ is not a host name/,
    ],
    [{ provider: "pin", "smtp-server": "mail.example.com" }, /--smtp-server: .* smtps:\/\/host/],
  ];
  for (const [flags, reason] of cases) {
    await assert.rejects(init(folder, flags), reason);
    assert.deepEqual(readdirSync(folder), [], JSON.stringify(flags));
  }
});

test("one-time PINs by mail need a mail server and a sender", async (context) => {
  const folder = aFolder(context);
  writeFileSync(join(folder, "password"), "p%40ss");
  const flags = {
    provider: "pin",
    "smtp-server": "smtps://mail.example.com",
    "smtp-user": "postern@example.com",
    "smtp-password-file": "password",
  };
  const lines = await init(folder, flags);
  const file = join(folder, "postern.yaml");
  const { config } = loadConfig({ text: readFileSync(file, "utf8"), file, environment: {} });
  assert.equal(config.smtp?.url, "smtps://postern%40example.com:p%40ss@mail.example.com");
  assert.equal(config.smtp?.from, "access@example.com");
  assert.ok(lines.every((line) => !line.includes("p%40ss")));
});

const pieces = [
  ..." \t\n'\"\\{}[]()#:,&*!|>%?@`$^=~;+<-_./\u2028\u0085\u007f\u001b\ufeffé",
  ...["a", "Z", "0", "yes", "null", "1e3", "0x1", "---", "..", "example.com", "http://", "😀"],
];
const scrap = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((all) => all.join(""));
const answersToFuzz = fc
  .constantFrom(
    { flag: "team-domain", prefix: "login.example" },
    { flag: "client-id", prefix: "" },
    { flag: "issuer", prefix: "https://idp.example.com" },
    { flag: "app-domain", prefix: "app.example.com/" },
    { flag: "app-name", prefix: "" },
    { flag: "origin", prefix: "http://127.0.0.1" },
    { flag: "allow", prefix: "@" },
    { flag: "allow", prefix: "" },
  )
  .chain(({ flag, prefix }) => scrap.map((text) => ({ flag, answer: prefix + text })));

test("any answer is refused at its question or becomes nothing but its own value", async (context) => {
  const folder = aFolder(context);
  const file = join(folder, "postern.yaml");
  const environment = { POSTERN_CLIENT_SECRET: "hush" };
  const base: Flags = { provider: "oidc", issuer: "https://idp.example.com", "app-name": "App" };
  await init(folder, base);
  const expected = loadConfig({ text: readFileSync(file, "utf8"), file, environment }).config;
  await fc.assert(
    fc.asyncProperty(answersToFuzz, async ({ flag, answer }) => {
      rmSync(file, { force: true });
      const flags = { ...base, [flag]: answer };
      const fault = await init(folder, flags).then(
        () => undefined,
        (error: Error) => error,
      );
      if (fault !== undefined) {
        assert.ok(fault.message.startsWith(`--${flag}: `), fault.message);
        return;
      }
      const text = readFileSync(file, "utf8");
      const { config } = loadConfig({ text, file, environment });
      assert.deepEqual(Object.keys(config), Object.keys(expected), text);
      const { applications, identity_providers: providers, ingress } = config;
      assert.deepEqual([applications.length, providers.length, ingress.length], [1, 1, 2], text);
      assert.equal(applications[0]?.name, flags["app-name"]);
      assert.deepEqual(
        { ...providers[0]?.config },
        {
          ...expected.identity_providers[0]?.config,
          issuer: flags.issuer,
          client_id: flag === "client-id" ? answer : "postern",
        },
      );
    }),
  );
});

/** Answers on a terminal, one after the other, and fails at a question beyond them. */
async function converse(folder: string, flags: Flags, answers: string[]): Promise<string[]> {
  const lines: string[] = [];
  await runInit({
    output: join(folder, "postern.yaml"),
    flags: { ...complete, ...flags },
    prompt: async (text) => answers.shift() ?? assert.fail(text),
    tell: (line) => lines.push(line),
    offline: true,
    command: "postern",
  });
  return lines;
}

test("a typed secret never overwrites a file, and may be any text", async (context) => {
  const folder = aFolder(context);
  const secretFile = join(folder, "client-secret");
  const secret = ["$", "{env:HOME} #}"].join("");
  const rest = {
    "tls-cert": "",
    "app-domain": "a.example.com",
    "app-name": "A",
    origin: "http://a",
  };
  symlinkSync(join(folder, "elsewhere"), secretFile);
  const lines = await converse(folder, rest, ["", secret, ""]);
  assert.ok(
    lines.some((line) => /client-secret already exists beside/.test(line)),
    lines.join(),
  );
  assert.deepEqual(readdirSync(folder).sort(), ["client-secret", "postern.yaml"]);

  rmSync(secretFile);
  rmSync(join(folder, "postern.yaml"));
  await converse(folder, rest, ["", secret]);
  assert.equal(readFileSync(secretFile, "utf8"), secret);
  const file = join(folder, "postern.yaml");
  const { config } = loadConfig({ text: readFileSync(file, "utf8"), file, environment: {} });
  assert.equal(Object(config.identity_providers[0]?.config).client_secret, secret);
});

test("a place that cannot be written to is told before anything is asked", async (context) => {
  const folder = aFolder(context);
  await assert.rejects(converse(join(folder, "none"), {}, []), /yaml cannot be written \(ENOENT\)/);
  writeFileSync(join(folder, "file"), "");
  await assert.rejects(converse(join(folder, "file"), {}, []), /cannot be written \(ENOTDIR\)/);
  symlinkSync(join(folder, "nowhere"), join(folder, "postern.yaml"));
  await assert.rejects(converse(folder, {}, []), /already exists; move it away/);
});
