// One sign-in to one application: what its steps share, those that need no person (login-flow.ts)
// and the one that does (approval.ts).

import { printable } from "@postern/protocol/printable";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import type { Application } from "../store/known-hosts.ts";
import { attemptWrite, type UnwritableError } from "../store/private-files.ts";
import type { StoredToken } from "../store/token-store.ts";
import type { BrowserLoginOptions } from "./browser-login.ts";

export interface SignInOptions extends BrowserLoginOptions {
  /** false: never ask a person */
  mayPrompt: boolean;
  /** ask the gateway in any case, however recently it was asked */
  check: boolean;
  /** do not say who has signed in */
  quiet?: boolean;
}

/** What opens a URL. */
export interface Credential {
  application: Application;
  /** undefined where policy lets everybody through */
  stored: StoredToken | undefined;
}

export interface SignedIn {
  application: Application;
  stored: StoredToken;
  how: "stored" | "exchanged" | "approved";
  /** why the token could not be stored: it serves this command alone */
  fault?: UnwritableError | undefined;
}

/** What every step of one sign-in is about. */
export interface Attempt {
  context: Context;
  app: AppUrl;
  application: Application;
  options: SignInOptions;
  /** who was signed in to this team domain last */
  previousPerson: string | undefined;
  /** the person is to be asked although there may be a session */
  askAnew: boolean;
}

/** Whether two addresses are one mailbox to a provider, which forgets their case. */
export function isSamePerson(email: string, other: string): boolean {
  return email.toLowerCase() === other.toLowerCase();
}

/** The error for a person whom the gateway knows and policy does not let in. */
export function refusedByPolicy(app: AppUrl, email: string): CliError {
  const remedy = `ask its owner, or sign out to use another account: postern access logout ${app.origin}`;
  return new CliError(
    "refused_by_policy",
    `${printable(email)} may not reach ${app.bare}; ${remedy}`,
  );
}

/** The record of a token that the gateway has just issued, for the token store. */
export function storedTokenOf(
  { context, application: { team, origin, app_hostname, aud } }: Attempt,
  token: string,
  { email = "", exp }: { email?: string; exp: number },
): StoredToken {
  const key = { team, origin, aud };
  return { ...key, app_hostname, token, email, expires_at: exp, checked_at: context.now() };
}

/**
 * Stores what the person, or an exchange, brought. On a full or read-only disk it serves this
 * command all the same.
 */
export function store({ context }: Attempt, write: () => void): UnwritableError | undefined {
  const fault = attemptWrite(write);
  if (fault !== undefined) context.tell(`Warning: the sign-in was not stored: ${fault.message}`);
  return fault;
}
