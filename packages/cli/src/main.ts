// The command line: command → exit status. Everything a command needs is loaded when it runs and
// not before: `access token` must start as fast as Node itself (docs/adr/0001). So no import here
// may lead to node:crypto, node:http or node:child_process.
import { basename } from "node:path";
import type { Surroundings } from "./commands/command-context.ts";
import { CliError, reasonOf, statusOf, wrapperStatus } from "./exit-status.ts";
import { printable, printableJson } from "./printable.ts";
import { writeError, writeOutput } from "./standard-output.ts";
import { posternHome } from "./store/home.ts";

type Command = (surroundings: Surroundings, args: string[]) => Promise<number>;

const accessCommands: Record<string, () => Promise<Command>> = {
  login: async () => (await import("./commands/access/run-login.ts")).runLogin,
  token: async () => (await import("./commands/access/run-token.ts")).runToken,
  curl: async () => (await import("./commands/access/run-curl.ts")).runCurl,
  put: async () => (await import("./commands/access/run-put.ts")).runPut,
  logout: async () => (await import("./commands/access/run-logout.ts")).runLogout,
  forget: async () => (await import("./commands/access/run-forget.ts")).runForget,
  list: async () => (await import("./commands/access/run-list.ts")).runList,
  whoami: async () => (await import("./commands/access/run-whoami.ts")).runWhoami,
};

const gatewayCommands: Record<string, () => Promise<Command>> = {
  dev: async () => (await import("./commands/gateway/run-gateway.ts")).runDevCommand,
  gateway: async () => (await import("./commands/gateway/run-gateway.ts")).runGatewayCommand,
  keys: async () => (await import("./commands/gateway/run-gateway.ts")).runKeysCommand,
};

/** Promised in the contract and not there yet: said in one line instead of "unknown". */
const laterAccess = ["http", "tcp", "ssh", "rdp", "smb", "ssh-config", "ssh-gen", "explain"];
const laterCommands = [
  "apply",
  "export",
  "diff",
  "doctor",
  "admin-token",
  "sessions",
  "backup",
  "restore",
  "completion",
];
const wrappers = new Set(["curl", "put"]);

async function run(argv: string[], surroundings: Surroundings): Promise<number> {
  const [first = "--help", ...rest] = argv;
  if (["--version", "-version", "-v", "version"].includes(first)) {
    const { versionLine } = await import("./version.ts");
    writeOutput(versionLine(surroundings.name));
    return 0;
  }
  // `forward` is the official client's other name for the group.
  const group = first === "access" || first === "forward";
  const [name = "--help", ...args] = group ? rest : argv;
  const path = group ? `access ${name}` : name;
  if (["--help", "-help", "-h", "help"].includes(name)) return help(group ? "access" : "");
  const table = group ? accessCommands : gatewayCommands;
  const load = Object.hasOwn(table, name) ? table[name] : undefined;
  if (load === undefined) {
    if ((group ? laterAccess : laterCommands).includes(name))
      throw new CliError("usage", `${path} is not there yet`);
    throw new CliError("usage", `${path.slice(0, 60)} is not a command; --help lists them`);
  }
  if (wantsHelp(name, args)) return help(path);
  return (await load())(surroundings, args);
}

/**
 * A wrapped tool has a `--help` of its own: only what stands before anything of the tool's is ours.
 */
function wantsHelp(name: string, args: string[]): boolean {
  const own = wrappers.has(name) ? args.slice(0, 1) : untilDashes(args);
  return own.some(
    (argument) =>
      argument === "--help" || argument === "-help" || (argument === "-h" && name !== "curl"),
  );
}

function untilDashes(args: string[]): string[] {
  const end = args.indexOf("--");
  return end < 0 ? args : args.slice(0, end);
}

async function help(path: string): Promise<number> {
  const { helpFor } = await import("./commands/help.ts");
  writeOutput(helpFor(path));
  return 0;
}

/** Who is running, read from the process once. The only place of this program that reads it. */
function readSurroundings(): Surroundings {
  return {
    name: /^cloudflared(?:\.exe)?$/.test(basename(process.argv[1] ?? ""))
      ? "cloudflared"
      : "postern",
    environment: process.env,
    get home() {
      return posternHome(process.env, process.platform);
    },
    now: Date.now,
    // Asked only when it matters: finding out loads a module.
    get onTerminal() {
      return (process.env["CI"] ?? "") === "" && process.getBuiltinModule("node:tty").isatty(2);
    },
    say,
    jsonErrors: false,
  };
}

function say(line: string): void {
  writeError(`${printable(line)}\n`);
}

/**
 * Others can read arguments; a secret given there is at least gone from the process list soon (case
 * C9).
 */
function wipeSecretArguments(argv: string[]): void {
  if (argv.some((argument) => /^--?(?:service-token-secret|secret)(?:=|$)/.test(argument)))
    process.title = "postern";
}

/**
 * For a command line that was refused before its command could read it. curl has a `--json` of its
 * own.
 */
function asksForJson([group, name = "", ...args]: string[]): boolean {
  if (group !== "access" && group !== "forward") return false;
  if (name === "curl") return false;
  const firstOther = args.findIndex((argument) => !argument.startsWith("-"));
  const own = name === "put" && firstOther >= 0 ? args.slice(0, firstOther) : untilDashes(args);
  return own.some((argument) => argument === "--json" || argument === "-json");
}

/** @returns the exit status */
function report(error: unknown, argv: string[], surroundings: Surroundings): number {
  const wrapper = (argv[0] === "access" || argv[0] === "forward") && wrappers.has(argv[1] ?? "");
  const code = error instanceof CliError ? error.code : "failure";
  const message =
    error instanceof CliError
      ? error.message
      : `something went wrong that should not: ${reasonOf(error).split("\n", 1)[0]}`;
  if (surroundings.jsonErrors || asksForJson(argv))
    writeError(`${printableJson({ error: { code, message } })}\n`);
  else say(`postern: ${wrapper ? `${message} [${code}]` : message}`);
  return wrapper ? wrapperStatus : statusOf(code);
}

const argv = process.argv.slice(2);
const surroundings = readSurroundings();
wipeSecretArguments(argv);
run(argv, surroundings)
  .catch((error: unknown) => report(error, argv, surroundings))
  .then((status) => {
    process.exitCode = status;
  });
