// Frames as clients and servers send them, whole and in pieces, and everything that RFC 6455 lets
// none send.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { clientFrame } from "../../../test/support/client-frame.ts";
import {
  closeCodes,
  FrameFault,
  FrameReader,
  opcodes,
  type Side,
  writeCloseFrame,
  writeFrame,
  writeMaskedFrame,
} from "../src/websocket-frames.ts";

type Event = [kind: string, ...rest: unknown[]];

/** What a reader makes of the peer's bytes when they arrive in pieces of this size. */
function readAll(bytes: Buffer, pieceSize = bytes.length, peer: Side = "client"): Event[] {
  const events: Event[] = [];
  let data: Buffer[] = [];
  const note = (...event: Event) => {
    if (data.length > 0) events.push(["data", Buffer.concat(data).toString("latin1")]);
    data = [];
    if (event[0] !== "end") events.push(event);
  };
  const reader = new FrameReader(peer, {
    data: (piece) => void data.push(Buffer.from(piece)),
    emptyMessage: () => note("empty"),
    ping: (payload) => note("ping", payload.toString("latin1")),
    close: (code, reason) => note("close", code, reason),
  });
  for (let at = 0; at < bytes.length; at += pieceSize)
    reader.read(Buffer.from(bytes.subarray(at, at + pieceSize)));
  note("end");
  return events;
}

const text = (length: number) => "abcdefghij".repeat(Math.ceil(length / 10)).slice(0, length);

test("payloads of every length arrive as they were sent, however they are cut", () => {
  for (const length of [1, 2, 125, 126, 127, 65_535, 65_536, 70_001]) {
    const bytes = Buffer.concat([
      clientFrame(opcodes.binary, text(length)),
      clientFrame(opcodes.binary, "end"),
    ]);
    for (const pieceSize of [bytes.length, 1, 3, 4_096, 4_097, 65_536])
      assert.deepEqual(readAll(bytes, pieceSize), [["data", `${text(length)}end`]], `${length}`);
  }
});

test("every alignment in memory and every mask come out right", () => {
  const payload = randomBytes(300).toString("latin1");
  for (let offset = 0; offset < 16; offset++) {
    const frame = clientFrame(opcodes.binary, payload, { mask: [offset, 255, 128, 1] });
    const memory = Buffer.alloc(frame.length + offset);
    frame.copy(memory, offset);
    const pieces: Buffer[] = [];
    const reader = new FrameReader("client", {
      data: (piece) => void pieces.push(piece),
      emptyMessage: () => assert.fail(),
      ping: () => assert.fail(),
      close: () => assert.fail(),
    });
    reader.read(memory.subarray(offset));
    assert.equal(Buffer.concat(pieces).toString("latin1"), payload);
  }
});

test("a message in fragments is one run of bytes, and control frames may come between them", () => {
  const bytes = Buffer.concat([
    clientFrame(opcodes.binary, "one ", { final: false }),
    clientFrame(opcodes.ping, "are you there"),
    clientFrame(opcodes.continuation, "", { final: false }),
    clientFrame(opcodes.pong, ""),
    clientFrame(opcodes.continuation, "two"),
    clientFrame(opcodes.binary, "three"),
  ]);
  const expected = [
    ["data", "one "],
    ["ping", "are you there"],
    ["data", "twothree"],
  ];
  assert.deepEqual(readAll(bytes), expected);
  assert.deepEqual(readAll(bytes, 1), expected);
});

test("text is bytes, and only an empty binary frame is the empty message", () => {
  assert.deepEqual(readAll(clientFrame(opcodes.text, "text")), [["data", "text"]]);
  assert.deepEqual(readAll(clientFrame(opcodes.text, "")), []);
  assert.deepEqual(readAll(clientFrame(opcodes.binary, "")), [["empty"]]);
  const fragments = Buffer.concat([
    clientFrame(opcodes.binary, "", { final: false }),
    clientFrame(opcodes.continuation, ""),
  ]);
  assert.deepEqual(readAll(fragments), []);
});

test("a close frame tells code and reason, and nothing behind it is read", () => {
  const close = (payload: Buffer | string) => readAll(clientFrame(opcodes.close, payload));
  assert.deepEqual(close(""), [["close", 1005, ""]]);
  const withReason = Buffer.concat([Buffer.from([0x03, 0xe8]), Buffer.from("näher")]);
  assert.deepEqual(close(withReason), [["close", 1000, "näher"]]);
  const behind = Buffer.concat([clientFrame(opcodes.close, ""), Buffer.from("no frame at all")]);
  assert.deepEqual(readAll(behind), [["close", 1005, ""]]);
});

const closeWith = (code: number) => {
  const payload = Buffer.alloc(2);
  payload.writeUInt16BE(code, 0);
  return clientFrame(opcodes.close, payload);
};

/** A head of a client's that claims a length in this many bytes. */
const claims = (form: 126 | 127, length: bigint) => {
  const head = Buffer.alloc(form === 126 ? 8 : 14);
  head[0] = 0x82;
  head[1] = 0x80 | form;
  if (form === 126) head.writeUInt16BE(Number(length), 2);
  else head.writeBigUInt64BE(length, 2);
  return head;
};

const refused: [what: string, bytes: Buffer, code: number][] = [
  ["a frame without a mask", Buffer.from([0x82, 0x01, 0x61]), 1002],
  ["an unmasked ping", Buffer.from([0x89, 0x00]), 1002],
  ["the first reserved bit", Buffer.from([0xc2, 0x80, 0, 0, 0, 0]), 1002],
  ["the second reserved bit", Buffer.from([0xa2, 0x80, 0, 0, 0, 0]), 1002],
  ["the third reserved bit on a control frame", Buffer.from([0x99, 0x80, 0, 0, 0, 0]), 1002],
  ["an unknown data opcode", clientFrame(0x3, ""), 1002],
  ["an unknown control opcode", clientFrame(0xb, ""), 1002],
  ["a fragmented ping", clientFrame(opcodes.ping, "", { final: false }), 1002],
  ["a ping of 126 bytes", clientFrame(opcodes.ping, text(126)), 1002],
  ["a close frame of 126 bytes", clientFrame(opcodes.close, text(126)), 1002],
  ["a continuation of nothing", clientFrame(opcodes.continuation, "x"), 1002],
  [
    "a message within a message",
    Buffer.concat([
      clientFrame(opcodes.binary, "x", { final: false }),
      clientFrame(opcodes.binary, "y"),
    ]),
    1002,
  ],
  ["a short length in 16 bits", claims(126, 125n), 1002],
  ["a short length in 64 bits", claims(127, 65_535n), 1002],
  ["a length with its highest bit set", claims(127, 2n ** 63n), 1002],
  ["a length beyond what can be counted", claims(127, 2n ** 53n), 1009],
  ["half a close code", clientFrame(opcodes.close, "x"), 1002],
  ["a reason that is not UTF-8", clientFrame(opcodes.close, Buffer.from([3, 232, 0xff])), 1007],
  ...[0, 999, 1004, 1005, 1006, 1015, 2000, 2999, 5000].map((code): [string, Buffer, number] => [
    `close code ${code}`,
    closeWith(code),
    1002,
  ]),
];

for (const [what, bytes, code] of refused) {
  test(`refused: ${what}`, () => {
    for (const pieceSize of [bytes.length, 1]) {
      assert.throws(
        () => readAll(bytes, pieceSize),
        (error) => error instanceof FrameFault && error.code === code,
      );
    }
  });
}

test("what is written has the shortest head, no mask, and is read by others", () => {
  for (const [length, head] of [
    [0, "8200"],
    [125, "827d"],
    [126, "827e007e"],
    [65_535, "827effff"],
    [65_536, "827f0000000000010000"],
  ] as const) {
    const frame = writeFrame(opcodes.binary, Buffer.alloc(length, "x"));
    assert.equal(frame.subarray(0, frame.length - length).toString("hex"), head);
  }
  const close = writeCloseFrame(closeCodes.policy, "r".repeat(200));
  assert.equal(close.length, 127, "a control frame has 125 bytes at most");
  assert.equal(close.readUInt16BE(2), 1008);
});

test("what a client writes is what a server reads, whatever its length, mask and place in memory", () => {
  for (const length of [1, 47, 48, 125, 126, 65_535, 65_536, 70_001]) {
    for (const mask of [0, 1, 0x1f2e3d4c, 0xfedcba98, 2 ** 32 - 1]) {
      for (const offset of [0, 1, 2, 3]) {
        const payload = Buffer.concat([Buffer.alloc(offset), Buffer.from(text(length))]);
        const frame = writeMaskedFrame(opcodes.binary, payload.subarray(offset), mask);
        assert.deepEqual(readAll(frame), [["data", text(length)]], `${length} ${mask} ${offset}`);
        assert.equal(payload.toString("latin1", offset), text(length), "the original stays");
      }
    }
  }
  assert.deepEqual(readAll(writeMaskedFrame(opcodes.binary, Buffer.alloc(0), 1)), [["empty"]]);
  assert.deepEqual(
    writeMaskedFrame(opcodes.binary, Buffer.from("Hello"), 0x3d21fa37).toString("hex"),
    "818537fa213d7f9f4d5158".replace(/^81/, "82"),
    "the example of RFC 6455 5.7",
  );
});

test("what a server writes is what a client reads, however it is cut", () => {
  for (const length of [1, 125, 126, 65_535, 65_536]) {
    const bytes = Buffer.concat([
      writeFrame(opcodes.binary, Buffer.from(text(length))),
      writeFrame(opcodes.ping, Buffer.from("are you there")),
      writeFrame(opcodes.binary, Buffer.alloc(0)),
      writeCloseFrame(closeCodes.policy, "Your session has ended"),
    ]);
    for (const pieceSize of [bytes.length, 1, 4_097]) {
      assert.deepEqual(readAll(bytes, pieceSize, "server"), [
        ["data", text(length)],
        ["ping", "are you there"],
        ["empty"],
        ["close", 1008, "Your session has ended"],
      ]);
    }
  }
});

test("a client refuses a frame that is masked", () => {
  const masked = clientFrame(opcodes.binary, "x");
  assert.throws(
    () => readAll(masked, 1, "server"),
    (error) => error instanceof FrameFault && error.code === closeCodes.protocolError,
  );
});
