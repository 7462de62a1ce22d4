// `dev`, `gateway` and `keys`: run by the gateway's package, which this one neither contains nor
// needs otherwise. It wants a newer Node than the rest; where the checkout or PATH has one, that
// one takes over.
import { spawn } from "node:child_process";
import { accessSync, constants } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { CliError, reasonOf } from "../../exit-status.ts";
import type { Surroundings } from "../command-context.ts";
import { readCommandLine } from "../command-line.ts";

/** What the gateway's package exports for us. */
interface GatewayPackage {
  runDev(options: {
    port?: number;
    data?: string;
    ephemeral?: boolean;
    upstreams: string[];
    posternHome: string;
  }): Promise<void>;
  runGateway(options: { config: string }): Promise<void>;
  rotateKeys(options: { config: string }): Promise<void>;
}

const oldestNode = 24;
const handedOver = "POSTERN_HANDED_OVER";

/** @returns the exit status */
export async function runDevCommand(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, {
    values: ["port", "data", "upstream"],
    switches: ["ephemeral"],
  });
  refuseArguments(line.rest, "dev");
  const port = readPort(line.value("port"));
  const data = line.value("data");
  return withGateway(surroundings, ({ runDev }) =>
    runDev({
      ...(port === undefined ? {} : { port }),
      ...(data === undefined ? {} : { data }),
      ephemeral: line.has("ephemeral"),
      upstreams: line.all("upstream"),
      posternHome: surroundings.home,
    }),
  );
}

/** @returns the exit status */
export async function runGatewayCommand(
  surroundings: Surroundings,
  args: string[],
): Promise<number> {
  const line = readCommandLine(args, { values: ["config"] });
  refuseArguments(line.rest, "gateway");
  const config = needConfig(line.value("config"), "gateway");
  return withGateway(surroundings, ({ runGateway }) => runGateway({ config }));
}

/** @returns the exit status */
export async function runKeysCommand(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, { values: ["config"] });
  if (line.rest.length !== 1 || line.rest[0] !== "rotate") {
    throw new CliError(
      "usage",
      "keys takes one word, rotate: postern keys rotate --config postern.yaml",
    );
  }
  const config = needConfig(line.value("config"), "keys rotate");
  return withGateway(surroundings, ({ rotateKeys }) => rotateKeys({ config }));
}

function refuseArguments(rest: string[], command: string): void {
  const [first] = rest;
  if (first !== undefined)
    throw new CliError(
      "usage",
      `${command} takes flags only, not "${first.slice(0, 60)}"; see postern ${command} --help`,
    );
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65535)
    throw new CliError("usage", `--port ${text.slice(0, 40)} is not a port`);
  return port;
}

function needConfig(file: string | undefined, command: string): string {
  if (file !== undefined) return file;
  throw new CliError(
    "usage",
    `${command} needs a configuration: postern ${command} --config postern.yaml`,
  );
}

async function withGateway(
  surroundings: Surroundings,
  use: (gateway: GatewayPackage) => Promise<void>,
): Promise<number> {
  if (Number.parseInt(process.versions.node, 10) < oldestNode) return handOver(surroundings);
  const gateway = await loadGateway();
  try {
    await use(gateway);
    return 0;
  } catch (error) {
    if (error instanceof CliError) throw error;
    // A wrong configuration has one line for each problem; each is shown on a line of its own.
    for (const line of reasonOf(error).split("\n")) surroundings.say(`postern: ${line}`);
    return 1;
  }
}

async function loadGateway(): Promise<GatewayPackage> {
  try {
    return await import("@postern/gateway");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const absent =
      code === "ERR_MODULE_NOT_FOUND" && reasonOf(error).includes("'@postern/gateway'");
    if (absent)
      throw new CliError(
        "failure",
        "the gateway is not installed; install it beside this command with: npm install @postern/gateway",
      );
    throw new CliError("failure", `the gateway could not be started: ${reasonOf(error)}`);
  }
}

/** Runs the same command with a Node that is new enough. */
async function handOver({ environment }: Surroundings): Promise<number> {
  const tooOld = new CliError(
    "failure",
    `the gateway needs Node ${oldestNode} or newer, and this is ${process.versions.node}; install a newer Node`,
  );
  if (environment[handedOver] !== undefined) throw tooOld;
  const node = findNode(environment);
  if (node === undefined) throw tooOld;
  const child = spawn(node, process.argv.slice(1), {
    stdio: "inherit",
    env: { ...environment, [handedOver]: "1" },
  });
  // The keyboard's signals reach the child by themselves; we only have to outlive it.
  process.on("SIGINT", () => {
    if (!process.getBuiltinModule("node:tty").isatty(0)) child.kill("SIGINT");
  });
  for (const signal of ["SIGTERM", "SIGHUP"] as const) process.on(signal, () => child.kill(signal));
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("exit", (code) => resolve(code ?? 1));
  });
}

/** Node as a dependency, looked for upwards from this program and then in PATH. */
function findNode(environment: NodeJS.ProcessEnv): string | undefined {
  const inPackage = join("node_modules", `node-${process.platform}-${process.arch}`, "bin", "node");
  const candidates: string[] = [];
  // A global install keeps it below the gateway's package.
  const belowGateway = join("node_modules/@postern/gateway", inPackage);
  for (let directory = __dirname; directory !== dirname(directory); directory = dirname(directory))
    candidates.push(join(directory, inPackage), join(directory, belowGateway));
  for (const directory of (environment["PATH"] ?? "").split(delimiter)) {
    if (directory.endsWith(join("node_modules", ".bin"))) candidates.push(join(directory, "node"));
  }
  return candidates.find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
