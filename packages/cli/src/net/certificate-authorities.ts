// Which certificate authorities are trusted. To name any replaces all of Node's, those of
// `NODE_EXTRA_CA_CERTS` included, so everything is put together here.
import { readFileSync } from "node:fs";
import tls from "node:tls";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import {
  authoritiesIn,
  certificateStart,
  environmentAuthorities,
  readable,
  systemAuthorities,
} from "./authority-files.ts";

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

/** @param option that names the file, for the message */
function readAuthorities(file: string, option: string): string {
  const text = readText(file, option);
  if (!text.includes(certificateStart))
    throw new CliError("usage", `${file} contains no certificate; ${option} needs a PEM file`);
  return text;
}

function readText(file: string, option: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError("usage", `${file} cannot be read (${code}); ${option} needs a PEM file`);
  }
}
