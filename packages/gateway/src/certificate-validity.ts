// Whether certificates are valid today, which neither OpenSSL nor Node asks when it serves them.
import { X509Certificate } from "node:crypto";

const certificatePattern = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g;

/**
 * What is wrong with the dates of the certificates in a PEM file, one text for each: the first, and
 * those of the authorities behind it.
 * @param now milliseconds
 * @throws {Error} when one of them cannot be read
 */
export function validityFaults(pem: Buffer, now: number): string[] {
  const certificates = pem.toString("latin1").match(certificatePattern) ?? [];
  return certificates.flatMap((text) => validityFault(new X509Certificate(text), now) ?? []);
}

/**
 * When the first of the certificates in a PEM file stops being valid, milliseconds since the epoch.
 * @throws {Error} when one of them cannot be read
 */
export function expiryOf(pem: Buffer): number {
  const certificates = pem.toString("latin1").match(certificatePattern) ?? [];
  return Math.min(...certificates.map((text) => Date.parse(new X509Certificate(text).validTo)));
}

function validityFault(certificate: X509Certificate, now: number): string | undefined {
  const { subject, validFrom, validTo } = certificate;
  const name = subject.replaceAll("\n", ", ");
  if (Date.parse(validTo) < now)
    return `contains a certificate that expired on ${day(validTo)} (${name}); clients refuse it; renew it`;
  if (Date.parse(validFrom) > now)
    return `contains a certificate that is not valid before ${day(validFrom)} (${name}); clients refuse it until then`;
  return undefined;
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10);
}
