// A self-signed X.509 certificate around a signing key (RFC 5280), for verifiers that read
// certificates instead of JWKs. It writes exactly this one certificate and parses nothing (ADR
// 0002).
import { type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { RandomBytes } from "../random.ts";

const signAside = promisify<string, Buffer, KeyObject, Buffer>(sign);

export interface CertificateInput {
  /** RSA */
  publicKey: KeyObject;
  privateKey: KeyObject;
  commonName: string;
  /** precise to the second */
  notBefore: Date;
  notAfter: Date;
  /** makes the serial number */
  randomBytes: RandomBytes;
}

// X.690 8.1.2: the kinds of value that a certificate is made of.
const tags = {
  integer: 0x02,
  bitString: 0x03,
  null: 0x05,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  utcTime: 0x17,
  generalizedTime: 0x18,
  sequence: 0x30,
  set: 0x31,
  version: 0xa0,
} as const;

// 1.2.840.113549.1.1.11 and 2.5.4.3, encoded.
const sha256WithRsaEncryption = Buffer.from("2a864886f70d01010b", "hex");
const commonNameAttribute = Buffer.from("550403", "hex");
/** RFC 5280 A.1, ub-common-name. Host names can be longer; nobody finds the key by this name. */
const longestCommonName = 64;

/** @returns PEM, with a line feed at the end */
export async function selfSignedCertificate({
  publicKey,
  privateKey,
  commonName,
  notBefore,
  notAfter,
  randomBytes,
}: CertificateInput): Promise<string> {
  const algorithm = sequence(
    value(tags.objectIdentifier, sha256WithRsaEncryption),
    value(tags.null),
  );
  const name = distinguishedName(commonName.slice(0, longestCommonName));
  // RFC 5280 4.1: TBSCertificate
  const toBeSigned = sequence(
    value(tags.version, value(tags.integer, Buffer.of(2))), // v3
    value(tags.integer, serialNumber(randomBytes)),
    algorithm,
    name, // issuer
    sequence(time(notBefore), time(notAfter)),
    name, // subject
    publicKey.export({ format: "der", type: "spki" }),
  );
  const signature = await signAside("sha256", toBeSigned, privateKey);
  return pem(sequence(toBeSigned, algorithm, bitString(signature)));
}

/**
 * RFC 5280 4.1.2.2: positive, at most 20 octets; the first octet is neither zero nor negative, as
 * DER wants it.
 */
function serialNumber(randomBytes: RandomBytes): Buffer {
  const serial = randomBytes(16);
  serial.writeUInt8((serial.readUInt8(0) & 0x7f) | 0x40, 0);
  return serial;
}

function distinguishedName(commonName: string): Buffer {
  const attribute = sequence(
    value(tags.objectIdentifier, commonNameAttribute),
    value(tags.utf8String, Buffer.from(commonName)),
  );
  return sequence(value(tags.set, attribute));
}

/** RFC 5280 4.1.2.5: two digits of the year until 2049, four from 2050 on. */
function time(date: Date): Buffer {
  const digits = `${date.toISOString().replace(/\.\d+Z$|[-:T]/g, "")}Z`;
  return date.getUTCFullYear() < 2050
    ? value(tags.utcTime, Buffer.from(digits.slice(2)))
    : value(tags.generalizedTime, Buffer.from(digits));
}

function bitString(bytes: Buffer): Buffer {
  const unusedBits = Buffer.of(0);
  return value(tags.bitString, unusedBits, bytes);
}

function sequence(...parts: Buffer[]): Buffer {
  return value(tags.sequence, ...parts);
}

function value(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  return Buffer.concat([Buffer.of(tag), length(content.length), content]);
}

/** X.690 8.1.3: one octet up to 127, else their number and then the octets. */
function length(count: number): Buffer {
  if (count < 0x80) return Buffer.of(count);
  const octets: number[] = [];
  for (let rest = count; rest > 0; rest >>= 8) octets.unshift(rest & 0xff);
  return Buffer.of(0x80 | octets.length, ...octets);
}

function pem(der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}
