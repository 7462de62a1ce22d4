import type { Clock } from "../clock.ts";

/**
 * A token bucket: at most `burst` at once, and `perSecond` in the long run.
 * @returns whether one more may happen now; counts it if so
 */
export function createRateLimit(
  now: Clock,
  { perSecond, burst }: { perSecond: number; burst: number },
): () => boolean {
  let remaining = burst;
  let refilledAt = now();
  return () => {
    const elapsedSeconds = Math.max(0, now() - refilledAt) / 1000;
    remaining = Math.min(burst, remaining + elapsedSeconds * perSecond);
    refilledAt = now();
    if (remaining < 1) return false;
    remaining -= 1;
    return true;
  };
}
