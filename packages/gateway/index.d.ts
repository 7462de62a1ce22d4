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

/** `postern keys rotate --config FILE` */
export function rotateKeys(options: { config: string }): Promise<{
  /** names of the key that signed before, and of the one that signs now */
  before: string;
  now: string;
  /** until when what the earlier one has signed is accepted, milliseconds since the epoch */
  acceptedUntil: number;
}>;

/**
 * `postern keys ssh --application NAME --config FILE`
 * @returns a line for the file that `TrustedUserCAKeys` of sshd names
 */
export function showSshAuthority(options: {
  config: string;
  /** name, id or domain */
  application: string;
  /** makes another authority, which signs from now on */
  isReplaced: boolean;
}): Promise<string>;

/** `postern sessions list --config FILE`: sessions that are alive, the latest first. */
export function listSessions(options: {
  config: string;
  /** an address */
  person?: string | undefined;
  /** name, id or domain */
  application?: string | undefined;
  /** browser, terminal or grant */
  kind?: string | undefined;
  /** how many at most; default 20 */
  limit?: string | undefined;
}): Promise<{
  json: object;
  /** of a table; the first is its heading */
  rows: readonly (readonly string[])[];
  /** what is no part of the answer */
  remark?: string;
}>;

/** `postern sessions revoke ID --config FILE` */
export function revokeSessions(options: {
  config: string;
  // one of these
  /** a session by its id or the beginning of it, or a grant by its own */
  id?: string | undefined;
  /** an address */
  person?: string | undefined;
  /** name, id or domain */
  application?: string | undefined;
}): Promise<{ json: object; text: string }>;

/** `postern access explain URL --config FILE`: what policy decides about somebody, and why. */
export function explainAccess(options: {
  config: string;
  asked: {
    url: string;
    email?: string;
    loginMethod?: string;
    serviceToken?: string;
    ip?: string;
    country?: string;
    method: string;
    groups: readonly string[];
    /** `name=value` */
    claims: readonly string[];
    authMethods: readonly string[];
  };
  isJson: boolean;
  /** asks what the store has, and not the file */
  isInForce: boolean;
}): Promise<string>;

/** `postern access explain --ray ID --config FILE`: a decision that was recorded. */
export function explainRay(options: {
  config: string;
  ray: string;
  isJson: boolean;
}): Promise<string>;

/**
 * A command of administrators that needs nothing of the command line but the reading of its flags:
 * `export`, `apply`, `diff`, `replay`, `admin-token create`, `list` and `revoke`.
 * @returns the exit status
 */
export function administer(
  call: {
    /** with its group: `admin-token create` */
    command: string;
    /** what is no flag */
    args: readonly string[];
    /** every value of each flag; a switch is true or false */
    flags: Readonly<Record<string, readonly string[] | boolean>>;
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

/**
 * `postern render PROXY --config FILE`
 * @returns the configuration of a proxy that asks this gateway for decisions
 */
export function renderProxyConfig(options: {
  config: string;
  /** nginx, caddy, haproxy, traefik or envoy */
  proxy: string;
  /** lets origins have credentials that the proxy cannot keep from them */
  acceptsCredential: boolean;
}): string;

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
