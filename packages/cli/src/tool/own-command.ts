// How another program starts this one.
import { realpathSync } from "node:fs";
import { resolve } from "node:path";
import { findTool } from "./find-tool.ts";

/**
 * The command, and what comes before its arguments: by its name's place in `searchPath` where that
 * is this program; else Node and the script by their whole paths, or the executable that is both.
 * @param searchPath empty for a program that has not the PATH of a terminal
 */
export function ownCommand(searchPath = ""): [command: string, ...args: string[]] {
  const script = resolve(process.argv[1] ?? "");
  const path = findTool("postern", searchPath) ?? "";
  if (path !== "" && realpathSync(path) === realpathSync(script)) return [path];
  const isWhole = realpathSync(script) === realpathSync(process.execPath);
  return isWhole ? [script] : [process.execPath, script];
}
