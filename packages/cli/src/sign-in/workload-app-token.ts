// `access token` for a program with a token of its platform: that token, once the gateway has taken
// it. It is stored nowhere, and stands for nobody.
import { peekClaims } from "@postern/protocol/decode-token";
import { headers } from "@postern/protocol/endpoints";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import type { Application } from "../store/known-hosts.ts";
import type { StoredToken } from "../store/token-store.ts";
import { applicationFor } from "./credential.ts";
import { acceptedFields } from "./machine-access.ts";
import type { MachineCredential } from "./machine-credential.ts";

/**
 * The token and what it opens, in the form of a stored one.
 * @throws {CliError} with any code but usage
 */
export async function workloadAppToken(
  context: Context,
  app: AppUrl,
  machine: MachineCredential,
): Promise<{ application: Application; stored: StoredToken }> {
  const application = await applicationFor(context, app);
  const fields = await acceptedFields(context, app, application, machine);
  const token = fields[headers.accessToken] ?? "";
  const { team, origin, app_hostname, aud } = application;
  const expires_at = Number(peekClaims(token)["exp"]);
  const checked_at = context.now();
  const stored = { team, origin, app_hostname, aud, token, email: "", expires_at, checked_at };
  return { application, stored };
}
