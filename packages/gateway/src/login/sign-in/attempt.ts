// An attempt to sign in, from the choice of a provider to its answer. It lives in the browser
// alone, sealed, one cookie each, so that the gateway keeps nothing for strangers and two tabs do
// not disturb each other (case L6).
import { randomBytes } from "node:crypto";
import type { Context } from "hono";
import { readCookies } from "../../http/cookies.ts";
import type { LoginDependencies, LoginEnv } from "../dependencies.ts";
import { cookieLines, removeOwnCookie, setOwnCookie } from "../session.ts";

/**
 * What somebody signs in for. All of it was vouched for by the application's host before it got
 * here.
 */
export interface SignInTarget {
  /** undefined: the team domain itself */
  application:
    | {
        aud: string;
        /** host, with the port that the client used */
        authority: string;
        /** path and query on that host */
        redirect_url: string;
        /**
         * hash of the browser's `CF_AppSession` there; "" for a terminal's login, which needs no
         * hand-over
         */
        app_session: string;
      }
    | undefined;
  /** somebody else is to sign in: the provider must ask again */
  someone_else?: true;
}

/** What the answer of a provider is checked against. */
export type AttemptStep =
  | { kind: "redirect"; provider: string; state: string; nonce: string; verifier: string }
  | { kind: "pin"; provider: string; email: string; pin: string; browser: string };

export interface Attempt {
  id: string;
  created_at: number;
  /** it had its answer; kept for a while so that going back finds a way on */
  used?: true;
  target: SignInTarget;
  step: AttemptStep;
}

const lifeMs = 10 * 60_000;
// The cookie outlives the attempt, so that a late answer can be offered a fresh start.
const cookieLifeMs = 60 * 60_000;
// Five at once are more than people have open; more would grow into an error of header size (case
// T13).
const attemptLimit = 5;
const targetLifeMs = 60 * 60_000;
const namePattern = /^(?:__Host-)?postern_attempt_([0-9a-f]{16})$/;

export function newAttemptId(): string {
  return randomBytes(8).toString("hex");
}

/** 256 random bits, for `state`, `nonce` and everything else that nobody may guess. */
export function randomSecret(): string {
  return randomBytes(32).toString("base64url");
}

export function isLive(attempt: Attempt, now: number): boolean {
  return attempt.used !== true && attempt.created_at <= now && now < attempt.created_at + lifeMs;
}

/**
 * Every attempt that this browser holds. What does not open is not ours, or of another key: left
 * out.
 */
export function attemptsOf(c: Context<LoginEnv>, deps: LoginDependencies): Attempt[] {
  const attempts: Attempt[] = [];
  for (const { name, value } of readCookies(cookieLines(c))) {
    const id = namePattern.exec(name)?.[1];
    if (id === undefined) continue;
    const attempt = deps.secretBox.open(value, `attempt ${id}`);
    if (attempt !== undefined) attempts.push(JSON.parse(attempt) as Attempt);
  }
  return attempts;
}

/** Hands an attempt to the browser, in place of its oldest one where it has too many. */
export function keepAttempt(c: Context<LoginEnv>, deps: LoginDependencies, attempt: Attempt): void {
  const others = attemptsOf(c, deps)
    .filter((other) => other.id !== attempt.id)
    .sort(
      (a, b) => Number(b.used === true) - Number(a.used === true) || a.created_at - b.created_at,
    );
  for (const { id } of others.slice(0, Math.max(0, others.length + 1 - attemptLimit))) {
    removeOwnCookie(c, cookieName(c, id));
  }
  const value = deps.secretBox.seal(JSON.stringify(attempt), `attempt ${attempt.id}`);
  const expires = new Date(attempt.created_at + cookieLifeMs);
  setOwnCookie(c, { name: cookieName(c, attempt.id), value }, expires);
}

// `__Host-` keeps a sibling host from planting one (case T11); browsers grant the prefix to https
// alone.
function cookieName(c: Context<LoginEnv>, id: string): string {
  return `${c.get("facts").scheme === "https" ? "__Host-" : ""}postern_attempt_${id}`;
}

/** The target as a field of the sign-in page: the page may stand open longer than `meta` lives. */
export function sealTarget(deps: LoginDependencies, target: SignInTarget): string {
  return deps.secretBox.seal(
    JSON.stringify({ target, expires_at: deps.now() + targetLifeMs }),
    "sign-in target",
  );
}

/** @returns undefined when it is not ours; `expired` still says where to start again */
export function openTarget(
  deps: LoginDependencies,
  sealed: string,
): { target: SignInTarget; expired: boolean } | undefined {
  const text = deps.secretBox.open(sealed, "sign-in target");
  if (text === undefined) return undefined;
  const { target, expires_at } = JSON.parse(text) as { target: SignInTarget; expires_at: number };
  return { target, expired: expires_at <= deps.now() };
}
