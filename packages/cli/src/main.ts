// The command line: command → exit status. Everything a command needs is loaded when it runs and not before:
// `access token` must start as fast as Node itself (performance.md, "The command line"). So no import here may
// lead to node:crypto, node:http or node:child_process.
import { basename } from "node:path";
import type { Surroundings } from "./command-context.ts";
import { printable } from "./context.ts";
import { CliError, reasonOf, statusOf, wrapperStatus } from "./exit-status.ts";
import { posternHome } from "./home.ts";

type Command = (surroundings: Surroundings, args: string[]) => Promise<number>;

const accessCommands: Record<string, () => Promise<Command>> = {
  login: async () => (await import("./commands/login.ts")).runLogin,
  token: async () => (await import("./commands/token.ts")).runToken,
  curl: async () => (await import("./commands/curl.ts")).runCurl,
  put: async () => (await import("./commands/put.ts")).runPut,
  logout: async () => (await import("./commands/logout.ts")).runLogout,
  forget: async () => (await import("./commands/forget.ts")).runForget,
  list: async () => (await import("./commands/list.ts")).runList,
  whoami: async () => (await import("./commands/whoami.ts")).runWhoami,
};

const gatewayCommands: Record<string, () => Promise<Command>> = {
  dev: async () => (await import("./commands/gateway.ts")).runDevCommand,
  gateway: async () => (await import("./commands/gateway.ts")).runGatewayCommand,
  keys: async () => (await import("./commands/gateway.ts")).runKeysCommand,
};

/** Promised in the contract and not there yet: said in one line instead of "unknown". */
const laterAccess = ["http", "tcp", "ssh", "rdp", "smb", "ssh-config", "ssh-gen", "explain"];
const laterCommands = ["apply", "export", "diff", "doctor", "admin-token", "sessions", "backup", "restore", "completion"];
const wrappers = new Set(["curl", "put"]);

async function run(argv: string[], surroundings: () => Surroundings): Promise<number> {
  const [first = "--help", ...rest] = argv;
  if (["--version", "-version", "-v", "version"].includes(first)) {
    const { version } = await import("./version.ts");
    process.stdout.write(`postern ${version}\n`);
    return 0;
  }
  const group = first === "access" || first === "forward";
  const [name = "--help", ...args] = group ? rest : argv;
  const path = group ? `access ${name}` : name;
  if (["--help", "-help", "-h", "help"].includes(name)) return help(group ? "access" : "");
  const table = group ? accessCommands : gatewayCommands;
  const load = Object.hasOwn(table, name) ? table[name] : undefined;
  if (load === undefined) {
    if ((group ? laterAccess : laterCommands).includes(name)) throw new CliError("usage", `${path} is not there yet`);
    throw new CliError("usage", `${path.slice(0, 60)} is not a command; --help lists them`);
  }
  if (wantsHelp(name, args)) return help(path);
  return (await load())(surroundings(), args);
}

/** A wrapped tool has a `--help` of its own: only the first argument is ours. */
function wantsHelp(name: string, args: string[]): boolean {
  const own = wrappers.has(name) ? args.slice(0, 1) : args;
  return own.some((argument) => argument === "--help" || argument === "-help" || (argument === "-h" && name !== "curl"));
}

async function help(path: string): Promise<number> {
  const { helpFor } = await import("./help.ts");
  process.stdout.write(helpFor(path));
  return 0;
}

/** Who is running, read from the process once. The only place of this program that reads it. */
function readSurroundings(): Surroundings {
  const started = process.env["POSTERN_NAME"] || basename(process.argv[1] ?? "");
  return {
    name: /^cloudflared(?:\.exe)?$/.test(started) ? "cloudflared" : "postern",
    environment: process.env,
    home: posternHome(process.env, process.platform),
    now: Date.now,
    onTerminal: process.stderr.isTTY === true && (process.env["CI"] ?? "") === "",
    say: (line) => process.stderr.write(`${printable(line)}\n`),
  };
}

/** Others can read arguments; a secret given there is at least gone from the process list soon (case C9). */
function wipeSecretArguments(argv: string[]): void {
  if (argv.some((argument) => /^--?(?:service-token-secret|secret)(?:=|$)/.test(argument))) process.title = "postern";
}

function report(error: unknown, argv: string[]): number {
  const wrapper = argv[0] === "access" && wrappers.has(argv[1] ?? "");
  const code = error instanceof CliError ? error.code : "failure";
  const end = argv.indexOf("--");
  const json = (end < 0 ? argv : argv.slice(0, end)).some((argument) => argument === "--json" || argument === "-json") && !wrapper;
  const message = error instanceof CliError ? error.message : `something went wrong that should not: ${reasonOf(error).split("\n", 1)[0]}`;
  if (json) process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
  else process.stderr.write(`postern: ${printable(wrapper ? `${message} [${code}]` : message)}\n`);
  return wrapper ? wrapperStatus : statusOf(code);
}

const argv = process.argv.slice(2);
wipeSecretArguments(argv);
run(argv, readSurroundings)
  .catch((error: unknown) => report(error, argv))
  .then((status) => {
    process.exitCode = status;
  });
