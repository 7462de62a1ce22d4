// Origins that get HTTP/2: how it is agreed on, what they get, and how many requests share a
// connection. What is the same as over HTTP/1.1 is tested with it, in access/forward.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import {
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
  type ServerOptions,
} from "node:http2";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { TestGateway } from "../../../../test/support/gateway.ts";
import { rawExchange, rawRequest } from "../../../../test/support/raw-request.ts";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { until } from "../../../../test/support/until.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import { answerOf, ask, gatewayTo, host, rawOrigin } from "../access/forward-fixture.ts";

type Serve = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** An origin of node:http2 without TLS, and its sessions in the order in which they began. */
async function http2Origin(context: TestContext, serve: Serve, options: ServerOptions = {}) {
  const sessions: ServerHttp2Session[] = [];
  const server = createServer(options);
  server.on("session", (session) => sessions.push(session));
  server.on("stream", (stream, headers) => {
    stream.on("error", () => undefined);
    serve(stream, headers);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const session of sessions) session.destroy();
    server.close();
  });
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { origin, sessions };
}

const http2 = { http2Origin: true };

function to(
  context: TestContext,
  origin: string,
  originRequest: Record<string, unknown> = {},
  more: Record<string, unknown> = {},
): Promise<TestGateway> {
  return gatewayTo(
    context,
    [{ service: origin, originRequest: { ...http2, ...originRequest } }],
    more,
  );
}

const get = (gateway: TestGateway, path = "/", lines: string[] = []) =>
  rawRequest(gateway.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`, ...lines]);

/** Why requests got no answer, in the words of the log. */
const faultsOf = ({ events }: TestGateway) =>
  events.flatMap((event) =>
    event.event === "origin_failed" ? [`${event.fault}: ${event.detail}`] : [],
  );

test("an http:// service gets HTTP/2 at once, and so does a Unix socket", async (context) => {
  const upstream = await startUpstream({ http2: true });
  context.after(() => upstream.close());
  const gateway = await to(context, upstream.origin);
  assert.equal((await get(gateway, "/a?b=c")).status, 200);
  assert.equal(upstream.requests[0]?.requestLine, "GET /a?b=c HTTP/2.0");

  const socketPath = join(tmpdir(), `postern-test-h2-${process.pid}.sock`);
  const local = await startUpstream({ http2: true, socketPath });
  context.after(() => local.close());
  assert.equal((await get(await to(context, local.origin))).status, 200);
  assert.equal(local.requests[0]?.header("host"), host);
});

test(
  "an https:// service must agree on HTTP/2, and otherwise sees nothing of a request",
  needs("openssl"),
  async (context) => {
    const { cert_file, key_file, ca_file } = certificateFor(context, ["127.0.0.1"]);
    const tls = { cert: readFileSync(cert_file, "utf8"), key: readFileSync(key_file, "utf8") };
    const able = await startUpstream({ tls, http2: true });
    context.after(() => able.close());
    assert.equal((await get(await to(context, able.origin))).status, 502, "an unknown authority");
    assert.equal((await get(await to(context, able.origin, { caPool: ca_file }))).status, 200);
    assert.equal(able.requests.length, 1);
    assert.equal(able.requests[0]?.rawHeaders.includes("https"), true, "the scheme");

    const old = await startUpstream({ tls });
    context.after(() => old.close());
    const gateway = await to(context, old.origin, { caPool: ca_file });
    const answer = await get(gateway, "/", ["Accept: text/html"]);
    assert.equal(answer.status, 502);
    assert.match(answer.body, /cannot be read/);
    assert.match(faultsOf(gateway)[0] ?? "", /^malformed: the origin does not speak HTTP\/2: TLS/);
    assert.equal(old.requests.length, 0);
  },
);

test("an http:// service that speaks HTTP/1.1 alone sees nothing of a request, and the log says why", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const gateway = await to(context, upstream.origin);
  assert.equal((await get(gateway)).status, 502);
  assert.match(faultsOf(gateway)[0] ?? "", /HTTP\/2/);
  assert.equal(upstream.requests.length, 0);

  // One that answers what it does not understand, one that is silent, and one that hangs up.
  let got = "";
  const { origin } = await rawOrigin(context, (socket, count) => {
    socket.on("data", (bytes) => {
      got += bytes.toString("latin1");
      if (count === 1) socket.write("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
      if (count === 3) socket.destroy();
    });
  });
  const impatient = await to(context, origin, { connectTimeout: "200ms" });
  const statuses = [await get(impatient), await get(impatient), await get(impatient)];
  assert.deepEqual(
    statuses.map(({ status }) => status),
    [502, 504, 502],
  );
  assert.deepEqual(faultsOf(impatient), [
    "malformed: the origin does not speak HTTP/2: its first bytes are no SETTINGS",
    "connect_timeout: no HTTP/2 settings within 200 ms",
    "closed: the origin ended what was to be HTTP/2",
  ]);
  assert.doesNotMatch(got, /open\.localhost|x-forwarded/i);
});

test("the origin gets one authority, one cookie field, and nothing of the client's connection", async (context) => {
  let seen: IncomingHttpHeaders = {};
  const { origin } = await http2Origin(context, (stream, headers) => {
    seen = headers;
    stream.respond({ ":status": 200 });
    stream.end();
  });
  const gateway = await to(context, origin, { httpHostHeader: "orders.internal" });
  const lines = [
    "Cookie: a=1",
    "Cookie: b=2; CF_Authorization=x",
    "Connection: keep-alive, X-Hop",
    "Keep-Alive: timeout=5",
    "X-Hop: 1",
    "X-Twice: 1",
    "X-Twice: 2",
    "Accept-Language: de",
    "Accept-Language: en",
  ];
  await rawExchange(
    gateway.port,
    ["GET / HTTP/1.1", `Host: ${host}`, ...lines, "Connection: close", "", ""].join("\r\n"),
  );
  const { ":authority": authority, host: hostHeader, cookie } = seen;
  assert.deepEqual([authority, hostHeader], ["orders.internal", undefined]);
  assert.equal(cookie, "a=1; b=2");
  assert.equal(seen["x-twice"], "1, 2");
  assert.equal(seen["x-forwarded-host"], host);
  for (const name of ["connection", "keep-alive", "x-hop", "te", "transfer-encoding"])
    assert.equal(seen[name], undefined, name);
});

test("requests share a connection as far as the origin takes them, and get more of them where not", async (context) => {
  const gate = Promise.withResolvers<void>();
  let open = 0;
  const { origin, sessions } = await http2Origin(
    context,
    (stream, headers) => {
      open += 1;
      void gate.promise.then(() => {
        stream.respond({ ":status": 200 });
        stream.end(headers[":path"]);
      });
    },
    { settings: { maxConcurrentStreams: 3 } },
  );
  const gateway = await to(context, origin);
  const paths = Array.from({ length: 9 }, (_, index) => `/${index}`);
  const asked = paths.map((path) => answerOf(ask(gateway, { path }).end()));
  await until(() => open === 9);
  assert.equal(sessions.length, 3);
  gate.resolve();
  const bodies = (await Promise.all(asked)).map(({ body }) => body.toString());
  assert.deepEqual(bodies, paths, "each has the answer to its own");

  // Later they use what stands.
  assert.equal((await get(gateway)).status, 200);
  assert.equal(sessions.length, 3);
});

test("above the limit of connections requests wait in line, for their turn or a clear answer", async (context) => {
  const open: ServerHttp2Stream[] = [];
  const { origin, sessions } = await http2Origin(context, (stream) => void open.push(stream), {
    settings: { maxConcurrentStreams: 1 },
  });
  const limits = { origin_connections: 2 };
  const gateway = await to(context, origin, { connectTimeout: "1s" }, { limits });
  const answer = (stream: ServerHttp2Stream | undefined) => {
    stream?.respond({ ":status": 200 });
    stream?.end();
  };
  const first = answerOf(ask(gateway).end());
  await until(() => open.length === 1);
  const second = answerOf(ask(gateway).end());
  await until(() => open.length === 2);
  const third = await get(gateway);
  assert.equal(third.status, 503);
  assert.deepEqual(faultsOf(gateway), ["busy: no connection was free within 1000 ms"]);

  const fourth = answerOf(ask(gateway).end());
  answer(open[0]);
  await until(() => open.length === 3);
  answer(open[1]);
  answer(open[2]);
  const statuses = (await Promise.all([first, second, fourth])).map(
    ({ response }) => response.statusCode,
  );
  assert.deepEqual(statuses, [200, 200, 200]);
  assert.equal(sessions.length, 2);
});

test("an origin that says goodbye ends what it began, and the next request has another connection", async (context) => {
  const gate = Promise.withResolvers<void>();
  const { origin, sessions } = await http2Origin(context, (stream, headers) => {
    const answer = () => {
      stream.respond({ ":status": 200 });
      stream.end("done");
    };
    if (headers[":path"] !== "/slow") answer();
    else void gate.promise.then(answer);
  });
  const gateway = await to(context, origin);
  const slow = answerOf(ask(gateway, { path: "/slow" }).end());
  await until(() => sessions.length === 1);
  assert.equal((await get(gateway)).status, 200);
  sessions[0]?.goaway(0);
  await until(async () => (await get(gateway)).status === 200 && sessions.length === 2);
  gate.resolve();
  assert.equal((await slow).body.toString(), "done");
  assert.deepEqual(faultsOf(gateway), []);
});

test("what an origin refuses to look at is asked once more, and no request with a body is", async (context) => {
  const refused = 7;
  const paths: string[] = [];
  const { origin } = await http2Origin(context, (stream, headers) => {
    paths.push(`${headers[":method"]} ${headers[":path"]}`);
    const isFirst = paths.length === 1 || headers[":path"] === "/never";
    if (isFirst) stream.close(refused);
    else {
      stream.respond({ ":status": 200 });
      stream.end();
    }
  });
  const gateway = await to(context, origin);
  const status = async (method: string, path: string, body = "") =>
    (
      await rawRequest(
        gateway.port,
        `${method} ${path} HTTP/1.1`,
        [`Host: ${host}`, `Content-Length: ${body.length}`],
        body,
      )
    ).status;
  assert.equal(await status("DELETE", "/once"), 200);
  assert.deepEqual(paths.splice(0), ["DELETE /once", "DELETE /once"]);
  assert.equal(await status("GET", "/never"), 502);
  assert.deepEqual(paths.splice(0), ["GET /never", "GET /never"]);
  assert.equal(await status("POST", "/never", "body"), 502);
  assert.deepEqual(paths, ["POST /never"]);
});

test("an answer whose connection is lost is visibly cut off, with and without a length", async (context) => {
  const { origin } = await http2Origin(context, (stream, headers) => {
    const head = { ":status": 200 };
    stream.respond(headers["x-length"] === undefined ? head : { ...head, "content-length": "9" });
    stream.write("half", () => stream.session?.destroy());
  });
  const gateway = await to(context, origin);
  for (const headers of [{}, { "X-Length": "stated" }]) {
    const [response] = await once(ask(gateway, { headers }).end(), "response");
    response.resume();
    response.on("error", () => undefined);
    await new Promise((resolve) => response.once("close", resolve));
    assert.deepEqual([response.statusCode, response.complete], [200, false]);
  }
});

test("an origin may answer before it has the request, and go on while it arrives", async (context) => {
  const { origin } = await http2Origin(context, (stream) => {
    stream.respond({ ":status": 200 });
    stream.write("ready.");
    stream.on("data", (chunk: Buffer) => stream.write(`got ${chunk}.`));
    stream.on("end", () => stream.end("bye."));
  });
  const gateway = await to(context, origin);
  const asked = ask(gateway, { method: "POST" });
  asked.flushHeaders();
  const [response] = await once(asked, "response");
  let body = "";
  response.on("data", (chunk: Buffer) => {
    body += chunk.toString();
  });
  await until(() => body === "ready.");
  asked.write("1");
  await until(() => body === "ready.got 1.");
  asked.write("2");
  await until(() => body === "ready.got 1.got 2.");
  const ended = once(response, "end");
  asked.end();
  await ended;
  assert.equal(body, "ready.got 1.got 2.bye.");
});

test("a go-ahead comes from the origin, and other early answers do no harm", async (context) => {
  const { origin } = await http2Origin(context, (stream) => {
    stream.additionalHeaders({ ":status": 103, link: "</style.css>" });
    stream.additionalHeaders({ ":status": 100 });
    stream.respond({ ":status": 200 });
    stream.pipe(stream);
  });
  const gateway = await to(context, origin);
  const asked = ask(gateway, {
    method: "POST",
    headers: { Expect: "100-continue", "Content-Length": "8" },
  });
  asked.once("continue", () => asked.end("the body"));
  asked.flushHeaders();
  assert.equal((await answerOf(asked)).body.toString(), "the body");
});

test("trailers whose names every object has reach an origin over HTTP/2", async (context) => {
  const upstream = await startUpstream({ http2: true });
  context.after(() => upstream.close());
  const gateway = await to(context, upstream.origin);
  const names = ["constructor", "__proto__", "tostring"];
  const trailers = names.map((name) => `${name}: 7\r\n`).join("");
  const head = `POST / HTTP/1.1\r\nHost: ${host}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n`;
  const { status } = await rawExchange(gateway.port, `${head}1\r\na\r\n0\r\n${trailers}\r\n`);
  assert.equal(status, 200);
  const [seen] = upstream.requests;
  await seen?.ended;
  assert.equal(seen?.trailers["constructor"], "7");
});
