// What opens a URL for a program. The gateway is asked first whether it takes the credential: a
// tool would hand on the words of a refusal as if they were the application's, with status 0.
import { endpoints, headers, tokenCheckArgument } from "@postern/protocol";
import { printable } from "@postern/protocol/printable";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { isCloudflares } from "../gateway-client/token-check.ts";
import { send } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import type { Application } from "../store/known-hosts.ts";
import type { HeaderFields, MachineCredential } from "./machine-credential.ts";

/**
 * The fields that open the application, once its gateway has taken them.
 * @param application which covers the URL: what did not prove to be behind Access gets nothing
 * @throws {CliError} not_signed_in | refused_by_policy | unreachable | unverified
 */
export async function acceptedFields(
  context: Context,
  app: AppUrl,
  application: Application,
  machine: MachineCredential,
): Promise<HeaderFields> {
  const fields = await machine.fieldsFor(application);
  const url = new URL(app.bare);
  url.searchParams.set(tokenCheckArgument, "true");
  const response = await send(context, { method: "GET", url, headers: fields });
  if (isSentToLogin(response)) throw refusedMachine(app, machine, response);
  // Cloudflare passes the check on to the origin: there, no other answer says anything.
  if (isCloudflares(application)) return fields;
  if (response.status === 401) throw refusedMachine(app, machine, response);
  if (response.status === 403) throw deniedMachine(app, machine);
  return fields;
}

/** What a gateway answers that takes the credential for none (wire-protocol 6.9). */
function isSentToLogin({ status, headers: answer }: HttpResponse): boolean {
  return status >= 300 && status < 400 && (answer.location ?? "").includes(endpoints.login);
}

/** The error for a credential that the gateway takes for none. */
export function refusedMachine(
  { origin }: AppUrl,
  { name, remedy }: MachineCredential,
  { status, headers: answer }: HttpResponse,
): CliError {
  const word = answer[headers.error];
  const reason = typeof word === "string" ? printable(word.slice(0, 40)) : `status ${status}`;
  return new CliError("not_signed_in", `${origin} refuses ${name} (${reason}); ${remedy}`);
}

/** The error for a credential that holds and that policy does not let in. */
export function deniedMachine({ bare }: AppUrl, { name }: MachineCredential): CliError {
  return new CliError(
    "refused_by_policy",
    `policy does not let ${name} reach ${bare}; ask its owner`,
  );
}
