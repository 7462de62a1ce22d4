// For how long one request may take before the command gives up.
import { parseDuration } from "@postern/protocol/durations";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";

const variable = "POSTERN_REQUEST_TIMEOUT";
const defaultMs = 7_000;
const longestMs = 600_000;

/**
 * Reads the time of the environment, for a slow line or a busy machine.
 * @returns milliseconds
 * @throws {CliError} usage, when it is no time from 1ms to 10m
 */
export function requestTimeout({ environment }: Pick<Context, "environment">): number {
  const text = environment[variable] ?? "";
  if (text === "") return defaultMs;
  const timeout = durationOf(text);
  if (timeout !== undefined && timeout >= 1 && timeout <= longestMs) return timeout;
  throw new CliError(
    "usage",
    `${variable} must be a time from 1ms to 10m, such as 30s; unset it to wait for 7 s`,
  );
}

function durationOf(text: string): number | undefined {
  try {
    return parseDuration(text);
  } catch {
    return undefined;
  }
}
