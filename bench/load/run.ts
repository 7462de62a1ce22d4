/** What one run of a load against one address was answered. */
export interface Run {
  requests: number;
  seconds: number;
  /** milliseconds; undefined where no request was timed */
  p50?: number;
  p99?: number;
}

/** An answer that was wrong, or none: what was measured beside it means nothing. */
export class FailedRun extends Error {}
