// The credential of a program in place of a person's. Given, it is used or the command fails; a
// browser is never opened instead (cli.md, "access"). Light: `access token` loads this file.
import { headers } from "@postern/protocol/endpoints";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { FlagValues } from "../flag.ts";
import type { MachineCredential } from "./machine.ts";
import {
  hasServiceTokenFlags,
  readServiceToken,
  type ServiceToken,
  serviceTokenVariables,
} from "./service-token.ts";
import { hasWorkloadFlags, readWorkload, workloadVariables } from "./workload-settings.ts";
import { workloadCredential } from "./workload-token.ts";

export type { HeaderFields, MachineCredential } from "./machine.ts";

/**
 * The machine credential that the flags or the environment name; undefined when they name none.
 * Flags of one kind put the other kind's variables aside.
 * @throws {CliError} usage when half of it is missing, or there are two
 */
export function readMachineCredential(
  context: Context,
  line: FlagValues,
): MachineCredential | undefined {
  const ofService = hasServiceTokenFlags(line);
  const ofWorkload = hasWorkloadFlags(line);
  const workload = !ofService || ofWorkload ? readWorkload(context.environment, line) : undefined;
  const service = !ofWorkload || ofService ? readServiceToken(context, line) : undefined;
  if (service !== undefined && workload !== undefined)
    throw new CliError("usage", "a service token and a workload token are set; unset one of them");
  if (workload !== undefined) return workloadCredential(context, workload);
  return service === undefined ? undefined : ofServiceToken(service);
}

function ofServiceToken({ id, secret }: ServiceToken): MachineCredential {
  const fields = { [headers.clientId]: id, [headers.clientSecret]: secret };
  return {
    kind: "service_token",
    name: `the service token ${id.slice(0, 60)}`,
    remedy: "check its ID, its secret and its expiry",
    variables: [],
    fieldsFor: async () => fields,
    forget: () => {},
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
  const forUs = new Set([
    ...serviceTokenVariables,
    ...workloadVariables,
    ...(machine?.variables ?? []),
  ]);
  const others = Object.entries(environment).filter(([name]) => !forUs.has(name));
  return Object.fromEntries(others);
}
