// Which certificate a TLS client gets: by the name it asks for (SNI), among several; read again when the files
// change, so that a renewal needs no restart.
import { X509Certificate } from "node:crypto";
import { readFileSync, watch } from "node:fs";
import { basename, dirname } from "node:path";
import { createSecureContext, type SecureContext } from "node:tls";
import type { Log } from "../observe/log.ts";

export interface CertificateFiles {
  cert_file: string;
  key_file: string;
}

export interface Certificates {
  /** for a client that names no host, or one that no certificate covers: the first, as configured */
  fallback: { cert: Buffer; key: Buffer };
  contextFor(servername: string): SecureContext;
  close(): void;
}

interface Loaded {
  certificate: X509Certificate;
  context: SecureContext;
  files: { cert: Buffer; key: Buffer };
}

// Editors and renewal tools write in several steps.
const settleMs = 300;

/** @throws {Error} when a file cannot be read, or certificate and key are no pair */
export function loadCertificates(configured: readonly CertificateFiles[], log: Log): Certificates {
  const loadAll = () => configured.map(load) as [Loaded, ...Loaded[]];
  let loaded = loadAll();
  let pending: NodeJS.Timeout | undefined;
  const reload = () => {
    try {
      loaded = loadAll();
      log.info({}, "the certificates were read again");
    } catch (error) {
      log.error({ error: String(error) }, "changed certificates cannot be used; the ones before stay in force");
    }
  };
  const paths = configured.flatMap(({ cert_file, key_file }) => [cert_file, key_file]);
  // Folders, not files: a renewal puts new files in the place of the old ones.
  const watchers = [...new Set(paths.map((path) => dirname(path)))].map((folder) =>
    watch(folder, { persistent: false }, (_event, name) => {
      if (name !== null && !paths.some((path) => basename(path) === name) && !name.startsWith("..")) return;
      clearTimeout(pending);
      pending = setTimeout(reload, settleMs).unref();
    }),
  );
  return {
    fallback: loaded[0].files,
    contextFor: (servername) => (loaded.find(({ certificate }) => certificate.checkHost(servername) !== undefined) ?? loaded[0]).context,
    close() {
      clearTimeout(pending);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function load({ cert_file, key_file }: CertificateFiles): Loaded {
  const files = { cert: readFileSync(cert_file), key: readFileSync(key_file) };
  return { certificate: new X509Certificate(files.cert), context: createSecureContext({ ...files, minVersion: "TLSv1.2" }), files };
}
