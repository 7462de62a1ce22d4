// A command line whose flags were read, and where it writes: what the command line's own package
// hands over for the commands of administrators.
import { UsageError } from "./usage-error.ts";

/** A command as it was typed. */
export interface CommandCall {
  /** with its group: `admin-token create` */
  command: string;
  /** what is no flag */
  args: readonly string[];
  /** every value of each flag; a switch is true or false */
  flags: Readonly<Record<string, readonly string[] | boolean>>;
  /** a whole command line, for messages */
  example: string;
}

/** What takes lines for people (standard error), and what was asked for (standard output). */
export interface Output {
  tell(line: string): void;
  print(text: string): void;
}

/** The value of a flag; the last one counts. */
export function valueIn({ flags }: CommandCall, name: string): string | undefined {
  return valuesIn({ flags }, name).at(-1);
}

/** Every value of a flag that may be repeated. */
export function valuesIn({ flags }: Pick<CommandCall, "flags">, name: string): readonly string[] {
  const values = flags[name];
  return typeof values === "object" ? values : [];
}

/** Whether a switch is on. */
export function isOn({ flags }: CommandCall, name: string): boolean {
  return flags[name] === true;
}

/** The argument of a command that takes one. @throws {UsageError} where it has none, or more */
export function onlyArgument(call: CommandCall, what: string, otherwise?: string): string {
  const [argument = otherwise, ...others] = call.args;
  if (argument === undefined)
    throw new UsageError(`${call.command} needs ${what}, for example: ${call.example}`);
  refuseArguments(others, call);
  return argument;
}

/** @throws {UsageError} when there is an argument that is no flag */
export function refuseArguments(
  [first]: readonly string[],
  { command, example }: CommandCall,
): void {
  if (first === undefined) return;
  const argument = JSON.stringify(first.slice(0, 60));
  throw new UsageError(`${command} takes no argument ${argument} there; write it like: ${example}`);
}

/** The gateway's own file. @throws {UsageError} where it is not named */
export function configIn(call: CommandCall): string {
  const file = valueIn(call, "config");
  if (file !== undefined) return file;
  throw new UsageError(`${call.command} needs a configuration, for example: ${call.example}`);
}
