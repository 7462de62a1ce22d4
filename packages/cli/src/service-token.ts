// Service tokens: credentials of a program, not of a person. Given, they are used or the command fails; a
// browser is never opened instead (cli.md, "access").
import { readFileSync } from "node:fs";
import type { CommandLine } from "./command-line.ts";
import type { Context } from "./context.ts";
import { CliError } from "./exit-status.ts";

export interface ServiceToken {
  id: string;
  secret: string;
}

const idNames = ["POSTERN_SERVICE_TOKEN_ID", "TUNNEL_SERVICE_TOKEN_ID"];
const secretNames = ["POSTERN_SERVICE_TOKEN_SECRET", "TUNNEL_SERVICE_TOKEN_SECRET"];
const secretFileName = "POSTERN_SERVICE_TOKEN_SECRET_FILE";

/**
 * The service token that the flags or the environment name; undefined when they name none.
 * @throws {CliError} usage when half of it is missing
 */
export function readServiceToken(context: Pick<Context, "environment" | "say">, line: CommandLine): ServiceToken | undefined {
  const variable = (names: string[]) => names.map((name) => context.environment[name]).find((value) => value !== undefined && value !== "");
  const id = line.value("service-token-id") ?? variable(idNames);
  const argument = line.value("service-token-secret");
  if (argument !== undefined) {
    context.say("Warning: a secret in an argument can be read by every user of this machine; use --service-token-secret-file.");
  }
  const file = line.value("service-token-secret-file") ?? (argument === undefined ? context.environment[secretFileName] : undefined);
  const secret = argument ?? (file === undefined || file === "" ? variable(secretNames) : readSecret(file));
  if (id === undefined && secret === undefined) return undefined;
  if (id === undefined) throw new CliError("usage", "a service token's secret is given, but not its ID; name it with --service-token-id");
  if (secret === undefined)
    throw new CliError("usage", `the service token ${id.slice(0, 60)} has no secret; name its file with --service-token-secret-file`);
  // Both go into header lines.
  if (!/^[\x21-\x7e]+$/.test(id) || !/^[\x21-\x7e]+$/.test(secret)) {
    throw new CliError("usage", "the service token holds characters that no service token has; copy it again");
  }
  return { id, secret };
}

function readSecret(file: string): string {
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new CliError(
      "usage",
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}); --service-token-secret-file takes a file that holds the secret`,
    );
  }
}

/** The environment for a tool: the secrets that were for us are not for it (case C9). */
export function withoutServiceToken(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const forUs = new Set([...idNames, ...secretNames, secretFileName]);
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !forUs.has(name)));
}
