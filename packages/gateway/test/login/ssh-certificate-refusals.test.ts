// `cert_sign` (wire-protocol 10): who gets no SSH certificate gets JSON with the status and one
// sentence, and nothing is signed.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { wrongLines } from "../ssh/key-lines.ts";
import { ada, bob } from "./login-fixture.ts";
import { send } from "./person.ts";
import {
  application,
  applicationAt,
  assertRefused,
  certifiedIn,
  publicKey,
  signPath,
  startScene,
} from "./ssh-certificate-fixture.ts";

const onlyAda = [{ name: "only Ada", decision: "allow", include: [{ email: { email: ada } }] }];

test("nothing but the application's token of a terminal counts (T1, T2)", async (context) => {
  const fixture = await startScene(context);
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

test("a token opens its own application's authority alone", async (context) => {
  const fixture = await startScene(context, [
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
  const fixture = await startScene(context, [
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
  const fixture = await startScene(context);
  const { token } = await fixture.signedIn();
  await fixture.change({ applications: [application("ssh", { ssh_certificates: undefined })] });
  assertRefused(fixture, await fixture.ask(token), 404, /has to set ssh_certificates/);
});

test("an email that names no account, or one of the system, gets no certificate", async (context) => {
  const fixture = await startScene(context);
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
  const fixture = await startScene(context);
  const { token } = await fixture.signedIn();
  assert.ok(Object.keys(wrongLines).length >= 20);
  for (const [what, public_key] of Object.entries(wrongLines))
    assertRefused(fixture, await fixture.ask(token, { public_key }), 400, /public_key/, what);
  for (const public_key of [7, null, undefined, {}, [publicKey]])
    assertRefused(fixture, await fixture.ask(token, { public_key }), 400, /Send JSON/);
});

test("a request that is none is answered with JSON, whatever is wrong with it", async (context) => {
  const fixture = await startScene(context);
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
    const answer = await send(`${team}${signPath}`, { method });
    assertRefused(fixture, answer, 405, /takes POST/, method);
    assert.equal(answer.headers["allow"], "POST", method);
  }
  assert.equal((await send(`${team}${signPath}`, { method: "HEAD" })).status, 405);
  for (const headers of [
    { origin: team },
    { origin: "https://evil.test" },
    { "sec-fetch-site": "same-origin" },
    { "sec-fetch-mode": "navigate" },
  ] as Record<string, string>[])
    assertRefused(fixture, await fixture.ask(token, {}, { headers }), 403, /not for browsers/);
  const elsewhere = await send(`${fixture.app("ssh")}${signPath}`, { method: "POST", body: "{}" });
  assertRefused(fixture, elsewhere, 404, /signed on the team domain/);
});

test("a fault of the gateway's own is JSON as well", async (context) => {
  const fixture = await startScene(context);
  const { token } = await fixture.signedIn();
  certifiedIn(await fixture.ask(token));
  fixture.events.splice(0);
  await fixture.parts.store.close();
  const answer = await fixture.ask(token);
  assertRefused(fixture, answer, answer.status, /The gateway/);
  assert.ok(answer.status === 500 || answer.status === 503);
});

test("strangers cause no authority, no count and no signature", async (context) => {
  const fixture = await startScene(context);
  const { store } = fixture.parts;
  const unsigned = `${Buffer.from('{"alg":"RS256"}').toString("base64url")}.${Buffer.from(
    JSON.stringify({ type: "app", aud: [fixture.aud("ssh")], terminal: true }),
  ).toString("base64url")}.${randomBytes(256).toString("base64url")}`;
  for (let nth = 0; nth < 20; nth++)
    assertRefused(fixture, await fixture.ask(unsigned), 401, /not one that a terminal got/);
  assert.equal(await store.sshAuthorities.find(fixture.aud("ssh")), undefined);
});
