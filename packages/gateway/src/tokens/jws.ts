// JWS in compact form (RFC 7515), with the two algorithms that Postern uses: RS256 for what others
// verify, HS256 for what travels through other hands back to us. The caller names the algorithm; a
// token never does.
import { createHmac, type KeyObject, sign, timingSafeEqual, verify } from "node:crypto";

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

export function signRs256(claims: object, kid: string, privateKey: KeyObject): string {
  const input = `${encode({ alg: "RS256", kid, typ: "JWT" })}.${encode(claims)}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

/** Whether the signature is this key's. The header must have been checked to say RS256 before. */
export function verifyRs256(token: string, publicKey: KeyObject): boolean {
  const dot = token.lastIndexOf(".");
  return verify(
    "sha256",
    Buffer.from(token.slice(0, dot)),
    publicKey,
    Buffer.from(token.slice(dot + 1), "base64url"),
  );
}

export function signHs256(claims: object, key: Buffer): string {
  const input = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(claims)}`;
  return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
}

export function verifyHs256(token: string, key: Buffer): boolean {
  const dot = token.lastIndexOf(".");
  const wanted = createHmac("sha256", key).update(token.slice(0, dot)).digest();
  const sent = Buffer.from(token.slice(dot + 1), "base64url");
  return sent.length === wanted.length && timingSafeEqual(sent, wanted);
}
