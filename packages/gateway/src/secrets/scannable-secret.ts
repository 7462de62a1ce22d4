// Secrets that people paste into the wrong places: a prefix by which scanners find them, and a
// checksum by which a slip of the pen is told from a secret that is not known.
import { crc32 } from "node:zlib";
import type { RandomBytes } from "../random.ts";

/** What begins a secret, by what it opens. */
export type SecretPrefix = `postern_${string}_`;

/** 40 characters of base 62 hold 238 bits. */
const randomCharacters = 40;
/** 32 bits in base 62. */
const checksumCharacters = 6;
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** Bytes from here on are drawn again, so that each character is as likely as the others. */
const evenBytes = 256 - (256 % alphabet.length);

/** A new secret: the prefix, 40 random characters and the checksum of both. */
export function makeScannableSecret(prefix: SecretPrefix, randomBytes: RandomBytes): string {
  let random = "";
  while (random.length < randomCharacters) {
    for (const byte of randomBytes(randomCharacters))
      if (byte < evenBytes) random += alphabet[byte % alphabet.length];
  }
  const body = prefix + random.slice(0, randomCharacters);
  return body + checksumOf(body);
}

/** Whether a text is a secret of this prefix, whole and without a slip; known or not. */
export function isScannableSecret(prefix: SecretPrefix, text: string): boolean {
  const length = prefix.length + randomCharacters + checksumCharacters;
  if (text.length !== length || !text.startsWith(prefix)) return false;
  const body = text.slice(0, -checksumCharacters);
  return text.slice(-checksumCharacters) === checksumOf(body);
}

/** CRC-32 in base 62, the highest digit first. */
function checksumOf(body: string): string {
  let rest = crc32(body);
  let digits = "";
  for (let place = 0; place < checksumCharacters; place++) {
    digits = alphabet[rest % alphabet.length] + digits;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits;
}
