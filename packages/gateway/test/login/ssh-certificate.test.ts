// `cert_sign` (wire-protocol 10): who gets an SSH certificate and what it says. Everybody else gets
// JSON with the status and a sentence, and nothing that is signed. What ssh-keygen makes of them
// is in user-certificate.test.ts.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { needsSshd } from "../../../../test/support/sshd.ts";
import type { Application } from "../../src/model/model.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { rightLines, wrongLines } from "../ssh/key-lines.ts";
import { ada, bob, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { type Answer, type Ask, send } from "./person.ts";

const path = "/cdn-cgi/access/cert_sign";
const publicKey = `${rightLines["ecdsa-sha2-nistp256"]}\n`;
const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const onlyAda = [{ name: "only Ada", decision: "allow", include: [{ email: { email: ada } }] }];
const certificates = { email_domains: ["example.com"] };

function application(host: string, more: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: `The ${host}`,
    domain: `${host}.localhost`,
    policies: everybody,
    ssh_certificates: certificates,
    ...more,
  };
}

interface Scene extends LoginFixture {
  /** a session and its token, for the application of this host */
  signedIn(host?: string, email?: string): Promise<{ session: StoredSession; token: string }>;
  /** asks as the official client does */
  ask(jwt: unknown, more?: Record<string, unknown>, how?: Ask): Promise<Answer>;
}

async function scene(
  context: TestContext,
  applications = [application("ssh"), application("other")],
): Promise<Scene> {
  const fixture = await startLoginFixture(context, { sections: { applications } });
  const { parts, team } = fixture;
  return {
    ...fixture,
    async signedIn(host = "ssh", email = ada) {
      const session = await fixture.session("terminal", email);
      const token = await parts.tokens.issueApp(session, applicationAt(fixture, host), 36e5);
      return { session, token };
    },
    ask: (jwt, more = {}, how = {}) =>
      send(`${team}${path}`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ public_key: publicKey, jwt, issuer: team, ...more }),
        ...how,
      }),
  };
}

function applicationAt({ parts, aud }: LoginFixture, host: string): Application {
  const found = parts.catalogs.current().applicationByAud.get(aud(host));
  assert.ok(found !== undefined, host);
  return found;
}

interface Certified {
  id: string;
  certificate: string;
  expires_at: string;
}

function certifiedIn(answer: Answer): Certified {
  assert.equal(answer.status, 200, answer.text);
  const body = JSON.parse(answer.text);
  assert.deepEqual(Object.keys(body), ["id", "certificate", "expires_at"]);
  return body;
}

/** An answer that the client can read, and that signed nothing. */
function assertRefused(
  { events }: Scene,
  answer: Answer,
  status: number,
  words: RegExp,
  what = "",
): void {
  assert.equal(answer.status, status, `${what}: ${answer.text}`);
  assert.match(String(answer.headers["content-type"]), /^application\/json/, what);
  const body = JSON.parse(answer.text);
  assert.deepEqual(Object.keys(body), ["status", "message"], what);
  assert.strictEqual(body.status, status, what);
  assert.match(body.message, words, what);
  assert.equal(body.message.split("\n").length, 1, what);
  assert.ok(!events.some(({ event }) => event === "ssh_certificate_signed"), what);
}

/** What `ssh-keygen -L` says, line by line. */
function listed(certificate: string): string[] {
  const options = {
    input: certificate,
    encoding: "utf8",
    env: { ...process.env, TZ: "UTC" },
  } as const;
  const text = execFileSync("ssh-keygen", ["-L", "-f", "-"], options);
  return text.split("\n").map((line) => line.trim());
}

test(
  "a terminal that is signed in gets a certificate for the account of its person's name",
  needsSshd(),
  async (context) => {
    const fixture = await scene(context);
    const { session, token } = await fixture.signedIn();
    const answer = await fixture.ask(token);
    const { id, certificate, expires_at } = certifiedIn(answer);
    const ray = String(answer.headers["cf-ray"]);
    assert.equal(id, `${ada}/${ray}`);
    assert.match(certificate, /^ecdsa-sha2-nistp256-cert-v01@openssh\.com [A-Za-z0-9+/=]+$/);
    assert.match(String(answer.headers["cache-control"]), /no-store/);

    const lines = listed(certificate);
    assert.ok(lines.includes(`Key ID: "${ada}/${ray}"`));
    assert.ok(lines.includes("Critical Options: (none)"));
    const after = (title: string) => lines.slice(lines.indexOf(title) + 1);
    assert.deepEqual(after("Principals:").slice(0, 2), ["ada", "Critical Options: (none)"]);
    assert.deepEqual(after("Extensions:"), ["permit-pty", ""]);
    const [, from = "", to = ""] = /Valid: from (\S+) to (\S+)/.exec(lines.join("\n")) ?? [];
    assert.equal(Date.parse(`${to}Z`), Date.parse(expires_at));
    assert.ok(Date.parse(`${from}Z`) <= session.created_at, "valid for a server that is slow");
    const life = Date.parse(expires_at) - session.created_at;
    assert.ok(life > 4 * 60_000 && life < 6 * 60_000, "five minutes");

    const signed = fixture.events.filter(({ event }) => event === "ssh_certificate_signed");
    const [event] = signed;
    assert.ok(signed.length === 1 && event?.event === "ssh_certificate_signed");
    const serial = lines.find((line) => line.startsWith("Serial: "))?.slice("Serial: ".length);
    assert.deepEqual(
      { ...event, ip: undefined, key: undefined },
      {
        event: "ssh_certificate_signed",
        ray,
        ip: undefined,
        aud: fixture.aud("ssh"),
        application: "The ssh",
        email: ada,
        principal: "ada",
        serial,
        key: undefined,
        expires_at,
      },
    );
    assert.ok(
      lines.some((line) => line.endsWith(event.key)),
      "the fingerprint of the key",
    );
    assert.ok(!JSON.stringify(event).includes(token));
    assert.equal(fixture.upstream.requests.length, 0);
  },
);

test(
  "each application has an authority of its own, and both last",
  needsSshd(),
  async (context) => {
    const fixture = await scene(context);
    const authorityOf = async (host: string) => {
      const { token } = await fixture.signedIn(host);
      const lines = listed(certifiedIn(await fixture.ask(token)).certificate);
      return lines.find((line) => line.startsWith("Signing CA: "));
    };
    const [first, other] = [await authorityOf("ssh"), await authorityOf("other")];
    assert.match(String(first), /^Signing CA: ECDSA SHA256:\S+ \(using ecdsa-sha2-nistp256\)$/);
    assert.notEqual(first, other);
    assert.equal(await authorityOf("ssh"), first);
  },
);

test("what the application says of its certificates is in them", needsSshd(), async (context) => {
  const extensions = ["permit-port-forwarding", "permit-X11-forwarding"];
  const fixture = await scene(context, [
    application("long", { ssh_certificates: { ...certificates, duration: "30m", extensions } }),
    application("none", { ssh_certificates: { ...certificates, extensions: [] } }),
  ]);
  const long = certifiedIn(await fixture.ask((await fixture.signedIn("long")).token));
  const lines = listed(long.certificate);
  const after = lines.slice(lines.indexOf("Extensions:") + 1);
  assert.deepEqual(after.slice(0, 2), extensions.toSorted());
  assert.ok(Date.parse(long.expires_at) > Date.now() + 20 * 60_000);
  const none = certifiedIn(await fixture.ask((await fixture.signedIn("none")).token));
  assert.ok(listed(none.certificate).includes("Extensions: (none)"));
});

test("a certificate ends with the session and with the token, whichever is first", async (context) => {
  const fixture = await scene(context);
  const { session } = await fixture.signedIn();
  const application = applicationAt(fixture, "ssh");
  const issue = (lifetimeMs: number) =>
    fixture.parts.tokens.issueApp(session, application, lifetimeMs);
  fixture.clock.ahead = session.expires_at - Date.now() - 90_000;

  const atSession = certifiedIn(await fixture.ask(await issue(36e5)));
  assert.equal(Date.parse(atSession.expires_at), Math.floor(session.expires_at / 1000) * 1000);

  const shortToken = await issue(30_000);
  const { exp } = JSON.parse(Buffer.from(shortToken.split(".")[1] ?? "", "base64url").toString());
  const atToken = certifiedIn(await fixture.ask(shortToken));
  assert.equal(Date.parse(atToken.expires_at), exp * 1000);
});

test("nothing but the application's token of a terminal counts (T1, T2)", async (context) => {
  const fixture = await scene(context);
  const { tokens, sessions } = fixture.parts;
  const ssh = applicationAt(fixture, "ssh");
  const { session, token } = await fixture.signedIn();
  const browser = await fixture.session("browser");
  const proof = await tokens.verifyApp(token, ssh.aud);
  assert.ok(proof.ok);
  const prefix = `${fixture.app("ssh")}/`;
  const [head = "", claims = "", signature = ""] = token.split(".");
  const foreign = Buffer.from(claims, "base64url")
    .toString()
    .replace(ssh.aud, fixture.aud("other"));
  const others: Record<string, unknown> = {
    "an org token of the terminal": await tokens.issueOrg(session),
    "an org token of a browser": await tokens.issueOrg(browser),
    "an origin's assertion": await tokens.personAssertion(proof),
    "a service token's assertion": await tokens.serviceAssertion(ssh, "id.access"),
    "a pass": (await tokens.issuePass(session, ssh, prefix, 6e4)).token,
    "a browser's token": await tokens.issueApp(browser, ssh, 36e5),
    "a browser's token with its nonce": await tokens.issueApp(browser, ssh, 36e5, "nonce"),
    "another application's signature": `${head}.${Buffer.from(foreign).toString("base64url")}.${signature}`,
    "no signature": `${head}.${claims}.`,
    "a cut token": token.slice(0, -4),
    garbage: "a.b.c",
    "an empty text": "",
  };
  for (const [what, jwt] of Object.entries(others))
    assertRefused(fixture, await fixture.ask(jwt), 401, /not one that a terminal got/, what);
  for (const jwt of [undefined, null, 7, {}, [token]])
    assertRefused(fixture, await fixture.ask(jwt), 400, /Send JSON/);

  await sessions.end(session.id);
  assertRefused(fixture, await fixture.ask(token), 401, /session has ended/);
  assert.equal(await fixture.parts.store.sshAuthorities.find(ssh.aud), undefined);
});

test("a token opens its own application's authority alone", needsSshd(), async (context) => {
  const fixture = await scene(context, [
    application("ssh"),
    application("plain", { ssh_certificates: undefined }),
  ]);
  const { token } = await fixture.signedIn("plain");
  assertRefused(fixture, await fixture.ask(token), 404, /signs no SSH certificates/);
  assert.equal(await fixture.parts.store.sshAuthorities.find(fixture.aud("plain")), undefined);
});

test("policy is asked again, for the person and the address of now", async (context) => {
  const bypass = { name: "the office", decision: "bypass", include: [{ everyone: {} }] };
  const home = { name: "at home", decision: "allow", include: [{ ip: { ip: "192.0.2.0/24" } }] };
  const fixture = await scene(context, [
    application("ssh"),
    application("home", { policies: [home] }),
    application("bypassed", { policies: [bypass, ...onlyAda] }),
  ]);
  const { token } = await fixture.signedIn("ssh", bob);
  const elsewhere = await fixture.signedIn("home");
  const bypassed = await fixture.signedIn("bypassed", bob);
  const denied = /Policy does not let you in/;
  assertRefused(fixture, await fixture.ask(elsewhere.token), 403, denied, "another address");
  assertRefused(fixture, await fixture.ask(bypassed.token), 403, denied, "bypass names nobody");
  await fixture.change({ applications: [application("ssh", { policies: onlyAda })] });
  assertRefused(fixture, await fixture.ask(token), 403, denied, "policy has changed");
  await fixture.change({ applications: [application("another")] });
  assertRefused(fixture, await fixture.ask(token), 401, /./, "the application is gone");
});

test("an application that signs no certificates any more signs none from then on", async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  await fixture.change({ applications: [application("ssh", { ssh_certificates: undefined })] });
  assertRefused(fixture, await fixture.ask(token), 404, /has to set ssh_certificates/);
});

test("an email that names no account, or one of the system, gets no certificate", async (context) => {
  const fixture = await scene(context);
  for (const [email, words] of [
    ["ada@example.org", /domain of your email/],
    ["ada@mail.example.com", /domain of your email/],
    ["root@example.com", /account of the system/],
    ["www-data@example.com", /account of the system/],
    ["ada+root@example.com", /names no account/],
    ["1000@example.com", /names no account/],
    ["-oproxycommand=id@example.com", /names no account/],
    [".ada@example.com", /names no account/],
    [`${"a".repeat(33)}@example.com`, /names no account/],
  ] as const) {
    const { token } = await fixture.signedIn("ssh", email);
    assertRefused(fixture, await fixture.ask(token), 403, words, email);
  }
  const refused = fixture.events.find(({ event }) => event === "ssh_certificate_refused");
  assert.ok(refused?.event === "ssh_certificate_refused");
  assert.equal(refused.email, "ada@example.org");
  assert.equal(refused.status, 403);
});

test("a key that is none, in any of many ways, is answered with 400 and a sentence", async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  assert.ok(Object.keys(wrongLines).length >= 20);
  for (const [what, public_key] of Object.entries(wrongLines))
    assertRefused(fixture, await fixture.ask(token, { public_key }), 400, /public_key/, what);
  for (const public_key of [7, null, undefined, {}, [publicKey]])
    assertRefused(fixture, await fixture.ask(token, { public_key }), 400, /Send JSON/);
});

test("a request that is none is answered with JSON, whatever is wrong with it", async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  const { team } = fixture;
  const body = (text: string) => fixture.ask(token, {}, { body: text });
  for (const text of ["", "{", "[]", "null", "7", '"x"', "{}", '{"jwt":"x"}'])
    assertRefused(fixture, await body(text), 400, /Send JSON like/, text);
  assertRefused(fixture, await body("x".repeat(16_385)), 413, /longer than 16384 bytes/);
  for (const issuer of [
    `${team}/`,
    "https://login.localhost",
    "https://evil.test",
    "",
    7,
    undefined,
  ])
    assertRefused(fixture, await fixture.ask(token, { issuer }), 400, /issuer/);

  for (const method of ["GET", "PUT", "DELETE", "PATCH", "OPTIONS"]) {
    const answer = await send(`${team}${path}`, { method });
    assertRefused(fixture, answer, 405, /takes POST/, method);
    assert.equal(answer.headers["allow"], "POST", method);
  }
  assert.equal((await send(`${team}${path}`, { method: "HEAD" })).status, 405);
  for (const headers of [
    { origin: team },
    { origin: "https://evil.test" },
    { "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "navigate" },
  ] as Record<string, string>[])
    assertRefused(fixture, await fixture.ask(token, {}, { headers }), 403, /not for browsers/);
  const elsewhere = await send(`${fixture.app("ssh")}${path}`, { method: "POST", body: "{}" });
  assertRefused(fixture, elsewhere, 404, /signed on the team domain/);
});

test("a request of any content type, and of none, with fields that are newer, is read", async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  for (const headers of [
    {},
    { "content-type": "text/plain" },
    { "content-type": "application/json; charset=utf-8" },
    { "user-agent": "Go-http-client/1.1", "accept-encoding": "gzip" },
  ] as Record<string, string>[])
    certifiedIn(await fixture.ask(token, { newer: true }, { headers }));
});

test("keys of every type get a certificate of their own type", needsSshd(), async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  for (const [type, public_key] of Object.entries(rightLines)) {
    const { certificate } = certifiedIn(await fixture.ask(token, { public_key }));
    const expected = `${type.replace("@openssh.com", "")}-cert-v01@openssh.com`;
    assert.equal(certificate.split(" ")[0], expected);
    assert.ok(listed(certificate).includes("Principals:"));
  }
});

test("one session gets so many certificates in a while and no more, and others get theirs", async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  const { token: other } = await fixture.signedIn("ssh", bob);
  const statuses: number[] = [];
  for (let nth = 0; nth < 130; nth++) statuses.push((await fixture.ask(token)).status);
  assert.deepEqual(new Set(statuses.slice(0, 120)), new Set([200]));
  assert.deepEqual(new Set(statuses.slice(120)), new Set([429]));
  certifiedIn(await fixture.ask(other));
  fixture.clock.ahead = 11 * 60_000;
  certifiedIn(await fixture.ask(token));
});

test("a fault of the gateway's own is JSON as well", async (context) => {
  const fixture = await scene(context);
  const { token } = await fixture.signedIn();
  certifiedIn(await fixture.ask(token));
  fixture.events.splice(0);
  await fixture.parts.store.close();
  const answer = await fixture.ask(token);
  assertRefused(fixture, answer, answer.status, /The gateway/);
  assert.ok(answer.status === 500 || answer.status === 503);
});

test("strangers cause no authority, no count and no signature", async (context) => {
  const fixture = await scene(context);
  const { store } = fixture.parts;
  const unsigned = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${Buffer.from(
    JSON.stringify({ type: "app", aud: [fixture.aud("ssh")], terminal: true }),
  ).toString("base64url")}.${randomBytes(256).toString("base64url")}`;
  for (let nth = 0; nth < 20; nth++)
    assertRefused(fixture, await fixture.ask(unsigned), 401, /not one that a terminal got/);
  assert.equal(await store.sshAuthorities.find(fixture.aud("ssh")), undefined);
});
