// Text that keeps bytes which are not UTF-8.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  bytesOf,
  decodeBytes,
  hasRawBytes,
  percentEncodeRawBytes,
  showRawBytes,
} from "../src/raw-bytes.ts";

test("any bytes come back from their text, and valid text is itself", () => {
  for (let first = 0; first < 256; first++)
    for (let second = 0; second < 256; second += 7) {
      const bytes = Buffer.of(first, second, 0xc3, first, 0x41);
      assert.ok(bytesOf(decodeBytes(bytes)).equals(bytes), bytes.toString("hex"));
    }
  for (const text of ["", "plain", "café", "\ufffd", "😀\u{10ffff}", "\0\n"]) {
    assert.equal(decodeBytes(Buffer.from(text)), text);
    assert.equal(hasRawBytes(text), false);
  }
});

test("cut, surrogate and overlong sequences keep each byte, U+FFFD itself is a character", () => {
  for (const hexadecimal of ["c3", "e282", "f09f98", "eda080", "c0af", "80", "ff", "f09f9880e9"]) {
    const bytes = Buffer.from(hexadecimal, "hex");
    assert.ok(hasRawBytes(decodeBytes(bytes)), hexadecimal);
    assert.ok(bytesOf(decodeBytes(bytes)).equals(bytes), hexadecimal);
  }
  const mixed = Buffer.concat([Buffer.from("\ufffd"), Buffer.of(0xe9)]);
  assert.equal(decodeBytes(mixed), "\ufffd\udce9");
});

test("a URL and a message show the byte in their own way", () => {
  assert.equal(percentEncodeRawBytes("/caf\udce9/é"), "/caf%E9/é");
  assert.equal(showRawBytes("caf\udce9 é"), "caf\\xe9 é");
});
