// Which certificate authorities are trusted. To name any replaces all of Node's, those of
// `NODE_EXTRA_CA_CERTS` included, so everything is put together here.
import { readFileSync } from "node:fs";
import tls from "node:tls";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";

type Trust = Pick<Context, "caFile" | "environment">;

let cached: { file: string | undefined; certificates: string[] | undefined } | undefined;

/**
 * The certificate authorities to trust: Node's, the system's where Node offers them, and those of
 * `--ca-file`.
 * @returns PEM texts; undefined where Node's default is all there is
 * @throws {CliError} usage when the file cannot be read or holds no certificate
 */
export function trustedCertificates(trust: Trust): string[] | undefined {
  if (cached === undefined || cached.file !== trust.caFile)
    cached = { file: trust.caFile, certificates: gather(trust) };
  return cached.certificates;
}

function gather({ caFile, environment }: Trust): string[] | undefined {
  const ownAuthorities = authoritiesIn(caFile);
  // Node ≥ 22.15
  if (typeof tls.getCACertificates === "function") {
    const defaults = tls.getCACertificates("default");
    return [...new Set([...defaults, ...tls.getCACertificates("system"), ...ownAuthorities])];
  }
  if (caFile === undefined) return undefined;
  const extraAuthorities = authoritiesIn(environment["NODE_EXTRA_CA_CERTS"] || undefined);
  return [...tls.rootCertificates, ...ownAuthorities, ...extraAuthorities];
}

function authoritiesIn(file: string | undefined): string[] {
  return file === undefined ? [] : [readAuthorities(file)];
}

function readAuthorities(file: string): string {
  const text = readText(file);
  if (!text.includes("-----BEGIN CERTIFICATE-----"))
    throw new CliError("usage", `${file} holds no certificate; --ca-file takes a PEM file`);
  return text;
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError("usage", `${file} cannot be read (${code}); --ca-file takes a PEM file`);
  }
}
