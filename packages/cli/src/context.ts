// What a command gets from the world: environment, home, clock, where to speak to the person. Commands and
// steps read nothing else, so that a reader sees from a signature what it depends on.

export interface Context {
  /** the name it was started under: `cloudflared` keeps that program's standard output (cli.md) */
  name: "postern" | "cloudflared";
  environment: NodeJS.ProcessEnv;
  /** `$POSTERN_HOME` or the platform's usual place, absolute */
  home: string;
  profile: string;
  /** milliseconds since the epoch */
  now: () => number;
  /** standard error is a TTY and `CI` is not set: a person is there to sign in */
  onTerminal: boolean;
  /** extra certificate authority, PEM file */
  caFile: string | undefined;
  /** prints the HTTP exchange with secrets cut out */
  debug: boolean;
  /** one line for the person, on standard error; control characters are escaped here (case C15) */
  say(line: string): void;
}

/**
 * Shows what came from elsewhere without letting it steer the terminal: control characters, escape sequences
 * and direction marks become visible (case C15). Newlines are control characters, too.
 */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Zl}\p{Zp}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16)}`;
  });
}
