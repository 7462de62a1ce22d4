import assert from "node:assert/strict";
import { test } from "node:test";
import { generateTransferKeyPair, loginCode } from "../src/index.ts";

test("the code that people compare is the same in every implementation (wire-protocol 7)", () => {
  // Made with another implementation of SHA-256 and Crockford's base32.
  assert.equal(loginCode(Uint8Array.from({ length: 32 }, (_, index) => index)), "342D-Z0KN");
  assert.equal(loginCode(new Uint8Array(32)), "AFQS-RTBW");
  assert.equal(loginCode(new Uint8Array(32).fill(255)), "E7Z4-JBWF");
});

test("a code has no letter that a person mistakes for another, and another key another code", () => {
  const codes = Array.from({ length: 200 }, () => loginCode(generateTransferKeyPair().publicKey));
  for (const code of codes) assert.match(code, /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
  assert.equal(new Set(codes).size, codes.length);
});
