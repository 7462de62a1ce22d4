// `access put`: any Unix tool, with a credential in its requests. By default the tool asks a proxy
// of this process and holds no credential at all (ADR 0023); --via says otherwise.
import type { AppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { knowsPeers } from "../../listening/peer-owner.ts";
import { bareCredentialFor } from "../../sign-in/credential.ts";
import { onlyForPeople, readMachineCredential } from "../../sign-in/machine-credential.ts";
import { runTool } from "../../tool/run-tool.ts";
import { SecretDescriptors } from "../../tool/secret-descriptor.ts";
import type { Invocation } from "../command.ts";
import type { CommandLine } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { signInOptions } from "./sign-in-options.ts";

type Via = "proxy" | "query" | "env";

/** @returns the exit status */
export async function runPut(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const [command, ...args] = line.rest;
  if (command === undefined)
    throw new CliError(
      "usage",
      "access put needs a tool, for example: postern access put wget https://api.example.com/file",
    );
  const via = readVia(line);
  refuseWithoutEffect(line, via);
  if (via === "proxy") {
    const { runBehindProxies } = await import("./put-proxy.ts");
    return runBehindProxies(context, line, command, args);
  }
  refuseMachine(context, line, via);
  return runWithCredentials(context, line, command, args, via);
}

/** A credential in the tool's hands: a pass, a cookie file, or the token. */
async function runWithCredentials(
  context: Context,
  line: CommandLine,
  command: string,
  args: string[],
  via: "query" | "env",
): Promise<number> {
  const credentialOf = (app: AppUrl) =>
    bareCredentialFor(context, app, () =>
      signInOptions(context, line, { mayPrompt: context.onTerminal, check: false }),
    );
  const secrets = new SecretDescriptors(context);
  try {
    const tool = await toolInput();
    return await runTool({ command, ...tool, descriptors: secrets.descriptors }, context.tell);
  } finally {
    secrets.close();
  }

  async function toolInput() {
    if (via === "env") {
      const { toolWithVariables } = await import("./put-env.ts");
      return toolWithVariables(context, line, args, credentialOf);
    }
    const { toolWithUrls } = await import("./put-query.ts");
    return toolWithUrls(context, line, args, credentialOf, secrets);
  }
}

/**
 * A proxy where nobody else of the machine can use it, and a pass in the URL elsewhere (ADR 0023).
 * @throws {CliError} usage
 */
function readVia(line: CommandLine): Via {
  const text = line.value("via");
  if (text === undefined) return knowsPeers && !line.has("full-token") ? "proxy" : "query";
  if (text === "query" || text === "env") return text;
  if (text !== "proxy")
    throw new CliError("usage", `--via ${text.slice(0, 40)} is unknown; use proxy, query or env`);
  if (knowsPeers) return text;
  throw new CliError(
    "usage",
    "--via proxy needs Linux: elsewhere other users of this machine could use the proxy; use --via query",
  );
}

/** A flag that would do nothing is not taken in silence. */
function refuseWithoutEffect(line: CommandLine, via: Via): void {
  if (via !== "env" && line.value("app") !== undefined)
    throw new CliError(
      "usage",
      "--app needs --via env; without it, the tool's URLs name the application",
    );
  if (via !== "query" && line.has("full-token"))
    throw new CliError(
      "usage",
      `--full-token has no effect with --via ${via}, which puts nothing into the URL; leave out one of them`,
    );
}

/** @throws {CliError} usage */
function refuseMachine(context: Context, line: CommandLine, via: Via): void {
  const machine = readMachineCredential(context, line);
  if (machine === undefined) return;
  throw onlyForPeople(
    machine,
    `--via ${via} cannot carry it; use --via proxy, or: postern access curl`,
  );
}
