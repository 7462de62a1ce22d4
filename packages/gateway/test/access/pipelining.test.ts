// What a client sends behind a request that is not answered yet, and how it ends: the answers come
// in the order of the requests, and none is taken for another (RFC 9112 9.3.2).
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { overNodeHttp } from "../../../../test/support/transport.ts";
import { held } from "../../../../test/support/upstream.ts";
import { host, scene } from "./forward-fixture.ts";

const hostLine = `Host: ${host}\r\n`;
const kept = (path: string) => `GET ${path} HTTP/1.1\r\n${hostLine}\r\n`;
const closing = `GET /last HTTP/1.1\r\n${hostLine}Connection: close\r\n\r\n`;

/** The answers of one connection: their status, and their text where the origin gave it. */
function answersIn(raw: string): string[] {
  return [...raw.matchAll(/HTTP\/1\.1 (\d{3})[\s\S]*?\r\n\r\n(of \/[a-z]+)?/g)].map(
    ([, status, text]) => text ?? String(status),
  );
}

const behindTheLast = {
  "another request": kept("/more"),
  "many requests": kept("/more").repeat(200),
  "a request with a body": `POST /more HTTP/1.1\r\n${hostLine}Content-Length: 4\r\n\r\nbody`,
  "half a head": "GET /more HT",
  "more than one read brings": kept("/more").repeat(10_000),
  junk: "\x00\x01\x02\r\n\r\n",
  "a TLS handshake": "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
};

test("whatever a client sends after a request that ends its connection, it gets the answers before it", async (context) => {
  const { gateway, upstream } = await scene(context);
  for (const [kind, more] of Object.entries(behindTheLast)) {
    upstream.reset();
    const slow = held((request, response) => response.end(`of ${request.url}`));
    upstream.answerWith(slow.answer);
    const exchanged = rawExchange(gateway.port, kept("/first") + closing + more);
    await upstream.seen(1);
    slow.release();
    const { raw } = await exchanged;
    assert.deepEqual(answersIn(raw), ["of /first", "of /last"], kind);
    assert.deepEqual(
      upstream.requests.map(({ url }) => url),
      ["/first", "/last"],
      kind,
    );
  }
});

const refused = {
  "a method that is none": { more: `G(T /x HTTP/1.1\r\n${hostLine}\r\n`, status: "400" },
  "a line without a version": { more: `GET /x HTTP\r\n${hostLine}\r\n`, status: "400" },
  junk: { more: "\x00\x01\x02\r\n\r\n", status: "400" },
  "a header that is none": { more: `GET /x HTTP/1.1\r\n${hostLine}a b: c\r\n\r\n`, status: "400" },
  "two framings": {
    more: `POST /x HTTP/1.1\r\n${hostLine}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n`,
    status: "400",
  },
  "a long head": {
    more: `GET /x HTTP/1.1\r\n${hostLine}X-A: ${"a".repeat(80_000)}\r\n\r\n`,
    status: "431",
  },
};

test("a request that cannot be read is refused after the answers to those before it", async (context) => {
  const { gateway, upstream } = await scene(context);
  for (const [kind, { more, status }] of Object.entries(refused)) {
    for (const before of [["/first"], ["/first", "/second", "/third"]]) {
      upstream.reset();
      const slow = held((request, response) => response.end(`of ${request.url}`));
      upstream.answerWith(slow.answer);
      const text = before.map(kept).join("") + more;
      const exchanged = rawExchange(gateway.port, text + kept("/never"));
      await upstream.seen(1);
      slow.release();
      const { raw } = await exchanged;
      const expected = [...before.map((path) => `of ${path}`), status];
      assert.deepEqual(answersIn(raw), expected, `${kind} behind ${before.length}`);
      assert.equal(upstream.requests.length, before.length, kind);
    }
  }
});

test("an answer that has begun is not cut short by what the client sends behind its request", async (context) => {
  const { gateway, upstream } = await scene(context);
  const rest = Promise.withResolvers<void>();
  upstream.answerWith((_request, response) => {
    response.writeHead(200, { "Content-Length": 10 });
    response.write("begin");
    void rest.promise.then(() => response.end("+rest"));
  });
  const socket = connect(gateway.port, "127.0.0.1");
  let raw = "";
  const ended = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  const begun = new Promise<void>((resolve) => {
    socket.on("data", (chunk) => {
      raw += chunk.toString("latin1");
      if (raw.includes("begin")) resolve();
    });
  });
  socket.write(kept("/begun"));
  await begun;
  socket.write("\x00junk\r\n\r\n", "latin1");
  // Another client's whole exchange later the gateway has seen it.
  await rawExchange(
    gateway.port,
    `GET /x HTTP/1.1\r\nHost: nobody.localhost\r\nConnection: close\r\n\r\n`,
  );
  rest.resolve();
  await ended;
  assert.match(raw, /\r\n\r\nbegin\+rest/);
});

test("CONNECT behind a request is never the answer to it", async (context) => {
  const { gateway, upstream } = await scene(context);
  upstream.answerWith((request, response) => response.end(`of ${request.url}`));
  const text = `${kept("/first")}CONNECT ${host}:80 HTTP/1.1\r\n${hostLine}\r\n${kept("/never")}`;
  const { raw } = await rawExchange(gateway.port, text);
  if (!overNodeHttp) assert.deepEqual(answersIn(raw), ["of /first", "405"]);
  assert.ok(upstream.requests.every(({ url }) => url === "/first"));
});

// A transport of our own does not read ahead.
if (overNodeHttp)
  test("CONNECT that is read ahead ends its connection, and the request before it at the origin", async (context) => {
    const { gateway, upstream } = await scene(context);
    const aborted = Promise.withResolvers<void>();
    upstream.answerWith((request) => request.once("close", () => aborted.resolve()));
    const text = `${kept("/first")}CONNECT ${host}:80 HTTP/1.1\r\n${hostLine}\r\n`;
    const { raw } = await rawExchange(gateway.port, text);
    assert.equal(raw, "");
    if (upstream.requests.length > 0) await aborted.promise;
  });
