import { readFileSync } from "node:fs";
import tls from "node:tls";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";

let cached: { file: string | undefined; certificates: string[] | undefined } | undefined;

/**
 * The certificate authorities to trust: Node's, the system's where Node offers them, and those of
 * `--ca-file`. Undefined where Node's default is all there is. (Naming any replaces Node's default,
 * `NODE_EXTRA_CA_CERTS` included, which is why everything is put together here.)
 * @throws {CliError} usage when the file cannot be read or holds no certificate
 */
export function trustedCertificates(
  context: Pick<Context, "caFile" | "environment">,
): string[] | undefined {
  if (cached === undefined || cached.file !== context.caFile) {
    cached = { file: context.caFile, certificates: gather(context) };
  }
  return cached.certificates;
}

function gather({
  caFile,
  environment,
}: Pick<Context, "caFile" | "environment">): string[] | undefined {
  const own = caFile === undefined ? [] : [readAuthorities(caFile)];
  // Node ≥ 22.15
  if (typeof tls.getCACertificates === "function") {
    return [
      ...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system"), ...own]),
    ];
  }
  if (own.length === 0) return undefined;
  const extra = environment["NODE_EXTRA_CA_CERTS"];
  return [...tls.rootCertificates, ...own, ...(extra ? [readAuthorities(extra)] : [])];
}

function readAuthorities(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    throw new CliError(
      "usage",
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}); --ca-file takes a PEM file`,
    );
  }
  if (!text.includes("-----BEGIN CERTIFICATE-----"))
    throw new CliError("usage", `${file} holds no certificate; --ca-file takes a PEM file`);
  return text;
}
