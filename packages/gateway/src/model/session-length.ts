import { parseDuration } from "@postern/protocol";

/** What "at once" is: long enough for a page and what it loads, and for origins' clocks. */
const shortest = 60_000;

/**
 * How long a session of this duration lasts, milliseconds. One of no time ends a minute after the
 * sign-in: a token that is over when it is made would open nothing.
 * @throws {ProtocolError} bad_duration
 */
export function sessionLength(duration: string): number {
  return parseDuration(duration) || shortest;
}
