/**
 * Milliseconds since the epoch, for dates: what is stored, signed or shown. Clocks are put forward
 * and back. A parameter everywhere, so that tests can move it.
 */
export type Clock = () => number;

/**
 * Milliseconds since some moment in the past, for ages, rates and waits. Nobody can put it back, so
 * that a step of the clock neither keeps something for longer nor ends it early.
 */
export type Stopwatch = () => number;

/** The system's stopwatch. */
export const systemStopwatch: Stopwatch = () => performance.now();

/** How far a clock may be set back without consequence for what it has dated, milliseconds. */
export const clockTolerance = 5 * 60_000;

/** Whether a date lies further ahead than clocks are set back: the clock of then was wrong. */
export function isFromFuture(date: number, now: number): boolean {
  return date > now + clockTolerance;
}

/**
 * Whether something is over that ends at `end` and lives for `life` milliseconds. What ends later
 * than it would if it began now was dated by a clock that was ahead: it has no time of its own.
 */
export function isOver(end: number, life: number, now: number): boolean {
  return end <= now || isFromFuture(end - life, now);
}
