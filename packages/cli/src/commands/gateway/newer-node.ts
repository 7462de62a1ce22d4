// Runs this very command with another Node, where the checkout or PATH has one that is new enough.
// Whoever started this process knows it alone: signals go on to the other one, and when this one
// ends, by SIGKILL as well, the other one is told to end (a channel between them closes then).
import { type ChildProcess, spawn } from "node:child_process";
import { delimiter, dirname, join } from "node:path";
import { CliError } from "../../exit-status.ts";
import { isTerminal } from "../../terminal.ts";
import { isExecutable } from "../../tool/find-tool.ts";

/** Set for the child: one that is too old as well must not look for yet another. */
const handedOver = "POSTERN_HANDED_OVER";

/**
 * Runs the command again with a newer Node.
 * @param oldest the version that is needed, for the message
 * @returns the exit status of that run
 * @throws {CliError} failure when there is none
 */
export async function runWithNewerNode(
  environment: NodeJS.ProcessEnv,
  oldest: string,
): Promise<number> {
  const node = environment[handedOver] === undefined ? findNode(environment) : undefined;
  if (node === undefined)
    throw new CliError(
      "failure",
      `the gateway needs Node ${oldest} or newer, but this is Node ${process.versions.node}; install a newer one`,
    );
  const child = spawn(node, process.argv.slice(1), {
    stdio: ["inherit", "inherit", "inherit", "ipc"],
    env: { ...environment, [handedOver]: "1" },
  });
  relaySignals(child);
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/**
 * In the process that was started with a newer Node: ends when the one that started it is gone, and
 * lets it pass SIGHUP on from now on.
 */
export function followLauncher(environment: NodeJS.ProcessEnv): void {
  if (environment[handedOver] === undefined || process.send === undefined) return;
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The channel alone keeps no process alive.
  process.channel?.unref();
  process.send("ready");
}

/** The keyboard's signals reach the child by themselves; this process only has to outlive it. */
function relaySignals(child: ChildProcess): void {
  // Until the child handles SIGHUP, that would end it.
  const isReady = new Promise((resolve) => child.once("message", resolve));
  process.on("SIGINT", () => {
    if (!isTerminal(0)) child.kill("SIGINT");
  });
  process.on("SIGTERM", () => child.kill("SIGTERM"));
  process.on("SIGHUP", () => void isReady.then(() => child.kill("SIGHUP")));
}

/** Node as a dependency, looked for upwards from this program and then in PATH. */
function findNode(environment: NodeJS.ProcessEnv): string | undefined {
  const inPackage = join("node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  // A global install keeps it below the gateway's package.
  const belowGateway = join("node_modules", "@postern", "gateway", inPackage);
  const beside = directoriesUpwards(dirname(import.meta.filename)).flatMap((directory) => [
    join(directory, inPackage),
    join(directory, belowGateway),
  ]);
  const inPath = (environment["PATH"] ?? "")
    .split(delimiter)
    .filter((directory) => directory.endsWith(join("node_modules", ".bin")))
    .map((directory) => join(directory, "node"));
  return [...beside, ...inPath].find(isExecutable);
}

function directoriesUpwards(from: string): string[] {
  const above = dirname(from);
  return above === from ? [] : [from, ...directoriesUpwards(above)];
}
