// Apache as docs/forward-auth/apache.md has it: behind the gateway it knows who asks, and reached
// directly it believes nobody (O13).
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { send } from "../../packages/gateway/test/login/person.ts";
import { accepts } from "../support/accepts.ts";
import { freePort, simpleSections, startGateway } from "../support/gateway.ts";
import { leaveOut } from "../support/requirements.ts";
import { signIn } from "../support/sign-in.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";

const modules = "/usr/lib/apache2/modules";
const isHere = existsSync(join(modules, "mod_auth_openidc.so")) && existsSync("/usr/sbin/apache2");
const document = readFileSync(
  new URL("../../docs/forward-auth/apache.md", import.meta.url),
  "utf8",
);

const loaded = [
  "mpm_event",
  "authn_core",
  "authz_core",
  "authz_user",
  "headers",
  "proxy",
  "proxy_http",
  "auth_openidc",
];

interface Verifier {
  port: number;
  team: string;
  aud: string;
  /** PEM of whom the gateway's certificate is from */
  ca: string;
  /** where requests go that it lets pass */
  origin: string;
}

/** Apache with the block of the document, in front of an origin that records. */
async function startApache(context: TestContext, verifier: Verifier): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "postern-apache-"));
  const block = /^```apache\n(.*?)^```/ms.exec(document)?.[1];
  assert.ok(block !== undefined);
  // Its workers are another user.
  chmodSync(folder, 0o755);
  const authorities = join(folder, "ca.pem");
  writeFileSync(authorities, verifier.ca);
  const text = [
    ...loaded.map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`),
    "ServerName localhost",
    `Listen 127.0.0.1:${verifier.port}`,
    `PidFile ${folder}/pid`,
    `DefaultRuntimeDir ${folder}`,
    `ErrorLog ${folder}/log`,
    ...(process.getuid?.() === 0 ? ["User www-data", "Group www-data"] : []),
    `OIDCCABundlePath ${authorities}`,
    block
      .replaceAll("https://login.example.com", verifier.team)
      .replace("AUD-OF-THE-APPLICATION", verifier.aud),
    `ProxyPass / ${verifier.origin}/`,
    'RequestHeader set X-Remote-User "expr=%{REMOTE_USER}"',
  ];
  const file = join(folder, "apache.conf");
  writeFileSync(file, text.join("\n"));
  const child = spawn("/usr/sbin/apache2", ["-DFOREGROUND", "-f", file], { stdio: "ignore" });
  const log = () => readFileSync(join(folder, "log"), "utf8");
  context.after(async () => {
    child.kill("SIGKILL");
    if (child.exitCode === null) await once(child, "exit");
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  while (!(await accepts(verifier.port))) {
    if (child.exitCode !== null) assert.fail(`Apache ended: ${log()}`);
    await pause(20);
  }
}

test(
  "Apache knows who asks behind the gateway, and believes nobody who comes around it (O13)",
  leaveOut(isHere ? undefined : "Apache with mod_auth_openidc"),
  async (context) => {
    const upstream = await startUpstream();
    const port = await freePort();
    const {
      ca,
      ca_file: _,
      ...files
    } = certificateFor(context, ["app.localhost", "other.localhost", "localhost"]);
    const gateway = await startGateway({
      teamHost: "localhost",
      tls: [files],
      sections: simpleSections(`http://127.0.0.1:${port}`, ["app.localhost", "other.localhost"]),
    });
    context.after(() => Promise.all([gateway.close(), upstream.close()]));
    const aud = gateway.aud("app.localhost");
    await startApache(context, { port, team: gateway.team, aud, ca, origin: upstream.origin });

    const { session, token } = await signIn(gateway);
    const url = `${gateway.origin("app.localhost")}/x`;
    const passed = await send(url, { ca, headers: { "cf-access-token": token } });
    assert.equal(passed.status, 200);
    const [seen] = upstream.requests.splice(0);
    assert.equal(seen?.header("x-remote-user"), "ada@example.com");
    const assertion = seen.header("cf-access-jwt-assertion") ?? "";

    const { tokens, catalogs } = gateway.parts;
    const other = catalogs.current().applicationByAud.get(gateway.aud("other.localhost"));
    assert.ok(other !== undefined);
    const otherToken = await tokens.issueApp(session, other, 36e5);
    const [head = "", claims = ""] = assertion.split(".");
    const none = `${Buffer.from('{"alg":"none"}').toString("base64url")}.${claims}.`;
    const direct = (headers: Record<string, string>) =>
      send(`http://app.localhost:${port}/x`, { headers });
    for (const headers of [
      {},
      { "cf-access-authenticated-user-email": "root@example.com" },
      { "cf-access-jwt-assertion": otherToken },
      { "cf-access-jwt-assertion": none },
      { "cf-access-jwt-assertion": `${head}.${claims}.${"A".repeat(342)}` },
      { authorization: `Bearer ${assertion}` },
      { authorization: `Bearer ${assertion}`, "cf-access-jwt-assertion": "x" },
    ] as Record<string, string>[]) {
      const { status } = await direct(headers);
      assert.ok([401, 403].includes(status), `${JSON.stringify(headers).slice(0, 80)}: ${status}`);
      assert.equal(upstream.requests.length, 0);
    }
    assert.equal((await direct({ "cf-access-jwt-assertion": assertion })).status, 200);
  },
);
