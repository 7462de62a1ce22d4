// The short way to a token: what is remembered of the URL is fresh and a stored token holds. Two
// files are read and nothing else is loaded, which is what makes the wrappers cheap
// (docs/adr/0001); everything longer is the login flow's.

import type { AppUrl } from "../app-url.ts";
import type { CommandLine } from "../commands/command-line.ts";
import type { Context } from "../context.ts";
import { type Application, rememberedApplication } from "../store/known-hosts.ts";
import { readAppToken, type StoredToken } from "../store/token-store.ts";

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
 * @throws {CliError} with any code but usage
 */
export async function credentialFor(
  context: Context,
  app: AppUrl,
  line: CommandLine,
  mayPrompt: boolean,
): Promise<Credential> {
  const known = storedCredential(context, app);
  if (known !== undefined) return known;
  const { signIn } = await import("./login-flow.ts");
  const { signInOptions } = await import("../commands/access/sign-in-options.ts");
  return signIn(context, app, signInOptions(context, line, { mayPrompt, check: false }));
}

/** What covers the URL, for a caller that brings a credential of its own. */
export async function applicationFor(context: Context, app: AppUrl): Promise<Application> {
  return (
    rememberedApplication(context, app) ??
    (await import("../gateway-client/app-metadata.ts")).findApplication(context, app)
  );
}
