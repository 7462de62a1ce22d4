import assert from "node:assert/strict";
import { test } from "node:test";
import { printable, printableJson } from "../src/printable.ts";

const steering = "\u001b[2J\u0000\r\n\u007f\u009b\u2028\u2029\u200e\u202e\u2066\u061c";

test("what steers a terminal becomes visible, on one line", () => {
  assert.equal(
    printable(steering),
    "\\x1b[2J\\x00\\x0d\\x0a\\x7f\\x9b\\u2028\\u2029\\u200e\\u202e\\u2066\\u061c",
  );
  assert.equal(
    printable("Ünïcödé 日本 🙂 \\x1b"),
    "Ünïcödé 日本 🙂 \\x1b",
    "everything else stays",
  );
});

test("as JSON it is the same value again, without those characters", () => {
  const text = printableJson({ name: steering });
  assert.match(text, /^[\x20-\x7e]*$/);
  assert.deepEqual(JSON.parse(text), { name: steering });
});
