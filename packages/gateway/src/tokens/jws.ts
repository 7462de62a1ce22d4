// JWS in compact form (RFC 7515), with the two algorithms that Postern uses: RS256 for what others
// verify, HS256 for what travels through other hands back to us. The caller names the algorithm; a
// token never does. Who verifies RS256 finds it in `@postern/protocol/jws`.
import { createHmac, type KeyObject, sign, timingSafeEqual } from "node:crypto";
import { promisify } from "node:util";

const signAside = promisify<string, Buffer, KeyObject, Buffer>(sign);

/**
 * Signs on the thread pool of libuv: RSA takes about 0.3 ms, and the caller's thread, which serves
 * requests, goes on meanwhile.
 */
export async function signRs256(
  claims: object,
  kid: string,
  privateKey: KeyObject,
): Promise<string> {
  const signedPart = `${encode({ alg: "RS256", kid, typ: "JWT" })}.${encode(claims)}`;
  const signature = await signAside("sha256", Buffer.from(signedPart), privateKey);
  return `${signedPart}.${signature.toString("base64url")}`;
}

export function signHs256(claims: object, key: Buffer): string {
  const signedPart = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${signedPart}.${hmac(signedPart, key).toString("base64url")}`;
}

/** Whether the signature is this key's. The caller has checked that the header says HS256. */
export function verifyHs256(token: string, key: Buffer): boolean {
  const lastDot = token.lastIndexOf(".");
  const expected = hmac(token.slice(0, lastDot), key);
  const signature = Buffer.from(token.slice(lastDot + 1), "base64url");
  return signature.length === expected.length && timingSafeEqual(signature, expected);
}

function hmac(text: string, key: Buffer): Buffer {
  return createHmac("sha256", key).update(text).digest();
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
