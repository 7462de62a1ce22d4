// The sealed box that carries tokens to the terminal (wire-protocol 6.6): NaCl box, that is X25519,
// HSalsa20 and XSalsa20-Poly1305, laid out as 24-byte nonce ‖ box in padded standard base64. Curve
// operations come from node:crypto (tens of times faster than in JavaScript), the cipher from
// noble.
import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from "node:crypto";
import { hsalsa, xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { ProtocolError } from "./errors.ts";

const keyLength = 32;
const nonceLength = 24;
const tagLength = 16;

/** One side of one transfer. Made anew for every login and never written to disk. */
export interface TransferKeyPair {
  /** 32 raw bytes */
  publicKey: Uint8Array;
  privateKey: KeyObject;
}

/** What the box holds; an empty `org_token` is normal. */
export interface TransferredTokens {
  app_token: string;
  org_token: string;
}

export function generateTransferKeyPair(): TransferKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  const { x } = publicKey.export({ format: "jwk" });
  return { publicKey: Buffer.from(x ?? "", "base64url"), privateKey };
}

/** base64url with padding: how keys stand in URLs and in `service-public-key`. */
export function encodeTransferKey(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * Reads a key in the one spelling that `encodeTransferKey` writes, so that a key names one mailbox
 * only.
 * @throws {ProtocolError} bad_key when it is not exactly 32 bytes in canonical padded base64url
 */
export function decodeTransferKey(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== keyLength || encodeTransferKey(bytes) !== text) {
    throw new ProtocolError("bad_key", "the key is not 32 bytes in padded base64url");
  }
  return bytes;
}

/** @throws {ProtocolError} bad_key when the other side's key is of low order */
export function sealTokens(
  tokens: TransferredTokens,
  from: TransferKeyPair,
  to: Uint8Array,
): string {
  const nonce = randomBytes(nonceLength);
  const plain = Buffer.from(
    JSON.stringify({ app_token: tokens.app_token, org_token: tokens.org_token }),
  );
  const box = xsalsa20poly1305(sharedKey(from.privateKey, to), nonce).encrypt(plain);
  return Buffer.concat([nonce, box]).toString("base64");
}

/**
 * Opens what the relay delivered.
 * @throws {ProtocolError} bad_box when it is not base64, too short, tampered with, or holds other
 * JSON
 * @throws {ProtocolError} bad_key when the sender's key is of low order
 */
export function openTokens(body: string, to: TransferKeyPair, from: Uint8Array): TransferredTokens {
  const text = body.trim();
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text)
    throw new ProtocolError("bad_box", "the relay's answer is not base64");
  if (bytes.length < nonceLength + tagLength)
    throw new ProtocolError("bad_box", "the relay's answer is too short");
  let plain: Uint8Array;
  try {
    plain = xsalsa20poly1305(
      sharedKey(to.privateKey, from),
      bytes.subarray(0, nonceLength),
    ).decrypt(bytes.subarray(nonceLength));
  } catch (error) {
    if (error instanceof ProtocolError) throw error;
    throw new ProtocolError("bad_box", "the relay's answer does not decrypt with this login's key");
  }
  return parseTokens(plain);
}

function parseTokens(plain: Uint8Array): TransferredTokens {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(plain).toString("utf8"));
  } catch {
    throw new ProtocolError("bad_box", "the relay's answer holds no JSON");
  }
  const { app_token, org_token = "" } = (value ?? {}) as Record<string, unknown>;
  if (typeof app_token !== "string" || app_token === "" || typeof org_token !== "string") {
    throw new ProtocolError("bad_box", "the relay's answer holds no token");
  }
  return { app_token, org_token };
}

function sharedKey(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  if (publicKey.length !== keyLength)
    throw new ProtocolError("bad_key", "the other side's key is not 32 bytes");
  let shared: Buffer;
  try {
    const key = createPublicKey({
      key: { kty: "OKP", crv: "X25519", x: Buffer.from(publicKey).toString("base64url") },
      format: "jwk",
    });
    shared = diffieHellman({ privateKey, publicKey: key });
  } catch {
    // OpenSSL refuses an all-zero result, which every low-order point gives (RFC 7748 section 6.1).
    throw new ProtocolError("bad_key", "the other side's key is not usable");
  }
  // crypto_box_beforenm: HSalsa20 of the shared secret under a zero nonce, as libsodium does.
  const sigma = new Uint32Array(Uint8Array.from(Buffer.from("expand 32-byte k")).buffer);
  const secret = new Uint32Array(Uint8Array.from(shared).buffer);
  const out = new Uint32Array(8);
  hsalsa(sigma, secret, new Uint32Array(4), out);
  return new Uint8Array(out.buffer);
}

/** A key pair from raw private bytes, for test vectors. */
export function transferKeyPairFromPrivateBytes(privateBytes: Uint8Array): TransferKeyPair {
  const pkcs8 = Buffer.concat([
    Buffer.from("302e020100300506032b656e04220420", "hex"),
    privateBytes,
  ]);
  const privateKey = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" });
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  return { publicKey: Buffer.from(x ?? "", "base64url"), privateKey };
}
