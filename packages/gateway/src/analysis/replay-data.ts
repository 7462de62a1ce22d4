import type { ReplayResult } from "./replay.ts";

/** What a replay found, for programs. */
export function replayData({ missing, ...result }: ReplayResult): object {
  return { ...result, missing: Object.fromEntries(missing) };
}
