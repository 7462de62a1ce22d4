// The gateway is a package of its own, which this one neither contains nor needs otherwise. It
// wants a newer Node than the rest of the command line.
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Surroundings } from "../../context.ts";
import { CliError, type FailureCode, reasonOf, statusOf } from "../../exit-status.ts";
import { followLauncher, runWithNewerNode } from "./newer-node.ts";

/** What the gateway's package exports for us. */
export interface GatewayPackage {
  runDev(options: {
    port?: number;
    data?: string;
    ephemeral?: boolean;
    upstreams: string[];
    allow?: string[];
    posternHome: string;
    command?: string;
  }): Promise<void>;
  runGateway(options: { config: string }): Promise<void>;
  checkGateway(options: {
    config: string;
    tell(line: string): void;
    print(line: string): void;
  }): Promise<boolean>;
  administer(
    call: {
      command: string;
      args: readonly string[];
      flags: Readonly<Record<string, readonly string[]>>;
      example: string;
    },
    output: { tell(line: string): void; print(text: string): void },
  ): Promise<number>;
  runInit(options: {
    output: string;
    flags: Readonly<Record<string, string | undefined>>;
    prompt: ((text: string, options: { isSecret: boolean }) => Promise<string>) | undefined;
    tell(line: string): void;
    offline: boolean;
    command: string;
  }): Promise<void>;
}

/** In earlier releases node:http2 lacks what the gateway uses, or a client can make it hang. */
const oldestNode = { major: 24, minor: 21 };

/**
 * Loads the gateway and uses it, which may give a status of its own, or runs the whole command
 * again with a Node that can.
 * @param options.errorsAreJson whether what the gateway refuses is thrown, for main to show
 * @returns the exit status
 * @throws {CliError} failure when there is no such package, or no such Node
 */
export async function withGateway(
  surroundings: Surroundings,
  use: (gateway: GatewayPackage) => Promise<unknown>,
  options: { errorsAreJson?: boolean } = {},
): Promise<number> {
  if (isOldNode(process.versions.node))
    return runWithNewerNode(surroundings.environment, `${oldestNode.major}.${oldestNode.minor}`);
  followLauncher(surroundings.environment);
  const gateway = await loadGateway();
  try {
    const status = await use(gateway);
    return typeof status === "number" ? status : 0;
  } catch (error) {
    if (error instanceof CliError) throw error;
    if (options.errorsAreJson === true) throw new CliError(codeOf(error), reasonOf(error));
    // A wrong configuration has one line for each problem; each is shown on a line of its own.
    for (const line of reasonOf(error).split("\n")) surroundings.tell(`postern: ${line}`);
    return statusOf(codeOf(error));
  }
}

function isOldNode(version: string): boolean {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major !== oldestNode.major) return major < oldestNode.major;
  return minor < oldestNode.minor;
}

/** The gateway has errors of its own; some of them have a code of ours. */
function codeOf(error: unknown): FailureCode {
  const code = error instanceof Error && "code" in error ? error.code : undefined;
  return code === "usage" || code === "unreachable" ? code : "failure";
}

/**
 * The package beside this program. Resolved from there by name of file: in the single executable a
 * bare import would begin at the working directory, where anybody may have put one (case C12).
 */
async function loadGateway(): Promise<GatewayPackage> {
  try {
    const path = createRequire(import.meta.filename).resolve("@postern/gateway");
    return await import(pathToFileURL(path).href);
  } catch (error) {
    throw loadingFailure(error);
  }
}

function loadingFailure(error: unknown): CliError {
  const { code } = error as NodeJS.ErrnoException;
  const isAbsent = code === "MODULE_NOT_FOUND" && reasonOf(error).includes("'@postern/gateway'");
  if (isAbsent)
    return new CliError(
      "failure",
      "the gateway is not installed; install it beside this command with: npm install @postern/gateway",
    );
  return new CliError("failure", `the gateway could not be started: ${reasonOf(error)}`);
}
