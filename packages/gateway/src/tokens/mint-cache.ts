import type { Clock } from "../clock.ts";

const capacity = 10_000;

export interface MintCache {
  /**
   * the token kept under `key`, or a new one that is kept for `keepMs`; one that is not made is not
   * kept
   */
  <Token extends string | undefined>(
    key: string,
    keepMs: number,
    mint: () => Token,
  ): string | Token;
  clear(): void;
}

/**
 * Signing with RSA costs a third of a millisecond: what is the same for many requests is signed
 * once. Bounded.
 * @param basis what tokens are made from besides their key; when it is another one, nothing that is
 * kept counts
 */
export function createMintCache(now: Clock, basis: () => unknown): MintCache {
  const kept = new Map<string, { token: string; until: number }>();
  let madeFrom = basis();
  const cache = <Token extends string | undefined>(
    key: string,
    keepMs: number,
    mint: () => Token,
  ) => {
    if (basis() !== madeFrom) kept.clear();
    madeFrom = basis();
    const found = kept.get(key);
    if (found !== undefined && found.until > now()) return found.token;
    const token = mint();
    kept.delete(key);
    if (token === undefined) return token;
    if (kept.size >= capacity) kept.delete(kept.keys().next().value ?? "");
    kept.set(key, { token, until: now() + keepMs });
    return token;
  };
  return Object.assign(cache, { clear: () => kept.clear() });
}
