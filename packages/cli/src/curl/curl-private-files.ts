// Files that curl writes what it sends into, the token included: traces, source text, cookie jars.
// Nobody but their owner may read them, so they are there before curl opens them.
import { closeSync, openSync, statSync } from "node:fs";
import { CliError } from "../exit-status.ts";
import { bytesOf } from "../raw-bytes.ts";
import { hasToken } from "./cookie-file.ts";
import { chooseCarrier } from "./curl-credentials.ts";
import { type Carrier, type CurlSection, hasOption, optionValues } from "./curl-section.ts";

/**
 * The names of these files.
 * @throws {CliError} usage where curl alone will know one of them
 */
export function filesWithSecrets(sections: CurlSection[], carrier: Carrier): string[] {
  const isVerbose = sections.some(writesToStandardError);
  const keepsToken = sections.some((section) => writesTokenToJar(section, carrier));
  const options = [
    "trace",
    "trace-ascii",
    "libcurl",
    ...(isVerbose ? ["stderr"] : []),
    ...(keepsToken ? ["cookie-jar"] : []),
  ];
  for (const section of sections) refuseExpanded(section, options);
  const files = sections.flatMap((section) => optionValues(section, ...options));
  // Standard output and standard error.
  return files.filter((file) => file !== "-" && file !== "%");
}

/** Where `--stderr` names a file, it is written there: `%` stands for standard error. */
function writesToStandardError(section: CurlSection): boolean {
  const traces = optionValues(section, "trace", "trace-ascii");
  return hasOption(section, "v", "verbose") || traces.includes("%");
}

function writesTokenToJar(section: CurlSection, carrier: Carrier): boolean {
  const sendsToken = [...section.targets.values()].some(hasToken);
  return (
    sendsToken && section.cookieJars.length > 0 && chooseCarrier(section, carrier) === "cookie"
  );
}

function refuseExpanded(section: CurlSection, options: readonly string[]): void {
  const option = options.find((name) => hasOption(section, `expand-${name}`));
  if (option === undefined) return;
  throw new CliError(
    "usage",
    `curl would write the token into a file that cannot be checked (--expand-${option}); name it with --${option}`,
  );
}

/**
 * Makes each file, empty and for its owner alone, where it is not there yet.
 * @throws {CliError} usage where one is there that others can read
 */
export function keepPrivate(files: readonly string[]): void {
  // Modes mean nothing there; what a user writes is the user's.
  if (process.platform === "win32") return;
  for (const file of files) {
    createPrivately(file);
    if (!isReadByOthers(file)) continue;
    throw new CliError(
      "usage",
      `curl would write the token into ${file}, which others can read; name another file, or run: chmod 600 ${file}`,
    );
  }
}

/** Makes the file where none is, also through a link. Where none can be made, curl says why. */
function createPrivately(file: string): void {
  try {
    if (statSync(bytesOf(file), { throwIfNoEntry: false }) !== undefined) return;
    closeSync(openSync(bytesOf(file), "a", 0o600));
  } catch {
    // A folder that is not there or not writable, or a circle of links.
  }
}

/** Devices and pipes keep nothing. */
function isReadByOthers(file: string): boolean {
  try {
    const status = statSync(bytesOf(file));
    const isOurs = status.uid === process.getuid?.() && (status.mode & 0o044) === 0;
    return status.isFile() && !isOurs;
  } catch {
    return false;
  }
}
