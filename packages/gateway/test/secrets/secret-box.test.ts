import assert from "node:assert/strict";
import { createHmac, hkdfSync, randomBytes } from "node:crypto";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";

const box = createSecretBox(randomBytes(32), randomBytes);

test("what was sealed comes back, whatever it is, with the same key and context alone", () => {
  const text = fc.string({ unit: "grapheme" });
  fc.assert(
    fc.property(text, text, text, (plain, context, other) => {
      const sealed = box.seal(plain, context);
      assert.match(sealed, /^[A-Za-z0-9_-]+$/);
      assert.equal(box.open(sealed, context), plain);
      if (other !== context) assert.equal(box.open(sealed, other), undefined);
      assert.equal(createSecretBox(randomBytes(32), randomBytes).open(sealed, context), undefined);
    }),
  );
});

test("no bit of what was sealed can be changed", () => {
  const sealed = Buffer.from(box.seal("client secret", "idp corp"), "base64url");
  for (let bit = 0; bit < sealed.length * 8; bit++) {
    const changed = Buffer.from(sealed);
    changed.writeUInt8(changed.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
    assert.equal(box.open(changed.toString("base64url"), "idp corp"), undefined, `bit ${bit}`);
  }
});

test("there is one spelling: cut, padded, extended or loosely encoded text does not open", () => {
  const sealed = box.seal("four", "c");
  const last = sealed.at(-1) ?? "";
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const respelled = [...alphabet]
    .filter((letter) => letter !== last)
    .map((letter) => sealed.slice(0, -1) + letter);
  const standard = Buffer.from(sealed, "base64url").toString("base64");
  const others = [
    "",
    "AAAA",
    sealed.slice(0, -1),
    sealed.slice(4),
    `${sealed}A`,
    `${sealed}=`,
    ` ${sealed}`,
    `${sealed}\n`,
    `${standard}=`,
  ];
  for (const text of [...respelled, ...others]) assert.equal(box.open(text, "c"), undefined, text);
});

test("the same text is sealed differently each time", () => {
  const sealed = Array.from({ length: 100 }, () => box.seal("the same", "c"));
  assert.equal(new Set(sealed.map((each) => each.slice(0, 16))).size, 100, "no nonce comes twice");
});

test("each purpose has a key of its own, the same after a restart", () => {
  const key = randomBytes(32);
  const [one, again] = [createSecretBox(key, randomBytes), createSecretBox(key, randomBytes)];
  assert.equal(one.derive("meta").length, 32);
  assert.deepEqual(one.derive("meta"), again.derive("meta"));
  assert.notDeepEqual(one.derive("meta"), one.derive("other"));
  assert.equal(one.mac("pin", "123456"), again.mac("pin", "123456"));
  assert.notEqual(one.mac("pin", "123456"), one.mac("csrf", "123456"));
  assert.notEqual(
    one.mac("pin", "123456"),
    createSecretBox(randomBytes(32), randomBytes).mac("pin", "123456"),
  );
  const withDerived = createHmac("sha256", one.derive("pin")).update("123456").digest("hex");
  assert.notEqual(one.mac("pin", "123456"), withDerived, "a derived key is no key of another use");
});

test("the derivation stays as it is: what an older version sealed must open", () => {
  const key = Buffer.alloc(32, 7);
  const derived = (info: string) => Buffer.from(hkdfSync("sha256", key, "", info, 32));
  assert.deepEqual(createSecretBox(key, randomBytes).derive("meta"), derived("postern key meta"));
  assert.equal(
    createSecretBox(key, randomBytes).mac("pin", "1"),
    createHmac("sha256", derived("postern mac pin")).update("1").digest("hex"),
  );
  const sealedBefore = "DvijFPqlEo9zJHmNuu5CZBQ-eiFvUHSfcBwoAPagdFp2sfK8SiGEcpo";
  assert.equal(createSecretBox(key, randomBytes).open(sealedBefore, "idp corp"), "client secret");
});

test("purposes without number, as paths in requests make them, always give the same", () => {
  const first = box.mac("csrf /0", "session");
  for (let index = 1; index < 2_000; index++) box.mac(`csrf /${index}`, "session");
  assert.equal(box.mac("csrf /0", "session"), first);
});

test("a key of another length is refused", () => {
  for (const length of [0, 16, 31, 33, 64])
    assert.throws(() => createSecretBox(Buffer.alloc(length), randomBytes), /must be 32 bytes/);
});
