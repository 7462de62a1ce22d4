import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import { crc32 } from "node:zlib";
import { isMistyped, makeServiceSecret } from "../../src/model/service-secret.ts";

/** As docs/service-tokens.md gives it to secret scanners. */
const documented = /postern_st_[0-9A-Za-z]{40}[0-9a-f]{8}/;

test("a secret is found by the documented expression, and its checksum is the documented one", () => {
  const secrets = Array.from({ length: 200 }, () => makeServiceSecret(randomBytes));
  assert.equal(new Set(secrets).size, 200);
  for (const secret of secrets) {
    const [match] = documented.exec(`key=${secret};`) ?? [];
    assert.equal(match, secret);
    assert.equal(secret.slice(51), crc32(secret.slice(0, 51)).toString(16).padStart(8, "0"));
    assert.equal(isMistyped(secret), false);
  }
});

test("every letter and digit is as likely as another, whatever bytes come", () => {
  const counts = new Map<string, number>();
  let next = 0;
  const everyByte = () => Uint8Array.of(next++ % 256);
  for (let round = 0; round < 62; round++)
    for (const character of makeServiceSecret(everyByte).slice(11, 51))
      counts.set(character, (counts.get(character) ?? 0) + 1);
  assert.deepEqual(new Set(counts.values()), new Set([40]));
  assert.equal(counts.size, 62);
});

test("one character more, fewer or another is noticed, and foreign secrets are nobody's mistake", () => {
  const secret = makeServiceSecret(randomBytes);
  for (let place = 11; place < secret.length; place++) {
    const other = secret[place] === "a" ? "b" : "a";
    assert.ok(isMistyped(secret.slice(0, place) + other + secret.slice(place + 1)), `${place}`);
    assert.ok(isMistyped(secret.slice(0, place)), `cut at ${place}`);
  }
  for (const wrong of [
    `${secret}0`,
    `${secret} `,
    secret.toUpperCase().replace("POSTERN_ST", "postern_st"),
  ])
    assert.ok(isMistyped(wrong), wrong);
  for (const foreign of ["", "x", `cfast_${"a".repeat(48)}`, "a".repeat(64), ` ${secret}`])
    assert.equal(isMistyped(foreign), false, foreign);
});
