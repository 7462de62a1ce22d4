// Which certificate authorities are trusted. To name any replaces all of Node's, those of
// `NODE_EXTRA_CA_CERTS` included, so everything is put together here.
import { readdirSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import tls from "node:tls";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";

type Trust = Pick<Context, "caFile" | "environment" | "network">;

let cached: { key: string; certificates: string[] } | undefined;

/**
 * The certificate authorities to trust: Node's, the system's, those of `--ca-file` and of curl's
 * options, and those that the environment names for curl and OpenSSL.
 * @returns PEM texts
 * @throws {CliError} usage when a file that an option names cannot be read or holds no certificate
 */
export function trustedCertificates(trust: Trust): string[] {
  const { authorities, authorityFolders } = trust.network ?? {};
  const key = JSON.stringify([trust.caFile, authorities, authorityFolders]);
  if (cached?.key !== key) cached = { key, certificates: gather(trust) };
  return cached.certificates;
}

function gather({ caFile, environment, network }: Trust): string[] {
  const { authorities = [], authorityFolders = [] } = network ?? {};
  const ownFiles = caFile === undefined ? [] : [caFile];
  return [
    ...new Set([
      ...defaultAuthorities(environment),
      ...environmentAuthorities(environment),
      ...ownFiles.map((file) => readAuthorities(file, "--ca-file")),
      ...authorities.map((file) => readAuthorities(file, "--cacert")),
      ...authorityFolders.flatMap((folder) => authoritiesIn(folder)),
    ]),
  ];
}

function defaultAuthorities(environment: NodeJS.ProcessEnv): string[] {
  // Node ≥ 22.15
  if (typeof tls.getCACertificates === "function")
    return [...tls.getCACertificates("default"), ...tls.getCACertificates("system")];
  const extraFile = environment["NODE_EXTRA_CA_CERTS"];
  return [...tls.rootCertificates, ...systemAuthorities(), ...readable(extraFile)];
}

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
function authoritiesIn(folder: string): string[] {
  return list(folder).flatMap((name) => readable(join(folder, name)));
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

const certificateStart = "-----BEGIN CERTIFICATE-----";

/** The text of the file; nothing where it cannot be read, or holds no certificate. */
function readable(file: string | undefined): string[] {
  if (!file) return [];
  try {
    const text = readFileSync(file, "utf8");
    return text.includes(certificateStart) ? [text] : [];
  } catch {
    return [];
  }
}

/** @param option that names the file, for the message */
function readAuthorities(file: string, option: string): string {
  const text = readText(file, option);
  if (!text.includes(certificateStart))
    throw new CliError("usage", `${file} holds no certificate; ${option} takes a PEM file`);
  return text;
}

function readText(file: string, option: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError("usage", `${file} cannot be read (${code}); ${option} takes a PEM file`);
  }
}
