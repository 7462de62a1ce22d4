// What a client does at the wrong moment: each connection ends as it should, and nothing of one
// request reaches the next.
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { ConnectionLooks } from "../../src/http/http1-looks.ts";
import type { Exchange } from "../../src/http/transport.ts";
import { postern, startListener } from "./transport-fixture.ts";

function answer({ head, response }: Exchange): void {
  const text = `of ${head.target};`;
  response.start({ status: 200, rawHeaders: ["Content-Length", String(text.length)] });
  response.end(text);
}

test("a client that still sends its body has the whole of an answer that ends the connection", async (context) => {
  for (const line of ["Content-Length: 600000", "Transfer-Encoding: chunked"]) {
    const port = await postern.start(context, (exchange) => {
      exchange.response.closeConnection();
      answer(exchange);
    });
    const client = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
    context.after(() => client.destroy());
    const faults: string[] = [];
    let received = "";
    let closed = false;
    client.on("error", (error: NodeJS.ErrnoException) => faults.push(error.code ?? ""));
    client.on("close", () => {
      closed = true;
    });
    client.write(`POST /early HTTP/1.1\r\nHost: a.test\r\n${line}\r\n\r\n`);
    if (line.startsWith("T")) client.write("927c0\r\n");
    // The answer has left when the body is on its way, and is not read before all of that is.
    await until(() => client.readableLength > 0);
    for (let piece = 0; piece < 6; piece++) {
      client.write(Buffer.alloc(100_000, "x"));
      await until(() => client.writableLength === 0 || closed);
    }
    client.on("data", (chunk) => {
      received += String(chunk);
    });
    client.on("end", () => client.end());
    await until(() => closed);
    assert.match(received, /of \/early;$/);
    assert.deepEqual(faults, [], line);
  }
});

test("who held a request that is answered does not touch the next one on its connection", async (context) => {
  const late: ((first: Exchange) => void)[] = [
    (first) => first.destroy(),
    (first) => first.body.pause(),
    (first) => first.body.resume(),
    (first) => first.abortWhenClientEnds(),
    (first) => first.continue(),
  ];
  for (const touch of late) {
    for (const isRead of [true, false]) {
      const exchanges: Exchange[] = [];
      const port = await postern.start(context, (exchange) => {
        exchanges.push(exchange);
        if (exchange.head.target === "/first" && isRead)
          exchange.body.read({ data: () => undefined, end: () => answer(exchange) });
        else if (exchange.head.target === "/first") answer(exchange);
        else exchange.body.read({ data: () => undefined, end: () => answer(exchange) });
      });
      const client = connect({ host: "127.0.0.1", port });
      context.after(() => client.destroy());
      let received = "";
      client.on("error", () => undefined);
      client.on("data", (chunk) => {
        received += String(chunk);
      });
      const post = (path: string) =>
        `POST ${path} HTTP/1.1\r\nHost: a.test\r\nContent-Length: 4\r\n\r\n`;
      client.write(`${post("/first")}abcd${post("/second")}ab`);
      await until(() => received.includes("of /first;") && exchanges.length === 2);
      const [first] = exchanges;
      assert.ok(first);
      touch(first);
      client.write("cd");
      await until(() => received.includes("of /second;") || client.destroyed);
      assert.match(received, /of \/second;$/, `${touch} ${isRead}`);
      assert.doesNotMatch(received, / 100 /);
      client.destroy();
    }
  }
});

test("a client whose body turns out to be none is told so, whatever the handler does with its request then", async (context) => {
  const reactions: ((exchange: Exchange) => void)[] = [
    (exchange) => exchange.destroy(),
    (exchange) => exchange.continue(),
    (exchange) => exchange.body.resume(),
    (exchange) => answer(exchange),
  ];
  for (const react of reactions) {
    let begun = 0;
    let cuts = 0;
    const port = await postern.start(context, (exchange) => {
      exchange.onAbort = () => react(exchange);
      exchange.response.onCut = () => cuts++;
      exchange.response.onFinish = () => assert.fail("it has no answer");
      exchange.body.read({ data: () => undefined, end: () => assert.fail("it has no end") });
      begun++;
    });
    const client = connect({ host: "127.0.0.1", port });
    context.after(() => client.destroy());
    let received = "";
    let closed = false;
    client.on("data", (chunk) => {
      received += String(chunk);
    });
    client.on("error", () => undefined);
    client.on("close", () => {
      closed = true;
    });
    client.write("POST / HTTP/1.1\r\nHost: a.test\r\nTransfer-Encoding: chunked\r\n\r\n");
    await until(() => begun === 1);
    client.write("zz\r\n");
    await until(() => closed);
    assert.match(received, /^HTTP\/1\.1 400 [\s\S]*Ray ID: [0-9a-f]{16}\n$/, String(react));
    assert.equal(cuts, 1);
  }
});

test("a connection on which nothing happens ends in every phase, but while its request is answered", () => {
  const limits = { head: 3, idle: 5, body: 4, moment: 2 };
  const phases = ["new", "head", "idle", "rest", "ending", "lingering"] as const;
  for (const isDraining of [false, true]) {
    for (const phase of phases) {
      // Over TLS an alert that cannot leave does not count as something to write.
      const socket = { writableLength: 0, bytesWritten: 100 } as Socket;
      const looks = new ConnectionLooks({ phase, socket, received: 10 }, limits);
      const results = Array.from({ length: 10 }, () => looks.look(isDraining));
      const hasEnded = results.some((result) => result !== undefined);
      assert.ok(hasEnded, `${phase} has no end`);
      const isCut = phase === "ending" || phase === "lingering";
      if (isCut) assert.ok(results.includes("cut"), phase);
    }
  }
});

test("a client that reads to the end of the connection takes no part of an answer for all of it", async (context) => {
  const ways: ((exchange: Exchange) => void)[] = [
    (exchange) => exchange.destroy(),
    (exchange) => setImmediate(() => exchange.destroy()),
  ];
  for (const breakOff of ways) {
    const port = await postern.start(context, (exchange) => {
      exchange.response.start({ status: 200, rawHeaders: [] });
      exchange.response.write(Buffer.from("a part"));
      setImmediate(() => breakOff(exchange));
    });
    const client = connect({ host: "127.0.0.1", port });
    context.after(() => client.destroy());
    let fault: string | undefined;
    let isClosed = false;
    client.on("data", () => undefined);
    client.on("error", (error: NodeJS.ErrnoException) => {
      fault = error.code;
    });
    client.on("close", () => {
      isClosed = true;
    });
    client.write("GET / HTTP/1.0\r\nHost: a.test\r\n\r\n");
    await until(() => isClosed);
    assert.equal(fault, "ECONNRESET");
  }
});

test("a client that sends on while the server drains has every answer up to the one that ends its connection", async (context) => {
  const begun: Exchange[] = [];
  const handler = (exchange: Exchange) => void begun.push(exchange);
  const { listener, port } = await startListener(context, { handler, transport: "postern" });
  const client = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
  context.after(() => client.destroy());
  const faults: string[] = [];
  let received = "";
  let isClosed = false;
  client.on("error", (error: NodeJS.ErrnoException) => faults.push(error.code ?? ""));
  client.on("close", () => {
    isClosed = true;
  });
  const get = (path: string) => `GET ${path} HTTP/1.1\r\nHost: a.test\r\n\r\n`;
  client.write(get("/one") + get("/two"));
  await until(() => begun.length === 1);
  const drained = listener.drain();
  const [one] = begun;
  assert.ok(one);
  answer(one);
  await until(() => begun.length === 2 && client.readableLength > 0);
  const before = client.readableLength;
  const [, two] = begun;
  assert.ok(two);
  answer(two);
  await until(() => client.readableLength > before);
  // The answer is there and not read; nobody has told this client that it is the last one.
  for (let number = 0; number < 50; number++) {
    client.write(get(`/more-${number}`));
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.on("data", (chunk) => {
    received += String(chunk);
  });
  client.on("end", () => client.end());
  await until(() => isClosed);
  assert.deepEqual(faults, []);
  assert.match(received, /of \/one;[\s\S]*Connection: close[\s\S]*of \/two;$/);
  assert.equal(begun.length, 2);
  await drained;
});
