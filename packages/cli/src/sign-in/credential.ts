// The short way to a token: what is remembered of the URL is fresh, and the gateway took the stored
// token a moment ago. Two files are read and nothing else is loaded, which makes the wrappers cheap
// (docs/adr/0001). Everything longer is the login flow's.
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { type Application, isRecent, rememberedApplication } from "../store/known-hosts.ts";
import { readAppToken } from "../store/token-store.ts";
import type { Credential, SignInOptions } from "./login-flow.ts";

export type { Credential } from "./login-flow.ts";

/**
 * The stored token for the URL; undefined when the login flow must be asked, which asks the gateway
 * whether the token, or the open application, is still what it was.
 */
export function storedCredential(context: Context, app: AppUrl): Credential | undefined {
  const application = rememberedApplication(context, app);
  if (application === undefined) return undefined;
  const stored = application.login ? readAppToken(context, application) : undefined;
  if (application.login && stored === undefined) return undefined;
  const askedAt = stored?.checked_at ?? application.asked_at;
  return isRecent(context, askedAt) ? { application, stored } : undefined;
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
 * The application that covers the URL, for a caller that brings a credential of its own. An open
 * application is asked for anew: it may need a sign-in by now.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function applicationFor(context: Context, app: AppUrl): Promise<Application> {
  const remembered = rememberedApplication(context, app);
  const isUsable =
    remembered !== undefined && (remembered.login || isRecent(context, remembered.asked_at));
  if (isUsable) return remembered;
  const { askForApplication } = await import("../gateway-client/app-metadata.ts");
  return askForApplication(context, app);
}
