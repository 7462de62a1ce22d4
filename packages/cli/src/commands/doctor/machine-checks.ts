// What the doctor finds out about this machine without asking anybody.
import { accessSync, constants, existsSync, readdirSync } from "node:fs";
import { delimiter, dirname, isAbsolute, join } from "node:path";
import type { Context } from "../../context.ts";
import { KeychainError, probeKeychain } from "../../store/keychain.ts";
import {
  attemptWrite,
  readPrivateFile,
  removeFile,
  writeTemporaryFile,
} from "../../store/private-files.ts";
import { describeStore, wantedStore } from "../../store/store-choice.ts";
import { findTool } from "../../tool/find-tool.ts";
import { version } from "../../version.ts";
import { type Check, fail, ok, warn } from "./check.ts";

export function checkProgram(): Check {
  const { platform, arch } = process;
  return ok("program", `postern ${version} on Node ${process.version}, ${platform} ${arch}`);
}

/** The folder for tokens: whose it is, whether it can be written to, and what it protects. */
export function checkHome(context: Context): Check {
  const { home } = context;
  if (!existsSync(home)) return checkPlaceForHome(home);
  const probe = join(home, "doctor");
  // Refused where somebody else may control it.
  readPrivateFile(home, probe);
  const fault = attemptWrite(() => removeFile(writeTemporaryFile(home, probe, "")));
  if (fault !== undefined) return fail("store", fault.code, fault.message);
  return ok("store", asClause(describeStore(context).sentence));
}

/** Nothing is made only to find out whether it can be. */
function checkPlaceForHome(home: string): Check {
  const parent = nearestEntry(home);
  try {
    // A file is no folder, whatever its owner may write to it.
    readdirSync(parent);
    accessSync(parent, constants.W_OK);
    return ok("store", `${home} is not there yet; the first sign-in makes it`);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const remedy = "set POSTERN_HOME to keep tokens elsewhere";
    return fail("store", "failure", `${home} cannot be made (${parent}: ${code}); ${remedy}`);
  }
}

function nearestEntry(path: string): string {
  const parent = dirname(path);
  return existsSync(parent) || parent === path ? parent : nearestEntry(parent);
}

/** The sentence as it stands behind the name of its check. */
function asClause(sentence: string): string {
  return `${sentence.slice(0, 1).toLowerCase()}${sentence.slice(1).replace(/\.$/, "")}`;
}

/** Whether the system's keychain keeps a secret, which is removed again. */
export function checkKeychain(context: Context): Check {
  const isWanted = wantedStore(context) === "keychain";
  try {
    probeKeychain(context);
    return ok("keychain", "the system's keychain answers");
  } catch (error) {
    if (!(error instanceof KeychainError)) throw error;
    const why = `there is no keychain to use (${error.message})`;
    if (!isWanted) return ok("keychain", `${why}; tokens are kept in files that only you can read`);
    return fail("keychain", "failure", `${why}, but POSTERN_TOKEN_STORE asks for it; unset it`);
  }
}

/** The programs that commands run, and where they are looked for. */
export function checkTools({ environment }: Context): Check {
  const searchPath = environment["PATH"] ?? "";
  const curl = findTool("curl", searchPath);
  if (!curl) return warn("tools", "curl is not in PATH; install it to use access curl");
  const relative = searchPath.split(delimiter).filter((folder) => !isAbsolute(folder));
  if (relative.length === 0) return ok("tools", `curl is ${curl}`);
  const names = relative.map((folder) => `"${folder.slice(0, 60)}"`).join(", ");
  return warn(
    "tools",
    `curl is ${curl}; PATH also has ${names}, which depends on the working directory and is not searched: take it out`,
  );
}
