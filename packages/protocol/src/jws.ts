// Verifies compact JWS (RFC 7515 5.2) with RS256, the one algorithm of tokens that others read. A
// file and an entry of its own (`@postern/protocol/jws`): it loads node:crypto.
import { type KeyObject, verify } from "node:crypto";

/**
 * Whether the token's signature is this key's (RFC 7518 3.3). The caller has checked that the
 * header says RS256: the algorithm is never the token's choice (case T3).
 * @param token a compact JWS, as `decodeToken` accepts it
 * @param publicKey an RSA key
 */
export function verifyRs256(token: string, publicKey: KeyObject): boolean {
  const lastDot = token.lastIndexOf(".");
  const signedPart = Buffer.from(token.slice(0, lastDot));
  const signature = Buffer.from(token.slice(lastDot + 1), "base64url");
  return verify("sha256", signedPart, publicKey, signature);
}
