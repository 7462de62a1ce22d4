import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { equalSecrets, randomBelow, randomSecret } from "../../src/login/secret-values.ts";

/** Randomness that gives these numbers in turn. */
function drawing(...numbers: number[]): (size: number) => Buffer {
  return (size) => {
    const bytes = Buffer.alloc(size);
    bytes.writeUInt32BE(numbers.shift() ?? 0);
    return bytes;
  };
}

test("no code is likelier than another: numbers of the incomplete last run are drawn again", () => {
  assert.equal(randomBelow(1_000_000, drawing(123_456)), 123_456);
  assert.equal(randomBelow(1_000_000, drawing(4_293_999_999)), 999_999);
  assert.equal(randomBelow(1_000_000, drawing(4_294_000_000, 2 ** 32 - 1, 7)), 7);
  for (let nth = 0; nth < 1_000; nth++) assert.ok(randomBelow(10, randomBytes) < 10);
});

test("a secret has 256 bits, and only the whole secret equals it", () => {
  const secret = randomSecret(randomBytes);
  assert.match(secret, /^[\w-]{43}$/);
  assert.equal(equalSecrets(secret, secret), true);
  for (const other of ["", secret.slice(1), `${secret}A`, randomSecret(randomBytes)])
    assert.equal(equalSecrets(secret, other), false);
});
