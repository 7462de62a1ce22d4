// The forges that git reaches by way of this machine, and the port of each: written by `access git
// setup`, read by what git starts (docs/adr/0028).
import { join } from "node:path";
import { CliError } from "../exit-status.ts";
import { readPrivateJson, writePrivateFile } from "../store/private-files.ts";

export interface Forge {
  /** `https://git.example.com/` or `https://example.com/git/`, with a slash at its end */
  url: string;
  /** of 127.0.0.1 */
  port: number;
  profile: string;
  caFile?: string;
}

export function forgesFolder(home: string): string {
  return join(home, "git");
}

function recordOf(home: string): string {
  return join(forgesFolder(home), "forges.json");
}

/** @throws {CliError} failure, when somebody else may control the file */
export function readForges(home: string): Forge[] {
  const { forges } = readPrivateJson(home, recordOf(home)) ?? {};
  return Array.isArray(forges) ? forges.filter(isForge) : [];
}

function isForge(value: unknown): value is Forge {
  if (typeof value !== "object" || value === null) return false;
  const { url, port, profile, caFile } = value as Record<string, unknown>;
  const isFile = caFile === undefined || typeof caFile === "string";
  return typeof url === "string" && Number.isInteger(port) && typeof profile === "string" && isFile;
}

/** @throws {CliError} failure */
export function writeForges(home: string, forges: readonly Forge[]): void {
  writePrivateFile(home, recordOf(home), `${JSON.stringify({ forges }, null, 2)}\n`);
}

/** What git asks in the place of the forge. */
export function localAddress({ url, port }: Forge): string {
  return `${localOrigin(port)}${new URL(url).pathname}`;
}

export function localOrigin(port: number): string {
  return `http://127.0.0.1:${port}`;
}

/** The forge of a port; a program that asks for another one has an old configuration. */
export function forgeAt(home: string, port: number): Forge {
  const forge = readForges(home).find((each) => each.port === port);
  if (forge !== undefined) return forge;
  throw new CliError(
    "usage",
    `no forge is set up at port ${port}; set it up with: postern access git setup URL`,
  );
}
