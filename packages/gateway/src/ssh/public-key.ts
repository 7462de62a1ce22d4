// Public keys as `authorized_keys` has them: `type base64 comment`. A line is read strictly, since
// what it holds goes into a certificate as it is: one spelling, no field more or less, a curve's
// point on its curve, and RSA of a length that is worth a signature.
import { createHash, createPublicKey } from "node:crypto";
import { splitFields } from "./wire.ts";

/** A public key whose content was checked. */
export interface SshPublicKey {
  /** `ssh-ed25519` */
  type: string;
  /** the type and the fields, each with its length before it (RFC 4253 section 6.6) */
  blob: Buffer;
}

/** Why a line holds no key that a certificate is made for. */
export type KeyFault =
  /** not one line of a type, base64 and a comment */
  | "not_a_key_line"
  | "unsupported_type"
  /** what is encoded is no key of that type */
  | "malformed"
  /** RSA that is too short to be safe, or too long to be checked by everybody */
  | "rsa_length";

export type KeyReading = { ok: true; key: SshPublicKey } | { ok: false; fault: KeyFault };

/** Characters of a line: RSA of 8192 bits takes 1,400, and comments may be long. */
const longestLine = 8_192;
const shortestRsa = 2_048;
const longestRsa = 8_192;
/** Bytes of the name that a security key knows an application by: `ssh:` and what people add. */
const longestApplication = 255;

/** What the fields after the type must be. @returns what is wrong with them */
type FieldCheck = (fields: readonly Buffer[]) => KeyFault | undefined;

const checks: ReadonlyMap<string, FieldCheck> = new Map<string, FieldCheck>([
  ["ssh-ed25519", checkEd25519],
  ["ecdsa-sha2-nistp256", (fields) => checkEcdsa(fields, "nistp256")],
  ["ecdsa-sha2-nistp384", (fields) => checkEcdsa(fields, "nistp384")],
  ["ecdsa-sha2-nistp521", (fields) => checkEcdsa(fields, "nistp521")],
  ["ssh-rsa", checkRsa],
  ["sk-ssh-ed25519@openssh.com", (fields) => checkSecurityKey(fields, checkEd25519)],
  [
    "sk-ecdsa-sha2-nistp256@openssh.com",
    (fields) => checkSecurityKey(fields, (own) => checkEcdsa(own, "nistp256")),
  ],
]);

/** The types of key that are read. */
export const keyTypes: readonly string[] = [...checks.keys()];

/** Reads a line of `authorized_keys` without options. A line break may end it. */
export function readPublicKeyLine(text: string): KeyReading {
  if (text.length > longestLine) return refuse("not_a_key_line");
  const line = text.replace(/\r?\n$/, "");
  const [, type = "", base64 = ""] =
    /^([\w@.-]+)[ \t]+([A-Za-z0-9+/]+={0,2})(?:[ \t][^\r\n]*)?$/.exec(line) ?? [];
  if (base64 === "") return refuse("not_a_key_line");

  const check = checks.get(type);
  if (check === undefined) return refuse("unsupported_type");

  const blob = Buffer.from(base64, "base64");
  // Only one spelling is accepted: the bits that base64 leaves unused say nothing.
  if (blob.toString("base64") !== base64) return refuse("malformed");
  const [blobType, ...fields] = splitFields(blob) ?? [];
  if (blobType?.toString("latin1") !== type) return refuse("malformed");

  const fault = check(fields);
  return fault === undefined ? { ok: true, key: { type, blob } } : refuse(fault);
}

/** As `ssh-keygen -l` shows it: `SHA256:` and base64 without padding. */
export function fingerprintOf({ blob }: SshPublicKey): string {
  const digest = createHash("sha256").update(blob).digest("base64");
  return `SHA256:${digest.replace(/=+$/, "")}`;
}

/** As `authorized_keys` and `TrustedUserCAKeys` have it, without a comment. */
export function publicKeyLine({ type, blob }: SshPublicKey): string {
  return `${type} ${blob.toString("base64")}`;
}

function refuse(fault: KeyFault): KeyReading {
  return { ok: false, fault };
}

/** RFC 8709 section 4. OpenSSL reads every 32 bytes; a point that is none verifies nothing. */
function checkEd25519([point, ...more]: readonly Buffer[]): KeyFault | undefined {
  return point?.length === 32 && more.length === 0 ? undefined : "malformed";
}

type CurveName = "nistp256" | "nistp384" | "nistp521";

/** The bytes of a coordinate, and the curve as JWK calls it (RFC 7518 section 6.2.1.1). */
const curves: Readonly<Record<CurveName, { size: number; crv: string }>> = {
  nistp256: { size: 32, crv: "P-256" },
  nistp384: { size: 48, crv: "P-384" },
  nistp521: { size: 66, crv: "P-521" },
};

/** RFC 5656 section 3.1; the point is uncompressed, as OpenSSH writes it and alone reads it. */
function checkEcdsa(
  [curve, point, ...more]: readonly Buffer[],
  name: CurveName,
): KeyFault | undefined {
  const { size, crv } = curves[name];
  if (curve?.toString("latin1") !== name || more.length > 0) return "malformed";
  if (point?.length !== 1 + 2 * size || point[0] !== 0x04) return "malformed";
  const x = point.toString("base64url", 1, 1 + size);
  const y = point.toString("base64url", 1 + size);
  return isOnCurve({ kty: "EC", crv, x, y }) ? undefined : "malformed";
}

function isOnCurve(key: { kty: "EC"; crv: string; x: string; y: string }): boolean {
  try {
    createPublicKey({ key, format: "jwk" });
    return true;
  } catch {
    return false;
  }
}

/** RFC 4253 section 6.6: the exponent, then the modulus. */
function checkRsa([exponent, modulus, ...more]: readonly Buffer[]): KeyFault | undefined {
  if (exponent === undefined || modulus === undefined || more.length > 0) return "malformed";
  if (!isPositive(exponent) || !isPositive(modulus)) return "malformed";
  if (!isOdd(exponent) || !isOdd(modulus)) return "malformed";
  // FIPS 186-5 A.1.1: above 2^16 and below 2^256.
  if (bitsOf(exponent) < 17 || bitsOf(exponent) > 256) return "malformed";
  const bits = bitsOf(modulus);
  return bits >= shortestRsa && bits <= longestRsa ? undefined : "rsa_length";
}

/** PROTOCOL.u2f of OpenSSH: a key's own fields, and the application that it was made for. */
function checkSecurityKey(fields: readonly Buffer[], checkOwn: FieldCheck): KeyFault | undefined {
  const application = fields.at(-1)?.toString("latin1") ?? "";
  const isName = /^ssh:[\x20-\x7e]*$/.test(application);
  if (!isName || application.length > longestApplication) return "malformed";
  return checkOwn(fields.slice(0, -1));
}

/** Whether an mpint is above zero and in as few bytes as it needs (RFC 4251 section 5). */
function isPositive(mpint: Buffer): boolean {
  const [first = 0, second = 0] = mpint;
  if (mpint.length === 0 || first >= 0x80) return false;
  return first !== 0 || second >= 0x80;
}

function isOdd(mpint: Buffer): boolean {
  return ((mpint.at(-1) ?? 0) & 1) === 1;
}

/** How many bits a positive mpint has, without zeros before them. */
function bitsOf(mpint: Buffer): number {
  const [first = 0] = mpint;
  return (mpint.length - 1) * 8 + (32 - Math.clz32(first));
}
