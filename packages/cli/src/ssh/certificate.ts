// OpenSSH's certificates for users (PROTOCOL.certkeys), for keys of ECDSA on P-256: what one says,
// and whether it is what was asked for. Who signed it is for the server to judge.

const keyType = "ecdsa-sha2-nistp256";
const curve = "nistp256";
const certificateType = `${keyType}-cert-v01@openssh.com`;
/** The kind of certificate; the other one is for hosts. */
const forUsers = 1;

/** What a certificate says. Times are whole seconds since the epoch. */
export interface Certificate {
  /** of the key: uncompressed, 65 bytes */
  point: Buffer;
  /** the accounts that it opens */
  principals: string[];
  validAfter: number;
  validBefore: number;
}

/** @param point of the public key: uncompressed, 65 bytes @returns a line of `authorized_keys` */
export function publicKeyLine(point: Buffer): string {
  const blob = Buffer.concat([keyType, curve, point].map(withLength));
  return `${keyType} ${blob.toString("base64")}`;
}

/** RFC 4251 section 5 */
function withLength(content: Buffer | string): Buffer {
  const bytes = Buffer.from(content);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** Reads the line of a `…-cert.pub`; undefined where it is no certificate for such a key. */
export function readCertificate(line: string): Certificate | undefined {
  const [type, base64 = ""] = line.trim().split(/[ \t]+/);
  if (type !== certificateType || !/^[A-Za-z0-9+/]+={0,2}$/.test(base64)) return undefined;
  try {
    return readBlob(new FieldReader(Buffer.from(base64, "base64")));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** @throws {RangeError} where a field does not fit */
function readBlob(fields: FieldReader): Certificate | undefined {
  const type = fields.text();
  fields.string(); // nonce
  const curveName = fields.text();
  const point = fields.string();
  fields.uint64(); // serial number
  const kind = fields.uint32();
  fields.string(); // key ID
  const principals = readList(new FieldReader(fields.string()));
  const validAfter = fields.uint64();
  const validBefore = fields.uint64();
  fields.string(); // critical options
  fields.string(); // extensions
  fields.string(); // reserved
  fields.string(); // the key of the authority
  fields.string(); // its signature
  const isOurs = type === certificateType && curveName === curve && kind === forUsers;
  if (!isOurs || !fields.isAtEnd) return undefined;
  return { point, principals, validAfter, validBefore };
}

function readList(fields: FieldReader): string[] {
  const names: string[] = [];
  while (!fields.isAtEnd) names.push(fields.text());
  return names;
}

/** Reads values as SSH writes them (RFC 4251 section 5), one after the other. */
class FieldReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get isAtEnd(): boolean {
    return this.#offset === this.#bytes.length;
  }

  /** @throws {RangeError} as all of them, where the bytes end before */
  string(): Buffer {
    const length = this.uint32();
    const start = this.#offset;
    if (start + length > this.#bytes.length) throw new RangeError("a field is cut short");
    this.#offset = start + length;
    return this.#bytes.subarray(start, start + length);
  }

  text(): string {
    return this.string().toString("utf8");
  }

  uint32(): number {
    const value = this.#bytes.readUInt32BE(this.#offset);
    this.#offset += 4;
    return value;
  }

  /** Exact up to 2^53; beyond it stands "for ever", which compares as well. */
  uint64(): number {
    const value = Number(this.#bytes.readBigUInt64BE(this.#offset));
    this.#offset += 8;
    return value;
  }
}

/** The gateway's clock and ours may differ by so much (seconds). */
const clockTolerance = 5 * 60;

/**
 * What is wrong with a certificate that was asked for.
 * @param point of the key that it was asked for
 * @param email whose account it must open: the part before `@` (wire-protocol 10)
 * @param now seconds since the epoch
 * @returns undefined where it is good
 */
export function certificateFault(
  certificate: Certificate | undefined,
  point: Buffer,
  email: string,
  now: number,
): string | undefined {
  if (certificate === undefined) return "it is no certificate for such a key";
  if (!certificate.point.equals(point)) return "it is for another key";
  if (certificate.validAfter > now + clockTolerance) return "it is not valid yet";
  if (certificate.validBefore <= now) return "it has run out already; check this machine's clock";
  if (!isFor(certificate, email)) return "it is for another account";
  return undefined;
}

function isFor({ principals }: Certificate, email: string): boolean {
  const [account = ""] = email.toLowerCase().split("@");
  return account !== "" && principals.length === 1 && principals[0]?.toLowerCase() === account;
}

/** Before its end a certificate is renewed (seconds): a login takes a moment to begin. */
const renewedBefore = 30;

/** Whether a stored certificate still does. @param now seconds since the epoch */
export function isLasting({ validAfter, validBefore }: Certificate, now: number): boolean {
  return validAfter <= now && validBefore - now > renewedBefore;
}
