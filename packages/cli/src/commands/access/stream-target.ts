// What a command that carries streams is to do, from its flags and the official client's variables.
import { headers as names } from "@postern/protocol/endpoints";
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { machineSource, personSource } from "../../sign-in/credential-source.ts";
import { readMachineCredential } from "../../sign-in/machine-credential.ts";
import type { StreamTarget } from "../../streams/open-stream.ts";
import type { CommandLine } from "../command-line.ts";
import { signInOptions } from "./sign-in-options.ts";
import { streamVariables } from "./stream-flags.ts";

/**
 * The service, and what opens it.
 * @param command as in `access <command>`, for messages
 * @throws {CliError} usage
 */
export function readStreamTarget(
  context: Context,
  line: CommandLine,
  command: string,
): StreamTarget {
  const app = readAppUrl(readHostname(context, line, command));
  const headers = { ...readHeaders(line.all("header")), ...readDestination(context, line) };
  const machine = readMachineCredential(context, line);
  if (machine !== undefined)
    return { app, machine, headers, source: machineSource(context, app, machine) };
  const readOptions = () =>
    signInOptions(context, line, { mayPrompt: context.onTerminal, check: false });
  return { app, machine, headers, source: personSource(context, app, readOptions) };
}

/** A flag's value, or that of the official client's variable. */
export function flagOrVariable(
  { environment }: Pick<Context, "environment">,
  line: CommandLine,
  name: keyof typeof streamVariables,
): string | undefined {
  return line.value(name) ?? (environment[streamVariables[name]] || undefined);
}

/**
 * The application's host: `--hostname`, the variable, or the only argument.
 * @throws {CliError} usage
 */
export function readHostname(context: Context, line: CommandLine, command: string): string {
  const named = flagOrVariable(context, line, "hostname");
  const [first, ...others] = line.rest;
  const hostname = line.value("hostname") ?? first ?? named;
  const isAmbiguous = others.length > 0 || (first !== undefined && line.has("hostname"));
  if (hostname !== undefined && !isAmbiguous) return hostname;
  const problem = isAmbiguous ? "takes one host" : "needs the host of the application";
  throw new CliError(
    "usage",
    `access ${command} ${problem}, for example: postern access ${command} --hostname box.example.com`,
  );
}

function readDestination(context: Context, line: CommandLine): Record<string, string> {
  const destination = flagOrVariable(context, line, "destination");
  if (destination === undefined) return {};
  if (/^[\x21-\x7e]+$/.test(destination)) return { [names.jumpDestination]: destination };
  throw new CliError("usage", "--destination is no host and port; write it like db.internal:5432");
}

/** Of the handshake itself, and of the connection: another value would break it, or be dropped. */
const ownHeaders =
  /^(?:host|connection|upgrade|content-length|transfer-encoding|te|trailer|keep-alive|sec-websocket-.*|proxy-.*)$/;

/** A credential has a way of its own, by which it does not stand in an argument. */
const credentials: Readonly<Record<string, string>> = {
  [names.clientId]: "--service-token-id",
  [names.clientSecret]: "--service-token-secret-file",
  [names.accessToken]: "postern access login",
};

function readHeaders(lines: readonly string[]): Record<string, string> {
  return Object.fromEntries(lines.map(readHeader));
}

function readHeader(line: string): [name: string, value: string] {
  const [, typedName = "", value = ""] = /^([\w!#$%&'*+.^`|~-]+):[ \t]*(.*)$/.exec(line) ?? [];
  const name = typedName.toLowerCase();
  if (name === "" || !/^[\t\x20-\x7e\x80-\xff]*$/.test(value))
    throw new CliError("usage", '--header takes one header line, such as "X-Team: storage"');
  const instead = credentials[name];
  if (instead !== undefined)
    throw new CliError("usage", `--header ${name} is a credential, which goes by ${instead}`);
  if (ownHeaders.test(name))
    throw new CliError("usage", `--header ${name} is set by the connection itself; leave it out`);
  return [name, value.trimEnd()];
}
