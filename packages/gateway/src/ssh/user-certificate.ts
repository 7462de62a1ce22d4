// OpenSSH's certificates for users (PROTOCOL.certkeys): a person's key, the accounts that it may
// log in to, and for how long, signed by an authority that sshd trusts.
import { type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { RandomBytes } from "../random.ts";
import type { SshPublicKey } from "./public-key.ts";
import { mpint, string, uint32, uint64 } from "./wire.ts";

interface Signer {
  key: KeyObject;
  dsaEncoding: "ieee-p1363";
}

/** Signs on a thread of libuv. */
const signAside = promisify<string, Buffer, Signer, Buffer>(sign);

/** What a certificate says. Times are whole seconds since the epoch. */
export interface CertificateContent {
  key: SshPublicKey;
  serial: bigint;
  /** what sshd writes into its log */
  keyId: string;
  /** the accounts, or the names that `AuthorizedPrincipalsFile` maps to accounts; never empty */
  principals: readonly string[];
  validAfter: number;
  validBefore: number;
  /** what sshd may open beyond commands and files: `permit-pty` */
  extensions: readonly string[];
}

/** Who signs: ECDSA on P-256. */
export interface CertificateSigner {
  publicKey: SshPublicKey;
  privateKey: KeyObject;
}

const nonceLength = 32;
/** The kind of certificate; the other one is for hosts. */
const forUsers = 1;

/** @returns one line, as `ssh` reads it from `…-cert.pub`, without the line break */
export async function signUserCertificate(
  content: CertificateContent,
  { publicKey, privateKey }: CertificateSigner,
  randomBytes: RandomBytes,
): Promise<string> {
  const type = certificateTypeOf(content.key);
  const toBeSigned = Buffer.concat([
    string(type),
    string(randomBytes(nonceLength)),
    fieldsOf(content.key),
    uint64(content.serial),
    uint32(forUsers),
    string(content.keyId),
    string(Buffer.concat(content.principals.map(string))),
    uint64(BigInt(content.validAfter)),
    uint64(BigInt(content.validBefore)),
    string(""), // critical options
    extensionsField(content.extensions),
    string(""), // reserved
    string(publicKey.blob),
  ]);
  const signature = await ecdsaSignature(toBeSigned, privateKey);
  const certificate = Buffer.concat([toBeSigned, string(signature)]);
  return `${type} ${certificate.toString("base64")}`;
}

/** `ssh-ed25519` → `ssh-ed25519-cert-v01@openssh.com` */
function certificateTypeOf({ type }: SshPublicKey): string {
  return `${type.replace(/@openssh\.com$/, "")}-cert-v01@openssh.com`;
}

/** The fields of a key stand in its certificate as they are, behind another type. */
function fieldsOf({ type, blob }: SshPublicKey): Buffer {
  return blob.subarray(string(type).length);
}

/** Names in the order of their bytes; none of ours has a value. */
function extensionsField(names: readonly string[]): Buffer {
  const sorted = [...new Set(names)].toSorted((one, other) => (one < other ? -1 : 1));
  return string(Buffer.concat(sorted.flatMap((name) => [string(name), string("")])));
}

/** RFC 5656 section 3.1.2: two numbers. */
async function ecdsaSignature(bytes: Buffer, key: KeyObject): Promise<Buffer> {
  const pair = await signAside("sha256", bytes, { key, dsaEncoding: "ieee-p1363" });
  const numbers = [mpint(pair.subarray(0, 32)), mpint(pair.subarray(32))];
  return Buffer.concat([string("ecdsa-sha2-nistp256"), string(Buffer.concat(numbers))]);
}
