// The credential of a program in place of a person's. Given, it is used or the command fails; a
// browser is never opened instead (cli.md, "access"). Light: `access token` loads this file.
import { headers } from "@postern/protocol/endpoints";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { FlagValues } from "../flag.ts";
import type { Application } from "../store/known-hosts.ts";
import { readServiceToken, type ServiceToken, serviceTokenVariables } from "./service-token.ts";

/** Header fields, names in lower case. */
export type HeaderFields = Record<string, string>;

/** What a program shows instead of a person's token. */
export interface MachineCredential {
  kind: "service_token";
  /** as messages name it: `the service token robot.access` */
  name: string;
  /** what to look at when a gateway refuses it */
  remedy: string;
  /** the variables that hold it or lead to it: a tool does not inherit them */
  variables: readonly string[];
  /**
   * The fields that carry it in a request to the application, which has proved to be behind Access.
   * @throws {CliError} where there is none to be had
   */
  fieldsFor(application: Application): Promise<HeaderFields>;
}

/**
 * The machine credential that the flags or the environment name; undefined when they name none.
 * @throws {CliError} usage when half of it is missing
 */
export function readMachineCredential(
  context: Pick<Context, "environment" | "tell">,
  line: FlagValues,
): MachineCredential | undefined {
  const serviceToken = readServiceToken(context, line);
  return serviceToken === undefined ? undefined : ofServiceToken(serviceToken);
}

function ofServiceToken({ id, secret }: ServiceToken): MachineCredential {
  const fields = { [headers.clientId]: id, [headers.clientSecret]: secret };
  return {
    kind: "service_token",
    name: `the service token ${id.slice(0, 60)}`,
    remedy: "check its ID, its secret and its expiry",
    variables: [],
    fieldsFor: async () => fields,
  };
}

/**
 * What a command fails with that only people can use.
 * @param remedy what to do, for a person
 */
export function onlyForPeople({ name }: MachineCredential, remedy: string): CliError {
  return new CliError("usage", `${name} is set, and ${remedy}`);
}

/**
 * The environment for a tool: what was for us is not for it (case C9).
 * @param machine the credential in use, whose variables the platform may have set for others too
 */
export function withoutMachineCredentials(
  environment: NodeJS.ProcessEnv,
  machine?: MachineCredential,
): NodeJS.ProcessEnv {
  const forUs = new Set([...serviceTokenVariables, ...(machine?.variables ?? [])]);
  const others = Object.entries(environment).filter(([name]) => !forUs.has(name));
  return Object.fromEntries(others);
}
