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
