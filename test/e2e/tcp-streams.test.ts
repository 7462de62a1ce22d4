// Bytes through a WebSocket to a TCP service: how a stream begins, is carried and ends. The client
// is the `ws` package, or writes its frames byte for byte.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type TestContext, test } from "node:test";
import type { WebSocket } from "ws";
import { gatewayTo, megabyte } from "../../packages/gateway/test/access/forward-fixture.ts";
import { clientFrame } from "../support/client-frame.ts";
import { freePort } from "../support/free-port.ts";
import { http2Tunnel } from "../support/http2-request.ts";
import { begun, dial, rawDial, refusedDial } from "../support/stream-dial.ts";
import { startDeafService, startTcpService } from "../support/tcp-service.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";

const host = "open.localhost";
const halfClose = ["postern.tcp.v1"];

/** A gateway that lets everybody through to one service. */
async function scene(
  context: TestContext,
  speak?: Parameters<typeof startTcpService>[1],
  originRequest: Record<string, unknown> = {},
) {
  const service = await startTcpService(context, speak);
  const ingress = [{ service: `tcp://${service.address}`, originRequest }];
  const gateway = await gatewayTo(context, ingress);
  return { service, gateway, port: gateway.port };
}

test("bytes reach the service and come back, from binary frames and from text", async (context) => {
  const { port } = await scene(context);
  const client = dial(port, { host });
  assert.equal(await client.opened, "", "no subprotocol that was not offered");
  client.socket.send("one ");
  client.socket.send(Buffer.from("two"));
  await until(() => client.received() === "one two");
  client.socket.close();
  assert.equal((await client.closed).code, 1000);
});

test("a service that speaks first is heard", async (context) => {
  const { port } = await scene(context, (socket) => socket.end("220 welcome"));
  const client = dial(port, { host });
  assert.deepEqual(await client.closed, { code: 1000, reason: "" });
  assert.equal(client.received(), "220 welcome");
});

test("a hundred streams at once have each its own bytes", async (context) => {
  const { port } = await scene(context);
  const numbers = Array.from({ length: 100 }, (_, number) => number);
  await Promise.all(
    numbers.map(async (number) => {
      const client = dial(port, { host });
      await client.opened;
      client.socket.send(`stream ${number};`.repeat(1_000));
      await until(() => client.received() === `stream ${number};`.repeat(1_000));
      client.socket.close();
      await client.closed;
    }),
  );
});

test("without a subprotocol the end of the service is the end of the stream", async (context) => {
  const { port, service } = await scene(context, (socket) => {
    socket.on("data", () => socket.end("all of it"));
  });
  const client = dial(port, { host });
  await client.opened;
  client.socket.send("ask");
  assert.equal((await client.closed).code, 1000);
  assert.equal(client.received(), "all of it");
  await until(() => service.sockets.every((socket) => socket.destroyed));
});

for (const how of ["a close frame", "an abrupt end"]) {
  test(`${how} of the client ends the connection, and what it sent before arrives`, async (context) => {
    const ends: string[] = [];
    const { port, service } = await scene(context, (socket) => {
      socket.on("end", () => {
        ends.push("end");
        socket.end();
      });
      // Nothing is read until the client is gone.
      socket.on("data", () => undefined);
      setImmediate(() => socket.pause());
    });
    const client = dial(port, { host });
    await client.opened;
    const bytes = Buffer.alloc(megabyte / 4, "x");
    await new Promise((resolve) => client.socket.send(bytes, resolve));
    if (how === "a close frame") client.socket.close();
    else tcpOf(client.socket).end();
    await client.closed;
    service.sockets[0]?.resume();
    await until(() => ends.length === 1);
    assert.equal(service.receivedSize(), bytes.length);
  });
}

test("with postern.tcp.v1 a client may end its side and still be answered", async (context) => {
  const { port, service } = await scene(context, (socket) => {
    let size = 0;
    socket.on("data", (piece: Buffer) => {
      size += piece.length;
    });
    socket.on("end", () => socket.end(`got ${size}`));
  });
  const client = dial(port, { host, protocols: ["other", ...halfClose] });
  assert.equal(await client.opened, halfClose[0]);
  client.socket.send(Buffer.alloc(megabyte, "x"));
  client.socket.send(Buffer.alloc(0));
  assert.deepEqual(await client.closed, { code: 1000, reason: "" });
  assert.equal(client.received(), `got ${megabyte}`);
  assert.equal(service.sockets.length, 1);
});

test("with postern.tcp.v1 a service may end its side and still be told", async (context) => {
  const { port, service } = await scene(context, (socket) => {
    socket.end("nothing more from me");
    socket.on("data", () => undefined);
  });
  const client = dial(port, { host, protocols: halfClose });
  await client.opened;
  await until(() => client.emptyFrames() === 1);
  assert.equal(client.received(), "nothing more from me");
  client.socket.send("but from me");
  await until(() => service.received() === "but from me");
  client.socket.send(Buffer.alloc(0));
  assert.equal((await client.closed).code, 1000);
});

test("without it an empty frame ends nothing", async (context) => {
  const { port } = await scene(context);
  const client = dial(port, { host });
  await client.opened;
  client.socket.send(Buffer.alloc(0));
  client.socket.send("still here");
  await until(() => client.received() === "still here");
  assert.equal(client.emptyFrames(), 0);
  client.socket.terminate();
});

test("bytes behind the end of their direction end the stream", async (context) => {
  const { port } = await scene(context, (socket) => void socket.on("data", () => undefined));
  const client = dial(port, { host, protocols: halfClose });
  await client.opened;
  client.socket.send(Buffer.alloc(0));
  client.socket.send("one more thing");
  assert.equal((await client.closed).code, 1002);
});

test("a service that takes nothing holds the client back, and no memory fills up", async (context) => {
  const { port, service } = await scene(context, (socket) => {
    setImmediate(() => socket.pause());
    socket.on("data", () => undefined);
  });
  const client = dial(port, { host });
  await client.opened;
  const total = 64 * megabyte;
  let size = 0;
  while (size < total) {
    client.socket.send(Buffer.alloc(megabyte, "x"));
    size += megabyte;
  }
  // What the systems in between keep is some megabytes; all the rest must wait at the client.
  await settled(() => client.socket.bufferedAmount);
  assert.ok(client.socket.bufferedAmount > total / 2, `${client.socket.bufferedAmount} wait`);
  service.sockets[0]?.resume();
  await until(() => service.receivedSize() === total);
  client.socket.terminate();
});

test("a client that takes nothing holds the service back", async (context) => {
  const total = 64 * megabyte;
  const { port, service } = await scene(context, (socket) => {
    socket.write(Buffer.alloc(total, "x"));
    socket.end();
  });
  const client = dial(port, { host });
  await client.opened;
  const tcp = tcpOf(client.socket);
  tcp.pause();
  const untaken = () => service.sockets[0]?.writableLength ?? 0;
  await settled(untaken);
  assert.ok(untaken() > 0, "the service could write everything");
  tcp.resume();
  assert.equal((await client.closed).code, 1000);
  assert.equal(client.received().length, total);
});

for (const version of ["HTTP/1.1", "HTTP/2"]) {
  test(`a client that takes nothing for longer than an answer would wait keeps its stream (${version})`, async (context) => {
    const upstream = await startUpstream();
    context.after(() => upstream.close());
    const service = await startTcpService(context, (socket) => {
      socket.write(Buffer.alloc(32 * megabyte, "x"));
      socket.end();
    });
    const ingress = [
      { path: "/long", service: upstream.origin },
      { service: `tcp://${service.address}` },
    ];
    const gateway = await gatewayTo(context, ingress, {
      limits: { body_timeout: "300ms" },
      log: { requests: true },
    });
    const tunnel = await openTunnel(gateway.port, version);
    tunnel.pause();
    const untaken = () => service.sockets[0]?.writableLength ?? 0;
    await settled(untaken);

    // Another client takes nothing of an answer meanwhile, and is cut off.
    upstream.answerWith((_request, response) => response.end(Buffer.alloc(32 * megabyte)));
    const other = connect(gateway.port, "127.0.0.1").on("error", () => undefined);
    other.pause();
    other.write(`GET /long HTTP/1.1\r\nHost: ${host}:${gateway.port}\r\n\r\n`);
    await until(() => gateway.events.some(({ event }) => event === "request_cut"));
    other.destroy();

    assert.ok(untaken() > 0);
    let size = 0;
    tunnel.on("data", (piece: Buffer) => {
      size += piece.length;
    });
    tunnel.resume();
    // Some came before anybody counted.
    await until(() => size > 30 * megabyte);
    tunnel.destroy();
  });
}

for (const [version, status] of [
  ["HTTP/1.1", 101],
  ["HTTP/2", 200],
] as const) {
  test(`a stream has one line in the log of requests, when it ends (${version})`, async (context) => {
    const service = await startTcpService(context);
    const ingress = [{ service: `tcp://${service.address}` }];
    const gateway = await gatewayTo(context, ingress, { log: { requests: true } });
    const lines = () => gateway.events.filter(({ event }) => event.startsWith("request_"));
    const tunnel = await openTunnel(gateway.port, version);
    assert.deepEqual(lines(), []);
    tunnel.destroy();
    await until(() => service.sockets.every((socket) => socket.destroyed));
    await until(() => lines().length > 0);
    const [line, ...more] = lines();
    assert.ok(line?.event === "request_passed");
    assert.equal(line.status, status);
    assert.deepEqual(more, []);
  });
}

test("a service that breaks off is said in the close frame and in the log", async (context) => {
  const { port, gateway } = await scene(context, (socket) => {
    socket.on("data", () => socket.resetAndDestroy());
  });
  const client = dial(port, { host });
  await client.opened;
  client.socket.send("x");
  assert.deepEqual(await client.closed, {
    code: 1011,
    reason: "The service broke the connection off",
  });
  const event = gateway.events.find(({ event }) => event === "origin_failed");
  assert.ok(event !== undefined && "fault" in event);
  assert.equal(event.fault, "closed");
});

test("a service that is down is said before the upgrade, on page and in the log", async (context) => {
  const closedPort = await freePort();
  const gateway = await gatewayTo(context, [{ service: `tcp://127.0.0.1:${closedPort}` }]);
  const { status, body } = await refusedDial(gateway.port, { host });
  assert.equal(status, 502);
  assert.match(body, /is not taking connections right now.*Ray ID: [0-9a-f]{16}/);
  const event = gateway.events.find(({ event }) => event === "origin_failed");
  assert.ok(event !== undefined && "origin" in event && "detail" in event);
  assert.equal(event.origin, `tcp://127.0.0.1:${closedPort}`);
  assert.match(String(event.detail), /ECONNREFUSED/);
});

test("a name that nobody knows is said as well", async (context) => {
  const gateway = await gatewayTo(context, [{ service: "tcp://nobody.invalid:22" }]);
  assert.equal((await refusedDial(gateway.port, { host })).status, 502);
});

test("a service that does not take the connection in time is a 504", async (context) => {
  const { address } = await startDeafService(context);
  const gateway = await gatewayTo(context, [
    { service: `tcp://${address}`, originRequest: { connectTimeout: "50ms" } },
  ]);
  const { status, body } = await refusedDial(gateway.port, { host });
  assert.equal(status, 504);
  assert.match(body, /did not take the connection in time/);
});

test("a client that goes away while its service is dialled leaves no connection", async (context) => {
  const { address } = await startDeafService(context);
  const gateway = await gatewayTo(context, [{ service: `tcp://${address}` }], {
    limits: { origin_connections: 1 },
  });
  const client = dial(gateway.port, { host });
  await begun(client);
  client.socket.on("error", () => undefined);
  client.socket.terminate();
  // With one connection allowed, the next dial is turned away only while that one is counted.
  await until(async () => {
    const next = dial(gateway.port, { host });
    const outcome = await Promise.race([
      next.opened.catch((error) => error.status as number),
      new Promise((resolve) => setTimeout(resolve, 200, "dialling")),
    ]);
    next.socket.terminate();
    return outcome === "dialling";
  });
});

test("more streams than a service may have are turned away, until one ends", async (context) => {
  const service = await startTcpService(context);
  const gateway = await gatewayTo(context, [{ service: `tcp://${service.address}` }], {
    limits: { origin_connections: 2 },
  });
  const first = dial(gateway.port, { host });
  const second = dial(gateway.port, { host });
  await Promise.all([first.opened, second.opened]);
  const { status, headers } = await refusedDial(gateway.port, { host });
  assert.deepEqual([status, headers["retry-after"]], [503, "1"]);
  assert.equal(service.sockets.length, 2);
  first.socket.close();
  await until(() =>
    dial(gateway.port, { host }).opened.then(
      () => true,
      () => false,
    ),
  );
});

test("a stream that carries nothing for too long is ended", async (context) => {
  const { port, service } = await scene(context, undefined, { idleTimeout: "300ms" });
  const client = dial(port, { host });
  await client.opened;
  const { code, reason } = await client.closed;
  assert.deepEqual([code, reason], [1001, "Nothing was sent for too long"]);
  await until(() => service.sockets.every((socket) => socket.destroyed));
});

test("bytes in one direction alone keep a stream, and pings do not", async (context) => {
  const { port } = await scene(context, (socket) => void socket.on("data", () => undefined), {
    idleTimeout: "2s",
  });
  const busy = dial(port, { host });
  const pinging = dial(port, { host });
  await Promise.all([busy.opened, pinging.opened]);
  const timer = setInterval(() => {
    busy.socket.send("x");
    if (pinging.socket.readyState === pinging.socket.OPEN) pinging.socket.ping();
  }, 50);
  assert.equal((await pinging.closed).code, 1001);
  assert.equal(busy.socket.readyState, busy.socket.OPEN);
  clearInterval(timer);
  busy.socket.terminate();
});

test("a ping is answered with its payload", async (context) => {
  const { port } = await scene(context);
  const client = dial(port, { host });
  await client.opened;
  const pong = once(client.socket as unknown as NodeJS.EventEmitter, "pong");
  client.socket.ping("are you there");
  assert.equal(String((await pong)[0]), "are you there");
  client.socket.terminate();
});

test("anything but a WebSocket is told how to connect, and nothing is dialled", async (context) => {
  const service = await startTcpService(context);
  const gateway = await gatewayTo(context, [{ service: `ssh://${service.address}` }]);
  const key = "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==";
  const upgrade = ["Connection: Upgrade", "Upgrade: websocket", key];
  const version = "Sec-WebSocket-Version: 13";
  const refused: [lines: string[], status: number, words: RegExp][] = [
    [[], 426, /carries SSH over WebSocket, for programs/],
    [["Connection: Upgrade", "Upgrade: spdy"], 426, /carries SSH/],
    [["Upgrade: websocket", key, version], 400, /no upgrade of HTTP/],
    [[...upgrade, "Content-Length: 1", version], 400, /no upgrade of HTTP/],
    [upgrade, 426, /Sec-WebSocket-Version: 13/],
    [[...upgrade, "Sec-WebSocket-Version: 12"], 426, /Sec-WebSocket-Version: 13/],
    [[...upgrade, version, version], 426, /Sec-WebSocket-Version: 13/],
    [[...upgrade, key, version], 400, /Sec-WebSocket-Key/],
    [["Connection: Upgrade", "Upgrade: websocket", version], 400, /Sec-WebSocket-Key/],
    [
      ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Key: short", version],
      400,
      /Sec-WebSocket-Key/,
    ],
  ];
  for (const [lines, status, words] of refused) {
    const answer = await rawDial(gateway.port, host, lines, "x").answer;
    assert.equal(answer.status, status, lines.join(" | "));
    assert.match(answer.text, words, lines.join(" | "));
    if (status === 426) assert.match(answer.text, /\r\nUpgrade: websocket\r\n/i);
  }
  assert.equal(service.sockets.length, 0);
});

/** What an adversary sends once its stream is open, and the code that it is closed with. */
const adversaries: [what: string, bytes: Buffer, code: number][] = [
  ["a frame without a mask", Buffer.from([0x82, 0x01, 0x61]), 1002],
  ["a reserved bit", Buffer.from([0xc2, 0x80, 0, 0, 0, 0]), 1002],
  ["a ping of 126 bytes", clientFrame(0x9, "x".repeat(126)), 1002],
  ["a fragmented close", clientFrame(0x8, "", { final: false }), 1002],
  ["a continuation of nothing", clientFrame(0x0, "x"), 1002],
  ["an unknown opcode", clientFrame(0x5, "x"), 1002],
  ["a second request", Buffer.from("GET / HTTP/1.1\r\nHost: open.localhost\r\n\r\n"), 1002],
  ["a frame of 2^63 bytes", Buffer.from([0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), 1002],
];

for (const [what, bytes, code] of adversaries) {
  test(`${what} ends the stream, and nothing of it reaches the service`, async (context) => {
    const { port, service } = await scene(context, (socket) => {
      socket.on("data", () => undefined);
      socket.on("end", () => socket.end());
    });
    const before = clientFrame(0x2, "before");
    for (const pieces of [[Buffer.concat([before, bytes])], [before, ...bytewise(bytes)]]) {
      const raw = rawDial(port, host, handshake);
      await raw.opened;
      for (const piece of pieces) raw.socket.write(piece);
      const { closeCode } = await raw.ended;
      assert.equal(closeCode, code);
    }
    await until(() => service.sockets.every((socket) => socket.destroyed));
    assert.equal(service.received(), "beforebefore");
  });
}

test("frames right behind the request, before its answer, are not lost", async (context) => {
  const { port, service } = await scene(context);
  const raw = rawDial(port, host, handshake, clientFrame(0x2, "early").toString("latin1"));
  await raw.opened;
  await until(() => service.received() === "early");
  raw.socket.destroy();
});

test("pings without end from a client that takes nothing are not kept", async (context) => {
  const { port, gateway } = await scene(context);
  const raw = rawDial(port, host, handshake);
  await raw.opened;
  raw.socket.pause();
  const pings = Buffer.concat(
    Array.from({ length: 5_000 }, () => clientFrame(0x9, "x".repeat(125))),
  );
  let written = 0;
  while (written < 32 && raw.socket.write(pings)) written += 1;
  for (let rounds = 0; rounds < 32; rounds++) raw.socket.write(pings);
  // The gateway still answers others meanwhile.
  const other = dial(gateway.port, { host });
  await other.opened;
  other.socket.send("hello");
  await until(() => other.received() === "hello");
  await until(() => raw.socket.writableLength === 0);
  other.socket.terminate();
  raw.socket.destroy();
});

const handshake = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

/** The bytes of a WebSocket, frames and all. */
async function openTunnel(port: number, version: string): Promise<Duplex> {
  if (version === "HTTP/1.1") {
    const raw = rawDial(port, host, handshake);
    await raw.opened;
    return raw.socket;
  }
  const headers = { Host: `${host}:${port}`, "Sec-WebSocket-Version": "13" };
  const { tunnel } = await http2Tunnel(
    { host: "127.0.0.1", port, path: "/", headers },
    "websocket",
  );
  return tunnel;
}

function bytewise(bytes: Buffer): Buffer[] {
  return Array.from({ length: bytes.length }, (_, index) => bytes.subarray(index, index + 1));
}

function tcpOf(socket: WebSocket): Socket {
  return (socket as unknown as { _socket: Socket })._socket;
}

/** Resolves when a number has stayed the same for many looks in a row. */
async function settled(count: () => number): Promise<void> {
  let [last, looks] = [-1, 0];
  await until(() => {
    looks = count() === last ? looks + 1 : 0;
    last = count();
    return looks > 60;
  });
}
