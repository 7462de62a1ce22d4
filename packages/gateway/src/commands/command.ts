import type { CommandCall, Output } from "../command-call.ts";
import type { RandomBytes } from "../random.ts";

/** What a command gets from the world. */
export interface World extends Output {
  environment: Readonly<Record<string, string | undefined>>;
  randomBytes: RandomBytes;
  /** milliseconds since the epoch */
  now(): number;
  /** what HAProxy loads: a file of the package, absolute */
  luaFile: string;
}

/**
 * What a command of administrators does.
 * @returns the exit status; what is no number is 0
 * @throws {UsageError} when it cannot be meant as it was typed
 */
export type Command = (call: CommandCall, world: World) => Promise<unknown>;
