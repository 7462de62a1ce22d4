// `render`: the flags are read here, and the gateway's own package does the rest.
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";
import { needConfig, refuseArguments } from "./run-gateway.ts";

/** @returns the exit status */
export async function runRenderCommand(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  const [proxy, ...others] = line.rest;
  const { choices = [] } = command;
  if (proxy === undefined || !choices.includes(proxy))
    throw new CliError(
      "usage",
      `render takes the name of a proxy: ${choices.join(", ")}; for example: ${command.example}`,
    );
  refuseArguments(others, `render ${proxy}`);
  const config = needConfig(line.value("config"), `render ${proxy}`);
  const acceptsCredential = line.has("accept-credential-at-origin");
  return withGateway(surroundings, async ({ renderProxyConfig }) => {
    writeOutput(renderProxyConfig({ config, proxy, acceptsCredential }));
  });
}
