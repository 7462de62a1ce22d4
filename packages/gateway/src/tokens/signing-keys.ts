// The keys that sign (wire-protocol 2): one `next`, published and waiting; one `current`, signing;
// the retired ones, verifying until nothing that they signed can be alive. A key is always
// published before it signs, so an origin that has just fetched the list never meets a key that is
// not on it.
import type { KeyObject } from "node:crypto";
import type { Clock, Stopwatch } from "../clock.ts";
import type { KeyStore, StoredKey } from "../storage/store.ts";
import { changeKeys } from "./change-keys.ts";
import { signRs256 } from "./jws.ts";
import { type KeyRing, keysInUse, makeKeyRing } from "./key-ring.ts";
import { type KeyMaker, makeSigningKey } from "./make-signing-key.ts";
import type { KeyRotation } from "./tokens.ts";

/** How long a retired key stays at least (wire-protocol 2), milliseconds. */
const shortestRetiredLife = 7 * 24 * 60 * 60_000;
// An unknown `kid` may be a key that another process has just made. Strangers name unknown ones as
// often as they like, so the store is asked at most this often.
const unknownKeyInterval = 10_000;

interface SigningKeysDeps extends KeyMaker {
  keys: KeyStore;
  now: Clock;
  elapsed: Stopwatch;
  /** the longest time for which a token may live, milliseconds */
  longestToken: () => number;
}

/**
 * Opens the store's keys, making the first two when there are none.
 * @throws {Error} when they cannot be unsealed
 */
export async function openSigningKeys(deps: SigningKeysDeps): Promise<SigningKeys> {
  const stored = await deps.keys.all();
  if (stored.some(isCurrent)) return new SigningKeys(deps, stored);

  const now = deps.now();
  const first: StoredKey = {
    ...(await makeSigningKey(deps, now)),
    state: "current",
    activated_at: now,
  };
  const second = await makeSigningKey(deps, now);
  // Another process may have been first: its keys are in force then.
  const keys = await changeKeys(deps.keys, (existing) =>
    existing.some(isCurrent) ? existing : [...existing, first, second],
  );
  return new SigningKeys(deps, keys);
}

export class SigningKeys {
  readonly #deps: SigningKeysDeps;
  #ring: KeyRing;
  /** of the stopwatch */
  #storeAskedAt = Number.NEGATIVE_INFINITY;
  /** Counts the changes that this process made. */
  #changes = 0;

  constructor(deps: SigningKeysDeps, stored: readonly StoredKey[]) {
    this.#deps = deps;
    this.#ring = this.#makeRing(stored);
  }

  /** The name of the key that signs now. */
  kid(): string {
    return this.#ring.signing.kid;
  }

  /** @returns a JWS (RS256) of the key that signs now, signed off the serving thread */
  sign(claims: object): Promise<string> {
    const { kid, privateKey } = this.#ring.signing;
    return signRs256(claims, kid, privateKey);
  }

  /** The body of the certs endpoint. */
  certs(): string {
    return this.#ringOfNow().certs;
  }

  /** The published key that a token names, if there is one. */
  async find(kid: unknown): Promise<KeyObject | undefined> {
    if (typeof kid !== "string") return undefined;
    const key = this.#ringOfNow().published.get(kid);
    if (key !== undefined) return key;

    const now = this.#deps.elapsed();
    if (now - this.#storeAskedAt < unknownKeyInterval) return undefined;
    this.#storeAskedAt = now;
    await this.reload();
    return this.#ringOfNow().published.get(kid);
  }

  /** The published next key signs from now on, and another next one is published. */
  async rotate(): Promise<KeyRotation> {
    const kid = this.kid();
    const now = this.#deps.now();
    const newKey = await makeSigningKey(this.#deps, now);
    const keys = await changeKeys(this.#deps.keys, (stored) => {
      const usedKeys = keysInUse(stored, now, this.#retiredLife());
      return rotateKeys(usedKeys, { from: kid, newKey, now });
    });
    this.#changes++;
    this.#ring = this.#makeRing(keys);
    return { before: kid, now: this.kid(), acceptedUntil: now + this.#retiredLife() };
  }

  /**
   * Dates keys anew that a clock has dated later than `latest`: as made, activated or retired now.
   * Otherwise they would sign for longer than configured, or be believed for longer.
   */
  async redate(latest: number): Promise<void> {
    const now = this.#deps.now();
    const isLater = (date: number | null) => date !== null && date > latest;
    const isDatedWrong = (key: StoredKey) =>
      [key.created_at, key.activated_at, key.retired_at].some(isLater);
    if (!this.#ring.storedKeys.some(isDatedWrong)) return;

    const dateOf = <Date extends number | null>(date: Date) => (isLater(date) ? now : date);
    const keys = await changeKeys(this.#deps.keys, (stored) =>
      stored.map((key) => ({
        ...key,
        created_at: dateOf(key.created_at),
        activated_at: dateOf(key.activated_at),
        retired_at: dateOf(key.retired_at),
      })),
    );
    this.#changes++;
    this.#ring = this.#makeRing(keys);
  }

  /** Reads the store again, after another process changed the keys. */
  async reload(): Promise<void> {
    const changes = this.#changes;
    const stored = await this.#deps.keys.all();
    // What was read may be older than a change of this process that came between.
    if (changes !== this.#changes) return this.reload();
    this.#ring = this.#makeRing(stored);
  }

  /** Without the retired keys whose time has run out since the last rotation. */
  #ringOfNow(): KeyRing {
    const { validFrom, validUntil, storedKeys } = this.#ring;
    const now = this.#deps.now();
    if (now < validFrom || now >= validUntil) this.#ring = this.#makeRing(storedKeys);
    return this.#ring;
  }

  #makeRing(stored: readonly StoredKey[]): KeyRing {
    const { secretBox, now } = this.#deps;
    return makeKeyRing(stored, {
      secretBox,
      now: now(),
      retiredLife: this.#retiredLife(),
    });
  }

  #retiredLife(): number {
    return Math.max(shortestRetiredLife, this.#deps.longestToken());
  }
}

/**
 * The keys after a rotation. They stay as they are when another process has rotated since the key
 * `from` was seen to sign.
 * @param newKey becomes the next one, or signs at once when no next one is stored
 */
function rotateKeys(
  keys: readonly StoredKey[],
  { from, newKey, now }: { from: string; newKey: StoredKey; now: number },
): readonly StoredKey[] {
  if (!keys.some((key) => isCurrent(key) && key.kid === from)) return keys;

  const next = keys.find((key) => key.state === "next");
  const successor = next ?? newKey;
  const others = keys.filter((key) => key !== successor);
  const keysAfterwards: StoredKey[] = [
    ...others.map((key) => retireCurrent(key, now)),
    { ...successor, state: "current", activated_at: now },
  ];
  if (next !== undefined) keysAfterwards.push(newKey);
  return keysAfterwards;
}

function retireCurrent(key: StoredKey, now: number): StoredKey {
  if (!isCurrent(key)) return key;
  return { ...key, state: "retired", retired_at: now };
}

function isCurrent(key: StoredKey): boolean {
  return key.state === "current";
}
