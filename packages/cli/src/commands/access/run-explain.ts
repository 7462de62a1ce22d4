// `access explain`: the flags are read here, and the gateway's own package does the rest.
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import type { Invocation } from "../command.ts";
import { type CommandLine, readCommandLine } from "../command-line.ts";
import { withGateway } from "../gateway/gateway-package.ts";
import { needConfig, refuseArguments } from "../gateway/run-gateway.ts";

/** @returns the exit status */
export async function runExplain({ command, args, surroundings }: Invocation): Promise<number> {
  const line = readCommandLine(args, command.flags);
  const [url, ...others] = line.rest;
  const ray = line.value("ray");
  refuseArguments(others, "access explain URL");
  if ((url === undefined) === (ray === undefined))
    throw new CliError("usage", `explain takes one URL, or --ray; for example: ${command.example}`);
  const config = needConfig(line.value("config"), "access explain URL");
  const isJson = line.has("json");
  return withGateway(surroundings, async ({ explainAccess, explainRay }) => {
    if (ray !== undefined) return writeOutput(await explainRay({ config, ray, isJson }));
    const isInForce = line.has("in-force");
    const asked = askedFacts(url ?? "", line);
    return writeOutput(await explainAccess({ config, asked, isJson, isInForce }));
  });
}

function askedFacts(url: string, line: CommandLine) {
  return {
    url,
    method: line.value("method") ?? "GET",
    groups: line.all("group"),
    claims: line.all("claim"),
    authMethods: line.all("auth-method"),
    ...defined({
      email: line.value("as"),
      loginMethod: line.value("login-method"),
      serviceToken: line.value("service-token"),
      ip: line.value("ip"),
      country: line.value("country"),
    }),
  };
}
