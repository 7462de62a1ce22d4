// What the data path and the sign-in may expect of every transport. A new one joins the list of
// transport-fixture.ts, and is held to all of this.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent } from "node:http";
import { connect } from "node:net";
import { test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import type { BodyReader, Exchange } from "../../src/http/transport.ts";
import { answerTo, http1Transports, responseTo, transports } from "./transport-fixture.ts";

const megabyte = 1024 * 1024;

/** Reads a body to its end. */
function read({ body }: Exchange): Promise<{ text: string; trailers: readonly string[] }> {
  return new Promise((resolve) => {
    let text = "";
    body.read({
      data: (chunk) => {
        text += chunk.toString();
      },
      end: (trailers) => resolve({ text, trailers }),
    });
  });
}

function answer({ response }: Exchange, text: string, rawHeaders: string[] = []): void {
  const length = String(Buffer.byteLength(text));
  response.start({ status: 200, rawHeaders: [...rawHeaders, "Content-Length", length] });
  response.end(text);
}

/** Names of HTTP/2 are lower-case (RFC 9113 8.2). */
function lowerName(text: string, index: number): string {
  return index % 2 === 0 ? text.toLowerCase() : text;
}

/** The first exchange, and a way to wait for it. */
function firstExchange(): { handler: (exchange: Exchange) => void; arrived: Promise<Exchange> } {
  const { promise, resolve } = Promise.withResolvers<Exchange>();
  return { handler: resolve, arrived: promise };
}

for (const { name, version, start, ask } of transports) {
  test(`${name}: a request arrives as the client wrote it`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const headers = ["Host", "a.test", "X-Twice", "1", "x-twice", "2"];
    const asked = ask(port, { method: "PATCH", path: "/a%2fb?c#d", headers });
    asked.end();
    const exchange = await arrived;
    const { rawHeaders, bodyFollows: _, ...head } = exchange.head;
    assert.deepEqual(head, {
      method: "PATCH",
      target: "/a%2fb?c#d",
      version,
      upgrade: undefined,
      peer: "127.0.0.1",
    });
    const expected = version === "2.0" ? headers.map(lowerName) : headers;
    assert.deepEqual(rawHeaders.slice(0, headers.length), expected);
    answer(exchange, "read");
    await answerTo(asked);
  });

  test(`${name}: a body is handed over whole, with its trailers`, async (context) => {
    const port = await start(context, async (exchange) => {
      const { text, trailers } = await read(exchange);
      assert.equal(exchange.body.complete, true);
      answer(exchange, JSON.stringify({ text, trailers }));
    });
    const asked = ask(port, { method: "POST", headers: { Trailer: "X-Sum" } });
    asked.write("one ");
    asked.write("two");
    asked.addTrailers([["X-Sum", "7"]]);
    asked.end();
    const { body } = await answerTo(asked);
    const name = version === "2.0" ? "x-sum" : "X-Sum";
    assert.deepEqual(JSON.parse(body), { text: "one two", trailers: [name, "7"] });
  });

  test(`${name}: trailers that are there before the body is read are not lost`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const asked = ask(port, { method: "POST", headers: { Trailer: "X-Sum" } });
    asked.write("one");
    asked.addTrailers([["X-Sum", "7"]]);
    asked.end();
    const exchange = await arrived;
    await until(() => exchange.body.complete);
    const { trailers } = await read(exchange);
    assert.equal(trailers[1], "7");
    answer(exchange, "read");
    await answerTo(asked);
  });

  test(`${name}: a client sends no faster than its body is read`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const size = 64 * megabyte;
    const asked = ask(port, { method: "PUT", headers: { "Content-Length": size } });
    let taken = 0;
    const block = Buffer.alloc(megabyte);
    const push = () => {
      while (taken < size) {
        taken += block.length;
        if (!asked.write(block)) return;
      }
      asked.end();
    };
    asked.on("drain", push);
    push();

    const exchange = await arrived;
    let received = 0;
    const reader: BodyReader = {
      data(chunk) {
        received += chunk.length;
        exchange.body.pause();
      },
      end: () => answer(exchange, String(received)),
    };
    exchange.body.read(reader);
    // Sockets take some megabytes; when nothing moves any more, far from all was taken.
    for (let before = -1; before !== taken; before = taken)
      await new Promise((resolve) => setTimeout(resolve, 200));
    assert.ok(received > 0 && taken < size / 2, `${taken} bytes were taken unread`);
    assert.equal(exchange.body.complete, false);

    reader.data = (chunk) => {
      received += chunk.length;
    };
    exchange.body.resume();
    assert.equal((await answerTo(asked)).body, String(size));
  });

  test(`${name}: what one reader leaves of a body goes to the next one`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const asked = ask(port, { method: "POST" });
    asked.write("first");
    const exchange = await arrived;
    await new Promise<void>((resolve) => {
      exchange.body.read({
        data(chunk) {
          assert.equal(chunk.toString(), "first");
          exchange.body.pause();
          exchange.body.stop();
          resolve();
        },
        end: () => assert.fail("the first reader sees no end"),
      });
    });
    asked.end("second");
    assert.equal((await read(exchange)).text, "second");
    answer(exchange, "read");
    assert.equal((await answerTo(asked)).body, "read");
  });

  test(`${name}: a client that waits for its go-ahead gets it when the handler says so`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const headers = { Expect: "100-continue", "Content-Length": 4 };
    const asked = ask(port, { method: "POST", headers });
    let continued = false;
    asked.once("continue", () => {
      continued = true;
      asked.end("body");
    });
    asked.flushHeaders();
    const exchange = await arrived;
    assert.equal(continued, false);
    exchange.continue();
    answer(exchange, (await read(exchange)).text);
    assert.equal((await answerTo(asked)).body, "body");
  });

  test(`${name}: an answer arrives with its status, phrase, headers and trailers`, async (context) => {
    const port = await start(context, ({ response }) => {
      assert.equal(response.started, false);
      response.start({
        status: 207,
        reason: "So And So",
        rawHeaders: ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Trailer", "X-Sum"],
      });
      assert.equal(response.started, true);
      response.write(Buffer.from("one "));
      response.end(Buffer.from("two \u00e9"), ["X-Sum", "8"]);
    });
    const asked = ask(port);
    asked.end();
    const { response, body } = await answerTo(asked);
    assert.equal(response.statusCode, 207);
    assert.equal(response.statusMessage, version === "2.0" ? "" : "So And So");
    assert.deepEqual(response.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(body, "one two \u00e9");
    assert.equal(response.trailers["x-sum"], "8");
  });

  test(`${name}: the head can be sent ahead of the body`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const asked = ask(port);
    asked.end();
    const { response } = await arrived;
    response.start({ status: 200, rawHeaders: [] });
    response.flush();
    const head = await responseTo(asked);
    assert.equal(head.statusCode, 200);
    response.end("later");
    let body = "";
    for await (const chunk of head) body += String(chunk);
    assert.equal(body, "later");
  });

  test(`${name}: an answer goes out no faster than the client reads it`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const asked = ask(port);
    asked.end();
    const { response } = await arrived;
    response.start({ status: 200, rawHeaders: [] });
    const head = responseTo(asked);

    // One block for all writes: what was written must not change with it.
    const block = Buffer.alloc(megabyte);
    let blocks = 0;
    let takesMore = true;
    while (takesMore && blocks < 256) {
      takesMore = response.write(block.fill(blocks % 256));
      blocks++;
    }
    assert.ok(blocks < 256, "a write says that the client is behind");
    block.fill(255);

    const drained = new Promise<void>((resolve) => {
      response.onDrain = resolve;
    });
    let received = 0;
    const reading = (async () => {
      for await (const chunk of await head)
        for (const byte of chunk as Buffer) {
          const expected = Math.floor(received / megabyte) % 256;
          if (byte !== expected) assert.fail(`byte ${received} is ${byte}`);
          received++;
        }
    })();
    await drained;
    response.end();
    await reading;
    assert.equal(received, blocks * megabyte);
  });

  test(`${name}: answers of many pieces stay apart, also when some of the clients go away`, async (context) => {
    // One block for all answers: what was written must not change with it.
    const block = Buffer.alloc(256 * 1024);
    const pieces = 16;
    const port = await start(context, ({ head, response }) => {
      const mark = Number(head.target.slice(1));
      let count = 0;
      const write = () => {
        while (count < pieces && !response.closed) {
          count++;
          if (!response.write(block.fill(mark))) return;
        }
        block.fill(255);
        response.end();
      };
      response.start({ status: 200, rawHeaders: [] });
      response.onDrain = write;
      write();
    });
    const take = async (mark: number) => {
      const asked = ask(port, { path: `/${mark}` });
      asked.end();
      const goesAway = mark % 3 === 0;
      let received = 0;
      for await (const chunk of await responseTo(asked)) {
        if (goesAway) break;
        assert.ok((chunk as Buffer).equals(Buffer.alloc(chunk.length, mark)), `answer ${mark}`);
        received += chunk.length;
        await new Promise((resolve) => setImmediate(resolve));
      }
      if (!goesAway) assert.equal(received, pieces * block.length);
    };
    await Promise.all(Array.from({ length: 12 }, (_, mark) => take(mark)));
  });

  test(`${name}: an answer without a body has none, whatever is written`, async (context) => {
    const port = await start(context, ({ head, response }) => {
      response.start({ status: head.method === "HEAD" ? 200 : 204, rawHeaders: [] });
      response.end("nothing of this");
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    context.after(() => agent.destroy());
    for (const method of ["HEAD", "GET", "HEAD"]) {
      const asked = ask(port, { method, agent });
      asked.end();
      const { body } = await answerTo(asked);
      assert.equal(body, "");
    }
  });

  test(`${name}: who goes away is noticed, once, and who has its answer has not gone away`, async (context) => {
    const { handler, arrived } = firstExchange();
    const port = await start(context, handler);
    const asked = ask(port);
    asked.on("error", () => undefined);
    asked.end();
    const exchange = await arrived;
    let aborts = 0;
    let finishes = 0;
    const cuts: (number | undefined)[] = [];
    exchange.response.onFinish = () => finishes++;
    exchange.response.onCut = (status) => cuts.push(status);
    const aborted = new Promise<void>((resolve) => {
      exchange.onAbort = () => {
        aborts++;
        resolve();
      };
    });
    exchange.response.start({ status: 200, rawHeaders: [] });
    exchange.response.write(Buffer.from("half"));
    (await responseTo(asked)).on("error", () => undefined);
    assert.equal(exchange.response.closed, false);
    asked.destroy();
    await aborted;
    assert.equal(exchange.response.closed, true);
    assert.deepEqual([aborts, finishes], [1, 0]);
    assert.deepEqual(cuts, [200]);
  });

  test(`${name}: an answer that the client has is finished, with its status`, async (context) => {
    const statuses: number[] = [];
    const port = await start(context, (exchange) => {
      exchange.onAbort = () => assert.fail("nobody went away");
      exchange.response.onFinish = (status) => statuses.push(status);
      exchange.response.onCut = () => assert.fail("nothing was cut off");
      exchange.response.start({ status: 404, rawHeaders: [] });
      exchange.response.end("whole");
    });
    const asked = ask(port);
    asked.end();
    await answerTo(asked);
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(statuses, [404]);
  });

  test(`${name}: a connection is kept, unless the answer says otherwise and nobody shares it`, async (context) => {
    const port = await start(context, (exchange) => {
      if (exchange.head.target === "/last") exchange.response.closeConnection();
      answer(exchange, "");
    });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    context.after(() => agent.destroy());
    const reused: boolean[] = [];
    const ends = version !== "2.0";
    for (const path of ["/", "/last", "/"]) {
      const asked = ask(port, { path, agent });
      asked.end();
      const { response } = await answerTo(asked);
      reused.push(asked.reusedSocket);
      assert.equal(response.headers.connection === "close", ends && path === "/last");
    }
    assert.deepEqual(reused, [false, true, !ends]);
  });

  test(`${name}: an answer that is cut off is visibly not complete`, async (context) => {
    const port = await start(context, (exchange) => {
      exchange.response.start({ status: 200, rawHeaders: [] });
      exchange.response.write(Buffer.from("half"));
      setImmediate(() => exchange.destroy());
    });
    const asked = ask(port);
    asked.end();
    const response = await responseTo(asked);
    response.resume();
    const [error] = (await once(response, "error")) as [NodeJS.ErrnoException];
    assert.equal(error.code, "ECONNRESET");
    assert.equal(response.complete, false);
  });
}

for (const { name, start } of http1Transports) {
  test(`${name}: a client that shuts its sending side has its answer, or is gone where the handler says so`, async (context) => {
    const port = await start(context, (exchange) => {
      if (exchange.head.target === "/held") {
        exchange.onAbort = gone.resolve;
        exchange.abortWhenClientEnds();
      } else {
        setTimeout(() => answer(exchange, "later"), 100);
      }
    });
    const gone = Promise.withResolvers<void>();
    for (const path of ["/", "/held"]) {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      socket.on("error", () => undefined);
      socket.end(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      let received = "";
      socket.on("data", (chunk) => {
        received += String(chunk);
      });
      await new Promise((resolve) => socket.on("close", resolve));
      assert.equal(received.endsWith("later"), path === "/", path);
    }
    await gone.promise;
  });

  test(`${name}: a client that shuts its sending side has a long answer to its end, and the answers after it`, async (context) => {
    const port = await start(context, (exchange) => {
      const { response } = exchange;
      response.start({ status: 200, rawHeaders: [] });
      let piece = 0;
      const timer = setInterval(() => {
        piece++;
        response.write(Buffer.from(`${exchange.head.target} ${piece};`));
        if (piece < 5) return;
        clearInterval(timer);
        response.end("whole;");
      }, 600);
    });
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    for (const paths of [["/one"], ["/one", "/two"]]) {
      const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true });
      socket.end(paths.map(request).join(""));
      let received = "";
      for await (const chunk of socket) received += String(chunk);
      for (const path of paths) assert.ok(received.includes(`${path} 5;`), received);
      assert.equal(received.split("whole;").length - 1, paths.length);
      assert.match(received, /\r\n0\r\n\r\n$/, "the last chunk");
    }
  });
}
