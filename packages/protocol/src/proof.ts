// Proofs that whoever sends a token holds the key to which it is bound (RFC 9449, DPoP). One file
// for both ends: what the terminal signs is what the gateway reads. An entry of its own
// (`@postern/protocol/proof`): it loads node:crypto.
import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** A public key on P-256 (RFC 7518 6.2.1), and nothing else. */
export interface ProofJwk {
  kty: "EC";
  crv: "P-256";
  x: string;
  y: string;
}

/** What a proof is for. */
export interface ProofClaims {
  /** of the request */
  htm: string;
  /** address of the request, without query and fragment */
  htu: string;
  /** seconds since the epoch */
  iat: number;
  /** different in each proof */
  jti: string;
  /** `tokenHash` of the token that goes with it */
  ath: string;
}

/** RFC 9449 4.2 */
const proofType = "dpop+jwt";
/** 32 bytes in base64url, as both coordinates are (RFC 7518 6.2.1.2). */
const coordinate = /^[A-Za-z0-9_-]{43}$/;

/** RFC 7638: SHA-256 over the required members in their order, in base64url. */
export function thumbprintOf({ crv, kty, x, y }: ProofJwk): string {
  return hashOf(JSON.stringify({ crv, kty, x, y }));
}

/** RFC 9449 4.2, `ath`. */
export function tokenHash(token: string): string {
  return hashOf(token);
}

function hashOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}

/** The public part as it stands in a proof. @param publicKey on P-256 */
export function proofJwkOf(publicKey: KeyObject): ProofJwk {
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  return { kty: "EC", crv: "P-256", x, y };
}

/** Signs a proof with ES256, the one algorithm. */
export function signProof(privateKey: KeyObject, jwk: ProofJwk, claims: ProofClaims): string {
  const signedPart = `${encode({ typ: proofType, alg: "ES256", jwk })}.${encode(claims)}`;
  const key = { key: privateKey, dsaEncoding: "ieee-p1363" } as const;
  const signature = sign("sha256", Buffer.from(signedPart), key);
  return `${signedPart}.${signature.toString("base64url")}`;
}

/**
 * The key that the header of a proof shows, to be compared with the thumbprint in the token that
 * comes with it. No other `jwk` is ever read (case T3).
 * @returns undefined when the header is not a proof's, or says more about the key
 */
export function readProofHeader(header: Record<string, unknown>): ProofJwk | undefined {
  if (header["typ"] !== proofType || header["alg"] !== "ES256") return undefined;
  if (Object.keys(header).length !== 3) return undefined;
  const jwk = header["jwk"];
  if (typeof jwk !== "object" || jwk === null) return undefined;
  const { kty, crv, x, y, ...more } = jwk as Record<string, unknown>;
  if (kty !== "EC" || crv !== "P-256" || Object.keys(more).length > 0) return undefined;
  return isCoordinate(x) && isCoordinate(y) ? { kty, crv, x, y } : undefined;
}

function isCoordinate(value: unknown): value is string {
  return typeof value === "string" && coordinate.test(value);
}

/** @returns undefined when a claim is missing, or is of another type */
export function readProofClaims(claims: Record<string, unknown>): ProofClaims | undefined {
  const { htm, htu, iat, jti, ath } = claims;
  const areTexts = [htm, htu, jti, ath].every((each) => typeof each === "string");
  if (!areTexts || typeof iat !== "number" || !Number.isFinite(iat)) return undefined;
  return { htm, htu, iat, jti, ath } as ProofClaims;
}

/** Whether the proof is signed with this key. @param proof in compact form */
export function verifyProof(proof: string, jwk: ProofJwk): boolean {
  const lastDot = proof.lastIndexOf(".");
  const signature = Buffer.from(proof.slice(lastDot + 1), "base64url");
  try {
    const key = createPublicKey({ key: { ...jwk }, format: "jwk" });
    const verifier = { key, dsaEncoding: "ieee-p1363" } as const;
    return verify("sha256", Buffer.from(proof.slice(0, lastDot)), verifier, signature);
  } catch {
    // A point that is not on the curve.
    return false;
  }
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}
