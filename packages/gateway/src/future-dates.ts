// What a clock that was ahead has left in the store, once it is right again: sessions that begin in
// a year, keys that would sign until then. Refusing them costs nobody anything, since their tokens
// are refused as well; but their time will come. So sessions are ended and keys dated anew, by a
// clock that has gone evenly for an hour: one that is behind for a moment, as on a machine that has
// just booted, ends nobody's session.
import { clockTolerance } from "./clock.ts";
import type { Parts } from "./compose.ts";

const hour = 60 * 60_000;

/** For how long a clock must have gone evenly before it is believed, milliseconds. */
const evenlyFor = hour;
/** How far ahead is left alone: it ends soon, and another machine's clock may be right. */
const leftAlone = hour;

type FutureDatesParts = Pick<Parts, "sessions" | "tokens" | "now" | "elapsed" | "record">;

/** Mends what is dated in the future. */
export class FutureDates {
  readonly #parts: FutureDatesParts;
  /** what the clock was ahead of the stopwatch at the last look */
  #difference: number;
  /** since when it goes evenly, by the stopwatch */
  #evenSince: number;

  constructor(parts: FutureDatesParts) {
    this.#parts = parts;
    this.#evenSince = parts.elapsed();
    this.#difference = parts.now() - this.#evenSince;
  }

  /** @throws {Error} when the store cannot be written */
  async mend(): Promise<void> {
    if (!this.#isBelieved()) return;
    const { sessions, tokens, now, record } = this.#parts;
    const latest = now() + leftAlone;
    await tokens.redateKeys(latest);
    const count = await sessions.endLaterThan(latest);
    if (count > 0) record({ event: "sessions_from_future", count });
  }

  /** Looks at the clock. @returns whether it has gone beside the stopwatch for long enough */
  #isBelieved(): boolean {
    const { now, elapsed } = this.#parts;
    const moment = elapsed();
    const difference = now() - moment;
    const wasSet = Math.abs(difference - this.#difference) > clockTolerance;
    this.#difference = difference;
    if (wasSet) this.#evenSince = moment;
    return moment - this.#evenSince >= evenlyFor;
  }
}
