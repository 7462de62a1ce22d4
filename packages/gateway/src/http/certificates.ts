// Which certificate a TLS client gets: the one for the name that it asks for (SNI). Files are read
// again when they change, or when somebody says so: a renewal needs no restart.
import { constants, createPrivateKey, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import { expiryOf, validityFaults } from "../certificate-validity.ts";
import type { RecordEvent } from "../observe/events.ts";
import { watchFiles } from "../watch-files.ts";

/** Paths of two PEM files. */
export interface CertificateFiles {
  cert_file: string;
  key_file: string;
}

/**
 * How TLS is spoken, by every server. HTTP/2 allows no renegotiation (RFC 9113 9.2.1), and HTTP/1.1
 * has no use for it.
 */
export const tlsRules = {
  minVersion: "TLSv1.2",
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
} as const;

/** Two PEM files, read. */
export interface Certificate {
  cert: Buffer;
  key: Buffer;
}

/** The certificates of one listener. */
export interface Certificates {
  /** For a client that names a host; the fallback's when no certificate covers it. */
  contextFor(servername: string): SecureContext;
  /**
   * For a client that names no host: the first certificate of the configuration. Calls back with
   * the present one, and with each that takes its place.
   */
  onFallback(use: (fallback: Certificate) => void): void;
  /** Reads the files again. Never throws: what cannot be used is recorded. */
  reload(): void;
  close(): void;
}

/** A certificate with its key, read and ready to serve. */
interface LoadedPair {
  certificate: X509Certificate;
  context: SecureContext;
  files: Certificate;
}

/**
 * Loads certificates and watches their files. Files that cannot be used later on are recorded, and
 * the certificates before them stay in force.
 * @param configured at least one
 * @throws {Error} when a file cannot be read, or certificate and key are no pair
 */
export function loadCertificates(
  configured: readonly CertificateFiles[],
  record: RecordEvent,
): Certificates {
  const loadAll = () => configured.map(load) as [LoadedPair, ...LoadedPair[]];
  let pairs = loadAll();
  recordInForce(configured, pairs, record);
  let useFallback: ((fallback: Certificate) => void) | undefined;
  const reload = () => {
    try {
      pairs = loadAll();
      useFallback?.(pairs[0].files);
      record({ event: "certificates_reloaded" });
      recordInForce(configured, pairs, record);
      recordValidity(configured, pairs, record);
    } catch (error) {
      record({ event: "certificates_refused", error: messageOf(error) });
    }
  };
  const paths = configured.flatMap(({ cert_file, key_file }) => [cert_file, key_file]);
  return {
    contextFor(servername) {
      const match = pairs.find(({ certificate }) => certificate.checkHost(servername));
      return (match ?? pairs[0]).context;
    },
    onFallback(use) {
      useFallback = use;
      use(pairs[0].files);
    },
    reload,
    close: watchFiles(() => paths, reload, record),
  };
}

function recordInForce(
  configured: readonly CertificateFiles[],
  pairs: readonly LoadedPair[],
  record: RecordEvent,
): void {
  const certificates = pairs.map(({ files }, index) => ({
    file: configured[index]?.cert_file ?? "",
    expires_at: expiryOf(files.cert),
  }));
  record({ event: "certificates_in_force", certificates });
}

/** At the start, the reading of the configuration says the same. */
function recordValidity(
  configured: readonly CertificateFiles[],
  pairs: readonly LoadedPair[],
  record: RecordEvent,
): void {
  pairs.forEach(({ files }, index) => {
    for (const fault of validityFaults(files.cert, Date.now()))
      record({ event: "certificate_not_valid", file: configured[index]?.cert_file, fault });
  });
}

/** @throws {Error} in one line that names the file */
function load({ cert_file, key_file }: CertificateFiles): LoadedPair {
  const files = { cert: readFile(cert_file), key: readFile(key_file) };
  const certificate = parse(
    () => new X509Certificate(files.cert),
    `${cert_file} contains no complete PEM certificate; put one there, or a chain`,
  );
  const key = parse(
    () => createPrivateKey(files.key),
    `${key_file} contains no complete PEM private key without a passphrase; put one there`,
  );
  if (!certificate.checkPrivateKey(key))
    throw new Error(
      `${key_file} is not the key of the certificate in ${cert_file}; use a matching pair`,
    );
  const context = parse(
    () => createSecureContext({ ...files, ...tlsRules }),
    `${cert_file} and ${key_file} cannot be used for TLS; use another pair`,
  );
  return { certificate, context, files };
}

function readFile(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    throw new Error(`${file} cannot be read (${code}); put a file there that this user can read`, {
      cause: error,
    });
  }
}

/** @throws {Error} with the message instead of the library's, which names no file */
function parse<Value>(step: () => Value, message: string): Value {
  try {
    return step();
  } catch (cause) {
    throw new Error(message, { cause });
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
