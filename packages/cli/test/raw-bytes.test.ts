// Text that keeps bytes which are not UTF-8.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  bytesOf,
  decodeBytes,
  hasRawBytes,
  percentEncodeRawBytes,
  showRawBytes,
} from "../src/raw-bytes.ts";

test("any bytes come back from their text, and valid text is itself", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (array) => {
      const bytes = Buffer.from(array);
      assert.ok(bytesOf(decodeBytes(bytes)).equals(bytes));
    }),
  );
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      assert.equal(decodeBytes(Buffer.from(text)), text);
      assert.equal(hasRawBytes(text), false);
    }),
  );
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
