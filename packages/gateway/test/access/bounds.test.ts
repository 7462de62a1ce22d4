// What one client, or one origin, can take of the gateway: connections, memory and time have an end
// (case O5).
import assert from "node:assert/strict";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { rawExchange, rawRequest } from "../../../../test/support/raw-request.ts";
import { until } from "../../../../test/support/until.ts";
import { held, startUpstream } from "../../../../test/support/upstream.ts";
import { answerOf, ask, gatewayTo, host, megabyte, rawOrigin, scene } from "./forward-fixture.ts";

const hostLine = `Host: ${host}\r\n`;
const last = `GET /last HTTP/1.1\r\n${hostLine}Connection: close\r\n\r\n`;

test("a client that sends a thousand requests at once has one in flight, and gets every answer in order (O5)", async (context) => {
  const { gateway, upstream } = await scene(context);
  const kinds: Record<string, (index: number) => string> = {
    GET: (index) => `GET /${index} HTTP/1.1\r\n${hostLine}\r\n`,
    POST: (index) => `POST /${index} HTTP/1.1\r\n${hostLine}Content-Length: 4\r\n\r\nbody`,
    chunked: (index) =>
      `PUT /${index} HTTP/1.1\r\n${hostLine}Transfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n`,
  };
  for (const [kind, write] of Object.entries(kinds)) {
    upstream.reset();
    const before = upstream.connections;
    const first = held();
    upstream.answerWith((request, response, seen) => {
      if (seen.url === "/0") first.answer(request, response, seen);
      else response.end(seen.url);
    });
    const text = Array.from({ length: 1_000 }, (_, index) => write(index)).join("") + last;
    const exchanged = rawExchange(gateway.port, text);
    await upstream.seen(1);
    // Whatever else has arrived waits: another client's whole exchange changes nothing of that.
    await rawRequest(gateway.port, "GET /other HTTP/1.1", [`Host: ${host}`]);
    assert.equal(upstream.requests.length, 2, kind);
    first.release();
    const { raw } = await exchanged;
    assert.equal(raw.match(/HTTP\/1\.1 200 OK/g)?.length, 1_001, kind);
    const order = upstream.requests.map(({ url }) => url).filter((url) => url !== "/other");
    const expected = [...Array.from({ length: 1_000 }, (_, index) => `/${index}`), "/last"];
    assert.deepEqual(order, expected, kind);
    assert.ok(upstream.connections - before <= 3, `${upstream.connections - before} connections`);
  }
});

test("requests that wait behind one whose client is gone are not begun", async (context) => {
  const { gateway, upstream } = await scene(context);
  const next = `GET /next HTTP/1.1\r\n${hostLine}\r\n`;
  upstream.answerWith(() => undefined);
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(next + next + next);
  await upstream.seen(1);
  socket.resetAndDestroy();
  await rawRequest(gateway.port, "GET /x HTTP/1.1", ["Host: elsewhere.localhost"]);
  assert.equal(upstream.requests.length, 1);
});

test("an origin has so many connections at most; more requests wait, then are told so (O5)", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const gateway = await gatewayTo(
    context,
    [{ service: upstream.origin, originRequest: { connectTimeout: "30s" } }],
    { limits: { origin_connections: 2 } },
  );
  const gate = held();
  upstream.answerWith(gate.answer);
  const asked = Array.from({ length: 7 }, (_, index) =>
    rawRequest(gateway.port, `GET /${index} HTTP/1.1`, [`Host: ${host}`]),
  );
  await upstream.seen(2);
  await rawRequest(gateway.port, "GET / HTTP/1.1", ["Host: elsewhere.localhost"]);
  assert.equal(upstream.requests.length, 2);
  gate.release();
  for (const { status } of await Promise.all(asked)) assert.equal(status, 200);
  assert.deepEqual([upstream.requests.length, upstream.connections], [7, 2]);

  const busy = await gatewayTo(
    context,
    [{ service: upstream.origin, originRequest: { connectTimeout: "100ms" } }],
    { limits: { origin_connections: 1 } },
  );
  const never = held();
  upstream.reset();
  upstream.answerWith(never.answer);
  const first = rawRequest(busy.port, "GET / HTTP/1.1", [`Host: ${host}`]);
  await upstream.seen(1);
  const second = await rawRequest(busy.port, "GET / HTTP/1.1", [
    `Host: ${host}`,
    "Accept: application/json",
  ]);
  assert.deepEqual([second.status, JSON.parse(second.body).error], [503, "origin_busy"]);
  assert.equal(second.headers["retry-after"], "1");
  assert.equal(upstream.requests.length, 1);
  never.release();
  assert.equal((await first).status, 200);
});

test("who waits for a connection and goes away leaves the line", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const gateway = await gatewayTo(context, [{ service: upstream.origin }], {
    limits: { origin_connections: 1 },
    log: { requests: true },
  });
  const gate = held();
  upstream.answerWith(gate.answer);
  const first = rawRequest(gateway.port, "GET /first HTTP/1.1", [`Host: ${host}`]);
  await upstream.seen(1);
  const gone = ask(gateway, { path: "/gone" });
  gone.on("error", () => undefined);
  gone.end();
  await once(gone, "finish");
  // Another client's whole exchange later the gateway has seen it.
  await rawRequest(gateway.port, "GET / HTTP/1.1", ["Host: elsewhere.localhost"]);
  const third = rawRequest(gateway.port, "GET /third HTTP/1.1", [`Host: ${host}`]);
  gone.socket?.resetAndDestroy();
  await until(() => gateway.events.some(({ event }) => event === "request_cut"));
  gate.release();
  await Promise.all([first, third]);
  assert.deepEqual(
    upstream.requests.map(({ url }) => url),
    ["/first", "/third"],
  );
});

test("a client that takes nothing of its answer is cut off: one long answer, many short ones, and the gateway's own (O5)", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const gateway = await gatewayTo(context, [{ service: upstream.origin }], {
    limits: { body_timeout: "300ms" },
  });
  upstream.answerWith((_request, response) => {
    response.on("error", () => undefined);
    response.end(Buffer.alloc(32 * megabyte));
  });
  const one = `GET /long HTTP/1.1\r\n${hostLine}\r\n`;
  const own = `GET /own HTTP/1.1\r\nHost: elsewhere.localhost\r\nAccept: text/html\r\n\r\n`;
  for (const text of [one, one.repeat(5), own.repeat(20_000)]) {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.pause();
    socket.write(text);
    // Writing is how a client that reads nothing notices the end of its connection.
    const probe = setInterval(() => socket.write("GET"), 50);
    await new Promise<void>((resolve) => socket.on("close", () => resolve()));
    clearInterval(probe);
  }
  for (const seen of upstream.requests) await seen.ended;
});

test("a client that reads slowly, but reads, gets all of its answer", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const gateway = await gatewayTo(context, [{ service: upstream.origin }], {
    limits: { body_timeout: "400ms" },
  });
  const size = 24 * megabyte;
  upstream.answerWith((_request, response) => void response.end(Buffer.alloc(size)));
  const asked = ask(gateway);
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  let received = 0;
  for await (const chunk of response) {
    received += (chunk as Buffer).length;
    if (received % (2 * megabyte) < 65_536) await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.equal(received, size);
});

test("an origin that stops in the middle of its answer is not waited for without end, and the log says so; an event stream may be silent (O5)", async (context) => {
  const heads: Record<string, string> = {
    "/length": "Content-Length: 10",
    "/chunks": "Transfer-Encoding: chunked",
    "/close": "Connection: close",
    "/events": "Content-Type: text/event-stream; charset=utf-8\r\nContent-Length: 10",
  };
  const { origin } = await rawOrigin(context, (socket) => {
    socket.once("data", (bytes) => {
      const [, path = ""] = bytes.toString("latin1").split(" ");
      socket.write(`HTTP/1.1 200 OK\r\n${heads[path]}\r\n\r\n`);
      if (path === "/chunks") socket.write("5\r\nfirst\r\n");
      else socket.write("first");
      // Three times as long as the limit.
      if (path === "/events") setTimeout(() => socket.write("later"), 600);
    });
  });
  const gateway = await gatewayTo(context, [
    { service: origin, originRequest: { bodyTimeout: "200ms" } },
  ]);
  for (const path of ["/length", "/chunks", "/close"]) {
    const asked = ask(gateway, { path });
    asked.end();
    await assert.rejects(answerOf(asked), path);
  }
  const details = gateway.events.map((event) =>
    event.event === "origin_failed" ? event.detail : "",
  );
  assert.deepEqual(details, Array(3).fill("the answer stopped for 200 ms"));
  const asked = ask(gateway, { path: "/events" });
  asked.end();
  assert.equal((await answerOf(asked)).body.toString(), "firstlater");
});

test("the head of an answer does not wait for its body", async (context) => {
  const { gateway, upstream } = await scene(context);
  const heads: Record<string, string>[] = [
    { "Content-Type": "text/event-stream" },
    { "Content-Type": "application/x-ndjson" },
    { "Content-Type": "application/octet-stream", "Content-Length": "4" },
    { "Content-Type": "text/plain", Connection: "close" },
  ];
  for (const head of heads) {
    const rest = Promise.withResolvers<void>();
    upstream.answerWith((_request, response) => {
      response.writeHead(200, head);
      response.flushHeaders();
      void rest.promise.then(() => response.end("body"));
    });
    const asked = ask(gateway);
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    assert.equal(response.headers["content-type"], head["Content-Type"]);
    rest.resolve();
    let text = "";
    for await (const chunk of response) text += String(chunk);
    assert.equal(text, "body");
  }
});

test("who has an answer before its request is complete has so long for the rest, whatever the framing (O5)", async (context) => {
  const early = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nearly";
  const { origin } = await rawOrigin(context, (socket) =>
    socket.once("data", () => socket.write(early)),
  );
  const gateway = await gatewayTo(context, [{ service: origin }], {
    limits: { body_timeout: "1s" },
  });
  const beginnings = {
    "a length": "Content-Length: 50\r\n\r\nabc",
    "a length and nothing of it": "Content-Length: 50\r\n\r\n",
    chunks: "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "half a chunk": "Transfer-Encoding: chunked\r\n\r\n30\r\nabc",
    "chunks without trailers": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
  };
  const exchanges = Object.entries(beginnings).map(async ([kind, beginning]) => {
    const { raw } = await rawExchange(gateway.port, `POST / HTTP/1.1\r\n${hostLine}${beginning}`);
    assert.match(raw, /\r\n\r\nearly$/, kind);
  });
  await Promise.all(exchanges);
});

test("who completes its request after the answer goes on with its connection", async (context) => {
  const { gateway, upstream } = await scene(context);
  upstream.answerWith((request, response) => response.end(`of ${request.url}`));
  const socket = connect(gateway.port, "127.0.0.1");
  let raw = "";
  const begun = Promise.withResolvers<void>();
  socket.on("data", (chunk) => {
    raw += chunk.toString("latin1");
    begun.resolve();
  });
  socket.write(`POST /early HTTP/1.1\r\n${hostLine}Content-Length: 4\r\n\r\nbo`);
  await begun.promise;
  socket.write(`dy${last}`);
  await once(socket, "close");
  assert.match(raw, /of \/early[\s\S]*of \/last$/);
});

test("a body in chunks of HTTP/1.0 is refused, and its connection ends (H7)", async (context) => {
  const { gateway, upstream } = await scene(context);
  for (const lines of [
    "Transfer-Encoding: chunked",
    "Transfer-Encoding: chunked\r\nConnection: keep-alive",
    "Connection: keep-alive\r\ntransfer-encoding: Chunked",
  ]) {
    const inner = `GET /smuggled HTTP/1.1\r\n${hostLine}\r\n`;
    const answer = await rawExchange(
      gateway.port,
      `POST / HTTP/1.0\r\n${hostLine}${lines}\r\n\r\n0\r\n\r\n${inner}`,
    );
    assert.equal(answer.status, 400, lines);
    assert.equal(upstream.requests.filter(({ url }) => url === "/smuggled").length, 0);
  }
});

test("a length has one spelling on the other side, in both directions (H7)", async (context) => {
  const lengths: string[] = [];
  const { origin } = await rawOrigin(context, (socket) => {
    socket.on("data", (bytes) => {
      lengths.push(/content-length: (\S*)/i.exec(bytes.toString("latin1"))?.[1] ?? "");
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 0002\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  for (const [length, body] of [
    ["010", "0123456789"],
    ["00004", "body"],
    ["4", "body"],
    ["000", ""],
    ["0", ""],
  ] as const) {
    const lines = [`Host: ${host}`, `Content-Length: ${length}`];
    const answer = await rawRequest(gateway.port, "POST / HTTP/1.1", lines, body);
    assert.deepEqual(
      [answer.status, answer.headers["content-length"], answer.body],
      [200, "2", "ok"],
    );
  }
  assert.deepEqual(lengths, ["10", "4", "4", "0", "0"]);
});

test("a path that takes too long to read in every way is refused, however its escapes are written (O5)", async (context) => {
  const { gateway, upstream } = await scene(context);
  const ask = (path: string) => rawRequest(gateway.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`]);
  const upTo = (length: number, part: string) =>
    `/${part.repeat(Math.floor(length / part.length))}`;
  const endings = ["a./", "a%2E/", "a%2e/", "a%20", "a%3A$", "a%3a%24", "a%3a$"];
  const tooLong = [
    ...endings.map((part) => upTo(3_500, part)),
    ...["A", "a;b", "%C3%A9", "a/../"].map((part) => upTo(8_500, part)),
  ];
  for (const path of tooLong) {
    const { status, headers } = await ask(path);
    assert.equal(status, 414, path.slice(0, 20));
    assert.match(headers["cf-ray"] ?? "", /^[0-9a-f]{16}/);
  }
  assert.equal(upstream.requests.length, 0);
  const shortEnough = [
    ...endings.map((part) => upTo(900, part)),
    ...["a", "a/", "A", "a;b", "a%2Db"].map((part) => upTo(7_900, part)),
    // Where nothing of it can be read in two ways, a path may be longer.
    upTo(12_000, "a/b"),
  ];
  for (const path of shortEnough) assert.equal((await ask(path)).status, 200, path.slice(0, 20));
});
