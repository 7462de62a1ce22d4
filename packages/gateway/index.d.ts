/** `postern dev`: a gateway on this machine with nothing to configure. Serves until SIGTERM. */
export function runDev(options: {
  /** default 8600 */
  port?: number;
  /** where the database and the secret key live; default `<posternHome>/dev` */
  data?: string;
  /** keeps nothing */
  ephemeral?: boolean;
  /** applications of one's own, `[name=]URL` */
  upstreams: string[];
  /** who may use them, `[name=]person@domain` or `[name=]@domain`; default everybody */
  allow?: string[];
  posternHome: string;
  /** what starts the command line from anywhere; default `postern` */
  command?: string;
}): Promise<void>;

/** `postern gateway --config FILE`: serves until SIGTERM. */
export function runGateway(options: { config: string }): Promise<void>;

/**
 * `postern gateway --check FILE`: says what is wrong with a file, and does nothing else.
 * @returns whether a gateway would start with it
 */
export function checkGateway(options: {
  /** `-` is standard input */
  config: string;
  /** takes a line for standard error */
  tell(line: string): void;
  /** takes a line for standard output */
  print(line: string): void;
}): Promise<boolean>;

/**
 * The commands of administrators, which do their work beside gateways that run: `keys rotate`,
 * `sessions list`, `render` and the like.
 * @returns the exit status
 */
export function administer(
  call: {
    /** the words that call it: `keys rotate` */
    command: string;
    /** what is no flag */
    args: readonly string[];
    /** the values of each flag by its name, its default among them; a switch that is on has one */
    flags: Readonly<Record<string, readonly string[]>>;
    /** a whole command line, for messages */
    example: string;
  },
  output: {
    /** takes a line for standard error */
    tell(line: string): void;
    /** takes text for standard output */
    print(text: string): void;
  },
): Promise<number>;

/** `postern init`: asks, writes a configuration, tries the provider. */
export function runInit(options: {
  /** the file to write */
  output: string;
  /** answers, by the names of the flags without dashes */
  flags: Readonly<Record<string, string | undefined>>;
  /** undefined without a terminal: then the flags answer everything */
  prompt: ((text: string, options: { isSecret: boolean }) => Promise<string>) | undefined;
  tell(line: string): void;
  /** does not ask the provider whether it can be used */
  offline: boolean;
  /** what starts the command line from anywhere */
  command: string;
}): Promise<void>;
