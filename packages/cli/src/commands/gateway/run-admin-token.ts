// `admin-token create`, `list` and `revoke`: the flags are read here, and the gateway's own package
// does the rest. The token goes to standard output, alone; what is said to a person does not.
import { parseDuration } from "@postern/protocol/durations";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { printable, printableJson } from "../../printable.ts";
import { writeOutput } from "../../standard-output.ts";
import { untilText } from "../../time-text.ts";
import { table } from "../access/table.ts";
import type { Invocation } from "../command.ts";
import { readCommandLine } from "../command-line.ts";
import { type AdminToken, withGateway } from "./gateway-package.ts";
import { needConfig, refuseArguments } from "./run-gateway.ts";

/** @returns the exit status */
export async function runCreateToken(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  const [name, ...others] = line.rest;
  if (name === undefined)
    throw new CliError("usage", `admin-token create needs a name, for example: ${command.example}`);
  refuseArguments(others, "admin-token create");
  const permissions = listIn(line.all("permission"));
  if (permissions.length === 0)
    throw new CliError(
      "usage",
      "admin-token create needs --permission: all, or a list such as apps:write,organizations:read",
    );
  const wish = {
    config: needConfig(line.value("config"), "admin-token create NAME"),
    name,
    permissions,
    applications: line.all("application"),
    ...defined({ lifetimeMs: readLifetime(line.value("expires-in")) }),
  };
  return withGateway(surroundings, async ({ createAdminToken }) => {
    const { secret, token, accountId } = await createAdminToken(wish);
    surroundings.tell(`Token ID:    ${token.id}`);
    surroundings.tell(`Account ID:  ${accountId}`);
    surroundings.tell(`Expires:     ${expiryOf(token)}`);
    writeOutput(`${secret}\n`);
  });
}

/** @returns the exit status */
export async function runListTokens(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  refuseArguments(line.rest, "admin-token list");
  const config = needConfig(line.value("config"), "admin-token list");
  return withGateway(surroundings, async ({ listAdminTokens }) => {
    const tokens = await listAdminTokens({ config });
    if (line.has("json")) writeOutput(`${printableJson(tokens)}\n`);
    else writeOutput(table(tokens.map(row)));
  });
}

/** @returns the exit status */
export async function runRevokeToken(invocation: Invocation): Promise<number> {
  const { command, args, surroundings } = invocation;
  const line = readCommandLine(args, command.flags);
  const [token, ...others] = line.rest;
  if (token === undefined)
    throw new CliError(
      "usage",
      `admin-token revoke needs a token, for example: ${command.example}`,
    );
  refuseArguments(others, "admin-token revoke");
  const config = needConfig(line.value("config"), "admin-token revoke TOKEN");
  return withGateway(surroundings, async ({ revokeAdminToken }) => {
    const { id, name } = await revokeAdminToken({ config, token });
    writeOutput(`${printable(`Revoked ${name} (${id})`)}\n`);
  });
}

function row(token: AdminToken): string[] {
  const { id, name, permissions, applications } = token;
  const where = applications === null ? "all applications" : applications.join(",");
  return [id, name, permissions.join(","), where, expiryOf(token)].map(printable);
}

function expiryOf({ expires_at }: AdminToken): string {
  return expires_at === null ? "never" : untilText(expires_at, Date.now());
}

/** Every item of flags that take lists. */
function listIn(values: readonly string[]): string[] {
  return values.flatMap((value) => value.split(",")).filter((item) => item !== "");
}

function readLifetime(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  try {
    const lifetime = parseDuration(text);
    if (lifetime > 0) return Math.round(lifetime);
  } catch {
    // Then it is no time either.
  }
  throw new CliError("usage", `--expires-in ${text.slice(0, 40)} is no time; write it like 720h`);
}
