// Web-standard handlers behind a transport: what they see of a request, and what the client gets of
// their `Response`.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { answerExchange, type WebHandler } from "../../src/http/web-exchange.ts";
import { answerTo, postern, responseTo } from "./transport-fixture.ts";

const { ask } = postern;

/** Starts the handler. @returns the port, and what went wrong so far */
async function start(
  context: TestContext,
  handler: WebHandler,
  bodyTimeout = 60_000,
): Promise<{ port: number; errors: unknown[] }> {
  const errors: unknown[] = [];
  const port = await postern.start(context, (exchange) => {
    const options = { url: `http://app.test${exchange.head.target}`, bodyTimeout, isHeld: false };
    answerExchange(exchange, options, handler).catch((error: unknown) => {
      errors.push(error);
      exchange.destroy();
    });
  });
  return { port, errors };
}

test("a handler sees method, URL, joined headers and the body", async (context) => {
  const { port } = await start(context, async (request) =>
    Response.json({
      method: request.method,
      url: request.url,
      twice: request.headers.get("x-twice"),
      cookie: request.headers.get("cookie"),
      body: await request.text(),
    }),
  );
  const asked = ask(port, {
    method: "POST",
    path: "/form?a=b",
    headers: ["Host", "x", "X-Twice", "1", "X-Twice", "2", "Cookie", "a=1", "Cookie", "b=2"],
  });
  asked.write("first ");
  asked.end("last");
  const { response, body } = await answerTo(asked);
  assert.deepEqual(JSON.parse(body), {
    method: "POST",
    url: "http://app.test/form?a=b",
    twice: "1, 2",
    cookie: "a=1; b=2",
    body: "first last",
  });
  assert.equal(response.headers["content-length"], String(body.length));
});

test("each cookie is a header of its own, and a redirect has no body", async (context) => {
  const { port } = await start(context, () => {
    const headers = new Headers({ Location: "/elsewhere" });
    headers.append("Set-Cookie", "a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT");
    headers.append("Set-Cookie", "b=2");
    return new Response(null, { status: 303, headers });
  });
  const asked = ask(port);
  asked.end();
  const { response, body } = await answerTo(asked);
  assert.equal(response.statusCode, 303);
  assert.equal(response.headers["set-cookie"]?.length, 2);
  assert.deepEqual([response.headers["content-length"], body], ["0", ""]);
});

test("an answer to HEAD has the headers alone", async (context) => {
  const { port } = await start(context, () => new Response(null, { headers: { "X-Page": "1" } }));
  const asked = ask(port, { method: "HEAD" });
  asked.end();
  const { response, body } = await answerTo(asked);
  assert.deepEqual([response.headers["x-page"], body], ["1", ""]);
  assert.equal(response.headers["content-length"], undefined);
});

test("an answer streams: its first part is there before its last part exists", async (context) => {
  const rest = Promise.withResolvers<void>();
  const { port } = await start(context, () => {
    const stream = new ReadableStream({
      async start(controller) {
        controller.enqueue(Buffer.from("first"));
        await rest.promise;
        controller.enqueue(Buffer.from("last"));
        controller.close();
      },
    });
    return new Response(stream);
  });
  const asked = ask(port);
  asked.end();
  const response = await responseTo(asked);
  const pieces: string[] = [];
  for await (const chunk of response) {
    pieces.push(String(chunk));
    rest.resolve();
  }
  assert.deepEqual(pieces, ["first", "last"]);
});

test("a handler that streams to nobody is told to stop", async (context) => {
  const cancelled = Promise.withResolvers<void>();
  const { port } = await start(context, () => {
    const stream = new ReadableStream({
      pull: (controller) => controller.enqueue(Buffer.alloc(65_536)),
      cancel: () => cancelled.resolve(),
    });
    return new Response(stream);
  });
  const asked = ask(port);
  asked.end();
  const response = await responseTo(asked);
  response.on("error", () => undefined);
  asked.destroy();
  await cancelled.promise;
});

test("who goes away aborts the request's signal, and fails its body", async (context) => {
  const aborted = Promise.withResolvers<void>();
  const failed = Promise.withResolvers<void>();
  const { port } = await start(context, async (request) => {
    request.signal.addEventListener("abort", () => aborted.resolve());
    await request.text().catch(() => failed.resolve());
    return new Response("to nobody");
  });
  const asked = ask(port, { method: "POST", headers: { "Content-Length": 10 } });
  asked.on("error", () => undefined);
  asked.write("half", () => asked.destroy());
  await Promise.all([aborted.promise, failed.promise]);
});

test("a body that stops in the middle ends its connection", async (context) => {
  const { port } = await start(
    context,
    async (request) => new Response(await request.text().catch(() => "")),
    100,
  );
  const answer = await rawExchange(
    port,
    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nhalf",
  );
  assert.equal(answer.status, 0);
});

test("a body that comes a byte at a time has no longer than any other", async (context) => {
  const read = Promise.withResolvers<string>();
  const { port } = await start(
    context,
    async (request) => {
      const text = await request.text().catch(() => "ended");
      read.resolve(text);
      return new Response(text);
    },
    400,
  );
  const asked = ask(port, { method: "POST", path: "/", headers: ["Host", "x"] });
  asked.on("error", () => undefined);
  // More bytes, and each of them sooner, than the deadline would need if it began anew with each.
  const drip = setInterval(() => asked.write("x"), 20);
  context.after(() => clearInterval(drip));
  assert.equal(await read.promise, "ended");
});

test("a body that nobody reads to its end costs the connection, after the answer", async (context) => {
  const { port } = await start(context, async (request) => {
    for await (const _chunk of request.body ?? []) break;
    return new Response("too long", { status: 413 });
  });
  const head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 500000\r\n\r\n";
  const answer = await rawExchange(port, head + "x".repeat(500_000));
  assert.equal(answer.status, 413);
  assert.equal(answer.headers["connection"], "close");
  assert.equal(answer.body, "too long");
});

test("a handler that fails costs one request, visibly", async (context) => {
  const { port, errors } = await start(context, (request) => {
    if (new URL(request.url).pathname === "/at-once") throw new Error("before the answer");
    const stream = new ReadableStream({
      start: (controller) => controller.enqueue(Buffer.from("half")),
      pull: async () => {
        await new Promise((resolve) => setImmediate(resolve));
        throw new Error("in the middle");
      },
    });
    return new Response(stream);
  });
  const lost = await rawExchange(port, "GET /at-once HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal(lost.status, 0);
  const half = await rawExchange(port, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal(half.raw.includes("\r\n0\r\n"), false, "the last chunk is missing");
  assert.deepEqual(errors.map(String), ["Error: before the answer", "Error: in the middle"]);
});
