// Files that TLS needs, looked at before anything is put into force: a gateway that cannot read
// them must not find out at somebody's first request (case H12).
import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import type { FieldPath, Report } from "../model/problem.ts";

export interface FileContext {
  report: Report;
  resolvePath: (path: string) => string;
}

interface CertificateFiles {
  cert_file: string;
  key_file: string;
}

/** The two paths made absolute. */
export function readCertificateFiles(
  written: CertificateFiles,
  path: FieldPath,
  { report, resolvePath }: FileContext,
): CertificateFiles {
  const files = {
    cert_file: resolvePath(written.cert_file),
    key_file: resolvePath(written.key_file),
  };
  const complain = (field: keyof CertificateFiles, what: string) =>
    report.problem([...path, field], what, written[field]);
  const certificate = attempt(
    files.cert_file,
    (pem) => new X509Certificate(pem),
    (code) =>
      complain(
        "cert_file",
        code === undefined ? "is not a certificate in PEM; name one, or a chain" : unreadable(code),
      ),
  );
  const key = attempt(
    files.key_file,
    (pem) => createPrivateKey(pem),
    (code) =>
      complain(
        "key_file",
        code === undefined
          ? "is not a private key in PEM without a passphrase; name one"
          : unreadable(code),
      ),
  );
  if (certificate !== undefined && key !== undefined && !certificate.checkPrivateKey(key)) {
    complain("key_file", "is not the key of the certificate in cert_file; name the pair");
  }
  return files;
}

/** @param file absolute */
export function checkAuthorities(file: string, path: FieldPath, report: Report): void {
  attempt(
    file,
    (pem) => new X509Certificate(pem),
    (code) =>
      report.problem(
        path,
        code === undefined
          ? "is not a certificate in PEM; name one, or several in one file"
          : unreadable(code),
      ),
  );
}

function unreadable(code: string): string {
  return `cannot be read (${code}); name a file that this user may read`;
}

/** @param fail told why the file cannot be read, undefined when it holds something else */
function attempt<Value>(
  file: string,
  read: (pem: Buffer) => Value,
  fail: (why: string | undefined) => void,
): Value | undefined {
  let bytes: Buffer;
  try {
    // A device or a pipe may have no end, and would be read a second time where the file is used.
    if (!statSync(file).isFile()) {
      fail("no file");
      return undefined;
    }
    bytes = readFileSync(file);
  } catch (error) {
    fail((error as NodeJS.ErrnoException).code ?? "unknown");
    return undefined;
  }
  try {
    // Node reads DER as well here, and does not where the file is used.
    if (bytes.includes("-----BEGIN ")) return read(bytes);
  } catch {
    // The library's message may quote the file.
  }
  fail(undefined);
  return undefined;
}
