// The keys of other issuers, whose tokens policies take from programs. They are fetched from what
// the configuration names and from nowhere else, at most once a minute, and bounded in number and
// age. While an issuer is away, the keys that it had serve on for a day.
import { createLocalJWKSet, type JWK } from "jose";
import { BoundedCache } from "../bounded-cache.ts";
import { boundedFetch, mayFetch, ProviderFetchError } from "../bounded-fetch.ts";
import type { Stopwatch } from "../clock.ts";

/** Whose keys, and where they are; without an address, the issuer's discovery says where. */
export interface KeySource {
  issuer: string;
  jwksUri: string | undefined;
}

/** Gives jose the key for a token's header, of those that have the same `kid`. */
export type IssuerKey = ReturnType<typeof createLocalJWKSet>;

/** `keys_unavailable`: nobody can say at the moment whether there is such a key. */
export type KeyAnswer =
  | { ok: true; key: IssuerKey }
  | { ok: false; fault: "unknown_key" | "keys_unavailable" };

export interface IssuerKeysDeps {
  elapsed: Stopwatch;
  /** is told why keys could not be fetched */
  onFailure: (source: KeySource, error: unknown) => void;
}

const fetchTimeout = 5_000;
const minute = 60_000;
/** The keys are asked for again, beside the requests that they serve. */
const refreshAfter = 10 * minute;
/** Keys that could not be asked for again are good for so long. */
const longestLife = 24 * 60 * minute;
/** Between two fetches, where the last one answered, and where there are no keys at all. */
const pauseWithKeys = minute;
const pauseWithoutKeys = 10_000;

const mostSources = 1_000;
const mostKeys = 100;
/** Characters of a modulus of 8192 bits, and of an exponent of 48. */
const longestModulus = 1_366;
const longestExponent = 8;

interface Source extends KeySource {
  /** by `kid` */
  keys: ReadonlyMap<string, IssuerKey>;
  /** `elapsed`; undefined: never */
  fetchedAt: number | undefined;
  triedAt: number | undefined;
  lastFailed: boolean;
  fetching: Promise<void> | undefined;
}

/** Keeps the keys of every issuer that was asked for. */
export class IssuerKeys {
  readonly #deps: IssuerKeysDeps;
  readonly #sources = new BoundedCache<string, Source>(mostSources);
  readonly #fetch = boundedFetch(fetchTimeout);

  constructor(deps: IssuerKeysDeps) {
    this.#deps = deps;
  }

  /** The issuer's key of this name. A promise only where the issuer is asked. */
  find(source: KeySource, kid: string): KeyAnswer | Promise<KeyAnswer> {
    const entry = this.#entryOf(source);
    const key = this.#usableKeys(entry)?.get(kid);
    if (key !== undefined) {
      if (this.#isDue(entry)) void this.#refresh(entry);
      return { ok: true, key };
    }
    if (entry.fetching === undefined && !this.#mayFetch(entry)) return this.#missing(entry);
    return this.#refresh(entry).then(() => this.#lateAnswer(entry, kid));
  }

  #lateAnswer(entry: Source, kid: string): KeyAnswer {
    const key = this.#usableKeys(entry)?.get(kid);
    return key === undefined ? this.#missing(entry) : { ok: true, key };
  }

  /** A key that is not among the last ones fetched may be new, where the last fetch failed. */
  #missing(entry: Source): KeyAnswer {
    const isKnownToLack = this.#usableKeys(entry) !== undefined && !entry.lastFailed;
    return { ok: false, fault: isKnownToLack ? "unknown_key" : "keys_unavailable" };
  }

  #entryOf({ issuer, jwksUri }: KeySource): Source {
    const name = `${issuer} ${jwksUri ?? ""}`;
    const existing = this.#sources.get(name);
    if (existing !== undefined) return existing;
    const entry: Source = {
      issuer,
      jwksUri,
      keys: new Map(),
      fetchedAt: undefined,
      triedAt: undefined,
      lastFailed: false,
      fetching: undefined,
    };
    this.#sources.set(name, entry);
    return entry;
  }

  #usableKeys({ keys, fetchedAt }: Source): ReadonlyMap<string, IssuerKey> | undefined {
    if (fetchedAt === undefined) return undefined;
    return this.#deps.elapsed() - fetchedAt < longestLife ? keys : undefined;
  }

  #isDue({ fetchedAt = 0, triedAt = 0 }: Source): boolean {
    const now = this.#deps.elapsed();
    return now - fetchedAt >= refreshAfter && now - triedAt >= pauseWithKeys;
  }

  #mayFetch(entry: Source): boolean {
    if (entry.triedAt === undefined) return true;
    const pause = this.#usableKeys(entry) === undefined ? pauseWithoutKeys : pauseWithKeys;
    return this.#deps.elapsed() - entry.triedAt >= pause;
  }

  /** One fetch at a time; whoever asks meanwhile waits for it. Never fails. */
  #refresh(entry: Source): Promise<void> {
    entry.fetching ??= this.#fetchKeys(entry).finally(() => {
      entry.fetching = undefined;
    });
    return entry.fetching;
  }

  async #fetchKeys(entry: Source): Promise<void> {
    entry.triedAt = this.#deps.elapsed();
    try {
      const address = entry.jwksUri ?? (await this.#discover(entry.issuer));
      entry.keys = readKeys(await this.#fetchJson(address), address);
      entry.fetchedAt = this.#deps.elapsed();
      entry.lastFailed = false;
    } catch (error) {
      entry.lastFailed = true;
      this.#deps.onFailure(entry, error);
    }
  }

  /** OpenID Connect Discovery 4. @returns the address of the keys */
  async #discover(issuer: string): Promise<string> {
    const address = `${issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
    const document = (await this.#fetchJson(address)) as Record<string, unknown> | null;
    // 4.3: another issuer's document would bring another issuer's keys.
    if (document?.["issuer"] !== issuer)
      throw unusable(address, "the discovery document is another issuer's");
    const keysAt = document["jwks_uri"];
    if (typeof keysAt !== "string" || !URL.canParse(keysAt))
      throw unusable(address, "the discovery document has no jwks_uri");
    const isDowngrade = issuer.startsWith("https:") && !keysAt.startsWith("https:");
    if (isDowngrade || !mayFetch(new URL(keysAt)))
      throw unusable(address, "the jwks_uri of the discovery document is not https");
    return keysAt;
  }

  async #fetchJson(address: string): Promise<unknown> {
    const response = await this.#fetch(address, { headers: { Accept: "application/json" } });
    if (response.status !== 200)
      throw unusable(address, `the answer has status ${response.status}`);
    return response.json();
  }
}

function unusable(address: string, message: string): ProviderFetchError {
  return new ProviderFetchError("unusable", new URL(address), message);
}

/** The keys that can verify, by name; of one without a name no token can say that it is meant. */
function readKeys(body: unknown, address: string): ReadonlyMap<string, IssuerKey> {
  const list = (body as { keys?: unknown } | null)?.keys;
  if (!Array.isArray(list)) throw unusable(address, "the answer holds no keys");
  const named = Map.groupBy(list.slice(0, mostKeys).filter(isUsable), ({ kid }) => kid);
  return new Map([...named].map(([kid, keys]) => [kid, createLocalJWKSet({ keys })]));
}

/** Public, asymmetric, named, and no larger than what is quickly verified with. */
function isUsable(value: unknown): value is JWK & { kid: string } {
  if (typeof value !== "object" || value === null) return false;
  const { kid, kty, n = "", e = "", d } = value as JWK;
  if (typeof kid !== "string" || kid === "" || d !== undefined) return false;
  if (kty === "EC" || kty === "OKP") return true;
  if (kty !== "RSA" || typeof n !== "string" || typeof e !== "string") return false;
  return n.length <= longestModulus && e.length <= longestExponent;
}
