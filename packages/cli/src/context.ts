// What a command gets from the world: environment, home, clock, where to tell the person something.
// Commands and steps read nothing else, so that a signature shows what a step depends on.

/** What main reads from the process, the same for every command. */
export interface Surroundings {
  /** the name it was started under: `cloudflared` keeps that program's standard output (cli.md) */
  name: "postern" | "cloudflared";
  environment: NodeJS.ProcessEnv;
  /** `$POSTERN_HOME` or the platform's usual place, absolute */
  readonly home: string;
  /** milliseconds since the epoch */
  now: () => number;
  /** standard error is a TTY and `CI` is not set: a person is there to sign in */
  readonly onTerminal: boolean;
  /** one line for the person, on standard error; control characters are escaped here (case C15) */
  tell(line: string): void;
}

/** The surroundings of one command of the `access` group, with the flags that all of them take. */
export interface Context extends Surroundings {
  profile: string;
  /** extra certificate authority, PEM file */
  caFile: string | undefined;
  /** prints the HTTP exchange with secrets cut out */
  debug: boolean;
}
