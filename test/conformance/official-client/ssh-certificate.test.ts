// `access ssh-gen` of the official client, restated from its behaviour: the key that it makes, what
// it posts, what it takes for an error, and the files that it leaves for `ssh`.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { request } from "node:https";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { SshAuthorities } from "../../../packages/gateway/src/ssh/authorities.ts";
import { publicKeyLine } from "../../../packages/gateway/src/ssh/public-key.ts";
import { identityOf } from "../../../packages/gateway/test/login/login-fixture.ts";
import { temporaryHome } from "../../support/cli.ts";
import { simpleSections, startGateway, type TestGateway } from "../../support/gateway.ts";
import { needs } from "../../support/requirements.ts";
import { makeSshKey, needsSshd, startSshd } from "../../support/sshd.ts";
import { certificateFor } from "../../support/tls.ts";
import { startUpstream } from "../../support/upstream.ts";

const run = promisify(execFile);
const teamHost = "example.cloudflareaccess.com";
const host = "app.example.test";

async function scene(context: TestContext) {
  const upstream = await startUpstream();
  const files = certificateFor(context, [teamHost, host]);
  const sections = simpleSections(upstream.origin, [host]);
  const applications = (sections["applications"] as object[]).map((application) => ({
    ...application,
    ssh_certificates: { email_domains: ["example.com"] },
  }));
  const gateway = await startGateway({
    sections: { ...sections, applications },
    teamHost,
    tls: [files],
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  return { gateway, ca: files.ca };
}

/** The application's token of a terminal, as `access login` leaves it. */
async function terminalToken({ parts, aud }: TestGateway): Promise<string> {
  const session = await parts.sessions.start({
    kind: "terminal",
    identity: identityOf("ada@example.com"),
    userAgent: "cloudflared/2026.8.2",
    lifetimeMs: 36e5,
  });
  const application = parts.catalogs.current().applicationByAud.get(aud(host));
  assert.ok(application !== undefined);
  return parts.tokens.issueApp(session, application, 36e5);
}

/** What Go's `http.Post` sends: no `Accept`, and the user agent of Go itself. */
function post(url: string, ca: string, body: string): Promise<{ status: number; text: string }> {
  const { hostname, port, pathname } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = {
      host: "127.0.0.1",
      port,
      method: "POST",
      path: pathname,
      servername: hostname,
      ca,
      agent: false,
      headers: {
        Host: `${hostname}:${port}`,
        "User-Agent": "Go-http-client/1.1",
        "Content-Length": Buffer.byteLength(body),
        "Content-Type": "application/json",
        "Accept-Encoding": "gzip",
      },
    };
    const asked = request(options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => resolve({ status: response.statusCode ?? 0, text }));
      response.on("error", reject);
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

/**
 * Asks for a certificate at the issuer that the token names. Only 200 is success; anything else is
 * read as JSON with a number and a text.
 * @throws {Error} as the client shows it: `403: …`
 */
async function signCert(ca: string, token: string, publicKey: string): Promise<string> {
  const claims = Buffer.from(token.split(".")[1] ?? "", "base64url").toString();
  const issuer: string = JSON.parse(claims).iss;
  const payload = JSON.stringify({ public_key: publicKey, jwt: token, issuer });
  const { status, text } = await post(`${issuer}/cdn-cgi/access/cert_sign`, ca, payload);
  const body = JSON.parse(text);
  if (status === 200) {
    // Go's time.Time takes RFC 3339 alone, and refuses the answer otherwise.
    assert.match(body.expires_at, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/);
    assert.equal(typeof body.id, "string");
    return body.certificate;
  }
  assert.equal(typeof body.status, "number");
  assert.equal(typeof body.message, "string");
  throw new Error(`${body.status}: ${body.message}`);
}

test("the client's request gets a certificate, and ssh logs in with the files that it leaves", {
  ...needsSshd(),
  ...needs("openssl"),
}, async (context) => {
  const { gateway, ca } = await scene(context);
  const token = await terminalToken(gateway);
  const folder = temporaryHome(context);
  const key = join(folder, `${host}-cf_key`);

  // 1. A key of ECDSA on P-256, whose public line ends with a line feed and has no comment.
  const publicKey = makeSshKey(key, "ecdsa:256").replace(/ *\n$/, "\n");
  assert.match(publicKey, /^ecdsa-sha2-nistp256 \S+\n$/);

  // 2. The certificate goes beside it as it came.
  writeFileSync(`${key}-cert.pub`, await signCert(ca, token, publicKey));
  assert.match(
    readFileSync(`${key}-cert.pub`, "utf8"),
    /^ecdsa-sha2-nistp256-cert-v01@openssh\.com \S+$/,
  );

  // 3. ssh logs in with both, as `access ssh-config --short-lived-cert` configures it.
  const { store, secretBox, now } = gateway.parts;
  const authorities = new SshAuthorities({ store: store.sshAuthorities, secretBox, now });
  const { publicKey: authority } = await authorities.of(gateway.aud(host));
  writeFileSync(join(folder, "authority.pub"), publicKeyLine(authority));
  writeFileSync(join(folder, "principals"), "ada");
  const { clientOptions, port, user } = await startSshd(context, {
    settings: [
      `TrustedUserCAKeys ${join(folder, "authority.pub")}`,
      `AuthorizedPrincipalsFile ${join(folder, "principals")}`,
      "AuthorizedKeysFile none",
    ],
  });
  const files = ["-i", key, "-o", `CertificateFile=${key}-cert.pub`, "-p", String(port)];
  const login = await run("ssh", [...clientOptions, ...files, `${user}@127.0.0.1`, "id -un"]);
  assert.equal(login.stdout, `${user}\n`);
});

test(
  "the client can read every refusal, and shows the sentence",
  needs("openssl"),
  async (context) => {
    const { gateway, ca } = await scene(context);
    const token = await terminalToken(gateway);
    const [head = "", claims = ""] = token.split(".");
    await assert.rejects(
      signCert(ca, `${head}.${claims}.AAAA`, "x"),
      /^Error: 401: The token is not /,
    );
    await assert.rejects(signCert(ca, token, "x"), /^Error: 400: The public_key is not one line /);
    await assert.rejects(signCert(ca, token, "x".repeat(20_000)), /^Error: 413: The request is /);
  },
);
