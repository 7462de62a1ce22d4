// `dev` and `gateway`: the flags are read here, and the gateway's own package does the rest.
import { isPort } from "@postern/protocol/host";
import { printable } from "@postern/protocol/printable";
import type { Surroundings } from "../../context.ts";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";
import { ownCommand } from "./own-command.ts";

/** @returns the exit status */
export async function runDevCommand({ command, args, surroundings }: Invocation): Promise<number> {
  const line = readCommandLine(args, command.flags);
  refuseArguments(line.rest, command.name);
  const port = readPort(line.value("port"));
  const data = line.value("data");
  return withGateway(surroundings, ({ runDev }) =>
    runDev({
      ...defined({ port, data }),
      ephemeral: line.has("ephemeral"),
      upstreams: line.all("upstream"),
      allow: line.all("allow"),
      posternHome: surroundings.home,
      command: ownCommand(surroundings.environment, process.argv[1] ?? ""),
    }),
  );
}

/** @returns the exit status */
export async function runGatewayCommand(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  refuseFile(line.rest[0], "gateway");
  refuseArguments(line.rest, command.name);
  const file = line.value("check");
  if (file !== undefined) return runCheck(file, line.has("config"), surroundings);
  const config = needConfig(line.value("config"), command.name);
  // Unhandled, SIGHUP would end the process while it loads the gateway, which reads the file later.
  process.on("SIGHUP", () => undefined);
  return withGateway(surroundings, ({ runGateway }) => runGateway({ config }));
}

/** @returns 1 for a file that no gateway would start with */
function runCheck(file: string, hasConfig: boolean, surroundings: Surroundings): Promise<number> {
  if (hasConfig)
    throw new CliError(
      "usage",
      "--check takes the file itself, without --config: postern gateway --check postern.yaml",
    );
  return withGateway(surroundings, async ({ checkGateway }) => {
    const ok = await checkGateway({
      config: file,
      tell: (text) => surroundings.tell(`postern: ${text}`),
      print: (text) => writeOutput(`${printable(text)}\n`),
    });
    return ok ? 0 : 1;
  });
}

/**
 * Refuses a configuration that is given without its flag.
 * @throws {CliError} usage, with the command line to write
 */
function refuseFile(argument: string | undefined, command: string): void {
  if (argument === undefined || !/\.ya?ml$/i.test(argument)) return;
  const file = /^[\w./-]+$/.test(argument) ? argument : "FILE";
  throw new CliError(
    "usage",
    `${command} takes only flags; write postern ${command} --config ${file}`,
  );
}

/** @throws {CliError} usage when there is an argument that is no flag */
export function refuseArguments([first]: string[], command: string): void {
  if (first !== undefined)
    throw new CliError(
      "usage",
      `${command} takes only flags, not "${first.slice(0, 60)}"; see postern ${command} --help`,
    );
}

function readPort(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = Number(text);
  if (/^\d{1,5}$/.test(text) && isPort(port)) return port;
  throw new CliError("usage", `--port ${text.slice(0, 40)} is not a port number; use 1 to 65535`);
}

/** @throws {CliError} usage when there is none */
function needConfig(file: string | undefined, command: string): string {
  if (file !== undefined) return file;
  throw new CliError(
    "usage",
    `${command} needs a configuration, for example: postern ${command} --config postern.yaml`,
  );
}
