// Under the name `cloudflared` a command line is read as the official client reads it: flags of the
// tunnel and of its log may stand before the command, flags end at the first argument that is none
// (as in every Go program), and of several arguments only the first counts.
import { splitFlag } from "../flag.ts";
import type { Command } from "./command.ts";
import { endOfFlags } from "./command-line.ts";
import { accessGroup, accessNames } from "./index.ts";

/**
 * The command line in the order that this program reads: the flags of a command right behind it,
 * and nothing that the official client would not look at.
 * @param argv without the program itself
 */
export function officialArguments(argv: readonly string[]): readonly string[] {
  const words = argv.slice(countGlobalFlags(argv));
  const [first = "", ...rest] = words;
  if (!accessNames.has(first)) return words;
  const groupFlags = rest.slice(
    0,
    rest.findIndex((word) => !isFederalFlag(word)),
  );
  const [name = "", ...args] = rest.slice(groupFlags.length);
  const command = accessGroup.commands.find((each) => each.name === name);
  if (command === undefined) return [first, ...rest.slice(groupFlags.length)];
  return [first, name, ...groupFlags, ...upToFirstArgument(command, args)];
}

/** The flag that `access` itself takes, in front of its commands. */
function isFederalFlag(word: string): boolean {
  return splitFlag(word)?.spelling === "fedramp";
}

/** A tool's command line is the tool's, and is read as always. */
function upToFirstArgument(command: Command, args: readonly string[]): readonly string[] {
  if (command.toolArguments !== undefined) return args;
  const end = endOfFlags(command.flags, args);
  const flags = args.slice(0, end);
  if (flags.some((word) => splitFlag(word)?.spelling === "app")) return flags;
  const countOfDashes = args[end] === "--" ? 1 : 0;
  return args.slice(0, end + countOfDashes + 1);
}

/** Global flags of the official client that take a value, which may be the next argument. */
const globalsWithValue: ReadonlySet<string> = new Set(
  `api-ca-key api-email api-key api-url autoupdate-freq cacert compression-quality config cred-file
  credentials-contents credentials-file dial-edge-timeout edge edge-bind-address edge-ip-version F features
  grace-period ha-connections heartbeat-count heartbeat-interval hostname id label lb-pool log-directory logfile
  loglevel max-active-flows max-edge-addr-retries max-fetch-size metrics metrics-update-freq n name origincert
  output p pidfile proto-loglevel protocol quic-connection-level-flow-control-limit
  quic-stream-level-flow-control-limit region retries rpc-timeout service-op-ip tag token token-file trace-output
  transport-loglevel url write-stream-timeout`.split(/\s+/),
);

/** Flags that are commands of their own. */
const ownWords: ReadonlySet<string> = new Set(["help", "h", "version", "v", "V"]);

/** How many arguments stand before the first word: flags of the tunnel, which mean nothing here. */
function countGlobalFlags(argv: readonly string[]): number {
  let index = 0;
  for (;;) {
    const typed = splitFlag(argv[index] ?? "");
    if (typed === undefined || ownWords.has(typed.spelling)) return index;
    const valueFollows = typed.value === undefined && globalsWithValue.has(typed.spelling);
    index += valueFollows ? 2 : 1;
  }
}
