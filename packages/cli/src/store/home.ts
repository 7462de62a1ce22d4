// Where Postern keeps its files (cli.md, "Files"). Never the working directory: a file planted
// there must not decide anything (case C2).
import { isAbsolute, join, resolve } from "node:path";
import { CliError } from "../exit-status.ts";

/**
 * `$POSTERN_HOME`, else the platform's usual place.
 * @returns an absolute path
 * @throws {CliError} usage when no absolute path comes out of the environment
 */
export function posternHome(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const posternHome = environment["POSTERN_HOME"];
  if (posternHome !== undefined && posternHome !== "") {
    if (!isAbsolute(posternHome))
      throw new CliError(
        "usage",
        `POSTERN_HOME is "${posternHome}", which is not an absolute path; set it to one`,
      );
    // Without a slash at its end, with which a link would be followed before anybody looks at it
    // (case C12).
    return resolve(posternHome);
  }
  const directory = configurationDirectory(environment, platform);
  if (directory !== undefined) return join(directory, "postern");
  throw new CliError(
    "usage",
    "HOME is not set; set it, or set POSTERN_HOME to the folder for tokens",
  );
}

function configurationDirectory(
  environment: NodeJS.ProcessEnv,
  platform: NodeJS.Platform,
): string | undefined {
  const variable = (name: string) => absolutePath(environment[name]);
  const home = variable(platform === "win32" ? "USERPROFILE" : "HOME");
  const belowHome = (...parts: string[]) => (home === undefined ? undefined : join(home, ...parts));
  switch (platform) {
    case "win32":
      return variable("APPDATA") ?? belowHome("AppData", "Roaming");
    case "darwin":
      return belowHome("Library", "Application Support");
    default:
      return variable("XDG_CONFIG_HOME") ?? belowHome(".config");
  }
}

/** A relative path is to be ignored (XDG Base Directory Specification). */
function absolutePath(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}
