// The short way to a token: what is remembered of the URL is fresh, and a stored token is valid.
// Two files are read and nothing else is loaded, which makes the wrappers cheap (docs/adr/0001).
// Everything longer is the login flow's.
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { type Application, rememberedApplication } from "../store/known-hosts.ts";
import { readAppToken, type StoredToken } from "../store/token-store.ts";
import type { SignInOptions } from "./login-flow.ts";

/** What opens a URL. */
export interface Credential {
  application: Application;
  /** undefined where policy lets everybody through */
  stored: StoredToken | undefined;
}

/** The stored token for the URL; undefined when the login flow must be asked. */
export function storedCredential(context: Context, app: AppUrl): Credential | undefined {
  const application = rememberedApplication(context, app);
  if (application === undefined) return undefined;
  if (!application.login) return { application, stored: undefined };
  const stored = readAppToken(context, application);
  return stored === undefined ? undefined : { application, stored };
}

/**
 * The token for the URL, whatever it takes.
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
  const { signIn } = await import("./login-flow.ts");
  return signIn(context, app, readOptions());
}

/**
 * The application that covers the URL, for a caller that brings a credential of its own.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function applicationFor(context: Context, app: AppUrl): Promise<Application> {
  const remembered = rememberedApplication(context, app);
  if (remembered !== undefined) return remembered;
  const { findApplication } = await import("../gateway-client/app-metadata.ts");
  return findApplication(context, app);
}
