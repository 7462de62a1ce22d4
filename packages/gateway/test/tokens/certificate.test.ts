import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { createPublicKey, generateKeyPairSync, randomBytes, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { leaveOut } from "../../../../test/support/requirements.ts";
import { type CertificateInput, selfSignedCertificate } from "../../src/tokens/certificate.ts";

const openSsl = spawnSync("openssl", ["version"]).error === undefined ? undefined : "OpenSSL";
const keys = generateKeyPairSync("rsa", { modulusLength: 2048 });
const input: CertificateInput = {
  ...keys,
  commonName: "login.example.com",
  notBefore: new Date("2026-11-25T01:02:03.987Z"),
  notAfter: new Date("2036-11-22T23:59:59Z"),
  randomBytes,
};

/** The DER values directly inside one: tag and content. */
function parts(der: Buffer): { tag: number; content: Buffer }[] {
  const found: { tag: number; content: Buffer }[] = [];
  for (let at = 0; at < der.length; ) {
    const first = der.readUInt8(at + 1);
    const octets = first < 0x80 ? 0 : first & 0x7f;
    const length = octets === 0 ? first : der.readUIntBE(at + 2, octets);
    const begin = at + 2 + octets;
    found.push({ tag: der.readUInt8(at), content: der.subarray(begin, begin + length) });
    at = begin + length;
  }
  return found;
}

/** Version, serial number, algorithm, issuer, validity, subject, key. */
function fields(pem: string): { tag: number; content: Buffer }[] {
  const [certificate] = parts(new X509Certificate(pem).raw);
  const [toBeSigned] = parts(certificate?.content ?? Buffer.alloc(0));
  return parts(toBeSigned?.content ?? Buffer.alloc(0));
}

test("the certificate is of the key, signed by the key, and names its host and dates", async () => {
  const certificate = new X509Certificate(await selfSignedCertificate(input));
  assert.ok(certificate.verify(keys.publicKey));
  assert.ok(certificate.publicKey.equals(keys.publicKey));
  assert.ok(certificate.checkPrivateKey(keys.privateKey));
  assert.ok(certificate.checkIssued(certificate));
  assert.equal(certificate.subject, "CN=login.example.com");
  assert.equal(certificate.issuer, certificate.subject);
  assert.equal(certificate.validFromDate.toISOString(), "2026-11-25T01:02:03.000Z");
  assert.equal(certificate.validToDate.toISOString(), "2036-11-22T23:59:59.000Z");
  assert.ok(!certificate.verify(generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey));
});

test("the key in the certificate is the JWK's", async () => {
  const jwk = keys.publicKey.export({ format: "jwk" });
  const { publicKey } = new X509Certificate(await selfSignedCertificate(input));
  assert.ok(publicKey.equals(createPublicKey({ key: jwk, format: "jwk" })));
});

test("dates keep two digits of the year until 2049, and four from 2050 on (RFC 5280 4.1.2.5)", async () => {
  const pem = await selfSignedCertificate({
    ...input,
    notBefore: new Date("2049-12-31T23:59:59Z"),
    notAfter: new Date("2050-01-01T00:00:00Z"),
  });
  const certificate = new X509Certificate(pem);
  assert.equal(certificate.validFromDate.toISOString(), "2049-12-31T23:59:59.000Z");
  assert.equal(certificate.validToDate.toISOString(), "2050-01-01T00:00:00.000Z");
  const dates = parts(fields(pem)[4]?.content ?? Buffer.alloc(0)).map(({ tag, content }) => [
    tag,
    content.toString(),
  ]);
  assert.deepEqual(dates, [
    [0x17, "491231235959Z"],
    [0x18, "20500101000000Z"],
  ]);
});

test("serial numbers are positive, at most 20 bytes, in their shortest form, and never the same", async () => {
  const serialOf = async () =>
    fields(await selfSignedCertificate(input))[1]?.content ?? Buffer.alloc(0);
  const serials = await Promise.all(Array.from({ length: 200 }, serialOf));
  for (const serial of serials) {
    assert.ok(serial.length > 8 && serial.length <= 20);
    assert.ok(serial.readUInt8(0) > 0 && serial.readUInt8(0) < 0x80);
  }
  assert.equal(new Set(serials.map((serial) => serial.toString("hex"))).size, serials.length);
});

test("names of every length and larger keys fit", async () => {
  for (const length of [1, 63, 64]) {
    const commonName = "x".repeat(length);
    assert.equal(
      new X509Certificate(await selfSignedCertificate({ ...input, commonName })).subject,
      `CN=${commonName}`,
    );
  }
  const long = new X509Certificate(
    await selfSignedCertificate({ ...input, commonName: `${"x".repeat(70)}.example.com` }),
  );
  assert.equal(long.subject, `CN=${"x".repeat(64)}`, "a common name ends at 64 characters");
  const large = generateKeyPairSync("rsa", { modulusLength: 4096 });
  assert.ok(
    new X509Certificate(await selfSignedCertificate({ ...input, ...large })).verify(
      large.publicKey,
    ),
  );
});

test("OpenSSL reads the certificate as it is meant", leaveOut(openSsl), async () => {
  const pem = await selfSignedCertificate(input);
  const openssl = (...args: string[]) =>
    execFileSync("openssl", args, { input: pem, encoding: "utf8" });
  const text = openssl("x509", "-noout", "-text");
  assert.match(text, /Version: 3 /);
  assert.match(text, /Signature Algorithm: sha256WithRSAEncryption/);
  assert.match(text, /Public-Key: \(2048 bit\)/);
  assert.match(
    openssl("x509", "-noout", "-subject", "-issuer"),
    /subject=CN ?= ?login\.example\.com\nissuer=CN ?= ?login\.example\.com/,
  );
  // Every byte is accounted for: written again from what was read, it is the same.
  assert.equal(openssl("x509"), pem);
});
