// The sealed box that carries tokens to the terminal (wire-protocol 6.6): NaCl's crypto_box, that
// is X25519, HSalsa20 and XSalsa20-Poly1305, as 24-byte nonce ‖ box in padded standard base64. The
// curve is node:crypto's, which is tens of times faster than JavaScript; the cipher is noble's.
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

/** One side of one transfer: new for every login, never written to disk (case C2). */
export interface TransferKeyPair {
  /** 32 raw bytes */
  publicKey: Uint8Array;
  privateKey: KeyObject;
}

/** The content of the box. `org_token` may be empty. */
export interface TransferredTokens {
  app_token: string;
  org_token: string;
}

/** A new key pair for one login. */
export function generateTransferKeyPair(): TransferKeyPair {
  const { publicKey, privateKey } = generateKeyPairSync("x25519");
  return { publicKey: rawBytes(publicKey), privateKey };
}

function rawBytes(publicKey: KeyObject): Uint8Array {
  const { x = "" } = publicKey.export({ format: "jwk" });
  return Buffer.from(x, "base64url");
}

/** The key in base64url with padding, its form in URLs and in `service-public-key`. */
export function encodeTransferKey(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

/**
 * Reads a key in the one spelling that `encodeTransferKey` writes: another spelling of the same key
 * would name a second mailbox.
 * @throws {ProtocolError} bad_key when it is not exactly 32 bytes in canonical padded base64url
 */
export function decodeTransferKey(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== keyLength || encodeTransferKey(bytes) !== text) {
    throw new ProtocolError("bad_key", "the key is not 32 bytes in padded base64url");
  }
  return bytes;
}

/** The key in base64url without padding, its form in the short address (wire-protocol 6.4). */
export function encodeShortTransferKey(publicKey: Uint8Array): string {
  return Buffer.from(publicKey).toString("base64url");
}

/**
 * Reads a key in the one spelling that `encodeShortTransferKey` writes.
 * @throws {ProtocolError} bad_key when it is not exactly 32 bytes in canonical base64url
 */
export function decodeShortTransferKey(text: string): Uint8Array {
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length !== keyLength || encodeShortTransferKey(bytes) !== text) {
    throw new ProtocolError("bad_key", "the key is not 32 bytes in base64url without padding");
  }
  return bytes;
}

/**
 * Seals the tokens for the holder of one key.
 * @param to 32 bytes
 * @returns padded standard base64
 * @throws {ProtocolError} bad_key when the other side's key is of low order
 */
export function sealTokens(
  tokens: TransferredTokens,
  from: TransferKeyPair,
  to: Uint8Array,
): string {
  const { app_token, org_token } = tokens;
  const plain = Buffer.from(JSON.stringify({ app_token, org_token }));
  const nonce = randomBytes(nonceLength);
  const box = xsalsa20poly1305(sharedKey(from.privateKey, to), nonce).encrypt(plain);
  return Buffer.concat([nonce, box]).toString("base64");
}

/**
 * Opens what the relay delivered.
 * @param from the sender's key, 32 bytes
 * @throws {ProtocolError} bad_box when it is not base64, too short, altered, or holds other JSON
 * @throws {ProtocolError} bad_key when the sender's key is of low order
 */
export function openTokens(body: string, to: TransferKeyPair, from: Uint8Array): TransferredTokens {
  const bytes = decodeBox(body.trim());
  const cipher = xsalsa20poly1305(sharedKey(to.privateKey, from), bytes.subarray(0, nonceLength));
  let plain: Uint8Array;
  try {
    plain = cipher.decrypt(bytes.subarray(nonceLength));
  } catch {
    throw new ProtocolError("bad_box", "the relay's answer does not decrypt with this login's key");
  }
  return parseTokens(plain);
}

function decodeBox(text: string): Buffer {
  const bytes = Buffer.from(text, "base64");
  if (bytes.toString("base64") !== text)
    throw new ProtocolError("bad_box", "the relay's answer is not base64");
  if (bytes.length < nonceLength + tagLength)
    throw new ProtocolError("bad_box", "the relay's answer is too short");
  return bytes;
}

function parseTokens(plain: Uint8Array): TransferredTokens {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(plain).toString("utf8"));
  } catch {
    throw new ProtocolError("bad_box", "the relay's answer holds no JSON");
  }
  const { app_token, org_token = "" } = (value ?? {}) as Record<string, unknown>;
  if (typeof app_token !== "string" || app_token === "" || typeof org_token !== "string")
    throw new ProtocolError("bad_box", "the relay's answer holds no token");
  return { app_token, org_token };
}

/** crypto_box_beforenm: HSalsa20 of the X25519 secret under a zero nonce, as libsodium does. */
function sharedKey(privateKey: KeyObject, publicKey: Uint8Array): Uint8Array {
  const sigma = wordsOf(Buffer.from("expand 32-byte k"));
  const secret = wordsOf(sharedSecret(privateKey, publicKey));
  const zeroNonce = new Uint32Array(4);
  const key = new Uint32Array(8);
  hsalsa(sigma, secret, zeroNonce, key);
  return new Uint8Array(key.buffer);
}

/** Copied, so that the words are aligned. */
function wordsOf(bytes: Uint8Array): Uint32Array {
  return new Uint32Array(Uint8Array.from(bytes).buffer);
}

function sharedSecret(privateKey: KeyObject, rawPublicKey: Uint8Array): Uint8Array {
  if (rawPublicKey.length !== keyLength)
    throw new ProtocolError("bad_key", "the other side's key is not 32 bytes");
  const x = Buffer.from(rawPublicKey).toString("base64url");
  try {
    const publicKey = createPublicKey({ key: { kty: "OKP", crv: "X25519", x }, format: "jwk" });
    return diffieHellman({ privateKey, publicKey });
  } catch {
    // OpenSSL refuses an all-zero result, which every low-order point gives (RFC 7748 6.1).
    throw new ProtocolError("bad_key", "the other side's key is not usable");
  }
}

// PKCS #8 of an X25519 key (RFC 8410 7), up to its 32 bytes.
const pkcs8Prefix = Buffer.from("302e020100300506032b656e04220420", "hex");

/** A key pair from 32 raw private bytes, for test vectors. */
export function transferKeyPairFromPrivateBytes(privateBytes: Uint8Array): TransferKeyPair {
  const key = Buffer.concat([pkcs8Prefix, privateBytes]);
  const privateKey = createPrivateKey({ key, format: "der", type: "pkcs8" });
  return { publicKey: rawBytes(createPublicKey(privateKey)), privateKey };
}
