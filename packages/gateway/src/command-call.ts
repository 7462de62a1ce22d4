// A command of administrators as it was typed: the command line, a package of its own, reads the
// flags and hands over their texts. What they mean, and what is missing, is found out here.
import { UsageError } from "./usage-error.ts";

/** A command line whose flags were read. */
export interface CommandCall {
  /** the words that call it: `admin-token create` */
  command: string;
  /** what is no flag */
  args: readonly string[];
  /** the values of each flag by its name, its default among them; a switch that is on has one */
  flags: Readonly<Record<string, readonly string[]>>;
  /** a whole command line, for messages */
  example: string;
}

/** What takes lines for people (standard error), and what was asked for (standard output). */
export interface Output {
  tell(line: string): void;
  print(text: string): void;
}

/** Every value of a flag. */
export function valuesIn({ flags }: CommandCall, name: string): readonly string[] {
  return flags[name] ?? [];
}

/** The value of a flag; the last one counts. */
export function valueIn(call: CommandCall, name: string): string | undefined {
  return valuesIn(call, name).at(-1);
}

/** Whether a switch is on. */
export function isOn(call: CommandCall, name: string): boolean {
  return valuesIn(call, name).length > 0;
}

/**
 * The argument of a command that takes one.
 * @param what as in `needs a name`
 * @param otherwise what takes its place
 * @throws {UsageError} when it has none, or more
 */
export function onlyArgument(call: CommandCall, what: string, otherwise?: string): string {
  const [argument = otherwise, ...others] = call.args;
  if (argument === undefined)
    throw new UsageError(`${call.command} needs ${what}, for example: ${call.example}`);
  refuseArguments(others, call.command);
  return argument;
}

/** @throws {UsageError} when there is an argument that is no flag */
export function refuseArguments([first]: readonly string[], command: string): void {
  if (first !== undefined)
    throw new UsageError(
      `${command} takes only flags, not "${first.slice(0, 60)}"; see postern ${command} --help`,
    );
}

/**
 * The gateway's own file.
 * @param command how the command is called, for the message
 * @throws {UsageError} when it is not named
 */
export function configIn(call: CommandCall, command = call.command): string {
  const file = valueIn(call, "config");
  if (file !== undefined) return file;
  throw new UsageError(
    `${command} needs a configuration, for example: postern ${command} --config postern.yaml`,
  );
}

/**
 * Refuses a configuration that is given without its flag.
 * @throws {UsageError} with the command line to write
 */
export function refuseFile({ args: [first] }: CommandCall, command: string): void {
  if (first === undefined || !/\.ya?ml$/i.test(first)) return;
  const file = /^[\w./-]+$/.test(first) ? first : "FILE";
  throw new UsageError(`${command} takes only flags; write postern ${command} --config ${file}`);
}
