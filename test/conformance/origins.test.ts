// The sample verifiers of examples/origins, as processes of their own: behind the gateway they know
// who asks; reached directly they believe nobody (O13).
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../demo/visitor.ts";
import { watchProcess } from "../support/cli.ts";
import { freePort, startGateway } from "../support/gateway.ts";
import { leaveOut } from "../support/requirements.ts";
import { startUpstream } from "../support/upstream.ts";

const examples = join(import.meta.dirname, "../../examples/origins");
const issuerHost = "login.localhost";

interface Verifier {
  name: string;
  command: string[];
  folder: string;
  /** undefined when this machine has what it needs */
  missing: string | undefined;
}

const works = (command: string, ...args: string[]) =>
  spawnSync(command, args, { stdio: "ignore" }).status === 0;

const verifiers: Verifier[] = [
  { name: "Node", command: [process.execPath, "server.mjs"], folder: "node", missing: undefined },
  {
    name: "Python",
    command: ["/usr/bin/python3", "server.py"],
    folder: "python",
    missing: works("/usr/bin/python3", "-c", "import jwt, cryptography")
      ? undefined
      : "Python with PyJWT and cryptography",
  },
  {
    name: "Go",
    command: ["go", "run", "."],
    folder: "go",
    missing: works("go", "version") ? undefined : "Go",
  },
];
const nginx = ["/usr/sbin/nginx", "/usr/bin/nginx"].find((path) => existsSync(path));

interface Scene {
  /** an assertion as the gateway issued it for this application */
  assertion: string;
  otherAssertion: string;
  aud: string;
  issuer: string;
  certsUrl: string;
}

/**
 * A gateway with two applications at which Ada signed in once; the origin only records what it is
 * sent.
 */
async function issue(context: TestContext): Promise<Scene> {
  const upstream = await startUpstream();
  const policies = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
  const auds = ["a".repeat(64), "b".repeat(64)];
  const gateway = await startGateway({
    sections: {
      identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      ingress: [{ service: upstream.origin }],
      applications: ["localhost", "other.localhost"].map((domain, index) => ({
        name: domain,
        type: "self_hosted",
        domain,
        aud: auds[index],
        policies,
      })),
    },
    teamHost: issuerHost,
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const visitor = new Visitor();
  await visitor.visit(gateway.origin("localhost"));
  await visitor.press("Send me a code", { email: "ada@example.com" });
  await visitor.press("Sign in", { code: gateway.pin("ada@example.com") ?? "" });
  await visitor.visit(gateway.origin("other.localhost"));
  const [first, second] = upstream.requests.map((request) =>
    request.header("cf-access-jwt-assertion"),
  );
  return {
    assertion: first ?? "",
    otherAssertion: second ?? "",
    aud: auds[0] ?? "",
    issuer: gateway.team,
    certsUrl: `${gateway.origin("localhost")}/cdn-cgi/access/certs`,
  };
}

async function startVerifier(
  context: TestContext,
  verifier: Verifier,
  scene: Scene,
): Promise<string> {
  const port = await freePort();
  const [command = "", ...args] = verifier.command;
  const child = spawn(command, args, {
    cwd: join(examples, verifier.folder),
    // A group of its own, since `go run` starts the program as its child.
    detached: true,
    env: {
      ...process.env,
      ISSUER: scene.issuer,
      AUD: scene.aud,
      CERTS_URL: scene.certsUrl,
      PORT: String(port),
    },
  });
  context.after(() => process.kill(-(child.pid ?? 0), "SIGKILL"));
  await watchProcess(child).until(/listening/);
  return `http://127.0.0.1:${port}`;
}

/** The same claims, signed by somebody else under the kid of the real key. */
function forge(
  assertion: string,
  change: Record<string, unknown>,
  header: Record<string, unknown> = {},
): string {
  const [head = "", body = ""] = assertion.split(".");
  const read = (part: string) =>
    JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  const write = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const input = `${write({ ...read(head), ...header })}.${write({ ...read(body), ...change })}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

async function judge(address: string, scene: Scene): Promise<void> {
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(address, { headers });
    return { status: answer.status, body: await answer.text() };
  };
  const good = await ask({ "Cf-Access-Jwt-Assertion": scene.assertion });
  assert.equal(good.status, 200, good.body);
  const refused: Record<string, Record<string, string>> = {
    "plain identity headers": {
      "Cf-Access-Authenticated-User-Email": "root@example.com",
      "X-Forwarded-Email": "root@example.com",
    },
    "a token of another application": { "Cf-Access-Jwt-Assertion": scene.otherAssertion },
    "claims changed under the old signature": {
      "Cf-Access-Jwt-Assertion": forge(scene.assertion, { email: "root@example.com" }).replace(
        /[^.]+$/,
        scene.assertion.split(".")[2] ?? "",
      ),
    },
    "a key of somebody else": { "Cf-Access-Jwt-Assertion": forge(scene.assertion, {}) },
    "another issuer": {
      "Cf-Access-Jwt-Assertion": forge(scene.assertion, { iss: "https://evil.example" }),
    },
    "no algorithm": {
      "Cf-Access-Jwt-Assertion": forge(scene.assertion, {}, { alg: "none" }).replace(/[^.]+$/, ""),
    },
    garbage: { "Cf-Access-Jwt-Assertion": "a.b.c" },
  };
  for (const [what, headers] of Object.entries(refused))
    assert.equal((await ask(headers)).status, 403, what);
}

for (const verifier of verifiers) {
  const title = `the ${verifier.name} sample believes the gateway's signature and nothing else (O13)`;
  test(title, leaveOut(verifier.missing), async (context) => {
    const scene = await issue(context);
    await judge(await startVerifier(context, verifier, scene), scene);
  });
}

test(
  "nginx asks a verifier before it lets a request to the application (O13)",
  leaveOut(nginx === undefined ? "nginx" : undefined),
  async (context) => {
    const scene = await issue(context);
    const [node] = verifiers;
    assert.ok(node !== undefined && nginx !== undefined);
    const verifierPort = new URL(await startVerifier(context, node, scene)).port;
    const application = await startUpstream();
    context.after(() => application.close());
    const port = await freePort();
    const folder = mkdtempSync(join(tmpdir(), "postern-nginx-"));
    context.after(() => rmSync(folder, { recursive: true, force: true }));
    const text = readFileSync(join(examples, "nginx/nginx.conf"), "utf8")
      .replace("VERIFIER_PORT;", `${verifierPort};`)
      .replace("APPLICATION_PORT;", `${new URL(application.origin).port};`)
      .replace("listen 127.0.0.1:PORT;", `listen 127.0.0.1:${port};`);
    writeFileSync(join(folder, "nginx.conf"), text);
    const child = spawn(nginx, ["-p", folder, "-c", "nginx.conf"]);
    context.after(() => child.kill("SIGTERM"));
    await connectable(port);
    await judge(`http://127.0.0.1:${port}/`, scene);
    assert.equal(application.requests.length, 1, "only the good request reached the application");
  },
);

async function connectable(port: number): Promise<void> {
  const { connect } = await import("node:net");
  for (let attempt = 0; attempt < 200; attempt++) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.once("connect", () => {
        socket.destroy();
        resolve(true);
      });
      socket.once("error", () => setTimeout(resolve, 25, false));
    });
    if (open) return;
  }
  throw new Error(`nothing listens on ${port}`);
}
