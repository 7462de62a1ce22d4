// Service tokens: where the two halves of one come from, and never half of it from each of two
// places.
import { readFileSync } from "node:fs";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { FlagValues } from "../flag.ts";

export interface ServiceToken {
  id: string;
  secret: string;
}

/** The official client's names come second, and never half of a pair from each. */
const families = ["POSTERN_SERVICE_TOKEN", "TUNNEL_SERVICE_TOKEN"];
const parts = ["ID", "SECRET", "SECRET_FILE"];

const flags = ["service-token-id", "service-token-secret", "service-token-secret-file"];

/** Whether flags, and not only the environment, name a service token. */
export function hasServiceTokenFlags(line: FlagValues): boolean {
  return flags.some((flag) => line.value(flag) !== undefined);
}

/**
 * The service token that the flags or the environment name; undefined when they name none.
 * @throws {CliError} usage when half of it is missing
 */
export function readServiceToken(
  context: Pick<Context, "environment" | "tell">,
  line: FlagValues,
): ServiceToken | undefined {
  const variable = variablesOf(context.environment);
  const argument = line.value("service-token-secret");
  if (argument !== undefined) {
    context.tell(
      "Warning: a secret in an argument can be read by every user of this machine; use --service-token-secret-file.",
    );
  }
  const id = line.value("service-token-id") ?? variable("ID");
  const secret =
    argument ??
    readSecret(line.value("service-token-secret-file")) ??
    readSecret(variable("SECRET_FILE")) ??
    variable("SECRET");
  if (id === undefined && secret === undefined) return undefined;
  return completeToken(id, secret);
}

function completeToken(id: string | undefined, secret: string | undefined): ServiceToken {
  if (id === undefined)
    throw new CliError(
      "usage",
      "the secret of a service token is set, but not its ID; set it with --service-token-id",
    );
  if (secret === undefined)
    throw new CliError(
      "usage",
      `the service token ${id.slice(0, 60)} has no secret; name its file with --service-token-secret-file`,
    );
  if (!fitsHeader(id) || !fitsHeader(secret))
    throw new CliError(
      "usage",
      "the service token is empty, or has characters that no service token has; copy it again",
    );
  return { id, secret };
}

/** Both halves go into header lines. */
function fitsHeader(text: string): boolean {
  return /^[\x21-\x7e]+$/.test(text);
}

function variablesOfFamily(family: string): string[] {
  return parts.map((part) => `${family}_${part}`);
}

/** Reads variables of the first family of which any is set. */
function variablesOf(environment: NodeJS.ProcessEnv): (part: string) => string | undefined {
  const isSet = (variable: string) => (environment[variable] ?? "") !== "";
  const family = families.find((each) => variablesOfFamily(each).some(isSet));
  if (family === undefined) return () => undefined;
  return (part) => environment[`${family}_${part}`] || undefined;
}

function readSecret(file: string | undefined): string | undefined {
  if (file === undefined) return undefined;
  try {
    return readFileSync(file, "utf8").trim();
  } catch (error) {
    throw new CliError(
      "usage",
      `${file} cannot be read (${(error as NodeJS.ErrnoException).code}); --service-token-secret-file needs a file with the secret`,
    );
  }
}

/** Every variable that may hold a part of one. */
export const serviceTokenVariables: readonly string[] = families.flatMap(variablesOfFamily);
