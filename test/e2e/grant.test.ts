// `access grant`, whole: a click on the gateway's page, the grant in a process of its own, and a
// program that holds nothing but the socket.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { request } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { type Running, runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";

const ada = "ada@example.com";

async function scene(context: TestContext) {
  const upstream = await startUpstream();
  const gateway = await startGateway({ sections: simpleSections(upstream.origin) });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const home = temporaryHome(context);
  const socketPath = join(home, "lent.sock");
  const environment = { POSTERN_HOME: join(home, "postern"), CI: "1" };
  const url = gateway.origin("app.localhost");
  const grant = (...flags: string[]) => {
    const running = startPostern(
      ["access", "grant", url, "--no-browser", "--url", `unix:${socketPath}`, ...flags],
      environment,
    );
    context.after(() => void running.child.kill("SIGKILL"));
    return running;
  };
  return { upstream, gateway, home, socketPath, environment, url, grant };
}

/** Signs in, and approves what the terminal asks for. */
async function approve(running: Running, gateway: TestGateway, visitor: Visitor) {
  const [url] = await running.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli\/\S+/);
  const [code] = await running.until(/[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}/);
  await visitor.visit(url);
  if (visitor.page.text.includes("Send me a code")) {
    await visitor.press("Send me a code", { email: ada });
    await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  }
  await visitor.settle();
  assert.equal(visitor.heading(), "Lend a part of your access?", visitor.page.text);
  assert.ok(visitor.page.text.includes(code), "the page shows the code that the terminal shows");
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(visitor.heading(), "The grant is made", visitor.page.text);
  await running.until(/is served at/);
}

/** A request on the socket, as a program without any credential sends it. */
function ask(socketPath: string, path: string, method = "GET"): Promise<[number, string]> {
  return new Promise((resolve, reject) => {
    const asking = request({ socketPath, path, method, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        body += chunk;
      });
      response.on("end", () => resolve([response.statusCode ?? 0, body]));
      response.on("error", reject);
    });
    asking.on("error", reject).end();
  });
}

test("a program uses what was lent on the socket, everything else is 403 with the reason, and the end bites", async (context) => {
  const { upstream, gateway, socketPath, environment, grant, url } = await scene(context);
  const flags = ["--method", "get,POST", "--path", "/v1/orders/*", "--count", "5", "--ttl", "30m"];
  const running = grant(...flags, "--for", "release bot");
  const visitor = new Visitor();
  await approve(running, gateway, visitor);
  assert.equal(running.stdout(), "");
  const id = /--grant ([0-9a-f]{16})/.exec(running.stderr())?.[1] ?? "";

  assert.equal((await ask(socketPath, "/v1/orders/7"))[0], 200);
  assert.equal((await ask(socketPath, "/v1/orders/7", "POST"))[0], 200);
  const [seen] = upstream.requests;
  assert.equal(seen?.header("cf-access-authenticated-user-email"), ada);
  const [, claims = ""] = (seen?.header("cf-access-jwt-assertion") ?? "").split(".");
  const { act } = JSON.parse(Buffer.from(claims, "base64url").toString());
  assert.deepEqual(act, { grant: id, sub: "release bot" });
  upstream.reset();
  for (const [path, method, reason] of [
    ["/v1/orders/7", "DELETE", /covers GET and POST, and this request is DELETE/],
    ["/v2", "GET", /covers \/v1\/orders\/\*, and this request is for another path/],
    ["/v1/orders/..;/admin", "GET", /for another path/],
    ["/cdn-cgi/access/get-identity", "GET", /./],
    ["/cdn-cgi/access/logout", "POST", /./],
    ["/cdn-cgi/access/pass", "POST", /./],
    ["/cdn-cgi/access/grants", "GET", /./],
  ] as const) {
    const [status, body] = await ask(socketPath, path, method);
    assert.equal(status, 403, `${method} ${path}`);
    assert.match(body, reason);
  }
  assert.equal(upstream.requests.length, 0);

  // It is stored nowhere, and whoever is signed in ends it.
  assert.deepEqual(filesBelow(environment.POSTERN_HOME).filter(holdsToken), []);
  const login = startPostern(["access", "login", url, "--no-browser"], environment);
  const [address] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli\S+/);
  await visitor.visit(address);
  await visitor.settle();
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(await login.ended, 0, login.stderr());
  const list = await runPostern(["access", "list", "--grants", "--json"], environment);
  assert.equal(list.status, 0, list.stderr);
  const [listed] = JSON.parse(list.stdout);
  assert.deepEqual(
    [listed.id, listed.label, listed.paths, listed.uses_left],
    [id, "release bot", ["/v1/orders/*"], 3],
  );
  const shown = await runPostern(["access", "list", "--grants"], environment);
  assert.match(shown.stdout, /release bot .* GET,POST {2}\/v1\/orders\/\* {2}3 of 5 left/);
  const end = await runPostern(["access", "logout", "--grant", id], environment);
  assert.equal(end.status, 0, end.stderr);
  const [status, body] = await ask(socketPath, "/v1/orders/7");
  assert.equal(status, 401);
  assert.match(body, /the grant for \S+ has ended; make another with: postern access grant/);
  assert.equal(upstream.requests.length, 0);
  const again = await runPostern(["access", "logout", "--grant", id], environment);
  assert.equal(again.status, 1);
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 0, running.stderr());
});

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.filter((each) => each.isFile()).map((each) => join(each.parentPath, each.name));
}

function holdsToken(file: string): boolean {
  return /"token"|eyJ[\w-]+\.eyJ/.test(readFileSync(file, "utf8"));
}

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  test(`a grant ends at the gateway with the process that serves it (${signal})`, async (context) => {
    const { gateway, grant } = await scene(context);
    const running = grant("--ttl", "30m");
    await approve(running, gateway, new Visitor());
    running.child.kill(signal);
    assert.equal(await running.ended, 0, running.stderr());
    const ended = gateway.events.filter(({ event }) => event === "grant_ended");
    assert.equal(ended.length, 1);
    assert.doesNotMatch(running.stderr(), /still there/);
  });

test("where the gateway cannot be told that a grant ends, the terminal says so", async (context) => {
  const { gateway, grant } = await scene(context);
  const running = grant("--ttl", "30m");
  await approve(running, gateway, new Visitor());
  await gateway.close();
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 0, running.stderr());
  assert.match(running.stderr(), /The grant [0-9a-f]{16} is still there until its time is over: /);
});

test("a denied grant serves nothing", async (context) => {
  const { gateway, grant } = await scene(context);
  const running = grant("--ttl", "5m");
  const [url] = await running.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli\/\S+/);
  const visitor = new Visitor();
  await visitor.visit(url);
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  await visitor.press("Deny");
  assert.equal(await running.ended, 6, running.stderr());
  assert.equal(running.stdout(), "");
});

test("bad input is one line with status 2, and nobody is asked", async (context) => {
  const { environment, url, gateway } = await scene(context);
  const socket = ["--url", "unix:/tmp/x.sock"];
  const wrong = [
    [],
    [...socket, "--print"],
    ["--print", "--for", "bot"],
    ["--print", "--ttl", "11m"],
    ["--url", "unix:relative"],
    ["--url", "0.0.0.0:8080"],
    [...socket, "--method", "GET,,POST"],
    [...socket, "--method", "G T"],
    [...socket, "--path", "orders"],
    [...socket, "--path", "/a/../b"],
    [...socket, "--path", "/a?b"],
    [...socket, "--count", "0"],
    [...socket, "--count", "many"],
    [...socket, "--ttl", "9h"],
    [...socket, "--ttl", "0s"],
    [...socket, "--ttl", "soon"],
    [...socket, "--for", "two\nlines"],
    [...socket, "--for", ""],
    [...socket, "--service-token-id", "x", "--service-token-secret", "y"],
  ];
  for (const flags of wrong) {
    const { status, stdout, stderr } = await runPostern(
      ["access", "grant", url, ...flags],
      environment,
    );
    assert.equal(status, 2, `${flags.join(" ")}: ${stderr}`);
    assert.equal(stdout, "");
    assert.match(stderr.replace(/^.*every user of this machine.*\n/m, ""), /^postern: [^\n]*\n$/);
  }
  const { status } = await runPostern(
    ["access", "grant", url, ...socket, "--no-login"],
    environment,
  );
  assert.equal(status, 3);
  assert.ok(!gateway.events.some((event) => event.event === "error_page_shown"));
});

test("a printed pass is as narrow as it says, and needs no other click than a sign-in", async (context) => {
  const { upstream, gateway, environment, url } = await scene(context);
  const login = startPostern(["access", "login", url, "--no-browser"], environment);
  const [address] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli\S+/);
  const visitor = new Visitor();
  await visitor.visit(address);
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(await login.ended, 0, login.stderr());
  const { status, stdout, stderr } = await runPostern(
    ["access", "grant", `${url}/v1/`, "--print", "--method", "GET", "--count", "1"],
    environment,
  );
  assert.equal(status, 0, stderr);
  assert.match(stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  const use = async (path: string, method = "GET") =>
    await fetchStatus(`${url}${path}?token=${stdout}`, method);
  assert.deepEqual(
    [await use("/v1/x", "POST"), await use("/v2"), await use("/v1/x"), await use("/v1/x")],
    [403, 401, 200, 403],
  );
  assert.equal(upstream.requests.length, 1);
});

function fetchStatus(url: string, method: string): Promise<number> {
  const { port, host, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port, method, path: pathname + search, headers: { host } };
    request({ ...options, agent: false }, (response) => {
      response.resume().on("end", () => resolve(response.statusCode ?? 0));
    })
      .on("error", reject)
      .end();
  });
}
