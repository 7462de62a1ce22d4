// What git is told, in a file that its global configuration includes: who is asked in the place of
// the forge, and who says its passwords. One line of the person's own configuration names the file.
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { CliError } from "../exit-status.ts";
import { removeFile, writePrivateFile } from "../store/private-files.ts";
import { withSafePath } from "../tool/find-tool.ts";
import { type Forge, forgesFolder, localAddress, localOrigin } from "./forges.ts";

/**
 * The user name of the local proxy. A proxy that has one and no password makes git ask for the
 * password before it connects: that starts what it is about to connect to.
 */
export const starter = "postern";

export function settingsFile(home: string): string {
  return join(forgesFolder(home), "config");
}

/** @param helper a command line for a shell, which git asks for passwords */
export function settingsText(forges: readonly Forge[], helper: string): string {
  const head =
    '# Made by "postern access git setup"; "postern access git setup --remove" takes it away.\n';
  return head + forges.map((forge) => sectionsOf(forge, helper)).join("");
}

function sectionsOf(forge: Forge, helper: string): string {
  const origin = localOrigin(forge.port);
  const proxy = origin.replace("//", `//${starter}@`);
  return `
[url ${quoted(localAddress(forge))}]
\tinsteadOf = ${quoted(forge.url)}
[http ${quoted(`${origin}/`)}]
\tproxy = ${quoted(proxy)}
[credential ${quoted(origin)}]
\thelper =
\thelper = ${quoted(`!${helper}`)}
`;
}

/** A value, or the name of a subsection (git-config(1), "Syntax"). */
function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, "\\$&").replaceAll("\n", "\\n")}"`;
}

/** The command line of a shell that runs exactly these words. */
export function shellLine(words: readonly string[]): string {
  return words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
}

export interface GitSurroundings {
  home: string;
  environment: NodeJS.ProcessEnv;
}

/** @throws {CliError} failure, where git is not there or refuses */
export async function writeSettings(
  { home, environment }: GitSurroundings,
  text: string,
): Promise<void> {
  const file = settingsFile(home);
  writePrivateFile(home, file, text);
  const included = await globalValues(environment, "include.path");
  if (!included.includes(file))
    await runGit(environment, ["config", "--global", "--add", "include.path", file]);
}

/** @throws {CliError} failure */
export async function removeSettings({ home, environment }: GitSurroundings): Promise<void> {
  const file = settingsFile(home);
  const included = await globalValues(environment, "include.path");
  if (included.includes(file))
    await runGit(environment, [
      "config",
      "--global",
      "--fixed-value",
      "--unset-all",
      "include.path",
      file,
    ]);
  removeFile(file);
}

async function globalValues(environment: NodeJS.ProcessEnv, name: string): Promise<string[]> {
  const text = await runGit(environment, ["config", "--global", "--get-all", name], [1]);
  return text.split("\n").slice(0, -1);
}

/**
 * Runs git to its end.
 * @param expected statuses beside 0 that are no failure
 * @returns what it prints
 */
async function runGit(
  environment: NodeJS.ProcessEnv,
  args: string[],
  expected: readonly number[] = [],
): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)("git", args, { env: withSafePath(environment) });
    return stdout;
  } catch (error) {
    const { code, stderr = "" } = error as { code?: number | string; stderr?: string };
    if (typeof code === "number" && expected.includes(code)) return "";
    if (code === "ENOENT") throw new CliError("failure", "git was not found; install it");
    const [line = ""] = stderr.split("\n", 1);
    throw new CliError("failure", `git ${args[0]} failed (${code}): ${line}`);
  }
}
