import assert from "node:assert/strict";
import { test } from "node:test";
import { readEvents, type ServerEvent } from "../../src/mcp/event-stream.ts";
import { largestMessage } from "../../src/mcp/json-rpc.ts";

async function eventsIn(...pieces: (string | Buffer)[]): Promise<ServerEvent[]> {
  const buffers = pieces.map((piece) => Buffer.from(piece));
  const events: ServerEvent[] = [];
  for await (const event of readEvents(toStream(buffers))) events.push(event);
  return events;
}

async function* toStream(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  for (const piece of pieces) yield piece;
}

const event = (data: string, lastId = "", retry?: number): ServerEvent => ({ data, lastId, retry });

test("an event is its data, whatever its lines end with and whatever stands between", async () => {
  assert.deepEqual(await eventsIn("data: 1\n\ndata:2\r\n\r\ndata: 3\r\rdata:  4\n\n"), [
    event("1"),
    event("2"),
    event("3"),
    event(" 4"),
  ]);
  const commented = ": hello\nevent: message\nunknown: x\ndata: a\ndata\ndata: b\n\n:\n\n";
  assert.deepEqual(await eventsIn(commented), [event("a\n\nb")]);
});

test("an event is the same in however many pieces it arrives", async () => {
  const text = 'id: 7\r\nretry: 50\r\ndata: {"a":"ä€😀"}\r\ndata: x\r\n\r\nid: 8\rdata: y\r\r';
  const whole = await eventsIn(text);
  assert.deepEqual(whole, [event('{"a":"ä€😀"}\nx', "7", 50), event("y", "8")]);
  const bytes = Buffer.from(text);
  for (const size of [1, 2, 3, 5, 11]) {
    const pieces: Buffer[] = [];
    for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
    assert.deepEqual(await eventsIn(...pieces), whole, `pieces of ${size}`);
  }
});

test("ids and times to wait count without data, and an event that is cut short does not", async () => {
  assert.deepEqual(await eventsIn("id: 1\ndata:\n\nretry: 5\n\ndata: x\n\nid: 2\ndata: lost"), [
    event("", "1"),
    event("", "1", 5),
    event("x", "1"),
  ]);
  assert.deepEqual(await eventsIn("retry: soon\nid: a\0b\ndata: x\n\n"), [event("x")]);
});

test("a line, or an event, that is longer than a message may be is refused", async () => {
  const megabyte = Buffer.alloc(1024 * 1024, "x");
  const many = Array.from({ length: largestMessage / megabyte.length + 1 }, () => megabyte);
  await assert.rejects(eventsIn("data: ", ...many), /more than \d+ characters/);
  const lines = many.flatMap((piece) => ["data: ", piece, "\n"]);
  await assert.rejects(eventsIn(...lines), /more than \d+ characters/);
});
