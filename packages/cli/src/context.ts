// What a command gets from the world: environment, home, clock, where to tell the person something.
// Commands and steps read nothing else, so that a signature shows what a step depends on.

import type { ColorMode, Line } from "./styled-line.ts";

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
  /** the same for a line with parts that stand out */
  show(line: Line, color?: ColorMode): void;
  /** the line below the others that is drawn anew in its place, on a terminal; undefined: none */
  status(line: Line | undefined, color?: ColorMode): void;
}

/** How hosts are reached, as a command line says it; what is absent is as the environment says. */
export interface Network {
  /** an http or https URL; empty for none */
  proxy?: string;
  /** `user:password` */
  proxyUser?: string;
  /** as `NO_PROXY`, in its place */
  noProxy?: string;
  /** `host:port:address[,address]`; `*` is every host */
  resolve: readonly string[];
  /** `host:port:other-host:other-port`; an empty part is any, or the same */
  connectTo: readonly string[];
  /** PEM files, and folders of them, to trust as well */
  authorities: readonly string[];
  authorityFolders: readonly string[];
  /** an address or an interface of this machine */
  interface?: string;
  family?: 4 | 6;
  /** a Unix socket that takes the place of every host */
  socketPath?: string;
  /** options that lead elsewhere in a way that is not known here */
  unknown: readonly string[];
  /** options that count for curl alone, for the message when nothing can be reached */
  curlOnly: readonly string[];
}

/** The surroundings of one command of the `access` group, with the flags that all of them take. */
export interface Context extends Surroundings {
  profile: string;
  /** extra certificate authority, PEM file */
  caFile: string | undefined;
  /** prints the HTTP exchange with secrets cut out */
  debug: boolean;
  /** whether lines for the person may have colour */
  color: ColorMode;
  /** how to reach hosts, where the command line of a tool says it */
  network?: Network;
}

/** The same context over another network. */
export function withNetwork(context: Context, network: Network): Context {
  // Not spread: what costs something to find out stays a getter.
  const copy: Context = Object.create(null, Object.getOwnPropertyDescriptors(context));
  copy.network = network;
  return copy;
}
