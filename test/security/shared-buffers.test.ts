// All connections of a worker are read through the same few buffers. Bytes of one must never show
// in another: every read is overwritten once it was dealt with, and people who each send one byte
// over and over get nothing but their own back.
import assert from "node:assert/strict";
import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { http2Request } from "../support/http2-request.ts";
import { poisonedReads, poisonReads } from "../support/poisoned-reads.ts";
import { signIn } from "../support/sign-in.ts";
import { startTcpService } from "../support/tcp-service.ts";

poisonReads();

const people = 8;
const rounds = 2;
const app = "app.localhost";
/** Below, at and above what a read brings, and what is written in one piece. */
const sizes = [1, 100, 4_096, 4_097, 65_536, 65_537, 200_000, 600_000];

interface Scene {
  gateway: TestGateway;
  token: string;
}

/** An origin that sends back what it gets, over HTTP and WebSocket, and a service that does. */
async function openScene(context: TestContext): Promise<Scene> {
  const origin = createServer((asked, response) => {
    asked.on("error", () => undefined);
    asked.pipe(response);
  });
  const sockets = new WebSocketServer({ server: origin });
  sockets.on("connection", (socket) => {
    socket.on("message", (message) => socket.send(message));
  });
  await new Promise<void>((resolve) => origin.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    origin.closeAllConnections();
    origin.close();
  });
  const service = await startTcpService(context);
  const { port } = origin.address() as AddressInfo;
  const sections = simpleSections(`http://127.0.0.1:${port}`, [app]);
  const ingress = [
    { hostname: app, path: "/stream", service: `tcp://${service.address}` },
    { service: `http://127.0.0.1:${port}` },
  ];
  const gateway = await startGateway({ sections: { ...sections, ingress } });
  context.after(() => gateway.close());
  const { token } = await signIn(gateway);
  return { gateway, token };
}

/** Somebody's bytes, all alike. */
function bytesOf(person: number, size: number): Buffer {
  return Buffer.alloc(size, 0x41 + person);
}

function assertOwn(person: number, size: number, bytes: Buffer): void {
  assert.equal(bytes.length, size);
  const foreign = bytes.findIndex((byte) => byte !== 0x41 + person);
  assert.equal(foreign, -1, `of ${size} bytes, byte ${foreign} is ${bytes[foreign]}`);
}

function upload(scene: Scene, person: number, size: number, isHttp2: boolean): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>();
  const ask = isHttp2 ? http2Request : request;
  const asked = ask({
    host: "127.0.0.1",
    port: scene.gateway.port,
    method: "POST",
    headers: { host: app, "cf-access-token": scene.token },
    agent: false,
  });
  asked.on("error", reject);
  asked.on("response", (response) => {
    assert.equal(response.statusCode, 200);
    const pieces: Buffer[] = [];
    response.on("data", (piece: Buffer) => pieces.push(piece));
    response.on("end", () => resolve(Buffer.concat(pieces)));
    response.on("error", reject);
  });
  // In two parts, so that the second one finds the origin's answer under way.
  const bytes = bytesOf(person, size);
  asked.write(bytes.subarray(0, size / 2));
  setImmediate(() => asked.end(bytes.subarray(size / 2)));
  return promise;
}

async function talk(scene: Scene, person: number, path: string): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${scene.gateway.port}${path}`, {
    headers: { host: app, "cf-access-token": scene.token },
  });
  const total = rounds * sizes.reduce((sum, size) => sum + size, 0);
  const pieces: Buffer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let received = 0;
  socket.on("error", reject);
  socket.on("message", (message: Buffer) => {
    pieces.push(message);
    received += message.length;
    if (received >= total) resolve();
  });
  socket.on("close", () => reject(new Error(`closed behind ${received} bytes`)));
  socket.on("open", () => {
    for (let round = 0; round < rounds; round++)
      for (const size of sizes) socket.send(bytesOf(person, size));
  });
  await promise;
  socket.terminate();
  assertOwn(person, total, Buffer.concat(pieces));
}

async function uploadAll(scene: Scene, person: number, isHttp2: boolean): Promise<void> {
  for (let round = 0; round < rounds; round++)
    for (const size of sizes) assertOwn(person, size, await upload(scene, person, size, isHttp2));
}

const everybody = Array.from({ length: people }, (_, person) => person);

test("whoever else sends and reads at the same time, everybody has the bytes of nobody but themselves", async (context) => {
  const scene = await openScene(context);
  const before = poisonedReads();
  await Promise.all(
    everybody.flatMap((person) => [
      uploadAll(scene, person, false),
      uploadAll(scene, person, true),
      talk(scene, person, "/chat"),
      talk(scene, person, "/stream"),
    ]),
  );
  assert.ok(poisonedReads() - before > people, "no read was overwritten");
});

test("forms that the gateway reads itself have each their own sender's words", async (context) => {
  const scene = await openScene(context);
  const { gateway } = scene;
  const noise = everybody.map((person) => uploadAll(scene, person, false));
  await Promise.all(
    everybody.map(async (number) => {
      const email = `person-${number}@example.com`;
      const person = new Person();
      await person.open(`${gateway.origin(app)}/`);
      await person.press("Send me a code", { email });
      await person.press("Sign in", { code: gateway.pin(email) ?? "" });
      assert.equal(person.page.status, 200);
      const identity = await person.ask(`${gateway.origin(app)}/cdn-cgi/access/get-identity`);
      assert.equal((JSON.parse(identity.text) as { email: string }).email, email);
    }),
  );
  await Promise.all(noise);
});
