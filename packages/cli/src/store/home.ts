// Where Postern keeps its files (cli.md, "Files"). Never the working directory: a file planted
// there must not decide anything (case C2).
import { isAbsolute, join, resolve } from "node:path";
import { CliError } from "../exit-status.ts";

/**
 * `$POSTERN_HOME`, else the platform's usual place.
 * @throws {CliError} usage when no absolute path comes out of the environment
 */
export function posternHome(environment: NodeJS.ProcessEnv, platform: NodeJS.Platform): string {
  const own = environment["POSTERN_HOME"];
  if (own !== undefined && own !== "") {
    if (!isAbsolute(own))
      throw new CliError("usage", `POSTERN_HOME is "${own}"; give it an absolute path`);
    // Without a slash at its end, with which a link would be followed before anybody looks at it
    // (case C12).
    return resolve(own);
  }
  const place = (variable: string) => {
    const value = environment[variable];
    return value !== undefined && isAbsolute(value) ? value : undefined;
  };
  const home = place(platform === "win32" ? "USERPROFILE" : "HOME");
  const below = (...parts: string[]) => (home === undefined ? undefined : join(home, ...parts));
  const directory =
    platform === "win32"
      ? (place("APPDATA") ?? below("AppData", "Roaming"))
      : platform === "darwin"
        ? below("Library", "Application Support")
        : // A relative XDG path is to be ignored (XDG Base Directory Specification).
          (place("XDG_CONFIG_HOME") ?? below(".config"));
  if (directory === undefined)
    throw new CliError(
      "usage",
      "HOME is not set; set it, or POSTERN_HOME, to say where tokens are kept",
    );
  return join(directory, "postern");
}
