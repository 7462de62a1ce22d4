// Files of certificate authorities, of the system and of the environment. Apart from what needs
// node:tls: `access curl` reads them and would load that for nothing.
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Where distributions keep what they trust, in one file. */
const systemBundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/ssl/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

/** The system's authorities, where they lie in one of the usual files. */
export function systemAuthorities(): string[] {
  const [first] = systemBundles.flatMap((file) => readable(file));
  return first === undefined ? [] : [first];
}

/** What the environment names for curl and for OpenSSL; what cannot be read is left out. */
export function environmentAuthorities(environment: NodeJS.ProcessEnv): string[] {
  const { CURL_CA_BUNDLE, SSL_CERT_FILE, SSL_CERT_DIR = "" } = environment;
  const folders = SSL_CERT_DIR.split(delimiter).filter((folder) => folder !== "");
  return [
    ...readable(CURL_CA_BUNDLE),
    ...readable(SSL_CERT_FILE),
    ...folders.flatMap((folder) => authoritiesIn(folder)),
  ];
}

/** Certificates in the files of a folder, as `c_rehash` and `openssl rehash` leave them. */
export function authoritiesIn(folder: string): string[] {
  return list(folder).flatMap((name) => readable(join(folder, name)));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** How a certificate begins in a PEM file (RFC 7468). */
export const certificateStart = "-----BEGIN CERTIFICATE-----";

/** The text of the file; nothing where it cannot be read, or holds no certificate. */
export function readable(file: string | undefined): string[] {
  if (!file) return [];
  try {
    const text = readFileSync(file, "utf8");
    return text.includes(certificateStart) ? [text] : [];
  } catch {
    return [];
  }
}
