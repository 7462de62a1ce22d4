// The global session: who this browser is, on the team domain. Reads and sets the `org` cookie
// there, starts sessions, and answers what pages with consequences need: the CSRF value and what
// policy says about the person.
import { timingSafeEqual } from "node:crypto";
import { cookies, parseDuration } from "@postern/protocol";
import type { Context } from "hono";
import type { RequestFacts } from "../catalog/request-facts.ts";
import {
  type Cookie,
  cookieExpiry,
  cookieValues,
  ownCookieAttributes,
  removeCookieLine,
  setCookieLine,
} from "../http/cookies.ts";
import type { Application, Decision, Identity } from "../model/model.ts";
import { evaluate } from "../policy/evaluate.ts";
import type { StoredSession } from "../storage/store.ts";
import { onlyPerson } from "../tokens/only-person.ts";
import type { LoginDependencies, LoginEnv } from "./dependencies.ts";

// access-features 5: one day where neither the organization nor the application says otherwise.
const defaultSessionDuration = "24h";

/** Every value that this browser sends of one cookie, in the order sent. */
export function cookieValuesOf(c: Context<LoginEnv>, name: string): string[] {
  return cookieValues(cookieLines(c), name);
}

/** The `Cookie` header, as `http/cookies.ts` reads it. */
export function cookieLines(c: Context<LoginEnv>): string[] {
  return [c.req.header("cookie") ?? ""];
}

/** Adds a cookie of the gateway's own to the answer. */
export function setOwnCookie(c: Context<LoginEnv>, cookie: Cookie, expires: Date): void {
  const attributes = { ...ownCookieAttributes(c.get("facts").scheme), expires };
  addSetCookie(c, setCookieLine(cookie, attributes));
}

/** Takes a cookie of the gateway's own out of this browser. */
export function removeOwnCookie(c: Context<LoginEnv>, name: string): void {
  addSetCookie(c, removeCookieLine(name, ownCookieAttributes(c.get("facts").scheme)));
}

/** Adds a `Set-Cookie` line to the answer. */
export function addSetCookie(c: Context<LoginEnv>, line: string): void {
  c.header("Set-Cookie", line, { append: true });
}

/**
 * The live browser session that the team domain's cookie names. A terminal's org token is never
 * one: it serves the exchange alone (wire-protocol 2). Cookies of two persons at once count as none
 * (wire-protocol 3.3).
 */
export async function browserSession(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
): Promise<StoredSession | undefined> {
  return liveSession(c, deps, "browser");
}

/**
 * As `browserSession`, for the session of a terminal: for the exchange of wire-protocol 6.3 and
 * nothing else.
 */
export async function terminalSession(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
): Promise<StoredSession | undefined> {
  return liveSession(c, deps, "terminal");
}

async function liveSession(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
  kind: StoredSession["kind"],
): Promise<StoredSession | undefined> {
  const answer = await onlyPerson(cookieValuesOf(c, cookies.authorization), async (value) => {
    const verified = await deps.tokens.verifyOrg(value);
    if (!verified.ok || verified.session.kind !== kind) return undefined;
    const isTerminal = verified.claims.terminal === true;
    return isTerminal === (kind === "terminal") ? verified : undefined;
  });
  return answer.persons === "one" ? answer.credential.session : undefined;
}

/**
 * Starts a session with a new id for this browser (case T10) and sets its cookie.
 * @param application whose duration holds where the organization sets none (access-features 5)
 */
export async function startBrowserSession(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
  identity: Identity,
  application?: Application,
): Promise<StoredSession> {
  const { catalog } = c.get("facts");
  const duration =
    catalog.organization.session_duration ??
    application?.session_duration ??
    defaultSessionDuration;
  const session = await deps.sessions.start({
    kind: "browser",
    identity,
    userAgent: (c.req.header("user-agent") ?? "").slice(0, 512),
    lifetimeMs: parseDuration(duration),
  });
  const cookie = { name: cookies.authorization, value: deps.tokens.issueOrg(session) };
  setOwnCookie(c, cookie, cookieExpiry(session.expires_at, deps.now()));
  return session;
}

/** Takes the global session's cookie out of this browser. */
export function clearSessionCookie(c: Context<LoginEnv>): void {
  removeOwnCookie(c, cookies.authorization);
}

/** The hidden value of a form that changes something; holds for one session and one purpose. */
export function csrfValue(
  deps: LoginDependencies,
  session: StoredSession,
  purpose: string,
): string {
  return deps.secretBox.mac(`csrf ${purpose}`, session.id);
}

/**
 * Whether a POST comes from our own page: the value must be this session's, and the browser itself
 * must say that page and target share one origin (wire-protocol 7). `Origin` is of no use here: our
 * pages send no referrer, and a browser then writes `Origin: null`.
 */
export function csrfHolds(
  c: Context<LoginEnv>,
  deps: LoginDependencies,
  session: StoredSession,
  purpose: string,
  value: string | undefined,
): boolean {
  if (c.req.header("sec-fetch-site") !== "same-origin" || value === undefined) return false;
  return equalSecrets(value, csrfValue(deps, session, purpose));
}

/** Compares in a time that says nothing about where two secrets differ. */
export function equalSecrets(a: string, b: string): boolean {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right);
}

/**
 * What policy says about this person at this application, with the identity of that login and the
 * address of now.
 */
export function decideFor(
  _deps: LoginDependencies,
  facts: RequestFacts,
  application: Application,
  session: StoredSession,
): Decision {
  return evaluate({
    application,
    groups: facts.catalog.groups,
    principal: { kind: "person", identity: session.identity },
    ip: facts.clientIp,
  });
}
