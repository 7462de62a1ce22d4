import { createHash } from "node:crypto";

/** SHA-256 in hex: how random secrets of 128 bits and more stand in the store and in `meta`. */
export function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}
