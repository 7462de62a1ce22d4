// Files that TLS needs, looked at before anything is put into force: a gateway that cannot read
// them must not find out at somebody's first request (case H12).
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { validityFaults } from "../certificate-validity.ts";
import type { FieldPath, Report } from "../model/problem.ts";

/** What is needed to look at the files that a configuration names. */
export interface FileContext {
  report: Report;
  resolvePath: (path: string) => string;
}

interface CertificateFiles {
  cert_file: string;
  key_file: string;
}

/**
 * Makes the two paths absolute, and reports files that cannot serve.
 * @param path that of the pair in the configuration
 */
export function readCertificateFiles(
  pair: CertificateFiles,
  path: FieldPath,
  { report, resolvePath }: FileContext,
): CertificateFiles {
  const files = { cert_file: resolvePath(pair.cert_file), key_file: resolvePath(pair.key_file) };
  const complain = (field: keyof CertificateFiles, what: string) =>
    report.problem([...path, field], what, pair[field]);
  const certificate = readCertificates(files.cert_file);
  const key = readPem(files.key_file, (pem) => createPrivateKey(pem));
  if (!certificate.ok)
    complain("cert_file", certificate.fault ?? "is not a certificate in PEM; name one, or a chain");
  if (certificate.ok)
    for (const fault of certificate.validity) report.warning([...path, "cert_file"], fault);
  if (!key.ok)
    complain("key_file", key.fault ?? "is not a private key in PEM without a passphrase; name one");
  if (certificate.ok && key.ok && !certificate.value.checkPrivateKey(key.value))
    complain("key_file", "is not the key of the certificate in cert_file; name the pair");
  return files;
}

/** Reports a file that holds no certificates of authorities. @param file absolute */
export function checkAuthorities(file: string, path: FieldPath, report: Report): void {
  const reading = readCertificates(file);
  if (reading.ok) {
    for (const validityFault of reading.validity) report.warning(path, validityFault);
    return;
  }
  const fault = reading.fault ?? "is not a certificate in PEM; name one, or several in one file";
  report.problem(path, fault);
}

function readCertificates(file: string): PemReading<X509Certificate> & { validity: string[] } {
  let validity: string[] = [];
  const reading = readPem(file, (pem) => {
    validity = validityFaults(pem, Date.now());
    return new X509Certificate(pem);
  });
  return { ...reading, validity };
}

type PemReading<Value> =
  | { ok: true; value: Value }
  /** why the file cannot be read; undefined where it holds something else */
  | { ok: false; fault: string | undefined };

function readPem<Value>(file: string, parse: (pem: Buffer) => Value): PemReading<Value> {
  let bytes: Buffer;
  try {
    // A device or a pipe may have no end, and would be read a second time where the file is used.
    if (!statSync(file).isFile()) return { ok: false, fault: unreadable("no file") };
    bytes = readFileSync(file);
  } catch (error) {
    return { ok: false, fault: unreadable((error as NodeJS.ErrnoException).code ?? "unknown") };
  }
  try {
    // Node reads DER as well here, and does not where the file is used.
    if (bytes.includes("-----BEGIN ")) return { ok: true, value: parse(bytes) };
  } catch {
    // The library's message may quote the file.
  }
  return { ok: false, fault: undefined };
}

function unreadable(code: string): string {
  return `cannot be read (${code}); name a file that this user may read`;
}
