import assert from "node:assert/strict";
import { generateKeyPairSync, sign } from "node:crypto";
import { test } from "node:test";
import { verifyRs256 } from "../src/jws.ts";

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("a token verifies under the key that signed it, and as a whole", () => {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const input = `${encode({ alg: "RS256" })}.${encode({ sub: "ada" })}`;
  const signature = sign("sha256", Buffer.from(input), privateKey).toString("base64url");
  assert.ok(verifyRs256(`${input}.${signature}`, publicKey));
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
  assert.ok(!verifyRs256(`${input}.${signature}`, other), "another key");
  for (const forged of [
    `${encode({ alg: "RS256" })}.${encode({ sub: "eve" })}.${signature}`,
    `${encode({ alg: "none" })}.${encode({ sub: "ada" })}.${signature}`,
    `${input}.`,
    `${input}.${signature.slice(4)}`,
    `${input}.${sign("sha512", Buffer.from(input), privateKey).toString("base64url")}`,
    "",
  ])
    assert.ok(!verifyRs256(forged, publicKey), forged.slice(0, 60));
});
