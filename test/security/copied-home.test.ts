// A copy of everything that a terminal keeps, with another user whose keychain lacks the key
// (wire-protocol 3.7, docs/adr/0024): what it can be used for is nothing.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { cpSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { decodeToken } from "@postern/protocol";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { startKeychain, withKeychain } from "../../packages/cli/test/support/keychain.ts";
import { holder } from "../../packages/gateway/test/login/possession-fixture.ts";
import { rightLines } from "../../packages/gateway/test/ssh/key-lines.ts";
import { runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-request.ts";
import { needs } from "../support/requirements.ts";
import { startTcpService } from "../support/tcp-service.ts";
import { startUpstream } from "../support/upstream.ts";

const ada = "ada@example.com";
const hosts = ["app.localhost", "other.localhost", "strict.localhost"];

/** @param ingress rules before the one that leads to the origin */
async function startScene(context: TestContext, ingress: object[] = []) {
  const upstream = await startUpstream();
  const sections = simpleSections(upstream.origin, hosts);
  sections["ingress"] = [...ingress, { service: upstream.origin }];
  for (const application of sections["applications"] as Record<string, unknown>[]) {
    application["ssh_certificates"] = { email_domains: ["example.com"] };
    if (application["domain"] === "strict.localhost") application["proof_of_possession"] = true;
  }
  const gateway = await startGateway({ sections });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const keychain = await startKeychain(context);
  const home = temporaryHome(context);
  // Somebody sits there, whom the keychain could ask; the browser is another machine's.
  const environment = { ...keychain.environment, DISPLAY: ":0", POSTERN_HOME: home, CI: "1" };
  return { upstream, gateway, home, environment };
}

async function logIn(gateway: TestGateway, environment: Record<string, string>, host: string) {
  const login = startPostern(
    ["access", "login", gateway.origin(host), "--no-browser"],
    environment,
  );
  const [url] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
  const visitor = new Visitor();
  await visitor.visit(url);
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(await login.ended, 0, login.stderr());
}

test(
  "a copy of all that a terminal keeps gives another user no token, no pass and no certificate",
  withKeychain,
  async (context) => {
    const { upstream, gateway, home, environment } = await startScene(context);
    await logIn(gateway, environment, "app.localhost");
    const app = gateway.origin("app.localhost");
    const own = await runPostern(["access", "token", app], environment);
    assert.equal(own.status, 0, own.stderr);
    const { cnf, identity_nonce } = decodeToken(own.stdout).claims;
    assert.match(String((cnf as { jkt?: string }).jkt), /^[\w-]{43}$/);

    // 1. The copy, by the command line.
    const copy = join(temporaryHome(context), "copy");
    cpSync(home, copy, { recursive: true });
    const other = await startKeychain(context);
    const thief = { ...environment, ...other.environment, POSTERN_HOME: copy };
    for (const [args, status] of [
      [["token", app], 1],
      [["token", gateway.origin("other.localhost")], 1],
      [["curl", "-s", `${app}/`], 125],
      [["put", "curl", `${app}/`], 125],
    ] as const) {
      const run = await runPostern(["access", ...args], thief);
      assert.deepEqual([run.status, run.stdout], [status, ""], `${args}: ${run.stderr}`);
      assert.match(run.stderr, /a key that this user's keychain does not have/, String(args));
    }

    // 2. Somebody who has come by the tokens themselves, and has a key of his own.
    const { parts, team } = gateway;
    const session = await parts.store.sessions.find(String(identity_nonce));
    assert.ok(session !== undefined);
    const orgToken = await parts.tokens.issueOrg(session);
    const stranger = await holder();
    const signIn = await ask(gateway, "HEAD", `${app}/`, []);
    const exchange = signIn.headers["location"] ?? "";
    const body = (content: object) => JSON.stringify(content);
    const tries = [
      { method: "HEAD", url: exchange, token: orgToken, carrier: "Cookie: CF_Authorization=" },
      {
        method: "POST",
        url: `${app}/cdn-cgi/access/pass`,
        token: own.stdout,
        carrier: "cf-access-token: ",
        body: body({ url_prefix: `${app}/`, ttl: 60 }),
      },
      {
        method: "POST",
        url: `${team}/cdn-cgi/access/cert_sign`,
        token: own.stdout,
        carrier: "cf-access-token: ",
        body: body({
          public_key: rightLines["ssh-ed25519"],
          jwt: own.stdout,
          issuer: team,
        }),
      },
    ];
    for (const { method, url, token, carrier, body: content } of tries) {
      const bare = [`${carrier}${token}`];
      const proof = await stranger.proof(method, url, token);
      for (const [lines, fault] of [
        [bare, "proof_missing"],
        [[...bare, `cf-access-dpop: ${proof}`], "proof_invalid"],
      ] as const) {
        const answer = await ask(gateway, method, url, lines, content);
        assert.deepEqual([answer.status, answer.headers["cf-access-error"]], [401, fault], url);
      }
    }
    assert.equal(upstream.requests.length, 0);
  },
);

test("an application that demands proofs is reached by access http, and by no token alone", {
  ...withKeychain,
  ...needs("curl"),
}, async (context) => {
  const { upstream, gateway, environment } = await startScene(context);
  const app = gateway.origin("strict.localhost");
  await logIn(gateway, environment, "strict.localhost");
  for (const [args, status] of [
    [["token", app], 1],
    [["curl", "-s", `${app}/`], 125],
    [["put", "--via", "env", "--app", app, "env"], 125],
    [["put", "--via", "query", "curl", `${app}/`], 125],
  ] as const) {
    const run = await runPostern(["access", ...args], environment);
    assert.deepEqual([run.status, run.stdout], [status, ""], `${args}: ${run.stderr}`);
    assert.match(run.stderr, /use: postern access http --hostname strict\.localhost/);
  }
  assert.equal(upstream.requests.length, 0);

  // What the gateway itself answers there is asked for with a proof.
  const whoami = await runPostern(["access", "whoami", app], environment);
  assert.match(whoami.stdout, new RegExp(ada), whoami.stderr);
  const grants = await runPostern(["access", "list", "--grants"], environment);
  assert.equal(grants.status, 0, grants.stderr);
  assert.doesNotMatch(grants.stderr, /sign in|session/);
  const ended = await runPostern(["access", "logout", "--grant", "0123456789abcdef"], environment);
  assert.match(ended.stderr, /no grant 0123456789abcdef is there to end/);

  const socket = join(temporaryHome(context), "s");
  const http = startPostern(
    ["access", "http", "--hostname", app, "--url", `unix:${socket}`],
    environment,
  );
  context.after(() => http.child.kill("SIGKILL"));
  await http.until(/is served at/);
  for (const path of ["/v1/orders?open=1", "/v1/orders?open=1", "/%7Eada/"]) {
    const args = ["-sSf", "--unix-socket", socket, `http://localhost${path}`];
    await promisify(execFile)("curl", args);
  }
  assert.equal(upstream.requests.length, 3);
  for (const request of upstream.requests) {
    assert.equal(request.header("cf-access-authenticated-user-email"), ada);
    assert.equal(request.header("cf-access-dpop"), undefined);
  }
});

test("an application that demands proofs asks nobody to sign in whose tokens are in files", async (context) => {
  const { upstream, gateway, environment } = await startScene(context);
  const app = gateway.origin("strict.localhost");
  const files = { ...environment, POSTERN_TOKEN_STORE: "file" };
  const login = await runPostern(["access", "login", app, "--no-browser"], files);
  assert.equal(login.status, 1);
  assert.match(login.stderr, /takes sessions alone that are bound to a key/);
  assert.doesNotMatch(login.stderr, /cdn-cgi/);
  assert.equal(upstream.requests.length, 0);
});

test(
  "a service of an application that demands proofs is reached by access tcp",
  withKeychain,
  async (context) => {
    const service = await startTcpService(context);
    const { gateway, environment } = await startScene(context, [
      { hostname: "strict.localhost", service: `tcp://${service.address}` },
    ]);
    const app = gateway.origin("strict.localhost");
    await logIn(gateway, environment, "strict.localhost");
    const args = ["access", "tcp", "--hostname", app, "--url", "localhost:0"];
    const listener = startPostern(args, environment);
    context.after(() => listener.child.kill("SIGKILL"));
    const [, port] = await listener.until(/Listening on localhost:(\d+)/);
    const socket = connect({ port: Number(port), host: "127.0.0.1" });
    context.after(() => socket.destroy());
    // The gateway may end before the socket does.
    socket.on("error", () => undefined);
    socket.write("hello");
    const answer = await once(socket.setEncoding("utf8"), "data").catch(() => listener.stderr());
    assert.deepEqual(answer, ["hello"]);
  },
);

/** One request of somebody's own making. */
function ask(
  { port }: TestGateway,
  method: string,
  url: string,
  lines: readonly string[],
  body = "",
) {
  const { host, pathname, search } = new URL(url);
  const length = `Content-Length: ${Buffer.byteLength(body)}`;
  const requestLine = `${method} ${pathname}${search} HTTP/1.1`;
  return rawRequest(port, requestLine, [`Host: ${host}`, length, ...lines], body);
}
