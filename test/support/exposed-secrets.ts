// What a process of the product shows of a secret where it must not (case C9): in the arguments of
// anybody, and in the environment of what it runs. Pure: what /proc said in, findings out.

/** A process as /proc shows it. */
export interface ShownProcess {
  pid: number;
  /** arguments, the program first */
  command: readonly string[];
  /** `NAME=value` */
  environment: readonly string[];
}

/** A process that shows a secret, without the secret. */
export interface Exposure {
  program: string;
  /** `argument 3`, or the name of a variable */
  where: string;
  /** the command line of ours that led to it, without values */
  of: string;
}

/**
 * What a descendant of one of our command lines shows, or that command line itself.
 * @param own our command line as it was started
 * @param secrets of the run; tokens are told by their form
 */
export function exposuresOf(
  shown: ShownProcess,
  own: ShownProcess,
  secrets: readonly string[],
): Exposure[] {
  const isOwn = shown.pid === own.pid;
  const args = shown.command.flatMap((argument, index) => {
    const found = secretsIn(argument, secrets);
    const isShown = found.some((secret) => !mayBeArgument(secret, own));
    return isShown ? [`argument ${index}`] : [];
  });
  // The person gave its environment to our command line itself.
  const variables = isOwn
    ? []
    : shown.environment.flatMap((line) => variableWith(line, own, secrets));
  return [...args, ...variables].map((where) => ({
    program: shown.command[0] ?? "",
    where,
    of: outlineOf(own.command),
  }));
}

/** A secret that a person writes into an argument is warned of, and wiped as soon as may be. */
function mayBeArgument(secret: string, { command }: ShownProcess): boolean {
  if (command.some((argument) => argument.includes(secret))) return true;
  // Asked for by name, and so described.
  return command.includes("--full-token");
}

function variableWith(line: string, own: ShownProcess, secrets: readonly string[]): string[] {
  if (secretsIn(line, secrets).length === 0) return [];
  const [name = ""] = line.split("=", 1);
  const isAsked = /^ACCESS_(?:TOKEN|HEADER)$/.test(name) && asksForEnvironment(own.command);
  const isPersons = !isOurs(name) && own.environment.includes(line);
  return isAsked || isPersons ? [] : [name];
}

function asksForEnvironment(command: readonly string[]): boolean {
  return /(?:^| )--?via[ =]env(?: |$)/.test(command.join(" "));
}

/** Variables that are for this program, and for nothing that it runs. */
function isOurs(name: string): boolean {
  return /^(?:POSTERN_|TUNNEL_SERVICE_|ACTIONS_ID_TOKEN_REQUEST_)/.test(name);
}

const token = /eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+/g;
const privateKey = /-----BEGIN [A-Z ]*PRIVATE KEY-----/;
/** What may stand in a URL: each is good for one thing and a short time, or for nothing. */
const shownTypes: ReadonlySet<unknown> = new Set(["pass", "meta", "match"]);

/** The secrets in a text: noted ones, private keys, and tokens that open something. */
function secretsIn(text: string, secrets: readonly string[]): string[] {
  const noted = secrets.filter((secret) => text.includes(secret));
  const tokens = (text.match(token) ?? []).filter((each) => !shownTypes.has(typeOf(each)));
  const keys = privateKey.exec(text) ?? [];
  return [...noted, ...tokens, ...keys];
}

function typeOf(jws: string): unknown {
  try {
    const [, claims = ""] = jws.split(".");
    return (JSON.parse(Buffer.from(claims, "base64url").toString()) as { type?: unknown }).type;
  } catch {
    return undefined;
  }
}

/**
 * The program, words and flags. Everything else is an ellipsis: it may be what must not be shown.
 */
function outlineOf(command: readonly string[]): string {
  const [program = "", ...args] = command;
  const words = args.map((each) => (/^-{0,2}[a-z][a-z-]*$/.test(each) ? each : "…"));
  return [program, ...words.slice(0, 8)].join(" ");
}
