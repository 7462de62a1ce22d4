import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decodeTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  openTokens,
  ProtocolError,
  sealTokens,
  type TransferredTokens,
  transferKeyPairFromPrivateBytes,
} from "../src/index.ts";

const code = (expected: string) => (error: unknown) =>
  error instanceof ProtocolError && error.code === expected;

test("what one side seals, the other opens, and nobody else", () => {
  const terminal = generateTransferKeyPair();
  const service = generateTransferKeyPair();
  const body = sealTokens({ app_token: "a", org_token: "" }, service, terminal.publicKey);
  assert.deepEqual(openTokens(body, terminal, service.publicKey), {
    app_token: "a",
    org_token: "",
  });
  assert.throws(
    () => openTokens(body, generateTransferKeyPair(), service.publicKey),
    code("bad_box"),
  );
});

test("a short, empty or mangled box is an error of one line, never a crash (C3)", () => {
  const terminal = generateTransferKeyPair();
  const sender = generateTransferKeyPair().publicKey;
  for (const length of [0, 1, 23, 24, 39]) {
    assert.throws(
      () => openTokens(Buffer.alloc(length).toString("base64"), terminal, sender),
      code("bad_box"),
    );
  }
  assert.throws(() => openTokens("%%%", terminal, sender), code("bad_box"));
  assert.throws(
    () => openTokens(Buffer.alloc(80).toString("base64"), terminal, new Uint8Array(32)),
    code("bad_key"),
  );
});

test("a key has one spelling: 32 bytes in padded base64url", () => {
  const { publicKey } = generateTransferKeyPair();
  const text = encodeTransferKey(publicKey);
  assert.equal(text.length, 44);
  assert.deepEqual(Buffer.from(decodeTransferKey(text)), Buffer.from(publicKey));
  for (const bad of [text.slice(0, -1), `${text}=`, "", "a".repeat(44), text.replace("=", " ")]) {
    assert.throws(() => decodeTransferKey(bad), code("bad_key"));
  }
});

test("the box is NaCl's: the example that comes with NaCl opens, and then turns out to hold no tokens", () => {
  // tests/box.c of the NaCl distribution: Alice's public key, Bob's private key, nonce and box.
  const bytes = (hex: string) => Buffer.from(hex, "hex");
  const alice = bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
  const bob = transferKeyPairFromPrivateBytes(
    bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb"),
  );
  assert.equal(
    Buffer.from(bob.publicKey).toString("hex"),
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
  );
  const box = bytes(
    [
      "69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37",
      "f3ffc7703f9400e52a7dfb4b3d3305d98e993b9f48681273c29650ba32fc76ce",
      "48332ea7164d96a4476fb8c531a1186ac0dfc17c98dce87b4da7f011ec48c972",
      "71d2c20f9b928fe2270d6fb863d51738b48eeee314a7cc8ab932164548e526ae",
      "90224368517acfeabd6bb3732bc0e9da99832b61ca01b6de56244a9e88d5f9b3",
      "7973f622a43d14a6599b1f654cb45a74e355a5",
    ].join(""),
  );
  assert.throws(() => openTokens(box.toString("base64"), bob, alice), /holds no JSON/);
  box[60] = (box[60] ?? 0) ^ 1;
  assert.throws(() => openTokens(box.toString("base64"), bob, alice), /does not decrypt/);
});

test("a box may end in a line feed, and must hold an app token; an empty org token is normal", () => {
  const [terminal, service] = [generateTransferKeyPair(), generateTransferKeyPair()];
  const sealed = (tokens: object) =>
    sealTokens(tokens as TransferredTokens, service, terminal.publicKey);
  const open = (body: string) => openTokens(body, terminal, service.publicKey);
  assert.deepEqual(open(`${sealed({ app_token: "a", org_token: "o" })}\n`), {
    app_token: "a",
    org_token: "o",
  });
  assert.deepEqual(open(sealed({ app_token: "a" })), { app_token: "a", org_token: "" });
  for (const wrong of [
    {},
    { app_token: "" },
    { app_token: 1 },
    { app_token: "a", org_token: null },
    { org_token: "o" },
  ])
    assert.throws(() => open(sealed(wrong)), code("bad_box"), JSON.stringify(wrong));
  assert.notEqual(
    sealed({ app_token: "a" }),
    sealed({ app_token: "a" }),
    "a nonce of its own each time",
  );
});
