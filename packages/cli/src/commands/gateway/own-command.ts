// How a person starts this very program from anywhere: what a banner prints must work in another
// folder, and must not ask a registry for a name that anybody could take there, as `npx` does.
import { realpathSync } from "node:fs";
import { delimiter } from "node:path";
import { findTool } from "../../tool/find-tool.ts";

/**
 * `postern` where PATH leads to this program, else `node` and the path of it, for a shell.
 * @param script this program's own file
 */
export function ownCommand(environment: NodeJS.ProcessEnv, script: string): string {
  return ownWords(environment, script).map(quote).join(" ");
}

/** The same as words that no shell has seen. */
export function ownWords(environment: NodeJS.ProcessEnv, script: string): string[] {
  const searchPath = lastingPath(environment["PATH"] ?? "");
  const program = realpathSync(script);
  const installed = findTool("postern", searchPath);
  if (installed && realpathSync(installed) === program) return ["postern"];
  // A single executable is its own Node.
  if (program === realpathSync(process.execPath)) return [program];
  const node = findTool("node", searchPath) ? "node" : process.execPath;
  return [node, program];
}

/** Without the folders that only npm's own children have in their PATH. */
function lastingPath(searchPath: string): string {
  const folders = searchPath.split(delimiter);
  return folders
    .filter((folder) => !/[\\/](?:node_modules|node-gyp-bin)\b/.test(folder))
    .join(delimiter);
}

/** One word of a shell. */
function quote(path: string): string {
  if (/^[\w./@:+-]+$/.test(path)) return path;
  return `'${path.replaceAll("'", "'\\''")}'`;
}
