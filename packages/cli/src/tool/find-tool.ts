// Finds a program the way a shell does, with one difference: PATH counts only where it names whole
// paths. An empty part, a dot and a relative directory would run whatever lies in the working
// directory (case C12).
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** @returns undefined when there is no such file, "" when there is one that cannot be run */
export function findTool(command: string, searchPath: string): string | undefined {
  const places =
    command.includes("/") || isAbsolute(command)
      ? [command]
      : directoriesOf(searchPath).map((each) => join(each, command));
  let seen = false;
  for (const place of process.platform === "win32"
    ? places.flatMap((each) => [each, `${each}.exe`])
    : places) {
    try {
      if (!statSync(place).isFile()) continue;
      seen = true;
      accessSync(place, constants.X_OK);
      return place;
    } catch {
      // Not this one.
    }
  }
  return seen ? "" : undefined;
}

function directoriesOf(searchPath: string): string[] {
  return searchPath.split(delimiter).filter((directory) => isAbsolute(directory));
}

/** The environment for a helper of ours that looks for programs itself. */
export function withSafePath(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, PATH: directoriesOf(environment["PATH"] ?? "").join(delimiter) };
}
