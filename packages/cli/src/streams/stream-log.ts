// What a command that carries streams tells: the person on standard error, and a file where one is
// named, each line with its time and level. Levels are the official client's.
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { printable } from "@postern/protocol/printable";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";

const levels = ["debug", "info", "warn", "error", "fatal"] as const;
export type LogLevel = (typeof levels)[number];

export interface LogOptions {
  /** the least that is told */
  level: LogLevel;
  /** where it is written as well */
  file: string | undefined;
}

/** What a program that started the command learns, as docs/cli.md lists it. */
export type StreamEvent =
  | { event: "ready"; application: string; address: string }
  | { event: "connection_opened" }
  | { event: "connection_closed"; reason?: string }
  | { event: "reconnecting"; reason: string }
  | { event: "ended"; cut: number };

/** Tells what happens. An event is for programs, in place of its message for the person. */
export type Log = (level: LogLevel, message: string, event?: StreamEvent) => void;

/**
 * The log of one command.
 * @param emit gets the events, where a program wants them
 * @throws {CliError} usage where the file cannot be written
 */
export function openLog(
  { tell, now }: Pick<Context, "tell" | "now">,
  { level, file }: LogOptions,
  emit?: (event: StreamEvent) => void,
): Log {
  const least = levels.indexOf(level);
  const write = file === undefined ? () => {} : writerOf(file, now);
  return (messageLevel, message, event) => {
    const isForProgram = emit !== undefined && event !== undefined;
    if (isForProgram) emit(event);
    if (levels.indexOf(messageLevel) < least) return;
    if (!isForProgram) tell(message);
    write(messageLevel, message);
  };
}

/**
 * What the flags say.
 * @throws {CliError} usage
 */
export function readLogOptions(flags: {
  level: string;
  file: string | undefined;
  directory: string | undefined;
}): LogOptions {
  const level = levels.find((each) => each === flags.level.toLowerCase());
  if (level === undefined)
    throw new CliError(
      "usage",
      `--loglevel ${flags.level.slice(0, 40)} is unknown; use one of ${levels.join(", ")}`,
    );
  if (flags.file !== undefined) return { level, file: flags.file };
  const { directory } = flags;
  return { level, file: directory === undefined ? undefined : join(directory, "postern.log") };
}

function writerOf(file: string, now: () => number): (level: LogLevel, message: string) => void {
  const append = (text: string) => appendFileSync(file, text, { mode: 0o600 });
  try {
    append("");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new CliError("usage", `the log file ${file} cannot be written (${code})`);
  }
  return (level, message) => {
    const time = new Date(now()).toISOString();
    try {
      append(`${time} ${level.toUpperCase()} ${printable(message)}\n`);
    } catch {
      // A full disk ends no stream.
    }
  };
}
