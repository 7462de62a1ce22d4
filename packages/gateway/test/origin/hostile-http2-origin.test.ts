// Origins that break HTTP/2, frame by frame: each costs its own requests, nothing of what it sends
// reaches a client as an answer, and the next request has a connection that works.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import type { TestGateway } from "../../../../test/support/gateway.ts";
import {
  block,
  data,
  errors,
  type Field,
  flags,
  frame,
  headers,
  preface,
  rstStream,
  settings,
} from "../../../../test/support/h2-frames.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { gatewayTo, host } from "../access/forward-fixture.ts";

const headersFrame = 1;

/** Frames of an answer to the request on one stream. */
type Answer = (stream: number) => readonly Buffer[];

const ok: Field = [":status", "200"];
const good: Answer = (stream) => [headers(stream, [ok], 0), data(stream, "good")];

/** An origin that sends SETTINGS, and answers each request as the script says at that moment. */
async function scriptedOrigin(context: TestContext) {
  const script = { answer: good, connections: 0, requests: 0 };
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    script.connections += 1;
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.write(Buffer.concat([settings(), frame("SETTINGS", flags.ACK, 0)]));
    onRequests(socket, (stream) => {
      script.requests += 1;
      socket.write(Buffer.concat(script.answer(stream)));
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const { port } = server.address() as { port: number };
  const originRequest = { http2Origin: true, responseTimeout: "5s" };
  const gateway = await gatewayTo(context, [
    { service: `http://127.0.0.1:${port}`, originRequest },
  ]);
  return { script, gateway };
}

/** Calls back with the stream of each HEADERS frame. */
function onRequests(socket: Socket, answer: (stream: number) => void): void {
  let rest: Buffer = Buffer.alloc(0);
  let isOpen = false;
  socket.on("data", (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    if (!isOpen && rest.length < preface.length) return;
    if (!isOpen) rest = rest.subarray(preface.length);
    isOpen = true;
    while (rest.length >= 9 && rest.length >= 9 + rest.readUIntBE(0, 3)) {
      if (rest.readUInt8(3) === headersFrame) answer(rest.readUInt32BE(5));
      rest = rest.subarray(9 + rest.readUIntBE(0, 3));
    }
  });
}

const get = (gateway: TestGateway) =>
  rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`, "Accept: application/json"]);

/** @param fields after `:status`. @param body none: the stream ends with the head */
const answerOf =
  (fields: readonly Field[], body?: string): Answer =>
  (stream) =>
    body === undefined
      ? [headers(stream, fields)]
      : [headers(stream, fields, 0), data(stream, body)];

const poison = "poison";

const malformed: Record<string, Answer> = {
  "no status": answerOf([["x", poison]], poison),
  "a status that is no number": answerOf([[":status", "2oo"]], poison),
  "two statuses": answerOf([ok, [":status", "404"]], poison),
  "a status after a header": answerOf([["x", "y"], ok], poison),
  "a pseudo-header of requests": answerOf([ok, [":path", "/"]], poison),
  "a name in capitals": answerOf([ok, ["X-Poison", poison]], poison),
  "a switch of protocols": answerOf([[":status", "101"]], poison),
  Connection: answerOf([ok, ["connection", "close"]], poison),
  "Transfer-Encoding": answerOf([ok, ["transfer-encoding", "chunked"]], poison),
  Upgrade: answerOf([ok, ["upgrade", "websocket"]], poison),
  "a length that is no number": answerOf([ok, ["content-length", "+6"]], poison),
  "two lengths": answerOf([ok, ["content-length", "6"], ["content-length", "7"]], poison),
  "a 204 with a length": answerOf([
    [":status", "204"],
    ["content-length", "6"],
  ]),
  "DATA before the head": (stream) => [data(stream, poison)],
  "DATA on a stream that nobody began": (stream) => [data(stream + 2, poison)],
  "an answer on a stream that nobody began": (stream) => [headers(stream + 2, [ok])],
  "a push": (stream) => [
    frame("PUSH_PROMISE", flags.END_HEADERS, stream, Buffer.concat([promise(2), block([ok])])),
  ],
  "a head of a megabyte": answerOf([ok, ["x", "y".repeat(1_000_000)]]),
  "a head of many fields": answerOf([
    ok,
    ...Array.from({ length: 3_000 }, (): Field => ["x", "y"]),
  ]),
  "CONTINUATION without end": (stream) => [
    frame("HEADERS", 0, stream, block([ok])),
    ...Array.from({ length: 2_000 }, () => frame("CONTINUATION", 0, stream, block([["x", "y"]]))),
  ],
  "a header block that is none": (stream) => [
    frame("HEADERS", flags.END_HEADERS, stream, Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0x0f])),
  ],
  "a reset in place of an answer": (stream) => [rstStream(stream, errors.INTERNAL_ERROR)],
  "a goodbye in place of an answer": (stream) => [frame("GOAWAY", 0, 0, goAway(stream))],
};

function promise(stream: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(stream);
  return bytes;
}

function goAway(lastStream: number): Buffer {
  return Buffer.concat([promise(lastStream), promise(errors.PROTOCOL_ERROR)]);
}

for (const [what, answer] of Object.entries(malformed))
  test(`no client gets an answer with ${what}, and the next request is served`, async (context) => {
    const { script, gateway } = await scriptedOrigin(context);
    script.answer = answer;
    const broken = await get(gateway);
    assert.equal(broken.status, 502);
    assert.doesNotMatch(broken.raw, new RegExp(poison));
    script.answer = good;
    const next = await get(gateway);
    assert.deepEqual([next.status, /good/.test(next.body)], [200, true]);
  });

const sized: Field[] = [ok, ["content-length", "9"]];

/** Each begins an answer, sends `half` of its body at most, and breaks off. */
const cut: Record<string, Answer> = {
  "a frame longer than was agreed": (stream) => [
    headers(stream, [ok], 0),
    frame("DATA", flags.END_STREAM, stream, Buffer.alloc(100_000, poison)),
  ],
  "less than its length": (stream) => [headers(stream, sized, 0), data(stream, "half")],
  "more than its length": (stream) => [
    headers(stream, sized, 0),
    data(stream, "half", 0),
    data(stream, "more than nine"),
  ],
  "a reset without an error, and a length": (stream) => [
    headers(stream, sized, 0),
    data(stream, "half", 0),
    rstStream(stream, errors.NO_ERROR),
  ],
  "a reset that cancels": (stream) => [
    headers(stream, [ok], 0),
    data(stream, "half", 0),
    rstStream(stream, errors.CANCEL),
  ],
  "a reset with an error": (stream) => [
    headers(stream, [ok], 0),
    data(stream, "half", 0),
    rstStream(stream, errors.INTERNAL_ERROR),
  ],
  "a second head": (stream) => [
    headers(stream, [ok], 0),
    data(stream, "half", 0),
    headers(stream, [ok]),
  ],
  "trailers with Connection": (stream) => [
    headers(stream, [ok], 0),
    data(stream, "half", 0),
    headers(stream, [["connection", "close"]]),
  ],
  "a goodbye with an error": (stream) => [
    headers(stream, [ok], 0),
    data(stream, "half", 0),
    frame("GOAWAY", 0, 0, goAway(stream)),
  ],
};

for (const [what, answer] of Object.entries(cut))
  test(`an answer that breaks off with ${what} is visibly cut, and the next request is served`, async (context) => {
    const { script, gateway } = await scriptedOrigin(context);
    script.answer = answer;
    const { raw, body, headers: head } = await get(gateway);
    // Whatever had left by then: no last chunk, and not as much as was promised.
    assert.doesNotMatch(raw, /\r\n0\r\n|more|poison|502/);
    if (head["content-length"] !== undefined) assert.ok(body.length < 9);
    script.answer = good;
    assert.equal((await get(gateway)).status, 200);
  });
