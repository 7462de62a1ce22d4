// Application tokens that were verified once. They are answered from memory, and asked each time
// again whether they have expired, their session has ended, or the issuer has changed.
import type { AppClaims } from "@postern/protocol";
import { BoundedCache } from "../bounded-cache.ts";
import type { Clock } from "../clock.ts";
import type { LiveSession } from "./live-sessions.ts";
import type { Verified } from "./tokens.ts";

const capacity = 20_000;
// The end of an RS256 signature is as good as random, and short enough to hash on each request.
const keyLength = 32;

interface VerifiedApp {
  token: string;
  aud: string;
  /** milliseconds since the epoch */
  expiresAt: number;
  live: LiveSession;
  answer: Verified<AppClaims> & { ok: true };
}

export class VerifiedApps {
  readonly #cache = new BoundedCache<string, VerifiedApp>(capacity);
  readonly #issuer: () => string;
  readonly #now: Clock;

  constructor({ issuer, now }: { issuer: () => string; now: Clock }) {
    this.#issuer = issuer;
    this.#now = now;
  }

  /** The answer for this very token and audience, while it holds. */
  find(token: string, aud: string): Verified<AppClaims> | undefined {
    const key = keyOf(token);
    const entry = this.#cache.get(key);
    if (entry?.token !== token || entry.aud !== aud) return undefined;
    if (this.#holds(entry)) return entry.answer;
    this.#cache.delete(key);
    return undefined;
  }

  /** @returns the answer that `find` gives from now on */
  add(
    token: string,
    aud: string,
    { claims, live }: { claims: AppClaims; live: LiveSession },
  ): Verified<AppClaims> {
    const { session } = live;
    const answer = { ok: true as const, claims, session };
    const expiresAt = Math.min(claims.exp * 1000, session.expires_at);
    this.#cache.set(keyOf(token), { token, aud, expiresAt, live, answer });
    return answer;
  }

  #holds({ live, expiresAt, answer }: VerifiedApp): boolean {
    if (!live.alive || expiresAt <= this.#now()) return false;
    return answer.claims.iss === this.#issuer();
  }
}

function keyOf(token: string): string {
  return token.slice(-keyLength);
}
