// `cert_sign` (wire-protocol 10): what a terminal's certificate says. Who is refused one is in
// ssh-certificate-refusals.test.ts, what sshd makes of it in test/e2e/ssh-certificates.test.ts.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { needsSshd } from "../../../../test/support/sshd.ts";
import { rightLines } from "../ssh/key-lines.ts";
import { ada, bob } from "./login-fixture.ts";
import {
  application,
  applicationAt,
  certificates,
  certifiedIn,
  startScene,
} from "./ssh-certificate-fixture.ts";

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
    const fixture = await startScene(context);
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
    const fixture = await startScene(context);
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
  const fixture = await startScene(context, [
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
  const fixture = await startScene(context);
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

test("a request of any content type, and of none, with fields that are newer, is read", async (context) => {
  const fixture = await startScene(context);
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
  const fixture = await startScene(context);
  const { token } = await fixture.signedIn();
  for (const [type, public_key] of Object.entries(rightLines)) {
    const { certificate } = certifiedIn(await fixture.ask(token, { public_key }));
    const expected = `${type.replace("@openssh.com", "")}-cert-v01@openssh.com`;
    assert.equal(certificate.split(" ")[0], expected);
    assert.ok(listed(certificate).includes("Principals:"));
  }
});

test("one session gets so many certificates in a while and no more, and others get theirs", async (context) => {
  const fixture = await startScene(context);
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
