import { createHash } from "node:crypto";

const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/**
 * The code that the terminal prints and the approval page shows, so that a person sees that both
 * belong to one login (wire-protocol 7): the first 8 characters of Crockford base32 of
 * SHA-256("postern cli code" ‖ key), as `XXXX-XXXX`.
 * @param publicKey the terminal's 32-byte Curve25519 key
 */
export function loginCode(publicKey: Uint8Array): string {
  const digest = createHash("sha256").update("postern cli code").update(publicKey).digest();
  // 8 characters of 5 bits are the first 5 bytes.
  const bits = BigInt(`0x${digest.toString("hex", 0, 5)}`);
  let code = "";
  for (let shift = 35n; shift >= 0n; shift -= 5n) code += crockford[Number((bits >> shift) & 31n)];
  return `${code.slice(0, 4)}-${code.slice(4)}`;
}
