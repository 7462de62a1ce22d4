// Which certificate a TLS client gets: by the name it asks for (SNI), among several; read again
// when the files change, so that a renewal needs no restart.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext, type SecureContext } from "node:tls";
import type { RecordEvent } from "../observe/events.ts";
import { watchFiles } from "../watch-files.ts";

export interface CertificateFiles {
  cert_file: string;
  key_file: string;
}

export interface Certificate {
  cert: Buffer;
  key: Buffer;
}

export interface Certificates {
  contextFor(servername: string): SecureContext;
  /**
   * For a client that names no host, or one that no certificate covers: the first, as configured.
   * Calls back with the one of now, and with each that takes its place.
   */
  onFallback(use: (fallback: Certificate) => void): void;
  close(): void;
}

interface Loaded {
  certificate: X509Certificate;
  context: SecureContext;
  files: Certificate;
}

/** @throws {Error} when a file cannot be read, or certificate and key are no pair */
export function loadCertificates(
  configured: readonly CertificateFiles[],
  record: RecordEvent,
): Certificates {
  const loadAll = () => configured.map(load) as [Loaded, ...Loaded[]];
  let loaded = loadAll();
  let useFallback: ((fallback: Certificate) => void) | undefined;
  const reload = () => {
    try {
      loaded = loadAll();
      useFallback?.(loaded[0].files);
      record({ event: "certificates_reloaded" });
    } catch (error) {
      record({ event: "certificates_refused", error: String(error) });
    }
  };
  const paths = configured.flatMap(({ cert_file, key_file }) => [cert_file, key_file]);
  return {
    contextFor: (servername) =>
      (
        loaded.find(({ certificate }) => certificate.checkHost(servername) !== undefined) ??
        loaded[0]
      ).context,
    onFallback(use) {
      useFallback = use;
      use(loaded[0].files);
    },
    close: watchFiles(paths, reload, record),
  };
}

function load({ cert_file, key_file }: CertificateFiles): Loaded {
  const files = { cert: readFileSync(cert_file), key: readFileSync(key_file) };
  return {
    certificate: new X509Certificate(files.cert),
    context: createSecureContext({ ...files, minVersion: "TLSv1.2" }),
    files,
  };
}
