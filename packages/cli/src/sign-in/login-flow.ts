// How a command comes by a token of an application, each step only when the one before had nothing:
// memory, exchange of the terminal's session, a person (wire-protocol 6).
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { findApplication } from "../gateway-client/app-metadata.ts";
import { exchangeOrgToken } from "../gateway-client/org-token-exchange.ts";
import { checkToken, verifyToken } from "../gateway-client/token-check.ts";
import { printable } from "../printable.ts";
import type { Application } from "../store/known-hosts.ts";
import { type LoginLock, takeLoginLock } from "../store/login-lock.ts";
import {
  hasUsableTokens,
  lastPerson,
  readAppToken,
  readOrgToken,
  removeAppToken,
  removeOrgToken,
  removeTeam,
  type StoredToken,
  writeAppToken,
  writeOrgToken,
} from "../store/token-store.ts";
import { type BrowserLoginOptions, loginWithBrowser } from "./browser-login.ts";

export interface SignInOptions extends BrowserLoginOptions {
  /** false: never ask a person */
  mayPrompt: boolean;
  /** ask the gateway whether a stored token is still good */
  check: boolean;
}

export interface SignedIn {
  application: Application;
  stored: StoredToken;
  how: "stored" | "exchanged" | "approved";
}

/** What every step of one sign-in is about. */
interface Attempt {
  context: Context;
  app: AppUrl;
  application: Application;
  options: SignInOptions;
  /** who was signed in to this team domain last */
  previousPerson: string | undefined;
  /** the person is to be asked although there may be a session */
  askAnew: boolean;
}

/** What a command fails with that may not ask a person. */
export function notSignedIn(app: AppUrl): CliError {
  return new CliError(
    "not_signed_in",
    `not signed in to ${app.origin}; sign in with: postern access login ${app.origin}`,
  );
}

/**
 * A token for the application behind the URL.
 * @throws {CliError} with any code but usage
 */
export async function signIn(
  context: Context,
  app: AppUrl,
  options: SignInOptions,
): Promise<SignedIn> {
  // Without anything stored the answer is known before anything is asked of the network.
  if (!options.mayPrompt && !hasUsableTokens(context)) throw notSignedIn(app);
  const application = await findApplication(context, app);
  if (!application.login) {
    throw new CliError(
      "not_behind_access",
      `policy lets everybody reach ${app.bare}; there is nothing to sign in to`,
    );
  }
  // Before tokens that the gateway refuses are forgotten, and the person with them.
  const previousPerson = lastPerson(context, application.team);
  const askAnew = wantsToBeAsked(options, previousPerson);
  const attempt = { context, app, application, options, previousPerson, askAnew };
  const signedIn = await withoutPerson(attempt, options);
  if (signedIn !== undefined) return signedIn;
  if (!options.mayPrompt) throw notSignedIn(app);
  return approvedToken(attempt);
}

function wantsToBeAsked(
  { prompt, loginHint }: SignInOptions,
  previousPerson: string | undefined,
): boolean {
  if (prompt !== undefined) return true;
  if (loginHint === undefined || previousPerson === undefined) return false;
  return !isSamePerson(loginHint, previousPerson);
}

function isSamePerson(email: string, other: string): boolean {
  return email.toLowerCase() === other.toLowerCase();
}

/** Memory, then the exchange. */
async function withoutPerson(
  attempt: Attempt,
  { check, mayPrompt }: Pick<SignInOptions, "check" | "mayPrompt">,
): Promise<SignedIn | undefined> {
  if (attempt.askAnew) return undefined;
  return (await storedToken(attempt, check)) ?? (await exchangedToken(attempt, mayPrompt));
}

async function storedToken(
  { context, app, application }: Attempt,
  check: boolean,
): Promise<SignedIn | undefined> {
  const stored = readAppToken(context, application);
  if (stored === undefined) return undefined;
  const state = check ? await checkToken(context, app, application, stored.token) : "good";
  switch (state) {
    case "good":
      return { application, stored, how: "stored" };
    case "denied":
      throw refusedByPolicy(app, stored.email);
    case "dead":
      removeAppToken(context, application);
      return undefined;
  }
}

function refusedByPolicy(app: AppUrl, email: string): CliError {
  const remedy = `ask its owner, or sign in as somebody else after: postern access logout ${app.origin}`;
  return new CliError(
    "refused_by_policy",
    `policy does not let ${printable(email)} reach ${app.bare}; ${remedy}`,
  );
}

async function exchangedToken(
  { context, app, application }: Attempt,
  mayPrompt: boolean,
): Promise<SignedIn | undefined> {
  const orgToken = readOrgToken(context, application.team);
  if (orgToken === undefined) return undefined;
  const token = await exchangeOrgToken(context, app, application, orgToken);
  if (token !== undefined) {
    const claims = await verifyToken(context, application, token, "app");
    const stored = storeAppToken(context, app, application, token, claims);
    return { application, stored, how: "exchanged" };
  }
  // The session has ended at the gateway. A person must sign in anyway, so nothing is lost by
  // forgetting it.
  if (mayPrompt) removeOrgToken(context, application.team);
  return undefined;
}

function storeAppToken(
  context: Context,
  { origin }: AppUrl,
  { team, app_hostname, aud }: Application,
  token: string,
  { email = "", exp }: { email?: string; exp: number },
): StoredToken {
  const stored = { team, app_hostname, aud, origin, token, email, expires_at: exp };
  writeAppToken(context, stored);
  return stored;
}

/** The person's approval, asked for by one process at a time (case C14). */
async function approvedToken(attempt: Attempt): Promise<SignedIn> {
  const { context, application, options, askAnew } = attempt;
  const refusedToken = askAnew ? readAppToken(context, application)?.token : undefined;
  const hasNewToken = () => {
    const stored = readAppToken(context, application);
    return stored !== undefined && stored.token !== refusedToken;
  };
  const lock = await takeLoginLock(context, application, hasNewToken, options.timeout);
  if (lock !== undefined) return signInUnderLock(attempt, lock);
  const stored = readAppToken(context, application);
  return stored === undefined ? approvedToken(attempt) : { application, stored, how: "stored" };
}

async function signInUnderLock(attempt: Attempt, lock: LoginLock): Promise<SignedIn> {
  try {
    // Whoever had the lock may have signed in to another application of the team: then there is a
    // session to exchange.
    const signedIn =
      (await withoutPerson(attempt, { check: false, mayPrompt: true })) ??
      (await askThePerson(attempt, lock));
    lock.release();
    return signedIn;
  } catch (error) {
    // Released before the message is shown, whatever happened (case C13).
    lock.failed(error instanceof CliError ? error.code : "failure", reasonOf(error));
    throw error;
  }
}

async function askThePerson(attempt: Attempt, lock: LoginLock): Promise<SignedIn> {
  const { context, app, application, options, previousPerson } = attempt;
  const { team } = application;
  const announce = (url: string, code: string) => lock.announce(url, code);
  const tokens = await loginWithBrowser(context, app, application, options, announce);
  // 1. Both tokens are what they should be, and the gateway takes the one for the application.
  const claims = await verifyToken(context, application, tokens.app_token, "app");
  const orgEmail = await emailOfOrgToken(context, application, tokens.org_token);
  await checkFreshToken(attempt, tokens.app_token, claims.email ?? "");
  // 2. The person who approved may be another one than before, or than was to sign in.
  warnAboutPerson(attempt, claims.email ?? "somebody without a name");
  // Tokens of two people under one name would make each command somebody else.
  if (previousPerson !== undefined && previousPerson !== claims.email) removeTeam(context, team);
  // 3. Store.
  if (orgEmail !== undefined) writeOrgToken(context, team, tokens.org_token, orgEmail);
  const stored = storeAppToken(context, app, application, tokens.app_token, claims);
  return { application, stored, how: "approved" };
}

/** @returns undefined where the gateway sent no org token */
async function emailOfOrgToken(
  context: Context,
  application: Application,
  orgToken: string,
): Promise<string | undefined> {
  if (orgToken === "") return undefined;
  return (await verifyToken(context, application, orgToken, "org")).email;
}

function warnAboutPerson({ context, options, previousPerson }: Attempt, email: string): void {
  const { loginHint } = options;
  if (loginHint !== undefined) {
    if (!isSamePerson(loginHint, email))
      context.tell(`Warning: this was to be ${loginHint}; the sign-in was approved by ${email}.`);
    return;
  }
  if (previousPerson !== undefined && previousPerson !== email)
    context.tell(
      `Warning: until now this was ${previousPerson}; the sign-in was approved by ${email}.`,
    );
}

/**
 * A gateway that refuses what it has just issued would otherwise send every command round in
 * circles (case C13).
 */
async function checkFreshToken(
  { context, app, application }: Attempt,
  token: string,
  email: string,
): Promise<void> {
  const state = await checkToken(context, app, application, token);
  if (state === "denied") throw refusedByPolicy(app, email);
  if (state === "dead") {
    throw new CliError(
      "failure",
      `${app.origin} refuses the token that ${application.team} has just issued for it; ask whoever runs the gateway`,
    );
  }
}
