// How a stream is carried, with the gateway's side of it written byte for byte: what it does not
// take is not kept, how each kind of end is told, and that a gateway that is gone is noticed.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import {
  FrameReader,
  opcodes,
  writeCloseFrame,
  writeFrame,
} from "@postern/protocol/websocket-frames";
import { until } from "../../../../test/support/until.ts";
import { carry, type RunningStream } from "../../src/streams/carry.ts";

interface Scene {
  /** the program */
  program: Socket;
  /** the gateway's end of the WebSocket */
  gateway: Socket;
  /** what the gateway has got: payloads, and words for what is none */
  heard: string[];
  stream: RunningStream;
}

const protocol = "postern.tcp.v1";

async function scene(
  context: TestContext,
  options: { protocol?: string | undefined; pingInterval?: number; isDeaf?: boolean } = {},
): Promise<Scene> {
  const [program, input] = await socketPair(context);
  const [gateway, connection] = await socketPair(context);
  const heard: string[] = [];
  const reader = new FrameReader("client", {
    data: (bytes) => void heard.push(bytes.toString()),
    emptyMessage: () => void heard.push("(end)"),
    ping: (payload) => void heard.push(`(ping ${payload})`),
    close: (code) => void heard.push(`(close ${code})`),
  });
  if (options.isDeaf !== true) gateway.on("data", (bytes: Buffer) => reader.read(bytes));
  const remote = { connection, protocol: "protocol" in options ? options.protocol : protocol };
  const stream = carry({ input, output: input }, remote, options.pingInterval);
  return { program, gateway, heard, stream };
}

/** Both ends of a TCP connection. */
async function socketPair(context: TestContext): Promise<[Socket, Socket]> {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const near = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const [far] = (await once(server, "connection")) as [Socket];
  if (near.connecting) await once(near, "connect");
  server.close();
  for (const socket of [near, far]) {
    socket.on("error", () => undefined);
    context.after(() => socket.destroy());
  }
  return [near, far];
}

const binary = (text: string) => writeFrame(opcodes.binary, Buffer.from(text));

async function textOf(socket: Socket): Promise<string> {
  let text = "";
  for await (const piece of socket) text += piece;
  return text;
}

test("bytes go both ways in order, and a ping is answered", async (context) => {
  const { program, gateway, heard } = await scene(context);
  program.write("one");
  await until(() => heard.join("") === "one");
  gateway.write(
    Buffer.concat([binary("a"), binary("b"), writeFrame(opcodes.ping, Buffer.from("p"))]),
  );
  const [piece] = await once(program, "data");
  assert.equal(String(piece), "ab");
  program.end("two");
  await until(() => heard.join("").endsWith("two(end)"));
});

test("a direction ends with an empty frame, and the other one goes on", async (context) => {
  const { program, gateway, heard, stream } = await scene(context);
  gateway.write(Buffer.concat([binary("all"), binary("")]));
  assert.equal(await textOf(program), "all");
  program.end("more");
  await until(() => heard.join("") === "more(end)");
  gateway.write(writeCloseFrame(1000, ""));
  assert.deepEqual(await stream.ended, { ok: true });
  await until(() => heard.includes("(close 1000)"));
});

test("without the subprotocol either end is the end of both, with a close frame or without", async (context) => {
  const first = await scene(context, { protocol: undefined });
  first.program.end("bye");
  assert.deepEqual(await first.stream.ended, { ok: true });
  await until(() => first.heard.join("") === "bye(close 1000)");

  const second = await scene(context, { protocol: undefined });
  second.gateway.end(binary("bye"));
  assert.deepEqual(await second.stream.ended, { ok: true });
});

test("a close frame with a reason is told in the gateway's words, without what steers a terminal", async (context) => {
  const { program, gateway, stream } = await scene(context);
  program.write("x");
  gateway.write(Buffer.concat([binary("y"), writeCloseFrame(1008, "Ended\x1b[2J. Sign in again")]));
  assert.deepEqual(await stream.ended, {
    ok: false,
    reason: "the gateway ended the connection: Ended\\x1b[2J. Sign in again",
    isFresh: false,
  });
});

for (const [what, end, reason] of [
  ["a close frame without a reason", writeCloseFrame(1011, ""), "ended the connection (code 1011)"],
  ["the end of the connection alone", Buffer.alloc(0), "broke the connection off"],
  [
    "a masked frame",
    Buffer.from([0x82, 0x80, 0, 0, 0, 0]),
    "sent what is no WebSocket: a server's",
  ],
  ["a reserved bit", Buffer.from([0xc2, 0x00]), "sent what is no WebSocket: a reserved bit is set"],
] as const) {
  test(`${what} is a fault, and another stream may follow where nothing was carried`, async (context) => {
    for (const isFresh of [true, false]) {
      const { program, gateway, stream } = await scene(context);
      gateway.end(Buffer.concat([isFresh ? Buffer.alloc(0) : binary("x"), end]));
      const ended = await stream.ended;
      assert.ok(!ended.ok);
      assert.ok(ended.reason.includes(reason), ended.reason);
      assert.equal(ended.isFresh, isFresh);
      assert.ok(!program.destroyed, "the program's side is the caller's");
    }
  });
}

test("a gateway that answers no ping is given up, and one that answers is not", async (context) => {
  const dead = await scene(context, { pingInterval: 20, isDeaf: true });
  dead.gateway.pause();
  const ended = await dead.stream.ended;
  assert.deepEqual(ended, {
    ok: false,
    reason: "the gateway does not answer any more",
    isFresh: true,
  });

  const alive = await scene(context, { pingInterval: 20 });
  let hasEnded = false;
  void alive.stream.ended.then(() => {
    hasEnded = true;
  });
  let answers = 0;
  const answer = setInterval(() => {
    alive.gateway.write(writeFrame(opcodes.pong, Buffer.alloc(0)));
    answers += 1;
  }, 5);
  context.after(() => clearInterval(answer));
  await until(() => alive.heard.filter((each) => each === "(ping )").length >= 8);
  assert.ok(!hasEnded, `it answered ${answers} times`);
});

test("what the program does not take is left with the gateway, and what the gateway does not take with the program", async (context) => {
  const megabyte = Buffer.alloc(2 ** 20);
  const down = await scene(context);
  down.program.pause();
  let sent = 0;
  while (down.gateway.write(writeFrame(opcodes.binary, megabyte)) || (await drained(down.gateway)))
    sent += 1;
  assert.ok(sent < 60, `${sent} MiB went nowhere`);

  const up = await scene(context, { isDeaf: true });
  up.gateway.pause();
  sent = 0;
  while (up.program.write(megabyte) || (await drained(up.program))) sent += 1;
  assert.ok(sent < 60, `${sent} MiB went nowhere`);
});

/** Whether the socket takes more within a moment. */
async function drained(socket: Socket): Promise<boolean> {
  const moment = new Promise<boolean>((resolve) => void setTimeout(resolve, 300, false));
  return Promise.race([once(socket, "drain").then(() => true), moment]);
}

test("a program that goes away ends the stream, and the gateway hears of it", async (context) => {
  const { program, gateway, stream } = await scene(context);
  program.write("x");
  await once(gateway, "data");
  program.resetAndDestroy();
  assert.deepEqual(await stream.ended, { ok: true });
  if (!gateway.readableEnded && !gateway.destroyed)
    await new Promise((resolve) => gateway.once("close", resolve).once("end", resolve));
});
