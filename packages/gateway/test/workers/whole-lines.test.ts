// What workers write comes to the log of their keeper as whole lines.
import assert from "node:assert/strict";
import { test } from "node:test";
import { WholeLines } from "../../src/workers/whole-lines.ts";

function collect(pieces: readonly string[]): string[] {
  const passed: string[] = [];
  const lines = new WholeLines((text) => passed.push(text));
  for (const piece of pieces) lines.add(piece);
  lines.end();
  return passed;
}

test("lines are passed on whole, however they arrive", () => {
  assert.deepEqual(collect(["one\n"]), ["one\n"]);
  assert.deepEqual(collect(["o", "n", "e\ntwo\nth", "ree\n"]), ["one\ntwo\n", "three\n"]);
  assert.deepEqual(collect(["", "\n", "\n"]), ["\n", "\n"]);
});

test("what a process said last is a line, also when it died in the middle of it", () => {
  assert.deepEqual(collect(["one\ntw"]), ["one\n", "tw\n"]);
  assert.deepEqual(collect([]), []);
});

test("a line without an end does not grow without bound", () => {
  const piece = "x".repeat(100_000);
  const passed = collect(Array.from({ length: 25 }, () => piece));
  assert.ok(passed.length >= 2);
  assert.ok(passed.every((line) => line.length < 1_300_000));
});
