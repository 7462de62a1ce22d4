// Lines of public keys that are none, each wrong in one way, and the pieces to make others.
import { generateKeyPairSync } from "node:crypto";
import { mpint, string } from "../../src/ssh/wire.ts";

/** A line of this type with these fields after it. */
function lineOf(type: string, ...fields: Buffer[]): string {
  const blob = Buffer.concat([string(type), ...fields]);
  return `${type} ${blob.toString("base64")}`;
}

const ed25519Point = coordinates(
  generateKeyPairSync("ed25519").publicKey.export({ format: "jwk" }),
);
const ecJwk = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({
  format: "jwk",
});
const ecPoint = Buffer.concat([Buffer.of(4), coordinates(ecJwk), coordinates({ x: ecJwk.y })]);

function coordinates({ x = "" }: { x?: string | undefined }): Buffer {
  return Buffer.from(x, "base64url");
}

/** An odd number of so many bits, with no factors that anybody looks at. */
function modulus(bits: number): Buffer {
  const bytes = Buffer.alloc(bits / 8, 0xab);
  bytes.writeUInt8(0x81, 0);
  return bytes;
}

const exponent = mpint(Buffer.of(1, 0, 1));
const offCurve = Buffer.concat([ecPoint.subarray(0, 64), Buffer.of((ecPoint[64] ?? 0) ^ 1)]);
const compressed = Buffer.concat([Buffer.of(2), ecPoint.subarray(1, 33)]);

/** A right line of each type that needs no tool to be made. */
export const rightLines: Readonly<Record<string, string>> = {
  "ssh-ed25519": lineOf("ssh-ed25519", string(ed25519Point)),
  "ecdsa-sha2-nistp256": lineOf("ecdsa-sha2-nistp256", string("nistp256"), string(ecPoint)),
  "ssh-rsa": lineOf("ssh-rsa", exponent, mpint(modulus(2048))),
  "sk-ssh-ed25519@openssh.com": lineOf(
    "sk-ssh-ed25519@openssh.com",
    string(ed25519Point),
    string("ssh:"),
  ),
  "sk-ecdsa-sha2-nistp256@openssh.com": lineOf(
    "sk-ecdsa-sha2-nistp256@openssh.com",
    string("nistp256"),
    string(ecPoint),
    string("ssh:work"),
  ),
};

const rightLine = rightLines["ssh-ed25519"] ?? "";
const [, rightBase64 = ""] = rightLine.split(" ");

/** What is wrong → a line of which no certificate is made. */
export const wrongLines: Readonly<Record<string, string>> = {
  "an empty text": "",
  "a blank": " ",
  "a type alone": "ssh-ed25519",
  "base64 alone": rightBase64,
  "options before the type": `command="id" ${rightLine}`,
  "two lines": `${rightLine}\n${rightLine}`,
  "a line break inside": rightLine.replace(" ", "\n"),
  "a carriage return in the comment": `${rightLine} a\rb`,
  "a blank before it": ` ${rightLine}`,
  "a very long comment": `${rightLine} ${"x".repeat(9_000)}`,
  "a NUL": `${rightLine}\u0000`,
  "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjE=\n",
  "a PEM public key": "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA\n-----END PUBLIC KEY-----\n",
  base64url: `ssh-ed25519 ${rightBase64.slice(0, 30)}-_${rightBase64.slice(32)}`,
  "base64 with unused bits": `ssh-rsa ${rightBase64.slice(0, 6)}B=`,
  "base64 without padding": `${lineOf("ssh-ed25519", string(Buffer.alloc(31, 9))).replace(/=+$/, "")}`,
  "half a key": `ssh-ed25519 ${rightBase64.slice(0, 40)}`,
  "a length beyond the end": lineOf("ssh-ed25519", Buffer.of(0xff, 0xff, 0xff, 0xff, 1)),
  "another type inside": `ssh-rsa ${rightBase64}`,
  "an unknown type": lineOf("ssh-unknown", string(ed25519Point)),
  "a name of an object's own": lineOf("__proto__", string(ed25519Point)),
  DSA: lineOf("ssh-dss", ...Array.from({ length: 4 }, () => mpint(modulus(1024)))),
  "a certificate": lineOf("ssh-ed25519-cert-v01@openssh.com", string(ed25519Point)),
  "a signature algorithm": lineOf("rsa-sha2-256", exponent, mpint(modulus(2048))),
  "Ed25519 of 31 bytes": lineOf("ssh-ed25519", string(ed25519Point.subarray(1))),
  "Ed25519 and a field more": lineOf("ssh-ed25519", string(ed25519Point), string("x")),
  "Ed25519 without a point": lineOf("ssh-ed25519"),
  "ECDSA of another curve's name": lineOf(
    "ecdsa-sha2-nistp256",
    string("nistp384"),
    string(ecPoint),
  ),
  "a curve that SSH does not name": lineOf(
    "ecdsa-sha2-secp256k1",
    string("secp256k1"),
    string(ecPoint),
  ),
  "a point off the curve": lineOf("ecdsa-sha2-nistp256", string("nistp256"), string(offCurve)),
  "the point at infinity": lineOf("ecdsa-sha2-nistp256", string("nistp256"), string(Buffer.of(0))),
  "a point of zeros": lineOf(
    "ecdsa-sha2-nistp256",
    string("nistp256"),
    string(Buffer.concat([Buffer.of(4), Buffer.alloc(64)])),
  ),
  "a compressed point": lineOf("ecdsa-sha2-nistp256", string("nistp256"), string(compressed)),
  "a P-256 point as P-384": lineOf("ecdsa-sha2-nistp384", string("nistp384"), string(ecPoint)),
  "RSA of 1024 bits": lineOf("ssh-rsa", exponent, mpint(modulus(1024))),
  "RSA of 2040 bits": lineOf("ssh-rsa", exponent, mpint(modulus(2040))),
  "RSA of 16384 bits": lineOf("ssh-rsa", exponent, mpint(modulus(16_384))),
  "RSA with zeros before the modulus": lineOf(
    "ssh-rsa",
    exponent,
    string(Buffer.concat([Buffer.alloc(2), modulus(2048)])),
  ),
  "RSA with a negative modulus": lineOf("ssh-rsa", exponent, string(modulus(2048))),
  "RSA with an even modulus": lineOf(
    "ssh-rsa",
    exponent,
    mpint(Buffer.concat([modulus(2048).subarray(0, 255), Buffer.of(2)])),
  ),
  "RSA with the exponent 1": lineOf("ssh-rsa", mpint(Buffer.of(1)), mpint(modulus(2048))),
  "RSA with an even exponent": lineOf("ssh-rsa", mpint(Buffer.of(1, 0, 0)), mpint(modulus(2048))),
  "RSA without a modulus": lineOf("ssh-rsa", exponent),
  "RSA and a field more": lineOf("ssh-rsa", exponent, mpint(modulus(2048)), string("x")),
  "a security key for the web": lineOf(
    "sk-ssh-ed25519@openssh.com",
    string(ed25519Point),
    string("https://example.com"),
  ),
  "a security key without an application": lineOf(
    "sk-ssh-ed25519@openssh.com",
    string(ed25519Point),
  ),
  "a security key off the curve": lineOf(
    "sk-ecdsa-sha2-nistp256@openssh.com",
    string("nistp256"),
    string(offCurve),
    string("ssh:"),
  ),
};
