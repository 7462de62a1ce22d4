// One connection of HTTP/1.1, byte for byte: in what order it serves, how long it waits, and how it
// ends.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { until } from "../../../../test/support/until.ts";
import type { Exchange } from "../../src/http/transport.ts";
import { postern, startListener } from "./transport-fixture.ts";

const get = (path: string, lines = "") => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n${lines}\r\n`;
const last = (path: string) => get(path, "Connection: close\r\n");

function answer({ head, response }: Exchange, lines: string[] = []): void {
  const text = `of ${head.target};`;
  const length = ["Content-Length", String(text.length)];
  response.start({ status: 200, rawHeaders: [...length, ...lines] });
  response.end(text);
}

const short = {
  header_timeout: 300,
  idle_timeout: 60_000,
  body_timeout: 60_000,
};

/** A client that reads what comes. */
class Client {
  readonly socket;
  received = "";
  closed = false;

  constructor(context: TestContext, port: number) {
    this.socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    context.after(() => this.socket.destroy());
    this.socket.on("data", (chunk) => {
      this.received += String(chunk);
    });
    this.socket.on("error", () => undefined);
    this.socket.on("end", () => this.socket.end());
    this.socket.on("close", () => {
      this.closed = true;
    });
  }
}

test("a head that arrives a byte at a time has as long as one that does not arrive: 408 (O5)", async (context) => {
  const port = await postern.start(context, () => assert.fail("no request is whole"), short);
  for (const beginning of ["", "G", get("/").slice(0, 20)]) {
    const client = new Client(context, port);
    client.socket.write(beginning);
    const trickle = setInterval(() => client.socket.write("a"), beginning === "" ? 1e9 : 20);
    await until(() => client.closed);
    clearInterval(trickle);
    assert.match(client.received, /^HTTP\/1\.1 408 /, beginning);
  }
});

test("a connection between two requests is kept for its own time, and its next head has time again", async (context) => {
  const port = await postern.start(context, (exchange) => answer(exchange), {
    ...short,
    idle_timeout: 1_500,
  });
  const client = new Client(context, port);
  client.socket.write(get("/one"));
  await until(() => client.received.includes("of /one;"));
  assert.match(client.received, /\r\nKeep-Alive: timeout=1\r\n/);
  // Longer than a head may take, counted from the beginning of the connection.
  await new Promise((resolve) => setTimeout(resolve, 600));
  client.socket.write(get("/two"));
  await until(() => client.received.includes("of /two;"));
  client.received = "";
  await until(() => client.closed);
  assert.equal(client.received, "", "it ends without a word");
});

test("who ends its side in the middle of a head is told that it is none", async (context) => {
  const port = await postern.start(context, () => assert.fail("no request is whole"));
  for (const beginning of ["G", "PRI * HT", get("/").slice(0, -2)]) {
    const client = new Client(context, port);
    client.socket.end(beginning);
    await until(() => client.closed);
    assert.match(client.received, /^HTTP\/1\.1 400 [\s\S]*Ray ID/, beginning);
  }
  const silent = new Client(context, port);
  silent.socket.end();
  await until(() => silent.closed);
  assert.equal(silent.received, "");
});

test("who goes on sending after a refusal has its answer all the same, and is not heard without end", async (context) => {
  const port = await postern.start(context, () => assert.fail("no request is proper"));
  const client = new Client(context, port);
  const block = Buffer.alloc(65_536, "x");
  client.socket.write("GET / HTTP/1.1\r\nA b: c\r\n\r\n");
  const pump = setInterval(() => client.socket.write(block), 1);
  await until(() => client.closed);
  clearInterval(pump);
  assert.match(client.received, /^HTTP\/1\.1 400 [\s\S]*Connection: close\r\n[\s\S]*Ray ID/);
});

test("a body that turns out to be none ends its request: a 400 before the answer, and no answer whole after it has begun", async (context) => {
  const begun: string[] = [];
  const aborted: string[] = [];
  const port = await postern.start(context, (exchange) => {
    const { target } = exchange.head;
    exchange.onAbort = () => aborted.push(target);
    exchange.body.read({ data: () => undefined, end: () => assert.fail("it has no end") });
    if (target === "/begun") {
      exchange.response.start({ status: 200, rawHeaders: ["Content-Length", "10"] });
      exchange.response.write(Buffer.from("begun"));
    }
    begun.push(target);
  });
  for (const path of ["/late", "/begun"]) {
    const client = new Client(context, port);
    const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`;
    client.socket.write(`${head}3\r\nabc\r\n`);
    await until(() => begun.includes(path));
    client.socket.write(`zz\r\n${get("/smuggled")}`);
    await until(() => client.closed);
    assert.equal(/HTTP\/1\.1 400 /.test(client.received), path === "/late", client.received);
  }
  assert.deepEqual(aborted, ["/late", "/begun"]);
  assert.deepEqual(begun, ["/late", "/begun"]);
  const whole = `POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`;
  assert.equal((await rawExchange(port, whole)).status, 400);
  assert.equal(begun.length, 2, "what is malformed from the beginning is not begun");
});

test("an answer that does not keep to its length is cut off, and never runs into the next one", async (context) => {
  const port = await postern.start(context, ({ head, response }) => {
    response.start({ status: 200, rawHeaders: ["Content-Length", "5"] });
    if (head.target === "/long") response.write(Buffer.from("longer"));
    if (head.target === "/long-end") response.end("longer");
    if (head.target === "/short") response.end("abc");
  });
  for (const path of ["/long", "/long-end", "/short"]) {
    const { raw } = await rawExchange(port, get(path) + get("/next"));
    assert.doesNotMatch(raw, /longer|abc/, path);
    assert.doesNotMatch(raw, /200 OK[\s\S]*200 OK/, path);
  }
});

test("a header that is not one line is never written", async (context) => {
  const thrown: string[] = [];
  const port = await postern.start(context, (exchange) => {
    const { response } = exchange;
    for (const rawHeaders of [
      ["X", "a\r\nSet-Cookie: b=c"],
      ["X", "a\nb"],
      ["X", "a\0"],
      ["X", "\u010a"],
      ["X\r\nY", "a"],
    ])
      assert.throws(() => response.start({ status: 200, rawHeaders }), TypeError);
    const reason = "OK\r\nX: y";
    assert.throws(() => response.start({ status: 200, reason, rawHeaders: [] }), TypeError);
    thrown.push("all");
    exchange.destroy();
  });
  const { raw } = await rawExchange(port, get("/"));
  assert.deepEqual([raw, thrown], ["", ["all"]]);
});

test("a client of HTTP/1.0 has its connection closed, or kept where it asks and the length is known", async (context) => {
  const port = await postern.start(context, (exchange) => {
    if (exchange.head.target !== "/stream") return answer(exchange);
    exchange.response.start({ status: 200, rawHeaders: [] });
    exchange.response.write(Buffer.from("piece"));
    exchange.response.end();
  });
  const ask = (path: string, lines = "") => `GET ${path} HTTP/1.0\r\nHost: x\r\n${lines}\r\n`;
  const keep = "Connection: keep-alive\r\n";
  const closed = await rawExchange(port, ask("/"));
  assert.match(closed.raw, /Connection: close\r\n[\s\S]*of \/;$/);
  const kept = await rawExchange(port, ask("/one", keep) + ask("/two"));
  assert.match(kept.raw, /keep-alive\r\n[\s\S]*of \/one;[\s\S]*Connection: close[\s\S]*of \/two;$/);
  const stream = await rawExchange(port, ask("/stream", keep));
  assert.match(stream.raw, /Connection: close\r\n\r\npiece$/);
  assert.equal(stream.headers["transfer-encoding"], undefined);
});

test("a request that asks for an upgrade nobody takes is answered, and what follows it is not read", async (context) => {
  const targets: string[] = [];
  const port = await postern.start(context, (exchange) => {
    targets.push(exchange.head.target);
    answer(exchange);
  });
  for (const protocol of ["websocket", "h2c", "a, b"]) {
    const lines = `Connection: Upgrade\r\nUpgrade: ${protocol}\r\n`;
    const { raw } = await rawExchange(port, get("/asks", lines) + get("/smuggled"));
    assert.match(raw, /Connection: close[\s\S]*of \/asks;$/, protocol);
  }
  assert.deepEqual(targets, ["/asks", "/asks", "/asks"]);
});

test("a server that drains answers what was sent by then, and says so with the last answer", async (context) => {
  const { promise: arrived, resolve } = Promise.withResolvers<Exchange>();
  const handler = (exchange: Exchange) => {
    if (exchange.head.target === "/one") resolve(exchange);
    else answer(exchange);
  };
  const { listener, port } = await startListener(context, { handler, transport: "postern" });
  const busy = new Client(context, port);
  const idle = new Client(context, port);
  busy.socket.write(get("/one") + get("/two"));
  const first = await arrived;
  const drained = listener.drain();
  answer(first);
  await until(() => busy.closed && idle.closed);
  await drained;
  assert.match(
    busy.received,
    /keep-alive\r\n[\s\S]*of \/one;[\s\S]*Connection: close\r\n[\s\S]*of \/two;$/,
  );
});

test("a body that is not read holds back what follows it, and is whole when it is read", async (context) => {
  const { promise: arrived, resolve } = Promise.withResolvers<Exchange>();
  const port = await postern.start(context, (exchange) => {
    if (exchange.head.target === "/first") resolve(exchange);
    else answer(exchange);
  });
  const size = 3_000_000;
  const client = new Client(context, port);
  client.socket.write(`POST /first HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`);
  client.socket.write(Buffer.alloc(size, "x"));
  client.socket.write(last("/second"));
  const exchange = await arrived;
  let received = 0;
  let pauses = 0;
  exchange.body.read({
    data(chunk) {
      received += chunk.length;
      pauses++;
      exchange.body.pause();
      setImmediate(() => exchange.body.resume());
    },
    end: () => answer(exchange),
  });
  await until(() => client.closed);
  assert.equal(received, size);
  assert.ok(pauses > 10);
  assert.match(client.received, /of \/first;[\s\S]*of \/second;$/);
});
