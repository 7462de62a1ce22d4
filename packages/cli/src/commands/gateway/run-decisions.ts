// `diff` and `replay`: the flags are read here, and the gateway's own package does the rest.
import { defined } from "../../defined.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { withGateway } from "./gateway-package.ts";
import { runAdministration } from "./run-administration.ts";
import { needConfig, refuseArguments, refuseFile } from "./run-gateway.ts";

/** @returns the exit status */
export async function runDiff(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  if (!line.has("access")) return runAdministration(invocation);
  refuseFile(line.rest[0], "diff --access");
  refuseArguments(line.rest, command.name);
  const config = needConfig(line.value("config"), "diff --access");
  const from = line.value("from");
  return withGateway(surroundings, async ({ diffAccess }) => {
    writeOutput(await diffAccess({ config, ...defined({ from }), isJson: line.has("json") }));
  });
}

/** @returns the exit status */
export async function runReplay({ command, args, surroundings }: Invocation): Promise<number> {
  const line = readCommandLine(args, command.flags);
  refuseFile(line.rest[0], command.name);
  refuseArguments(line.rest, command.name);
  const config = needConfig(line.value("config"), command.name);
  const policies = line.value("policies") ?? config;
  const since = line.value("since") ?? "30d";
  return withGateway(surroundings, async ({ replayAccess }) => {
    writeOutput(await replayAccess({ config, policies, since, isJson: line.has("json") }));
  });
}
