// `postern gateway` from start to end, as the one sees it who runs it: what it says when it cannot
// start, where it listens, and that whoever is being served is served to the end.
import assert from "node:assert/strict";
import { lstatSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { runPostern } from "../support/cli.ts";
import { freePort } from "../support/gateway.ts";
import { rawExchange, rawRequest } from "../support/raw-request.ts";
import { startUpstream } from "../support/upstream.ts";
import {
  anOperator,
  ask,
  certificate,
  host,
  openTo,
  said,
  teamHost,
} from "./gateway-process-fixture.ts";

test("a gateway that cannot start says why in lines and ends with a status, without a stack trace", async (context) => {
  const operator = await anOperator(context, openTo("http_status:204"));
  operator.write({
    listen: `0.0.0.0:${operator.port}`,
    surprise: 1,
    store: "mysql://ada:hunter2@db/x",
  });
  const wrong = await runPostern(["gateway", "--config", operator.file], {});
  assert.equal(wrong.status, 1);
  const lines = wrong.stderr.trimEnd().split("\n");
  for (const line of lines) assert.match(line, /^postern: \/.*\/postern\.yaml:\d+: /);
  assert.deepEqual(
    lines.map((line) => line.split(": ")[2]),
    ["auth_domain", "listen", "surprise", "store"],
  );
  assert.doesNotMatch(wrong.stderr, /hunter2| {4}at /);
  assert.equal(wrong.stdout, "");

  const none = await runPostern(["gateway", "--config", join(operator.folder, "none.yaml")], {});
  assert.equal(none.status, 1);
  assert.match(
    none.stderr,
    /^postern: \/.*\/none\.yaml: cannot be read \(ENOENT\); name the file with --config or --check\n$/,
  );
});

test("a gateway whose address is taken says which one, and ends", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, openTo("http_status:204"));
  const listen = `127.0.0.1:${upstream.port}`;
  operator.write({ auth_domain: `login.localhost:${upstream.port}`, listen });
  const { status, stderr } = await runPostern(["gateway", "--config", operator.file], {});
  assert.equal(status, 1);
  assert.equal(
    stderr.split("\n").at(-2),
    `postern: cannot listen on ${listen} (EADDRINUSE); another program is using it: stop that program, or choose another address`,
  );
});

test("a `postern dev` that cannot start ends as well", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const { folder } = await anOperator(context, {});
  const dev = (...args: string[]) =>
    runPostern(["dev", "--ephemeral", "--port", `${upstream.port}`, ...args], {
      POSTERN_HOME: folder,
    });
  const taken = await dev();
  assert.equal(taken.status, 1);
  assert.match(taken.stderr, /cannot listen on 127\.0\.0\.1:\d+ \(EADDRINUSE\)/);
  const twice = await dev("--upstream", upstream.origin, "--upstream", upstream.origin);
  assert.equal(twice.status, 2);
  assert.equal(
    twice.stderr,
    'postern: --upstream: two have the name "app"; give each a name of its own, as name=URL\n',
  );
});

test("whoever comes over http is sent to https at the port that people see, and a Host that is none to nowhere", async (context) => {
  const redirectPort = await freePort();
  const operator = await anOperator(context, {
    ...openTo("http_status:204"),
    tls: { certificates: [certificate(context)] },
  });
  operator.write({ redirect_http: `127.0.0.1:${redirectPort}` });
  const running = await operator.start();
  const get = (line: string, ...headers: string[]) =>
    rawRequest(redirectPort, `${line} HTTP/1.1`, headers);

  for (const [asked, path] of [
    [host, "/a?b=//c"],
    [`${host}:${redirectPort}`, "//evil.test/x"],
    [host.toUpperCase(), "/"],
  ] as const) {
    const { status, headers } = await get(`POST ${path}`, `Host: ${asked}`);
    assert.equal(status, 308);
    assert.equal(headers["location"], `https://${host}:${operator.port}${path}`);
  }
  const hostile = [
    "evil.test/",
    `evil.test@${host}`,
    `${host}:80:80`,
    `${host} evil.test`,
    "[::1",
    `${host}:`,
    "",
    `${host}\\evil.test`,
    `${host}#`,
    "a,b",
  ];
  for (const asked of hostile) {
    const { status, headers } = await get("GET /", `Host: ${asked}`);
    assert.equal(status, 400, asked);
    assert.equal(headers["location"], undefined);
  }
  for (const line of ["GET http://evil.test/", "OPTIONS *", "GET evil.test"]) {
    const { status, headers } = await get(line, `Host: ${host}`);
    assert.equal(status, 400, line);
    assert.equal(headers["location"], undefined);
  }
  assert.equal(
    (await get("GET /", `Host: ${host}`, "Host: evil.test")).status,
    400,
    "two are none",
  );

  for (const asked of ["elsewhere.test", `sub.${host}`, "127.0.0.1", `${host}.evil.test`]) {
    const { status, headers } = await get("GET /", `Host: ${asked}`);
    assert.equal(status, 421, asked);
    assert.equal(headers["location"], undefined);
  }

  operator.write({
    redirect_http: `127.0.0.1:${redirectPort}`,
    public_ports: [443, operator.port],
  });
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 0);
  await operator.start();
  assert.equal((await get("GET /x", `Host: ${host}`)).headers["location"], `https://${host}/x`);
});

test("a gateway listens on a Unix socket beside its file, takes over one that was left behind, and nothing else", async (context) => {
  const operator = await anOperator(context, openTo("http_status:204"));
  operator.write({ auth_domain: teamHost, listen: "unix:gateway.sock" });
  const socketPath = join(operator.folder, "gateway.sock");
  // As the proxy in front of it would.
  const headers = { Host: host, "X-Forwarded-For": "192.0.2.7", "X-Forwarded-Proto": "https" };
  const status = async () => (await ask({ socketPath, headers })).status;
  const killed = await operator.start();
  assert.equal(await status(), 204);
  assert.equal(lstatSync(socketPath).mode & 0o777, 0o660);

  const second = await runPostern(["gateway", "--config", operator.file], {});
  assert.equal(second.status, 1);
  assert.match(
    second.stderr,
    /cannot listen on unix:\/.*\/gateway\.sock \(EADDRINUSE\); another program is using it/,
  );
  assert.equal(await status(), 204, "the first one is still there");

  killed.child.kill("SIGKILL");
  await killed.ended;
  assert.ok(lstatSync(socketPath).isSocket());
  const ended = await operator.start();
  assert.equal(await status(), 204);
  ended.child.kill("SIGTERM");
  assert.equal(await ended.ended, 0);
  assert.equal(lstatSync(socketPath, { throwIfNoEntry: false }), undefined);

  writeFileSync(socketPath, "somebody's notes");
  const refused = await runPostern(["gateway", "--config", operator.file], {});
  assert.equal(refused.status, 1);
  assert.match(refused.stderr, /EADDRINUSE/);
  assert.equal(readFileSync(socketPath, "utf8"), "somebody's notes");
});

test("a head beyond limits.header_bytes is refused before anybody behind sees it", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, openTo(upstream.origin, "app.localhost"));
  operator.write({
    auth_domain: `login.localhost:${operator.port}`,
    limits: { header_bytes: 8192 },
  });
  await operator.start();
  const get = (bytes: number) =>
    rawRequest(operator.port, "GET / HTTP/1.1", [
      `Host: app.localhost:${operator.port}`,
      `X: ${"x".repeat(bytes)}`,
    ]);
  const refused = await get(9_000);
  assert.equal(refused.status, 431);
  assert.match(refused.body, /^The head of the request is too large\. Ray ID: [0-9a-f]{16}\n$/);
  assert.equal(upstream.requests.length, 0);
  assert.equal((await get(7_000)).status, 200);
  assert.equal((await rawExchange(operator.port, "nonsense\r\n\r\n")).status, 400);
  assert.equal(upstream.requests.length, 1);
});

test("what the parser refuses is not answered in the middle of another answer", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const streaming = Promise.withResolvers<void>();
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { "Content-Type": "text/plain" });
    response.write("begun");
    streaming.resolve();
  });
  const operator = await anOperator(context, openTo(upstream.origin, "app.localhost"));
  operator.write({ auth_domain: `login.localhost:${operator.port}` });
  await operator.start();
  const socket = connect(operator.port, "127.0.0.1");
  let received = "";
  const closed = new Promise((resolve) => socket.on("close", resolve).on("error", () => undefined));
  const begun = new Promise<void>((resolve) =>
    socket.on("data", (chunk) => {
      received += chunk;
      if (received.includes("begun")) resolve();
    }),
  );
  socket.write(
    `POST / HTTP/1.1\r\nHost: app.localhost:${operator.port}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n`,
  );
  await Promise.all([streaming.promise, begun]);
  socket.write("no chunk\r\n");
  await closed;
  assert.match(received, /^HTTP\/1\.1 200 /);
  assert.doesNotMatch(received, /HTTP\/1\.1 400/);
});

test("a line of the log is no longer than its limit, whatever the client sends", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const operator = await anOperator(context, openTo(upstream.origin, "app.localhost"));
  operator.write({ auth_domain: `login.localhost:${operator.port}`, log: { requests: true } });
  const running = await operator.start();
  const ask = (path: string, method = "GET") =>
    rawRequest(operator.port, `${method} ${path} HTTP/1.1`, [
      `Host: app.localhost:${operator.port}`,
    ]);
  const long = "x".repeat(60_000);
  await ask(`/${long}`);
  await ask(`/${"a/".repeat(30_000)}`);
  await ask(`/%C3%A9${long}`);
  await ask("/short", "M-".repeat(4_000));
  const { path } = await said(running, "a request was let through", 1);
  assert.match(String(path), /^\/x{4095}… \(55905 more characters\)$/);
  await ask("/short");
  await running.until(/"path":"\/short"/);
  for (const line of running.stderr().split("\n"))
    assert.ok(line.length < 9_000, line.slice(0, 90));
});
