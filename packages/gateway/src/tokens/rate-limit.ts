import type { Clock } from "../clock.ts";

/**
 * At most `burst` at once, and `perSecond` in the long run (a token bucket).
 * @returns whether one more may happen now; counts it if so
 */
export function createRateLimit(
  now: Clock,
  { perSecond, burst }: { perSecond: number; burst: number },
): () => boolean {
  let left = burst;
  let at = now();
  return () => {
    left = Math.min(burst, left + (Math.max(0, now() - at) / 1000) * perSecond);
    at = now();
    if (left < 1) return false;
    left -= 1;
    return true;
  };
}
