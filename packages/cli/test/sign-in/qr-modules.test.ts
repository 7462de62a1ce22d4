// Codes of our own, held to those of a library that many use.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encode } from "uqr";
import { qrModules } from "../../src/sign-in/qr-modules.ts";

const mask = 3;

test("a code of every size is the one that another program makes, module by module", () => {
  const versions = new Set<number>();
  for (let length = 1; length <= 2_953; length += length < 300 ? 7 : 37) {
    const text = textOf(length);
    const { data, version } = encode(text, { ecc: "L", border: 0, maskPattern: mask });
    assert.deepEqual(qrModules(text), data, `${length} bytes, version ${version}`);
    versions.add(version);
  }
  assert.equal(versions.size, 40);
});

test("what is no ASCII is UTF-8, and what is too long is refused", () => {
  const text = "https://bücher.example/€/😀?";
  const { data } = encode(text, { ecc: "L", border: 0, maskPattern: mask });
  assert.deepEqual(qrModules(text), data);
  assert.throws(() => qrModules("x".repeat(2_954)), RangeError);
});

/** Lower-case letters and more, so that it is no number and needs bytes. */
function textOf(length: number): string {
  return Array.from({ length }, (_, at) => String.fromCharCode(97 + ((at * 7) % 26))).join("");
}
