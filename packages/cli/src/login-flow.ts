// How a command comes by a token of an application, each step only when the one before had nothing: memory,
// exchange of the terminal's session, a person (wire-protocol 6).

import { findApplication } from "./app-metadata.ts";
import type { AppUrl } from "./app-url.ts";
import { type BrowserLoginOptions, loginWithBrowser } from "./browser-login.ts";
import { type Context, printable } from "./context.ts";
import { CliError, reasonOf } from "./exit-status.ts";
import { TimeoutError } from "./http-client.ts";
import type { Application } from "./known-hosts.ts";
import { takeLoginLock } from "./login-lock.ts";
import { exchangeOrgToken } from "./org-token-exchange.ts";
import { checkToken, verifyToken } from "./token-check.ts";
import {
  hasUsableTokens,
  lastPerson,
  readAppToken,
  readOrgToken,
  removeAppToken,
  removeOrgToken,
  type StoredToken,
  writeAppToken,
  writeOrgToken,
} from "./token-store.ts";

export interface SignInOptions extends BrowserLoginOptions {
  /** false: never ask a person */
  mayPrompt: boolean;
  /** ask the gateway whether a stored token still holds */
  check: boolean;
}

export interface SignedIn {
  application: Application;
  stored: StoredToken;
  how: "stored" | "exchanged" | "approved";
}

/** What a command that may not ask a person says. */
export function notSignedIn(app: AppUrl): CliError {
  return new CliError("not_signed_in", `not signed in to ${app.origin}; sign in with: postern access login ${app.origin}`);
}

/**
 * A token for the application behind the URL.
 * @throws {CliError} with any code but usage
 */
export async function signIn(context: Context, app: AppUrl, options: SignInOptions): Promise<SignedIn> {
  // Without anything stored the answer is known before anything is asked of the network.
  if (!options.mayPrompt && !hasUsableTokens(context)) throw notSignedIn(app);
  const application = await findApplication(context, app);
  if (!application.login) {
    throw new CliError("not_behind_access", `policy lets everybody reach ${app.bare}; there is nothing to sign in to`);
  }
  // Before tokens that the gateway refuses are forgotten, and the person with them.
  const before = lastPerson(context, application.team);
  const known =
    (await storedToken(context, app, application, options.check)) ?? (await exchangedToken(context, app, application, options.mayPrompt));
  if (known !== undefined) return known;
  if (!options.mayPrompt) throw notSignedIn(app);
  return approvedToken(context, app, application, options, before);
}

async function storedToken(context: Context, app: AppUrl, application: Application, check: boolean): Promise<SignedIn | undefined> {
  const stored = readAppToken(context, application);
  if (stored === undefined) return undefined;
  if (check) {
    const state = await answerWithin(() => checkToken(context, app, application, stored.token), "good");
    if (state === "denied") throw refusedByPolicy(app, stored.email);
    if (state === "dead") {
      removeAppToken(context, application);
      return undefined;
    }
  }
  return { application, stored, how: "stored" };
}

function refusedByPolicy(app: AppUrl, email: string): CliError {
  const hint = `ask its owner, or sign in as somebody else after: postern access logout ${app.origin}`;
  return new CliError("refused_by_policy", `policy does not let ${printable(email)} reach ${app.bare}; ${hint}`);
}

/** A check that gets no answer in time says nothing about the token. */
async function answerWithin<T>(ask: () => Promise<T>, silence: T): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof TimeoutError) return silence;
    throw error;
  }
}

async function exchangedToken(context: Context, app: AppUrl, application: Application, mayPrompt: boolean): Promise<SignedIn | undefined> {
  const orgToken = readOrgToken(context, application.team);
  if (orgToken === undefined) return undefined;
  const token = await exchangeOrgToken(context, app, application, orgToken);
  if (token === undefined) {
    // The session has ended at the gateway; a person must sign in anyway, so nothing is lost by forgetting it.
    if (mayPrompt) removeOrgToken(context, application.team);
    return undefined;
  }
  const claims = await verifyToken(context, application, token, "app");
  return { application, stored: store(context, app, application, token, claims), how: "exchanged" };
}

function store(
  context: Context,
  app: AppUrl,
  application: Application,
  token: string,
  claims: { email?: string; exp: number },
): StoredToken {
  const { team, app_hostname, aud } = application;
  const stored: StoredToken = { team, app_hostname, aud, origin: app.origin, token, email: claims.email ?? "", expires_at: claims.exp };
  writeAppToken(context, stored);
  return stored;
}

async function approvedToken(
  context: Context,
  app: AppUrl,
  application: Application,
  options: SignInOptions,
  before: string | undefined,
): Promise<SignedIn> {
  const { team } = application;
  const lock = await takeLoginLock(context, team, () => readAppToken(context, application) !== undefined);
  // Whoever had the lock may have signed in to another application of the team: then there is a session to exchange.
  const meanwhile = (await storedToken(context, app, application, false)) ?? (await exchangedToken(context, app, application, true));
  if (lock === undefined || meanwhile !== undefined) {
    lock?.release();
    return meanwhile ?? approvedToken(context, app, application, options, before);
  }
  try {
    const tokens = await loginWithBrowser(context, app, application, options, (url) => lock.announce(url));
    const claims = await verifyToken(context, application, tokens.app_token, "app");
    const org = tokens.org_token === "" ? undefined : await verifyToken(context, application, tokens.org_token, "org");
    await checkFreshToken(context, app, application, tokens.app_token, claims.email ?? "");
    if (before !== undefined && before !== claims.email) {
      context.say(
        `Warning: until now this was ${printable(before)}; the sign-in was approved by ${printable(claims.email ?? "somebody without a name")}.`,
      );
    }
    if (org !== undefined) writeOrgToken(context, team, tokens.org_token, org.email);
    const stored = store(context, app, application, tokens.app_token, claims);
    lock.release();
    return { application, stored, how: "approved" };
  } catch (error) {
    // Released before the message is shown, whatever happened (case C13).
    lock.failed(error instanceof CliError ? error.code : "failure", reasonOf(error));
    throw error;
  }
}

/** A gateway that refuses what it has just issued would otherwise send every command round in circles (case C13). */
async function checkFreshToken(context: Context, app: AppUrl, application: Application, token: string, email: string): Promise<void> {
  const state = await answerWithin(() => checkToken(context, app, application, token), "good");
  if (state === "denied") throw refusedByPolicy(app, email);
  if (state === "dead") {
    throw new CliError(
      "failure",
      `${app.origin} refuses the token that ${application.team} has just issued for it; ask whoever runs the gateway`,
    );
  }
}
