// What the store must not show and what travels through other hands is sealed or authenticated with
// keys derived from the secret key, a different one for each purpose.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from "node:crypto";
import { BoundedCache } from "../bounded-cache.ts";
import type { RandomBytes } from "../random.ts";

/** Encrypts what must be readable again, and authenticates what travels through other hands. */
export interface SecretBox {
  /**
   * AES-256-GCM, base64url.
   * @param context authenticated with the text, and the same on opening: "idp client_secret corp"
   */
  seal(plain: string, context: string): string;
  /** Undefined when tampered with, of another context, or sealed with another key. */
  open(sealedText: string, context: string): string | undefined;
  /**
   * HMAC-SHA-256 in hex, with a key derived for `purpose`: for PINs, CSRF values and whatever else
   * a plain hash would not hide.
   */
  mac(purpose: string, value: string): string;
  /** 32 bytes for a key of one purpose (HKDF-SHA-256). */
  derive(purpose: string): Buffer;
}

/** The secret key and each key derived from it, bytes. */
export const keyLength = 32;
const nonceLength = 12;
const tagLength = 16;
const cipher = "aes-256-gcm";
// A purpose may contain what a request says, such as the path of an anti-CSRF value.
const derivedKeysCapacity = 500;

/**
 * @param key 32 bytes
 * @param randomBytes makes the nonces; no nonce may come twice under one key
 * @throws {Error} when the key is not 32 bytes
 */
export function createSecretBox(key: Buffer, randomBytes: RandomBytes): SecretBox {
  if (key.length !== keyLength)
    throw new Error(`the secret key must be ${keyLength} bytes, but this one has ${key.length}`);
  const derive = createKeyDerivation(key);
  const sealingKey = derive("seal");

  return {
    seal: (plain, context) => seal(sealingKey, randomBytes(nonceLength), plain, context),
    open: (sealedText, context) => open(sealingKey, sealedText, context),
    mac: (purpose, value) =>
      createHmac("sha256", derive(`mac ${purpose}`))
        .update(value)
        .digest("hex"),
    derive: (purpose) => derive(`key ${purpose}`),
  };
}

/**
 * HKDF (RFC 5869). Each `info` begins with how the key is used, so that no two uses share a key.
 */
function createKeyDerivation(secretKey: Buffer): (info: string) => Buffer {
  const derivedKeys = new BoundedCache<string, Buffer>(derivedKeysCapacity);
  return (info) => {
    const cachedKey = derivedKeys.get(info);
    if (cachedKey !== undefined) return cachedKey;
    const key = Buffer.from(hkdfSync("sha256", secretKey, "", `postern ${info}`, keyLength));
    derivedKeys.set(info, key);
    return key;
  };
}

/** @returns nonce, ciphertext and tag, one after the other */
function seal(key: Buffer, nonce: Buffer, plain: string, context: string): string {
  const encryption = createCipheriv(cipher, key, nonce, { authTagLength: tagLength });
  encryption.setAAD(Buffer.from(context));
  const ciphertext = Buffer.concat([encryption.update(plain, "utf8"), encryption.final()]);
  return Buffer.concat([nonce, ciphertext, encryption.getAuthTag()]).toString("base64url");
}

function open(key: Buffer, sealedText: string, context: string): string | undefined {
  const bytes = Buffer.from(sealedText, "base64url");
  if (bytes.length < nonceLength + tagLength) return undefined;
  // Only one spelling is accepted: the bits that base64url leaves unused are not authenticated.
  if (bytes.toString("base64url") !== sealedText) return undefined;

  const nonce = bytes.subarray(0, nonceLength);
  const decryption = createDecipheriv(cipher, key, nonce, { authTagLength: tagLength });
  decryption.setAAD(Buffer.from(context));
  decryption.setAuthTag(bytes.subarray(-tagLength));
  const plain = decryption.update(bytes.subarray(nonceLength, -tagLength));
  try {
    return Buffer.concat([plain, decryption.final()]).toString("utf8");
  } catch {
    return undefined;
  }
}
