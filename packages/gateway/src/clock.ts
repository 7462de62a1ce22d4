/** Milliseconds since the epoch. A parameter everywhere, so that tests can move it. */
export type Clock = () => number;
