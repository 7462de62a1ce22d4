// Reads flags the way Go programs do, because the documentation of the official client is written
// that way: `--app URL`, `--app=URL`, `-app URL` and `-app=URL` all mean the same. There are no
// clusters of one-letter flags, and no abbreviations: a flag is known by its whole name or refused.
import { CliError } from "../exit-status.ts";

export interface FlagTable {
  /** flags that take a value; `list` ones may be repeated */
  values?: readonly string[];
  /** flags that stand alone */
  switches?: readonly string[];
  /** other spellings: alias → name */
  aliases?: Readonly<Record<string, string>>;
  /** the first argument that is no flag ends the flags: the rest belongs to a tool */
  stopAtFirstArgument?: boolean;
}

export interface CommandLine {
  /** the last value of a flag */
  value(name: string): string | undefined;
  all(name: string): string[];
  has(name: string): boolean;
  /** arguments that are no flags */
  rest: string[];
}

/** Taken by every command of the `access` group. */
export const commonFlags = {
  values: ["profile", "ca-file"],
  switches: ["debug", "json", "help"],
  aliases: { h: "help" },
} as const satisfies FlagTable;

/**
 * Taken by every command that may have to sign in; a service token, because it must never be passed
 * over.
 */
export const loginFlags = {
  values: ["timeout", "service-token-id", "service-token-secret", "service-token-secret-file"],
  switches: ["no-browser", "no-login", "qr", "no-qr", "auto-close"],
  aliases: { id: "service-token-id", secret: "service-token-secret" },
} as const satisfies FlagTable;

/**
 * Sorts arguments into flags and the rest. `--` ends the flags.
 * @throws {CliError} usage, naming the argument that is wrong
 */
export function readCommandLine(args: readonly string[], ...tables: FlagTable[]): CommandLine {
  const values = new Set(tables.flatMap((table) => table.values ?? []));
  const switches = new Set(tables.flatMap((table) => table.switches ?? []));
  const aliases = Object.assign({}, ...tables.map((table) => table.aliases ?? {})) as Record<
    string,
    string
  >;
  const stop = tables.some((table) => table.stopAtFirstArgument === true);
  const found = new Map<string, string[]>();
  const rest: string[] = [];
  const add = (name: string, value: string) => found.set(name, [...(found.get(name) ?? []), value]);
  for (let index = 0; index < args.length; index++) {
    const argument = args[index] ?? "";
    if (argument === "--") {
      rest.push(...args.slice(index + 1));
      break;
    }
    const match = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(argument);
    if (match === null) {
      rest.push(argument);
      if (!stop) continue;
      rest.push(...args.slice(index + 1));
      break;
    }
    const written = match[1] ?? "";
    const name = Object.hasOwn(aliases, written) ? (aliases[written] ?? written) : written;
    if (switches.has(name)) {
      if (readSwitch(written, match[2])) add(name, "true");
    } else if (values.has(name)) {
      const value = match[2] ?? args[++index];
      if (value === undefined) throw new CliError("usage", `--${name} needs a value`);
      add(name, value);
    } else {
      throw new CliError(
        "usage",
        `--${written.slice(0, 60)} is not a flag of this command; --help lists them`,
      );
    }
  }
  return {
    value: (name) => found.get(name)?.at(-1),
    all: (name) => found.get(name) ?? [],
    has: (name) => found.has(name),
    rest,
  };
}

function readSwitch(name: string, value: string | undefined): boolean {
  if (value === undefined || value === "true" || value === "1") return true;
  if (value === "false" || value === "0") return false;
  throw new CliError(
    "usage",
    `--${name} is either given or not; "${value.slice(0, 40)}" is no value for it`,
  );
}

/**
 * The one URL that a command is about: its argument or `--app`.
 * @throws {CliError} usage
 */
export function onlyUrl(line: CommandLine, command: string): string {
  const app = line.value("app");
  const [first, second] = line.rest;
  if (app !== undefined && first === undefined) return app;
  if (app === undefined && first !== undefined && second === undefined) return first;
  const problem = first === undefined ? "needs the URL of the application" : "takes one URL";
  throw new CliError(
    "usage",
    `access ${command} ${problem}, for example: postern access ${command} https://api.example.com`,
  );
}
