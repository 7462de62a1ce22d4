// How a command comes by a token of an application, each step only when the one before had nothing:
// memory, exchange of the terminal's session, a person (wire-protocol 6).

import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { findApplication } from "../gateway-client/app-metadata.ts";
import { exchangeOrgToken } from "../gateway-client/org-token-exchange.ts";
import { checkToken, verifyToken } from "../gateway-client/token-check.ts";
import { TimeoutError } from "../net/http-client.ts";
import { printable } from "../printable.ts";
import type { Application } from "../store/known-hosts.ts";
import { takeLoginLock } from "../store/login-lock.ts";
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
  const before = lastPerson(context, application.team);
  const anew = asksAnew(options, before);
  const known = anew
    ? undefined
    : ((await storedToken(context, app, application, options.check)) ??
      (await exchangedToken(context, app, application, options.mayPrompt)));
  if (known !== undefined) return known;
  if (!options.mayPrompt) throw notSignedIn(app);
  return approvedToken(context, app, application, options, { before, anew });
}

/** Whether the person wants to be asked although there may be a session. */
function asksAnew({ prompt, loginHint }: SignInOptions, before: string | undefined): boolean {
  return (
    prompt !== undefined ||
    (loginHint !== undefined &&
      before !== undefined &&
      loginHint.toLowerCase() !== before.toLowerCase())
  );
}

async function storedToken(
  context: Context,
  app: AppUrl,
  application: Application,
  check: boolean,
): Promise<SignedIn | undefined> {
  const stored = readAppToken(context, application);
  if (stored === undefined) return undefined;
  if (check) {
    const state = await answerWithin(
      () => checkToken(context, app, application, stored.token),
      "good",
    );
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
  return new CliError(
    "refused_by_policy",
    `policy does not let ${printable(email)} reach ${app.bare}; ${hint}`,
  );
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

async function exchangedToken(
  context: Context,
  app: AppUrl,
  application: Application,
  mayPrompt: boolean,
): Promise<SignedIn | undefined> {
  const orgToken = readOrgToken(context, application.team);
  if (orgToken === undefined) return undefined;
  const token = await exchangeOrgToken(context, app, application, orgToken);
  if (token === undefined) {
    // The session has ended at the gateway; a person must sign in anyway, so nothing is lost by
    // forgetting it.
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
  const stored: StoredToken = {
    team,
    app_hostname,
    aud,
    origin: app.origin,
    token,
    email: claims.email ?? "",
    expires_at: claims.exp,
  };
  writeAppToken(context, stored);
  return stored;
}

async function approvedToken(
  context: Context,
  app: AppUrl,
  application: Application,
  options: SignInOptions,
  how: { before: string | undefined; anew: boolean },
): Promise<SignedIn> {
  const ignored = how.anew ? readAppToken(context, application)?.token : undefined;
  const settled = () => {
    const stored = readAppToken(context, application);
    return stored !== undefined && stored.token !== ignored;
  };
  const lock = await takeLoginLock(context, application, settled, options.timeout);
  if (lock === undefined) {
    const stored = readAppToken(context, application);
    return stored === undefined
      ? approvedToken(context, app, application, options, how)
      : { application, stored, how: "stored" };
  }
  try {
    // Whoever had the lock may have signed in to another application of the team: then there is a
    // session to exchange.
    const meanwhile = how.anew
      ? undefined
      : ((await storedToken(context, app, application, false)) ??
        (await exchangedToken(context, app, application, true)));
    const signedIn =
      meanwhile ??
      (await askThePerson(context, app, application, options, how.before, (url) =>
        lock.announce(url),
      ));
    lock.release();
    return signedIn;
  } catch (error) {
    // Released before the message is shown, whatever happened (case C13).
    lock.failed(error instanceof CliError ? error.code : "failure", reasonOf(error));
    throw error;
  }
}

async function askThePerson(
  context: Context,
  app: AppUrl,
  application: Application,
  options: SignInOptions,
  before: string | undefined,
  announce: (url: string) => void,
): Promise<SignedIn> {
  const { team } = application;
  const tokens = await loginWithBrowser(context, app, application, options, announce);
  const claims = await verifyToken(context, application, tokens.app_token, "app");
  const org =
    tokens.org_token === ""
      ? undefined
      : await verifyToken(context, application, tokens.org_token, "org");
  await checkFreshToken(context, app, application, tokens.app_token, claims.email ?? "");
  warnAboutPerson(context, claims.email ?? "somebody without a name", before, options.loginHint);
  // Tokens of two people under one name would make each command somebody else.
  if (before !== undefined && before !== claims.email) removeTeam(context, team);
  if (org !== undefined) writeOrgToken(context, team, tokens.org_token, org.email);
  return {
    application,
    stored: store(context, app, application, tokens.app_token, claims),
    how: "approved",
  };
}

function warnAboutPerson(
  { say }: Context,
  email: string,
  before: string | undefined,
  hint: string | undefined,
): void {
  if (hint !== undefined && hint.toLowerCase() !== email.toLowerCase()) {
    say(`Warning: this was to be ${hint}; the sign-in was approved by ${email}.`);
  } else if (hint === undefined && before !== undefined && before !== email) {
    say(`Warning: until now this was ${before}; the sign-in was approved by ${email}.`);
  }
}

/**
 * A gateway that refuses what it has just issued would otherwise send every command round in
 * circles (case C13).
 */
async function checkFreshToken(
  context: Context,
  app: AppUrl,
  application: Application,
  token: string,
  email: string,
): Promise<void> {
  const state = await answerWithin(() => checkToken(context, app, application, token), "good");
  if (state === "denied") throw refusedByPolicy(app, email);
  if (state === "dead") {
    throw new CliError(
      "failure",
      `${app.origin} refuses the token that ${application.team} has just issued for it; ask whoever runs the gateway`,
    );
  }
}
