// Values that nobody may guess: made, stored as a hash, and compared.
import { createHash, timingSafeEqual } from "node:crypto";
import type { RandomBytes } from "../random.ts";

/** 256 random bits in base64url, for `state`, nonces and the like. */
export function randomSecret(randomBytes: RandomBytes): string {
  return randomBytes(32).toString("base64url");
}

/** A random number below `bound` (at most 2^32), each with the same probability. */
export function randomBelow(bound: number, randomBytes: RandomBytes): number {
  const range = 2 ** 32;
  // The last, incomplete run of `bound` numbers would make small results more likely.
  const usable = range - (range % bound);
  for (;;) {
    const number = randomBytes(4).readUInt32BE();
    if (number < usable) return number % bound;
  }
}

/** SHA-256 in hex: how secrets of 128 random bits and more stand in the store and in `meta`. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

/** Compares two secrets in a time that says nothing about where they differ. */
export function equalSecrets(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}
