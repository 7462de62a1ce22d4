// Finds a program the way a shell does, with one difference: PATH counts only where it names whole
// paths. An empty part, a dot and a relative directory would run whatever lies in the working
// directory (case C12).
import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/**
 * Looks for a program.
 * @param command a name to look for, or a path
 * @param searchPath as in PATH
 * @returns its path; undefined when there is no such file, "" when there is one that cannot be run
 */
export function findTool(command: string, searchPath: string): string | undefined {
  const files = candidates(command, searchPath).filter(isFile);
  if (files.length === 0) return undefined;
  return files.find(isExecutable) ?? "";
}

function candidates(command: string, searchPath: string): string[] {
  const isPath = command.includes("/") || isAbsolute(command);
  const directories = isPath ? [] : directoriesOf(searchPath);
  const paths = isPath ? [command] : directories.map((directory) => join(directory, command));
  if (process.platform !== "win32") return paths;
  return paths.flatMap((path) => [path, `${path}.exe`]);
}

function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Whether this user may run a file. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function directoriesOf(searchPath: string): string[] {
  return searchPath.split(delimiter).filter((directory) => isAbsolute(directory));
}

/** The environment for a helper of ours that looks for programs itself. */
export function withSafePath(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...environment, PATH: directoriesOf(environment["PATH"] ?? "").join(delimiter) };
}
