// An attempt to sign in, from the choice of a provider to its answer. It lives in the browser
// alone, sealed, one cookie each, so that the gateway keeps nothing for strangers and two tabs do
// not disturb each other (case L6).
import { type Clock, isFromFuture } from "../../clock.ts";
import type { RandomBytes } from "../../random.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import type { LoginContext } from "../login-context.ts";
import type { AttemptSecrets } from "../providers/provider.ts";
import { cookiesOf, hostCookieName, removeOwnCookie, setOwnCookie } from "../request-cookies.ts";
import { randomSecret } from "../secret-values.ts";
import type { SignInTarget } from "../sign-in-target.ts";

/** What the browser keeps of an attempt. */
export interface Attempt {
  id: string;
  /** milliseconds since the epoch */
  created_at: number;
  /** it had its answer; it is kept for a while, so that going back finds a way on */
  used?: true;
  target: SignInTarget;
  /** id of the provider that was chosen */
  provider: string;
  /** what the provider's answer must bring back */
  state: string;
  /** the provider's own */
  secrets: AttemptSecrets;
}

const lifeMs = 10 * 60_000;
// The cookie outlives the attempt, so that a late answer can be offered a fresh start.
const cookieLifeMs = 60 * 60_000;
// Five at once are more than people have open; more would grow into an error of header size (case
// T13).
const attemptLimit = 5;
const idBytes = 8;
/** Cookies that are opened in one request, at most: no browser of ours has more. */
const candidateLimit = 2 * attemptLimit;
const namePrefix = "postern_attempt_";
const idPattern = /^[0-9a-f]{16}$/;

/** An attempt that begins now, without its provider's secrets. */
export function newAttempt(
  { now, randomBytes }: { now: Clock; randomBytes: RandomBytes },
  target: SignInTarget,
  provider: string,
): Attempt {
  const id = randomBytes(idBytes).toString("hex");
  const state = `${id}.${randomSecret(randomBytes)}`;
  return { id, created_at: now(), target, provider, state, secrets: {} };
}

/** Whether the attempt still waits for its answer. */
export function isLive(attempt: Attempt, now: number): boolean {
  // The cookie is sealed: a date ahead of the clock is a clock that was set back meanwhile.
  const isYoung = !isFromFuture(attempt.created_at, now) && now < attempt.created_at + lifeMs;
  return isYoung && attempt.used !== true;
}

/**
 * Every attempt that this browser holds. A cookie that does not open is not ours, or of another
 * key: it counts as none. So does one without the name that we set: over https a sibling host can
 * plant every other (case T11).
 */
export function attemptsOf(c: LoginContext, { secretBox }: { secretBox: SecretBox }): Attempt[] {
  const prefix = cookieName(c, "");
  const candidates = cookiesOf(c)
    .filter(({ name }) => name.startsWith(prefix) && idPattern.test(name.slice(prefix.length)))
    .slice(0, candidateLimit);
  const attempts: Attempt[] = [];
  for (const { name, value } of candidates) {
    const text = secretBox.open(value, sealContext(name.slice(prefix.length)));
    if (text !== undefined) attempts.push(JSON.parse(text) as Attempt);
  }
  return attempts;
}

/** Hands an attempt to the browser, in place of its oldest one where it has too many. */
export function keepAttempt(
  c: LoginContext,
  parts: { secretBox: SecretBox },
  attempt: Attempt,
): void {
  const others = attemptsOf(c, parts).filter(({ id }) => id !== attempt.id);
  const excess = Math.max(0, others.length + 1 - attemptLimit);
  for (const { id } of others.sort(leastWorthFirst).slice(0, excess)) {
    removeOwnCookie(c, cookieName(c, id));
  }
  const value = parts.secretBox.seal(JSON.stringify(attempt), sealContext(attempt.id));
  const expires = new Date(attempt.created_at + cookieLifeMs);
  setOwnCookie(c, { name: cookieName(c, attempt.id), value }, expires);
}

/** Used attempts first, then the older ones. */
function leastWorthFirst(a: Attempt, b: Attempt): number {
  return Number(b.used === true) - Number(a.used === true) || a.created_at - b.created_at;
}

function sealContext(id: string): string {
  return `sign-in attempt ${id}`;
}

function cookieName(c: LoginContext, id: string): string {
  return hostCookieName(c, `${namePrefix}${id}`);
}
