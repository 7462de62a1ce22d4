// The short way to a token: what is remembered of the URL is fresh, and the gateway took the stored
// token a moment ago. Two files are read and nothing else is loaded, which makes the wrappers cheap
// (docs/adr/0001). Everything longer is the login flow's.
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type Application, isRecent, rememberedApplication } from "../store/known-hosts.ts";
import { readAppToken } from "../store/token-store.ts";
import type { Credential, SignInOptions } from "./attempt.ts";

export type { Credential } from "./attempt.ts";

/**
 * The stored token for the URL; undefined when the login flow must be asked, which asks the gateway
 * whether the token is still what it was. An open application is asked about every time: when it
 * closes, the answer to a request without a token is the sign-in text, with curl's status 0.
 */
export function storedCredential(context: Context, app: AppUrl): Credential | undefined {
  const application = rememberedApplication(context, app);
  if (!application?.login) return undefined;
  const stored = readAppToken(context, application);
  if (stored === undefined || !isRecent(context, stored.checked_at)) return undefined;
  return { application, stored };
}

/**
 * The token for the URL, whatever it takes, or none where policy lets everybody through.
 * @param readOptions asked only where the stored token does not do: reading flags can fail
 * @throws {CliError} with any code but usage
 */
export async function credentialFor(
  context: Context,
  app: AppUrl,
  readOptions: () => SignInOptions,
): Promise<Credential> {
  const credential = storedCredential(context, app);
  if (credential !== undefined) return credential;
  const { findCredential } = await import("./login-flow.ts");
  return findCredential(context, app, readOptions());
}

/**
 * The same for a command that shows the token, or sends it alone.
 * @throws {CliError} with any code but usage
 */
export async function bareCredentialFor(
  context: Context,
  app: AppUrl,
  readOptions: () => SignInOptions,
): Promise<Credential> {
  const credential = await credentialFor(context, app, readOptions);
  refuseBareToken(app, credential.application);
  return credential;
}

/**
 * Refuses to let a token out that is of no use alone (wire-protocol 3.7).
 * @throws {CliError} failure
 */
export function refuseBareToken(app: AppUrl, { proof_of_possession }: Application): void {
  if (proof_of_possession !== true) return;
  throw new CliError(
    "failure",
    `${app.origin} takes a proof of this machine's key with every request, which a token alone does not give; use: postern access http --hostname ${app.host}`,
  );
}

/**
 * The application that covers the URL, for a caller that brings a credential of its own. An open
 * application is asked for anew: it may need a sign-in by now.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function applicationFor(context: Context, app: AppUrl): Promise<Application> {
  const remembered = rememberedApplication(context, app);
  if (remembered?.login) return remembered;
  const { askForApplication } = await import("../gateway-client/app-metadata.ts");
  return askForApplication(context, app);
}
