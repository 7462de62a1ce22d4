// Slips that a person makes with the URL of an application, against a real gateway: each has a
// sentence of its own that says what to write, nothing is stored, and nothing is asked of the
// application.
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { freePort, simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream } from "../support/upstream.ts";

const ada = "ada@example.com";

async function scene(context: TestContext) {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    sections: simpleSections(upstream.origin, ["orders.localhost", "localhost"]),
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
    assert.equal(upstream.requests.length, 0, "the application was asked for nothing");
  });
  const environment = { POSTERN_HOME: temporaryHome(context), CI: "1" };
  const access = (...args: string[]) => runPostern(["access", ...args], environment);
  return { gateway, environment, access };
}

/** What a refused command says, on the one line that it prints. */
function sentence(result: { status: number; stdout: string; stderr: string }, status = 5): string {
  assert.deepEqual([result.status, result.stdout], [status, ""], result.stderr);
  assert.equal(result.stderr.trim().split("\n").length, 1, result.stderr);
  return result.stderr.trim();
}

async function signIn(gateway: TestGateway, environment: Record<string, string>): Promise<void> {
  const url = gateway.origin("orders.localhost");
  const login = startPostern(["access", "login", url, "--no-browser"], environment);
  const [address] = await login.until(/http:\S+\/cdn-cgi\/access\/cli\/\S+/);
  const visitor = new Visitor();
  await visitor.visit(address);
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(await login.ended, 0, login.stderr());
}

test("the team domain in the place of the application is named as what it is", async (context) => {
  const { gateway, access } = await scene(context);
  const { host } = new URL(gateway.team);
  for (const url of [gateway.team, `${gateway.team}/orders`, host]) {
    const text = sentence(await access("login", url));
    assert.ok(text.startsWith(`postern: ${host} is a team domain, where people sign in`), text);
    assert.match(text, /give the URL of the application/);
  }
});

test("127.0.0.1 in the place of localhost is told from a gateway that is not there", async (context) => {
  const { gateway, access } = await scene(context);
  const meant = `did you mean http://localhost:${gateway.port}?`;
  for (const path of ["", "/v1"]) {
    const text = sentence(await access("login", `http://127.0.0.1:${gateway.port}${path}`));
    assert.ok(text.endsWith(meant), text);
  }
});

test("a host that is nearly one that is known is followed by the known one", async (context) => {
  const { gateway, environment, access } = await scene(context);
  const { port } = gateway;
  const unknown = sentence(await access("login", `http://oders.localhost:${port}`));
  assert.doesNotMatch(unknown, /did you mean/, "nothing is known yet");
  await signIn(gateway, environment);
  const meant = `did you mean http://orders.localhost:${port}?`;
  const slips = ["oders.localhost", "order.localhost", "ordres.localhost"];
  for (const host of slips) {
    const text = sentence(await access("login", `http://${host}:${port}`));
    assert.ok(text.endsWith(meant), text);
  }
  const other = sentence(await access("login", `http://billing.localhost:${port}`));
  assert.doesNotMatch(other, /did you mean/);
});

test(
  "http at a port that speaks TLS, and at one that only redirects there, is followed by the address to use",
  needs("openssl"),
  async (context) => {
    const certificate = certificateFor(context, ["*.localhost"]);
    const redirectPort = await freePort();
    const gateway = await startGateway({
      sections: {
        ...simpleSections("http://127.0.0.1:1"),
        redirect_http: `127.0.0.1:${redirectPort}`,
      },
      tls: [certificate],
    });
    context.after(() => gateway.close());
    const secure = `https://app.localhost:${gateway.port}`;
    const login = (url: string, ...args: string[]) =>
      runPostern(["access", "login", url, ...args], {
        POSTERN_HOME: temporaryHome(context),
        CI: "1",
      });
    for (const trust of [[], ["--ca-file", certificate.ca_file]]) {
      const atTls = sentence(await login(`http://app.localhost:${gateway.port}`, ...trust));
      assert.match(atTls, /speaks TLS; write https: /);
      assert.ok(atTls.endsWith(`postern access login ${secure}`), atTls);
      const atRedirect = sentence(await login(`http://app.localhost:${redirectPort}`, ...trust));
      assert.match(atRedirect, /only leads to https:/);
      assert.ok(atRedirect.endsWith(`postern access login ${secure}`), atRedirect);
    }
    const swapped = sentence(await login(`https://app.localhost:${redirectPort}`));
    assert.match(swapped, /does not speak TLS/);
  },
);

test("whoever was signed in is told as whom, and for how long it has been over", async (context) => {
  const { gateway, environment, access } = await scene(context);
  await signIn(gateway, environment);
  expireStored(environment.POSTERN_HOME, 4 * 60_000);
  const url = gateway.origin("orders.localhost");
  const text = sentence(await access("token", url), 3);
  const words = `not signed in to ${url}: signed in as ${ada}, expired 4 minutes ago; sign in with`;
  assert.ok(text.includes(words), text);
  const list = await access("list");
  assert.match(list.stdout, /expired 4 minutes ago\n/);
});

/** As if all that is stored had run out so many milliseconds ago. */
function expireStored(home: string, ms: number): void {
  const exp = Math.floor((Date.now() - ms) / 1000);
  const folder = join(home, "tokens", "default");
  for (const team of readdirSync(folder)) {
    rmSync(join(folder, team, "org.json"));
    for (const name of readdirSync(join(folder, team))) {
      const path = join(folder, team, name);
      const record = JSON.parse(readFileSync(path, "utf8")) as { token: string };
      const [header = "", claims = "", signature = ""] = record.token.split(".");
      const old = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), exp };
      const body = Buffer.from(JSON.stringify(old)).toString("base64url");
      const token = [header, body, signature].join(".");
      writeFileSync(path, JSON.stringify({ ...record, token, expires_at: exp }));
    }
  }
}
