/**
 * Cryptographic randomness, `size` bytes. A parameter like the clock: it is chosen in one place.
 */
export type RandomBytes = (size: number) => Buffer;
