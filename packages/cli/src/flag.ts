// A flag as data, and how people spell it.

/** A flag, named as people type it but without its dashes. */
export interface Flag {
  name: string;
  /** a second spelling that help shows as well: `q` for `-q` */
  short?: string;
  /** further spellings, for those who know the official client; help does not show them */
  aliases?: readonly string[];
  /** what its value is, as help shows it: `FILE`. A flag without one is a switch. */
  value?: string;
  /** the values that it can have, where there are few: completion offers them */
  choices?: readonly string[];
  /** for help, without a full stop */
  description: string;
  /** the value where the flag is absent */
  default?: string;
  repeatable?: true;
  /** accepted, but not in the help */
  hidden?: true;
}

/** What a command line says of its flags. */
export interface FlagValues {
  /** the last value of a flag, or its default */
  value(name: string): string | undefined;
}

/** A flag as it was typed. */
export interface TypedFlag {
  /** without its dashes */
  spelling: string;
  /** what follows `=` */
  value: string | undefined;
}

/** Takes `--name`, `-name` and either with `=value` apart; undefined for what is no flag. */
export function splitFlag(argument: string): TypedFlag | undefined {
  const [, spelling, value] = /^--?([^=-][^=]*)(?:=(.*))?$/s.exec(argument) ?? [];
  return spelling === undefined ? undefined : { spelling, value };
}

/** The flag that is spelled like this, by its name or another spelling. */
export function findFlag(flags: readonly Flag[], spelling: string): Flag | undefined {
  return flags.find((flag) => spellingsOf(flag).includes(spelling));
}

/** Every spelling of a flag that is accepted. */
export function spellingsOf({ name, short, aliases = [] }: Flag): string[] {
  return short === undefined ? [name, ...aliases] : [name, short, ...aliases];
}
