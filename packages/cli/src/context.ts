// What a command gets from the world: environment, home, clock, where to speak to the person.
// Commands and steps read nothing else, so that a reader sees from a signature what it depends on.

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
  readonly onTerminal: boolean;
  /** extra certificate authority, PEM file */
  caFile: string | undefined;
  /** prints the HTTP exchange with secrets cut out */
  debug: boolean;
  /** one line for the person, on standard error; control characters are escaped here (case C15) */
  say(line: string): void;
}
