// What comes from outside the file: `${env:NAME}` and `${file:PATH}` fill in values, and nothing of
// what they bring is ever shown (L17) or read as anything but text (O10).
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { complaints, load, loadText, withLines, withoutNames } from "./written-file.ts";

const secret = "Hunter2-Xyzzy";
const fromEnvironment = (name: string) => `\${env:${name}}`;
const fromFile = (name: string) => `\${file:${name}}`;

function folderWith(context: TestContext, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-config-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

function withSecret(reference: string): Record<string, unknown> {
  const config = {
    client_id: "postern",
    client_secret: reference,
    issuer: "https://idp.example.com",
  };
  return { identity_providers: [{ id: "corp", name: "Example SSO", type: "oidc", config }] };
}

test("a value comes from the environment, or from a file beside the configuration", (context) => {
  const folder = folderWith(context, { "client.secret": `${secret}\n` });
  const loaded = [
    load(withSecret(fromEnvironment("CORP_SECRET")), { environment: { CORP_SECRET: secret } }),
    load(withSecret(fromFile("client.secret")), { file: join(folder, "postern.yaml") }),
  ];
  for (const { config } of loaded)
    assert.partialDeepStrictEqual(config.identity_providers, [
      { config: { client_secret: secret } },
    ]);
});

test("what is filled in is text, whatever it looks like; names of fields are never filled in (O10)", () => {
  const hostile = `x"}]}\n- !!js/function 'y' ${fromEnvironment("OTHER")} ${fromFile("/etc/passwd")} # {{ .Env.HOME }}`;
  const environment = { HOSTILE: hostile, OTHER: "must not appear" };
  const { config } = load({ organization: { name: fromEnvironment("HOSTILE") } }, { environment });
  assert.equal(config.organization?.name, hostile);
  const lines = complaints(() =>
    load({ [fromEnvironment("FIELD")]: 1 }, { environment: { FIELD: "store" } }),
  );
  assert.match(lines.join("\n"), /"\$\{env…": unknown field/);
});

test("a variable that is not set, or a file that is not there, is said once and by its name", (context) => {
  const folder = folderWith(context, { empty: "\n", huge: "x".repeat(70_000) });
  const file = join(folder, "postern.yaml");
  const cases: [reference: string, says: RegExp][] = [
    [
      fromEnvironment("CORP_SECRET"),
      /the environment variable CORP_SECRET is not set; set it, or write the value/,
    ],
    [fromFile("none"), /the file none is empty, too large, or cannot be read/],
    [fromFile("empty"), /the file empty is empty, too large, or cannot be read/],
    [fromFile("huge"), /the file huge is empty, too large, or cannot be read/],
    [fromFile("."), /the file \. is empty, too large, or cannot be read/],
  ];
  for (const [reference, says] of cases) {
    const lines = complaints(() => load(withSecret(reference), { file }));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", says);
    assert.match(
      withoutNames(lines[0] ?? ""),
      /:\d+: identity_providers\[0\]\.config\.client_secret: /,
    );
  }
});

/** Near the secret, and in the file itself. */
const slip = "Huntr2-Xyzy";

/** `~` stands for the reference. */
const wrongPlaces = [
  'auth_domain: "~"',
  'auth_domain: "~/x"',
  'relay_hosts: ["https://~"]',
  'listen: "~"',
  'listen: ["~"]',
  'redirect_http: "~"',
  'trusted_proxies: ["~"]',
  'store: "~"',
  'store: "postgres://postern:~@/postern"',
  'store: "postgres://postern:~@db"',
  'store: "postgres://~@db/postern?sslmode=~"',
  'store: "postgres://postern:a@db/postern?sslrootcert=~"',
  'smtp: {url: "~", from: a@b.c}',
  'smtp: {url: "http://postern:~@mail", from: a@b.c}',
  'log: {level: "~"}',
  'limits: {idle_timeout: "~"}',
  'tls: {certificates: [{cert_file: "~", key_file: "~"}]}',
  'organization: {session_duration: "~"}',
  'identity_providers: [{name: a, type: "~"}]',
  'identity_providers: [{name: "~", type: onetimepin}, {name: "~", type: onetimepin}]',
  'identity_providers: [{name: a, type: oidc, config: {client_id: a, issuer: "~"}}]',
  'identity_providers: [{name: a, type: oidc, config: {client_id: a, issuer: "http://~"}}]',
  'groups: [{id: "~/", name: a, include: [{everyone: {}}]}]',
  'groups: [{name: a, include: [{email: {email: "~"}}]}]',
  'groups: [{name: a, include: [{group: {name: "~"}}]}]',
  `groups: [{name: "~", include: [{everyone: {}}]}, {name: a, include: [{group: ${slip}}]}]`,
  `groups: [{id: "~", name: b, include: [{everyone: {}}]}, {name: a, include: [{group: {id: ${slip}}}]}]`,
  `service_tokens: [{name: "~", client_id: a, client_secret: x}]\ngroups: [{name: a, include: [{service_token: {token_id: ${slip}}}]}]`,
  `identity_providers: [{name: "~", type: onetimepin}]\napplications: [{name: a, domain: a.test, allowed_idps: [${slip}]}]`,
  'groups: [{name: a, include: ["~"]}]',
  'groups: [{name: a, include: "~"}]',
  'service_tokens: [{name: a, client_id: a, client_secret: "~", client_secret_hash: "~"}]',
  'service_tokens: [{name: a, client_id: "~", client_secret: x}, {name: b, client_id: "~", client_secret: x}]',
  'service_tokens: [{name: a, client_id: a, client_secret: x, expires_at: "~"}]',
  'applications: [{name: a, domain: "~ "}]',
  'applications: [{name: a, domain: a.test, policies: ["~"]}]',
  'applications: [{name: a, domain: a.test, policies: [{id: "~"}]}]',
  'applications: [{name: a, domain: a.test, allowed_idps: ["~"]}]',
  'applications: [{name: "~", domain: a.test}, {name: b, domain: a.test}]',
  'applications: [{name: a, domain: "~/"}, {name: b, domain: "~"}]',
  'ingress: [{service: "~"}]',
  'ingress: [{service: "http://a/~"}]',
  'ingress: [{hostname: a.test, path: "~", service: http://a}, {service: http://a}]',
];

for (const written of wrongPlaces) {
  test(`what was filled in is not shown when it is wrong: ${written} (L17)`, () => {
    const { text } = withLines(written.replaceAll("~", fromEnvironment("S")));
    const lines = complaints(() => loadText(text, { environment: { S: secret } }));
    assert.doesNotMatch(lines.join("\n"), /hunter2|xyzzy/i);
  });
}

test("an application at the team domain is not shown when its host was filled in (L17)", () => {
  const { text } = withLines(`applications: [{name: a, domain: "${fromEnvironment("S")}"}]`);
  assert.doesNotMatch(
    complaints(() => loadText(text, { environment: { S: "Login.localhost" } })).join("\n"),
    /login\.localhost/i,
  );
});

test("a password that stands in the file itself is not repeated in a complaint about its field", () => {
  const wrong = [
    'smtp: {url: "smpt://ada:hunter2@mail", from: a@b.c}',
    'store: "mysql://ada:hunter2@db/x"',
    'identity_providers: [{name: a, type: oidc, config: {client_id: a, issuer: "https://ada:hunter2@idp.test"}}]',
    'ingress: [{service: "http://ada:hunter2@origin"}]',
    'ingress: [{service: "http://ada:a hunter2@origin"}]',
    'smtp: {url: "smtp//ada:hunter2 too@mail", from: a@b.c}',
    'smtp: {url: "smtp//ada:{hunter2}@mail", from: a@b.c}',
    "identity_providers: [{name: a, type: oidc, config: {client_id: a, issuer: 'ada:\"hunter2\" @idp.test'}}]",
  ];
  for (const written of wrong)
    assert.doesNotMatch(complaints(() => loadText(withLines(written).text)).join("\n"), /hunter2/);
});

test("a key file that is none is not quoted", (context) => {
  const folder = folderWith(context, {
    "key.pem": `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----\n`,
  });
  const written = "tls: {certificates: [{cert_file: key.pem, key_file: key.pem}]}";
  const text = complaints(() =>
    loadText(withLines(written).text, { file: join(folder, "postern.yaml") }),
  ).join("\n");
  assert.match(text, /key_file: "key.pem" is not a private key in PEM without a passphrase/);
  assert.doesNotMatch(text, /hunter2/);
});

test("blanks and control characters in ids and secrets are a warning, wherever they come from, and are never shown", (context) => {
  const folder = folderWith(context, { "client.secret": `${secret}\n\n`, crlf: `${secret}\r\n` });
  const file = join(folder, "postern.yaml");
  const warningsOf = (value: string, environment = {}) =>
    load(withSecret(value), { environment, file }).warnings.map(withoutNames);
  const field = /postern\.yaml:\d+: identity_providers\[0\]\.config\.client_secret: /;
  for (const [stray, words] of [
    ["x\r", "ends with a carriage return (U+000D)"],
    ["x\n", "ends with a line feed (U+000A)"],
    [" x", "begins with a blank (U+0020)"],
    ["x\t", "ends with a tab (U+0009)"],
    ["\u00a0x", "begins with a no-break space (U+00A0)"],
    ["x\ufeff", "ends with a byte order mark (U+FEFF)"],
    ["\u200bx", "begins with a zero-width space (U+200B)"],
    ["\u2028x", "begins with an invisible character (U+2028)"],
    ["x\u2060", "ends with an invisible character (U+2060)"],
    ["a\u0000b", "holds an invisible character (U+0000)"],
    ["a\u0085b", "holds an invisible character (U+0085)"],
    ["a\u200bb", "holds a zero-width space (U+200B)"],
    ["a\rb", "holds a carriage return (U+000D)"],
  ] as const) {
    const [warning = "", ...more] = warningsOf(fromEnvironment("S"), { S: stray });
    assert.match(warning, field, JSON.stringify(stray));
    assert.ok(warning.includes(`${words}; remove it`), warning);
    assert.deepEqual(more, []);
  }
  for (const quoted of ['"x"', "'x'", "“x”", "«x»", "`x`"]) {
    const [warning = ""] = warningsOf(fromEnvironment("S"), { S: quoted });
    assert.match(warning, /stands in quotation marks; remove them/, quoted);
  }
  assert.match(warningsOf(`${secret} `)[0] ?? "", field);
  assert.match(warningsOf(fromFile("client.secret"))[0] ?? "", field);
  for (const fine of ["x", "a b", secret, `a"b`, `"`, "'"])
    assert.deepEqual(warningsOf(fromEnvironment("S"), { S: fine }), []);
  assert.deepEqual(
    warningsOf(fromFile("crlf")),
    [],
    "the end of a file's only line is not its value",
  );
  assert.doesNotMatch(warningsOf(`${secret} `).join(), new RegExp(secret));

  const { warnings } = load(
    {
      service_tokens: [{ id: "r", name: "R", client_id: "robot.access", client_secret: "x\t" }],
      organization: { name: fromEnvironment("NAME") },
      smtp: { url: fromEnvironment("SMTP"), from: "a@b.test" },
    },
    { environment: { NAME: "Example\r", SMTP: "smtp://u:p@mail.test \r" } },
  );
  const fields = warnings
    .map(withoutNames)
    .map((warning) => /^\S+:\d+: ([^:]+): (?:begins|ends)/.exec(warning)?.[1]);
  assert.deepEqual(fields.filter((name) => name !== undefined).toSorted(), [
    "organization.name",
    "service_tokens[0].client_secret",
    "smtp.url",
  ]);
});
