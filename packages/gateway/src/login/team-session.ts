// The session on the team domain: who this browser or terminal is, as its `CF_Authorization` says.
// Reads that cookie, starts sessions and sets it.
import { cookies, type OrgClaims } from "@postern/protocol";
import type { Clock } from "../clock.ts";
import { cookieExpiry } from "../http/cookies.ts";
import type { Application, Identity } from "../model/model.ts";
import { sessionLength } from "../model/session-length.ts";
import type { RandomBytes } from "../random.ts";
import type { StoredSession } from "../storage/store.ts";
import { type Browser, isOrgOf, ownTokens } from "../tokens/bound-browser.ts";
import { onlyPerson } from "../tokens/only-person.ts";
import type { Sessions, Tokens } from "../tokens/tokens.ts";
import { ensureNonce, presentedNonce } from "./browser-nonce.ts";
import type { LoginContext } from "./login-context.ts";
import { cookieValuesOf, removeOwnCookie, setOwnCookie } from "./request-cookies.ts";

// access-features 5: one day where neither the organization nor the application says otherwise.
const defaultDuration = "24h";
const userAgentLength = 512;

/**
 * The live browser session that the cookie names. A terminal's org token is never one: it serves
 * the exchange alone (wire-protocol 2). Cookies of two persons count as none (wire-protocol 3.3),
 * and over https one that was handed to another browser (ADR 0015).
 */
export async function browserSession(
  c: LoginContext,
  parts: { tokens: Tokens },
): Promise<StoredSession | undefined> {
  return (await liveToken(c, parts, "browser"))?.session;
}

/** A terminal's org token that holds. */
export interface TerminalSession {
  token: string;
  claims: OrgClaims;
  session: StoredSession;
}

/** The live session of a terminal, for the exchange of wire-protocol 6.3 and nothing else. */
export function terminalSession(
  c: LoginContext,
  parts: { tokens: Tokens },
): Promise<TerminalSession | undefined> {
  return liveToken(c, parts, "terminal");
}

async function liveToken(
  c: LoginContext,
  { tokens }: { tokens: Tokens },
  kind: StoredSession["kind"],
): Promise<TerminalSession | undefined> {
  const browser = kind === "browser" ? browserOf(c) : undefined;
  const values = ownTokens(cookieValuesOf(c, cookies.authorization), browser);
  const result = await onlyPerson(values, async (value) => {
    const verification = await tokens.verifyOrg(value);
    if (!verification.ok || verification.session.kind !== kind) return undefined;
    if (browser !== undefined && !isOrgOf(browser, verification.claims)) return undefined;
    const isTerminal = verification.claims.terminal === true;
    return isTerminal === (kind === "terminal") ? { ...verification, token: value } : undefined;
  });
  return result.persons === "one" ? result.credential : undefined;
}

/**
 * The browser that the session must have been handed to. Nothing but a browser has a use for it, so
 * whoever says nothing of a browser needs the nonce as well.
 */
function browserOf(c: LoginContext): Browser | undefined {
  return c.var.facts.scheme === "https" ? { nonce: presentedNonce(c) } : undefined;
}

/**
 * Starts a session with a new id for this browser (case T10) and sets its cookie.
 * @param application whose duration holds where the organization sets none (access-features 5)
 */
export async function startBrowserSession(
  c: LoginContext,
  parts: { tokens: Tokens; sessions: Sessions; now: Clock; randomBytes: RandomBytes },
  identity: Identity,
  application: Application | undefined,
): Promise<StoredSession> {
  const { tokens, sessions, now } = parts;
  const { organization } = c.var.facts.catalog;
  const duration =
    organization.session_duration ?? application?.session_duration ?? defaultDuration;
  const session = await sessions.start({
    kind: "browser",
    identity,
    userAgent: (c.req.header("user-agent") ?? "").slice(0, userAgentLength),
    lifetimeMs: sessionLength(duration),
  });
  const token = await tokens.issueOrg(session, ensureNonce(c, parts));
  const cookie = { name: cookies.authorization, value: token };
  setOwnCookie(c, cookie, cookieExpiry(session.expires_at, now()));
  return session;
}

/** Takes the session's cookie out of this browser. */
export function clearSessionCookie(c: LoginContext): void {
  removeOwnCookie(c, cookies.authorization);
}
