// The step of a sign-in that needs a person: the approval in a browser, judged before any of it is
// stored. The gateway is told that the tokens have arrived only once they are (wire-protocol 6.6).
import { peekClaims } from "@postern/protocol/decode-token";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { checkToken, verifyToken } from "../gateway-client/token-check.ts";
import { readBoundKey } from "../store/bound-key.ts";
import type { Application } from "../store/known-hosts.ts";
import type { LoginLock } from "../store/login-lock.ts";
import { removeTeam, writeAppToken, writeOrgToken } from "../store/token-store.ts";
import {
  type Attempt,
  isSamePerson,
  refusedByPolicy,
  type SignedIn,
  store,
  storedTokenOf,
} from "./attempt.ts";
import { loginWithBrowser } from "./browser-login.ts";
import { signedInLines } from "./signed-in-lines.ts";

/**
 * Asks the person to approve this terminal, and stores what the approval brings.
 * @param lock told where to approve, for the processes that wait
 * @throws {CliError} any code but usage and not_signed_in
 */
export async function askThePerson(attempt: Attempt, lock: LoginLock): Promise<SignedIn> {
  const { context, app, application, options, previousPerson } = attempt;
  const { team } = application;
  const announce = (url: string, code: string) => lock.announce(url, code);
  const delivery = await loginWithBrowser(context, app, application, options, announce);
  const { app_token: appToken, org_token: orgToken } = delivery.tokens;
  // 1. Both tokens are what they should be, and the gateway takes the one for the application, or
  //    cannot be asked just now.
  const claims = await verifyToken(context, application, appToken, "app");
  const orgEmail = await emailOfOrgToken(context, application, orgToken);
  checkBinding(context, application, appToken);
  await checkFreshToken(attempt, appToken, claims.email ?? "");
  // 2. The person who approved may be another one than before, or than was to sign in.
  warnAboutPerson(attempt, claims.email ?? "somebody without an email");
  // 3. Tokens of the session before are dead, or soon will be; those of another person would make
  //    each command somebody else.
  const isSomebodyElse = previousPerson !== undefined && previousPerson !== claims.email;
  if (orgEmail !== undefined || isSomebodyElse) removeTeam(context, team);
  // 4. Store, and only then tell the gateway that the tokens have arrived.
  const stored = storedTokenOf(attempt, appToken, claims);
  const fault = store(attempt, () => {
    if (orgEmail !== undefined) writeOrgToken(context, team, orgToken, orgEmail);
    writeAppToken(context, stored);
  });
  await delivery.confirm();
  const signedIn: SignedIn = { application, stored, how: "approved", fault };
  if (options.quiet !== true)
    for (const line of signedInLines(context, app, signedIn)) context.show(line);
  return signedIn;
}

/** A token that is bound to somebody else's key would be of no use here, and its session theirs. */
function checkBinding(context: Context, { team }: Application, token: string): void {
  const { cnf } = peekClaims(token) as { cnf?: { jkt?: unknown } };
  if (cnf === undefined || cnf.jkt === readBoundKey(context, team)?.thumbprint) return;
  throw new CliError(
    "unverified",
    `${team} sent a token that is bound to another machine's key; it was not stored`,
  );
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
      context.tell(`Warning: ${email} approved this sign-in, which was meant for ${loginHint}.`);
    return;
  }
  if (previousPerson !== undefined && previousPerson !== email)
    context.tell(
      `Warning: ${email} approved this sign-in; until now, ${previousPerson} was signed in.`,
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
      `${app.origin} refused the token that ${application.team} has just issued for it; ask whoever runs the gateway`,
    );
  }
}
