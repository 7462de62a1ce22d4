import type { Context } from "../context.ts";
import { listAppTokens, readAppToken, type StoredToken } from "../store/token-store.ts";

/**
 * Stored tokens that are still valid, one for each host and team domain.
 * @param origin of one host; undefined: of all
 */
export function usableTokens(context: Context, origin?: string): StoredToken[] {
  const byHost = new Map<string, StoredToken>();
  for (const listed of listAppTokens(context)) {
    if (origin !== undefined && listed.origin !== origin) continue;
    const stored = readAppToken(context, listed);
    if (stored !== undefined) byHost.set(`${stored.team} ${stored.origin}`, stored);
  }
  return [...byHost.values()];
}
