// `access tcp`, `ssh`, `rdp`, `smb`: bytes to a service behind the gateway and back.
import { finished } from "node:stream/promises";
import { printableJson } from "@postern/protocol/printable";
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import { listen } from "../../streams/listen.ts";
import { readListenAddress } from "../../streams/listen-address.ts";
import { type RelayParts, relay } from "../../streams/relay.ts";
import { standardStreams } from "../../streams/standard-streams.ts";
import { openLog, readLogOptions, type StreamEvent } from "../../streams/stream-log.ts";
import type { Invocation } from "../command.ts";
import type { CommandLine } from "../command-line.ts";
import { readInvocation } from "../invocation.ts";
import { flagOrVariable, readStreamTarget } from "./stream-target.ts";

/** @returns the exit status */
export async function runStream(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const target = readStreamTarget(context, line, invocation.command.name);
  const options = readLogOptions({
    level: line.value("loglevel") ?? "",
    file: line.value("logfile"),
    directory: line.value("log-directory"),
  });
  const url = flagOrVariable(context, line, "url");
  const address = url === undefined ? undefined : readListenAddress(url);
  if (address === undefined && line.has("json"))
    throw new CliError("usage", "--json needs --url: standard output is the service's otherwise");
  const parts = { context, target, log: openLog(context, options, emitterOf(line)) };
  if (address === undefined) return carryStandardStreams(parts);

  // The person signs in, and what is wrong shows, before a program waits for its connection.
  await target.source.fieldsFor({ method: "GET", url: new URL(target.app.href) });
  return listen(parts, address);
}

function emitterOf(line: CommandLine): ((event: StreamEvent) => void) | undefined {
  if (!line.has("json")) return undefined;
  return (event) => writeOutput(`${printableJson(event)}\n`);
}

async function carryStandardStreams(parts: RelayParts): Promise<number> {
  const local = standardStreams();
  // Whoever reads may be gone before the end.
  local.output.on("error", () => {});
  const end = await relay(parts, local, false, new AbortController().signal);
  local.input.destroy();
  local.output.end();
  await finished(local.output, { readable: false }).catch(() => {});
  if (end.ok) return 0;
  throw new CliError("failure", `${parts.target.app.origin}: ${end.reason}`);
}
