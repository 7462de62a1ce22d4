// How a command comes by a token of an application, each step only when the one before had nothing:
// memory, exchange of the terminal's session, a person (wire-protocol 6). Memory serves a stored
// token that the gateway still takes, and nothing else: whatever fails with what is remembered of a
// host begins anew with what its gateway says now.

import { agoText } from "@postern/protocol/time-text";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { askForApplication } from "../gateway-client/app-metadata.ts";
import { exchangeOrgToken } from "../gateway-client/org-token-exchange.ts";
import { demandsBoundTokens } from "../gateway-client/proof-of-possession.ts";
import { checkToken, verifyToken } from "../gateway-client/token-check.ts";
import { keyForSignIn } from "../store/bound-key.ts";
import { type Application, rememberedApplication } from "../store/known-hosts.ts";
import { type LoginLock, restOfUnanswered, takeLoginLock } from "../store/login-lock.ts";
import {
  hasUsableTokens,
  lastPerson,
  listAppTokens,
  markChecked,
  readAppToken,
  readOrgToken,
  removeAppToken,
  removeOrgToken,
  writeAppToken,
} from "../store/token-store.ts";
import { askThePerson } from "./approval.ts";
import {
  type Attempt,
  type Credential,
  isSamePerson,
  refusedByPolicy,
  type SignedIn,
  type SignInOptions,
  store,
  storedTokenOf,
} from "./attempt.ts";
import { tellInterruption } from "./interruption.ts";

/** What a command fails with that may not ask a person. */
export function notSignedIn(app: AppUrl): CliError {
  return new CliError(
    "not_signed_in",
    `not signed in to ${app.origin}; sign in with: postern access login ${app.origin}`,
  );
}

/** The same, with who was signed in until when, where that is still known. */
function noSession(context: Context, app: AppUrl): CliError {
  const now = context.now();
  const expired = listAppTokens(context).find(
    ({ origin, expires_at }) => origin === app.origin && expires_at * 1000 <= now,
  );
  if (expired === undefined) return notSignedIn(app);
  const { email, expires_at } = expired;
  const remedy = `sign in with: postern access login ${app.origin}`;
  return new CliError(
    "not_signed_in",
    `not signed in to ${app.origin}: signed in as ${email}, expired ${agoText(expires_at * 1000, now)}; ${remedy}`,
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
  if (!options.mayPrompt && !hasUsableTokens(context)) throw noSession(context, app);
  const credential = await findCredential(context, app, options);
  if (isSignedIn(credential)) return credential;
  throw new CliError(
    "not_behind_access",
    `policy lets everybody reach ${app.bare}; no sign-in is needed`,
  );
}

function isSignedIn(credential: SignedIn | Credential): credential is SignedIn {
  return credential.stored !== undefined;
}

/**
 * What opens the URL: a token, or nothing where policy lets everybody through.
 * @throws {CliError} with any code but usage
 */
export async function findCredential(
  context: Context,
  app: AppUrl,
  options: SignInOptions,
): Promise<SignedIn | Credential> {
  // 1. Memory.
  const remembered = await rememberedToken(context, app, options);
  if (remembered !== undefined) return remembered;
  // 2. The gateway says who guards the URL now.
  const application = await currentApplication(context, app, options);
  if (!application.login) return { application, stored: undefined };
  // 3. A stored token, or an exchange. The person of before is looked up first, because tokens that
  //    the gateway refuses are forgotten, and the person with them.
  const previousPerson = lastPerson(context, application.team);
  const askAnew = wantsToBeAsked(options, previousPerson);
  const attempt = { context, app, application, options, previousPerson, askAnew };
  const signedIn = await withoutPerson(attempt, { check: true, mayPrompt: options.mayPrompt });
  if (signedIn !== undefined) return signedIn;
  // 4. A person.
  if (!options.mayPrompt) throw noSession(context, app);
  return approvedToken(attempt);
}

/** The stored token of the remembered application, as long as the gateway takes it. */
async function rememberedToken(
  context: Context,
  app: AppUrl,
  { check, prompt, loginHint }: SignInOptions,
): Promise<SignedIn | undefined> {
  if (check || prompt !== undefined || loginHint !== undefined) return undefined;
  const application = rememberedApplication(context, app);
  const stored = application?.login ? readAppToken(context, application) : undefined;
  if (application === undefined || stored === undefined) return undefined;
  if ((await checkToken(context, app, application, stored.token)) !== "good") return undefined;
  markChecked(context, stored);
  return { application, stored, how: "stored" };
}

/**
 * Asks the gateway about a token that a tool was just refused with. A dead one is forgotten.
 * @returns whether it was
 */
export async function forgetDeadToken(
  context: Context,
  app: AppUrl,
  { application, stored }: Credential,
): Promise<boolean> {
  if (stored === undefined) return false;
  if ((await checkToken(context, app, application, stored.token)) !== "dead") return false;
  removeAppToken(context, stored);
  return true;
}

/** @throws {CliError} not_behind_access | unreachable | unverified | not_signed_in */
async function currentApplication(
  context: Context,
  app: AppUrl,
  { mayPrompt }: SignInOptions,
): Promise<Application> {
  try {
    return await askForApplication(context, app);
  } catch (error) {
    if (!(error instanceof CliError) || error.code !== "unreachable") throw error;
    // An open application needs no token: the tool finds out by itself that nobody answers.
    const remembered = rememberedApplication(context, app);
    if (remembered?.login === false) return remembered;
    if (!mayPrompt && !hasUsableTokens(context)) throw noSession(context, app);
    throw error;
  }
}

function wantsToBeAsked(
  { prompt, loginHint }: SignInOptions,
  previousPerson: string | undefined,
): boolean {
  if (prompt !== undefined) return true;
  if (loginHint === undefined || previousPerson === undefined) return false;
  return !isSamePerson(loginHint, previousPerson);
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
      if (check) markChecked(context, stored);
      return { application, stored, how: "stored" };
    case "denied":
      throw refusedByPolicy(app, stored.email);
    case "dead":
      removeAppToken(context, application);
      return undefined;
  }
}

async function exchangedToken(attempt: Attempt, mayPrompt: boolean): Promise<SignedIn | undefined> {
  const { context, app, application } = attempt;
  const orgToken = readOrgToken(context, application.team);
  if (orgToken === undefined) return undefined;
  const token = await exchangeOrgToken(context, app, application, orgToken);
  if (token !== undefined) {
    const claims = await verifyToken(context, application, token, "app");
    const stored = storedTokenOf(attempt, token, claims);
    const fault = store(attempt, () => writeAppToken(context, stored));
    return { application, stored, how: "exchanged", fault };
  }
  // The session has ended at the gateway. A person must sign in anyway, so nothing is lost by
  // forgetting it.
  if (mayPrompt) removeOrgToken(context, application.team);
  return undefined;
}

/** The person's approval. One who ends the wait for it is told what that means. */
async function approvedToken(attempt: Attempt): Promise<SignedIn> {
  const stop = tellInterruption(attempt.context);
  try {
    return await approvedInTurn(attempt);
  } finally {
    stop();
  }
}

/** The approval is asked for by one process at a time (case C14). */
async function approvedInTurn(attempt: Attempt): Promise<SignedIn> {
  const { context, application, options } = attempt;
  refuseRepetition(attempt);
  refuseWithoutKey(attempt);
  // Whatever is stored now did not do.
  const refusedToken = readAppToken(context, application)?.token;
  const hasNewToken = () => {
    const stored = readAppToken(context, application);
    return stored !== undefined && stored.token !== refusedToken;
  };
  const lock = await takeLoginLock(context, application, hasNewToken, options.timeout);
  if (lock !== undefined) return signInUnderLock(attempt, lock);
  const stored = readAppToken(context, application);
  return stored === undefined ? approvedInTurn(attempt) : { application, stored, how: "stored" };
}

/** Nobody is asked for a session that the application would not take. @throws {CliError} failure */
function refuseWithoutKey({ context, app, application }: Attempt): void {
  if (application.proof_of_possession !== true) return;
  if (keyForSignIn(context, application.team) !== undefined) return;
  throw new CliError("failure", `${app.origin} ${demandsBoundTokens}`);
}

/** An unattended machine opens no window twice. @throws {CliError} not_signed_in */
function refuseRepetition({ context, app, application: { team }, options }: Attempt): void {
  if (context.onTerminal || !options.openBrowser) return;
  const rest = restOfUnanswered(context, team);
  if (rest === 0) return;
  const minutes = Math.ceil(rest / 60_000);
  throw new CliError(
    "not_signed_in",
    `nobody answered the last sign-in at ${team}, so it is not asked for again without a terminal for ${minutes} minutes; sign in at one with: postern access login ${app.origin}`,
  );
}

async function signInUnderLock(attempt: Attempt, lock: LoginLock): Promise<SignedIn> {
  try {
    // Whoever had the lock may have signed in to another application of the team: then there is a
    // session to exchange.
    const signedIn =
      (await withoutPerson(attempt, { check: false, mayPrompt: true })) ??
      (await askThePerson(attempt, lock));
    lock.answered();
    return signedIn;
  } catch (error) {
    // Released before the message is shown, whatever happened (case C13).
    lock.failed(error instanceof CliError ? error.code : "failure", reasonOf(error));
    throw error;
  }
}
