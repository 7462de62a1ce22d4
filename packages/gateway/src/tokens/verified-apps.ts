// Application tokens that were verified once. They are answered from memory, and asked each time
// again whether they have expired, their session has ended, or the issuer has changed.
import { type AppClaims, clockTolerance } from "@postern/protocol";
import { BoundedCache, type CacheReading } from "../bounded-cache.ts";
import type { Clock } from "../clock.ts";
import { type Generations, generationOf } from "./generations.ts";
import type { LiveSession } from "./live-sessions.ts";
import { ownCopy } from "./own-copy.ts";
import type { AppProof, GrantTerms } from "./tokens.ts";

// The end of an RS256 signature is as good as random, and short enough to hash on each request.
const keyLength = 32;

interface Entry {
  token: string;
  aud: string;
  issuer: string;
  /** milliseconds since the epoch, as `checkTimes` reads the token */
  validFrom: number;
  expiresAt: number;
  live: LiveSession;
  /** of the generations, when the token's was last seen to be in force */
  version: number;
  proof: AppProof;
}

interface VerifiedDeps {
  issuer: () => string;
  generations: Pick<Generations, "known" | "version">;
  now: Clock;
}

export class VerifiedApps {
  readonly #cache: BoundedCache<string, Entry>;
  readonly #issuer: () => string;
  readonly #generations: Pick<Generations, "known" | "version">;
  readonly #now: Clock;
  /** a miss: a token that must be verified, whoever made it */
  readonly reading: CacheReading = { hits: 0, misses: 0 };

  /** @param capacity tokens that are remembered, at most */
  constructor({ issuer, generations, now }: VerifiedDeps, capacity: number) {
    this.#cache = new BoundedCache(capacity);
    this.#issuer = issuer;
    this.#generations = generations;
    this.#now = now;
  }

  /** The answer for this very token and audience, while it holds. */
  find(token: string, aud: string): AppProof | undefined {
    const proof = this.#find(token, aud);
    if (proof === undefined) this.reading.misses++;
    else this.reading.hits++;
    return proof;
  }

  #find(token: string, aud: string): AppProof | undefined {
    const key = keyOf(token);
    const entry = this.#cache.get(key);
    if (entry?.token !== token || entry.aud !== aud) return undefined;
    if (this.#holds(entry)) return entry.proof;
    this.#cache.delete(key);
    return undefined;
  }

  /** @returns the answer that `find` gives from now on */
  add(
    tokenAsSent: string,
    aud: string,
    { claims, live, grant }: { claims: AppClaims; live: LiveSession; grant?: GrantTerms },
  ): AppProof {
    const { session } = live;
    const token = ownCopy(tokenAsSent);
    // The issuer in force is one string for all: compared with itself it is not read.
    const current = this.#issuer();
    const issuer = claims.iss === current ? current : claims.iss;
    // What the token and its session say alike, as `verifyToken` has seen, is kept once.
    const sharedText = { iss: issuer, sub: session.user_id, identity_nonce: session.id };
    const proof: AppProof = {
      ok: true,
      claims: { ...claims, ...sharedText },
      session,
      assertion: undefined,
      browser: undefined,
      decision: undefined,
      grant,
    };
    const expiresAt = Math.min(claims.exp * 1000, session.expires_at);
    const dates = [claims.iat, claims.nbf ?? 0, session.created_at / 1000];
    const validFrom = (Math.max(...dates) - clockTolerance) * 1000;
    // It is compared when it is asked for: something may have been revoked since it was verified.
    const version = -1;
    const entry = { token, aud, issuer, validFrom, expiresAt, live, version, proof };
    this.#cache.set(keyOf(token), entry);
    return proof;
  }

  #holds(entry: Entry): boolean {
    const { live, issuer, validFrom, expiresAt } = entry;
    const now = this.#now();
    if (!live.alive || now < validFrom || expiresAt <= now) return false;
    return issuer === this.#issuer() && this.#isCurrent(entry);
  }

  /** Whether the application's tokens were not revoked since the token was issued. */
  #isCurrent(entry: Entry): boolean {
    const { version } = this.#generations;
    if (entry.version === version) return true;
    if (this.#generations.known(entry.aud) !== generationOf(entry.proof.claims)) return false;
    entry.version = version;
    return true;
  }
}

function keyOf(token: string): string {
  return token.slice(-keyLength);
}
