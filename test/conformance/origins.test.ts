// The sample verifiers of examples/origins, as processes of their own: behind the gateway they know
// who asks; reached directly they believe nobody (O13).
import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
} from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { watchProcess } from "../support/cli.ts";
import { freePort, startGateway, type TestGateway } from "../support/gateway.ts";
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
  /** the gateway's own, as only somebody inside has it: for what the gateway never signs */
  key: KeyObject;
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
    key: await signingKeyOf(gateway),
  };
}

async function signingKeyOf({ parts }: TestGateway): Promise<KeyObject> {
  const current = (await parts.store.keys.all()).find(({ state }) => state === "current");
  assert.ok(current !== undefined);
  const pem = parts.secretBox.open(current.sealed_private_key, `signing key ${current.kid}`);
  assert.ok(pem !== undefined);
  return createPrivateKey(pem);
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

interface Signature {
  /** default: a key of somebody else */
  key?: KeyObject;
  header?: Record<string, unknown>;
}

/** The same claims with a change, signed anew under the kid of the real key. */
function resign(
  assertion: string,
  change: Record<string, unknown>,
  { key, header = {} }: Signature = {},
): string {
  const [head = "", body = ""] = assertion.split(".");
  const read = (part: string) =>
    JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  const write = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const privateKey = key ?? generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
  const input = `${write({ ...read(head), ...header })}.${write({ ...read(body), ...change })}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

/** What an attacker who reaches the origin past the gateway could send in place of an assertion. */
function attacksOf({ assertion, otherAssertion, key }: Scene): Record<string, string[][]> {
  const name = "Cf-Access-Jwt-Assertion";
  const ours = (change: Record<string, unknown>, header = {}) =>
    resign(assertion, change, { key, header });
  const now = Math.floor(Date.now() / 1000);
  const [head = "", body = "", signature = ""] = assertion.split(".");
  const hmacInput = `${Buffer.from('{"alg":"HS256"}').toString("base64url")}.${body}`;
  const hmac = createHmac("sha256", "").update(hmacInput).digest("base64url");
  const tokens: Record<string, string> = {
    "a token of another application": otherAssertion,
    "claims changed under the old signature": resign(assertion, {
      email: "root@example.com",
    }).replace(/[^.]+$/, signature),
    "a key of somebody else": resign(assertion, {}),
    "a key of somebody else, sent along": resign(
      assertion,
      {},
      {
        header: {
          jwk: generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey.export({
            format: "jwk",
          }),
        },
      },
    ),
    "an unknown kid": ours({}, { kid: "unknown" }),
    "no kid": ours({}, { kid: undefined }),
    "another issuer": ours({ iss: "https://evil.example" }),
    "no issuer": ours({ iss: undefined }),
    "no audience": ours({ aud: undefined }),
    "an empty audience": ours({ aud: [] }),
    "a token that has run out": ours({ exp: now - 3_600 }),
    "a token without an end": ours({ exp: undefined }),
    "a token of the team domain": ours({ type: "org" }),
    "a token of no type": ours({ type: undefined }),
    "a token that says where an application is": ours({ type: "match" }),
    "a pass": ours({ type: "pass" }),
    "no algorithm": resign(assertion, {}, { header: { alg: "none" } }).replace(/[^.]+$/, ""),
    "another algorithm": `${hmacInput}.${hmac}`,
    "half a token": `${head}.${body}`,
    "an empty token": "",
    garbage: "a.b.c",
  };
  return {
    "plain identity headers": [
      ["Cf-Access-Authenticated-User-Email", "root@example.com"],
      ["X-Forwarded-Email", "root@example.com"],
      ["X-Verified-Email", "root@example.com"],
    ],
    "the token as a cookie": [["Cookie", `CF_Authorization=${assertion}`]],
    "the token as a bearer": [["Authorization", `Bearer ${assertion}`]],
    "the token as the client's own header": [["Cf-Access-Token", assertion]],
    "two tokens, the good one first": [
      [name, assertion],
      [name, otherAssertion],
    ],
    "two tokens, the good one last": [
      [name, otherAssertion],
      [name, assertion],
    ],
    "two tokens in one header": [[name, `${assertion}, ${assertion}`]],
    ...Object.fromEntries(Object.entries(tokens).map(([what, token]) => [what, [[name, token]]])),
  };
}

/** Lets the good assertion pass, and each attack be refused. */
async function judge(address: string, scene: Scene): Promise<void> {
  const good = await askWith(address, [["Cf-Access-Jwt-Assertion", scene.assertion]]);
  assert.equal(good.status, 200, good.text);
  for (const [what, headers] of Object.entries(attacksOf(scene)))
    assert.equal((await askWith(address, headers)).status, 403, what);
}

/** Asks with headers exactly as written, the same name twice among them. */
function askWith(
  address: string,
  headers: readonly string[][],
): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const { host } = new URL(address);
    const asked = request(address, { agent: false, headers: ["Host", host, ...headers.flat()] });
    asked.once("error", reject);
    asked.once("response", async (response) => {
      let text = "";
      for await (const chunk of response) text += String(chunk);
      resolve({ status: response.statusCode, text });
    });
    asked.end();
  });
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
    context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
    const text = readFileSync(join(examples, "nginx/nginx.conf"), "utf8")
      .replace("VERIFIER_PORT;", `${verifierPort};`)
      .replace("APPLICATION_PORT;", `${new URL(application.origin).port};`)
      .replace("listen 127.0.0.1:PORT;", `listen 127.0.0.1:${port};`);
    writeFileSync(join(folder, "nginx.conf"), text);
    const child = spawn(nginx, ["-p", folder, "-c", "nginx.conf"]);
    context.after(() => child.kill("SIGTERM"));
    await connectable(port);
    const address = `http://127.0.0.1:${port}/`;
    await judge(address, scene);
    assert.equal(application.requests.length, 1, "only the good request reached the application");
    assert.equal((await askWith(`${address}verify`, [])).status, 404, "the verifier is internal");

    // Whoever has a good assertion is still nobody else.
    const names = [
      "Cf-Access-Authenticated-User-Email",
      "cf-access-authenticated-user-email",
      "Cf_Access_Authenticated_User_Email",
      "Cf.Access.Authenticated.User.Email",
      "Cf-Access_Authenticated-User_Email",
      "X-Verified-Email",
    ];
    const assertion = ["Cf-Access-Jwt-Assertion", scene.assertion];
    for (const forged of [...names.map((name) => [name]), names.slice(0, 4)]) {
      application.requests.length = 0;
      const lies = forged.map((name) => [name, "root@example.com"]);
      assert.equal((await askWith(address, [...lies, assertion])).status, 200, forged.join());
      const rawHeaders = application.requests[0]?.rawHeaders ?? [];
      const told = rawHeaders.filter((_, index) => emailName.test(rawHeaders[index - 1] ?? ""));
      assert.deepEqual(told, ["ada@example.com"], forged.join());
    }

    // A program has no address, also when it says that it has one.
    application.requests.length = 0;
    const claims = { email: undefined, sub: "", common_name: "robot.access" };
    const program = resign(scene.assertion, claims, { key: scene.key });
    const lie = ["Cf-Access-Authenticated-User-Email", "root@example.com"];
    const asked = await askWith(address, [lie, ["Cf-Access-Jwt-Assertion", program]]);
    assert.equal(asked.status, 200);
    assert.doesNotMatch(JSON.stringify(application.requests[0]?.rawHeaders), /root@example/);
  },
);

/** Every spelling that an application could take for the address of who asks. */
const emailName = /^cf.access.authenticated.user.email$/i;

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
