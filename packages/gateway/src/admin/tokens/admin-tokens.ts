// The tokens of those who administer. The store has their hashes alone; a token is shown once, when
// it is made. No other token of the gateway has their form, and none of them is one elsewhere (case
// T2).
import { createHash, timingSafeEqual } from "node:crypto";
import { BoundedCache } from "../../bounded-cache.ts";
import type { Clock, Stopwatch } from "../../clock.ts";
import { networkOf } from "../../network.ts";
import { NetworkBudget, type NetworkRates } from "../../network-budget.ts";
import { type RandomBytes, randomUuid } from "../../random.ts";
import { isScannableSecret, makeScannableSecret } from "../../secrets/scannable-secret.ts";
import type { StoredAdminToken } from "../../storage/admin-records.ts";
import type { Store } from "../../storage/store.ts";
import type { Permission } from "../permissions.ts";

const prefix = "postern_admin_";

/** Who asks, by its token. */
export type AdminToken = Omit<StoredAdminToken, "hash">;

/** What a new token is to be. */
export interface AdminTokenWish {
  name: string;
  permissions: readonly Permission[];
  /** ids of applications; absent: for all there is */
  applications?: readonly string[] | undefined;
  /** milliseconds since the epoch; absent never expires */
  expiresAt?: number | undefined;
}

/** Makes a token. @returns it, and the secret that nobody can ask for again */
export async function createAdminToken(
  { name, permissions, applications = undefined, expiresAt }: AdminTokenWish,
  parts: { store: Pick<Store, "adminTokens">; now: Clock; randomBytes: RandomBytes },
): Promise<{ secret: string; token: AdminToken }> {
  const secret = makeScannableSecret(prefix, parts.randomBytes);
  const token = {
    id: randomUuid(parts.randomBytes),
    name,
    permissions,
    applications: applications ?? null,
    created_at: parts.now(),
    expires_at: expiresAt ?? null,
  };
  await parts.store.adminTokens.add({ ...token, hash: hashOf(secret).toString("hex") });
  return { secret, token };
}

/** What a request's credential is. */
export type TokenCheck =
  | { ok: true; token: AdminToken }
  | { ok: false; fault: "not_authenticated" | "too_many_failures" };

/**
 * How many tokens a network may try that have the right form. One that was right is free from then
 * on, so that whoever guesses keeps nobody out who is in.
 */
const rates: NetworkRates = {
  perNetwork: { burst: 30, perSecond: 0.5 },
  inAll: { burst: 100, perSecond: 2 },
  reserve: { burst: 30, perSecond: 1 },
};
const rightTokensCapacity = 1_000;

/** Checks the tokens of requests. One that is revoked counts no more at once. */
export class AdminTokenCheck {
  readonly #store: Pick<Store, "adminTokens">;
  readonly #now: Clock;
  readonly #budget: NetworkBudget;
  /** hashes of tokens that were right when they were looked at last */
  readonly #rightTokens = new BoundedCache<string, true>(rightTokensCapacity);

  constructor(parts: { store: Pick<Store, "adminTokens">; now: Clock; elapsed: Stopwatch }) {
    this.#store = parts.store;
    this.#now = parts.now;
    this.#budget = new NetworkBudget(parts.elapsed, rates);
  }

  /**
   * @param authorization the value of the header
   * @param ip the client's address
   * @throws {StoreUnavailableError} when nobody can tell
   */
  async check(authorization: string | undefined, ip: string): Promise<TokenCheck> {
    // 1. What has not the form of a token is none: the store is not asked.
    const [, secret = ""] = /^Bearer +(\S+)$/i.exec(authorization ?? "") ?? [];
    if (!isScannableSecret(prefix, secret)) return { ok: false, fault: "not_authenticated" };

    // 2. How many others may be tried is counted.
    const hash = hashOf(secret);
    const key = hash.toString("hex");
    const isFree = this.#rightTokens.get(key) !== undefined;
    if (!isFree && !this.#budget.take(networkOf(ip)))
      return { ok: false, fault: "too_many_failures" };

    // 3. The store is asked each time. Its index compares hashes, from which nobody learns how
    // much of a token is right; what it finds is compared once more in constant time.
    const stored = await this.#store.adminTokens.findByHash(key);
    if (stored === undefined || !isUsable(stored, hash, this.#now())) {
      this.#rightTokens.delete(key);
      return { ok: false, fault: "not_authenticated" };
    }
    this.#rightTokens.set(key, true);
    const { hash: _, ...token } = stored;
    return { ok: true, token };
  }
}

function isUsable({ hash, expires_at }: StoredAdminToken, asked: Buffer, now: number): boolean {
  if (!timingSafeEqual(Buffer.from(hash, "hex"), asked)) return false;
  return expires_at === null || expires_at > now;
}

function hashOf(secret: string): Buffer {
  return createHash("sha256").update(secret).digest();
}
