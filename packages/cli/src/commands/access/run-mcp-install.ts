// `access mcp install`: writes an entry into an agent's settings that starts `access mcp`. It asks
// nothing and contacts nobody; done twice, it changes nothing.
import { isAbsolute, resolve } from "node:path";
import { type AgentClient, agentClient, type ServerCommand } from "../../agents/clients.ts";
import { insertIntoJson, jsonBlock } from "../../agents/json-settings.ts";
import type { Insertion, SettingsEntry } from "../../agents/settings-entry.ts";
import { readSettings, replaceSettings } from "../../agents/settings-file.ts";
import { insertIntoToml, tomlBlock } from "../../agents/toml-settings.ts";
import { type AppUrl, readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { writeOutput } from "../../standard-output.ts";
import { ownCommand } from "../../tool/own-command.ts";
import type { CommandLine } from "../command-line.ts";

const usage =
  "access mcp install takes an agent and a URL, for example: postern access mcp install claude-code https://tools.example.com/mcp";

/** @returns the exit status */
export function installMcp(context: Context, line: CommandLine): number {
  const [, clientName, url, ...more] = line.rest;
  if (clientName === undefined || url === undefined || more.length > 0)
    throw new CliError("usage", usage);
  const client = agentClient(clientName);
  const app = readAppUrl(url);
  const value = client.entry(serverCommand(context, line, client, app));
  const entry = { section: client.section, name: serverName(line, app), value };
  const { environment } = context;
  const file = client.file({ environment, platform: process.platform });
  if (line.has("print")) return print(context, file, client, entry);

  const before = readSettings(file);
  const insertion = insert(client, before, entry);
  if (!insertion.ok) return refuse(context, file, client, entry, insertion.why);
  if (insertion.text === undefined) {
    context.tell(`${file} has "${entry.name}" already.`);
    return 0;
  }
  replaceSettings(file, before, insertion.text);
  context.tell(`${file} has "${entry.name}" from now on; start ${client.name} anew.`);
  context.tell(`Sign in with: postern access login ${app.origin}`);
  return 0;
}

function insert({ format }: AgentClient, text: string, entry: SettingsEntry): Insertion {
  return format === "json" ? insertIntoJson(text, entry) : insertIntoToml(text, entry);
}

function blockOf({ format }: AgentClient, entry: SettingsEntry): string {
  return format === "json" ? jsonBlock(entry) : tomlBlock(entry);
}

function print(context: Context, file: string, client: AgentClient, entry: SettingsEntry): number {
  context.tell(`For ${file}:`);
  writeOutput(`${blockOf(client, entry)}\n`);
  return 0;
}

function refuse(
  context: Context,
  file: string,
  client: AgentClient,
  entry: SettingsEntry,
  why: string,
): number {
  context.tell(`postern: ${file} ${why}, and is left as it is; add this by hand, or use --name:`);
  writeOutput(`${blockOf(client, entry)}\n`);
  return 1;
}

/** What clients and their formats take for a name without quotes. */
const namePattern = /^[A-Za-z0-9_-]{1,64}$/;

function serverName(line: CommandLine, { hostname }: AppUrl): string {
  const given = line.value("name");
  const [label = ""] = hostname.split(".");
  const name = given ?? (/^[a-z]/i.test(label) ? label : "postern");
  if (namePattern.test(name)) return name;
  throw new CliError("usage", "--name takes up to 64 letters, digits, - and _");
}

function serverCommand(
  { environment }: Context,
  line: CommandLine,
  { inTerminal }: AgentClient,
  app: AppUrl,
): ServerCommand {
  // A program of the desktop has not the PATH that finds Node for `postern`.
  const searchPath = inTerminal ? environment["PATH"] : undefined;
  const [command, ...first] = ownCommand(searchPath);
  const args = [...first, "access", "mcp", ...flagsToRepeat(line), app.href];
  const home = environment["POSTERN_HOME"] ?? "";
  return { command, args, env: home === "" ? {} : { POSTERN_HOME: home } };
}

/** What decides whose credential it is, and how the gateway is reached. Files by whole paths. */
function flagsToRepeat(line: CommandLine): string[] {
  if (line.has("service-token-secret"))
    throw new CliError(
      "usage",
      "a secret does not belong into settings; name its file with --service-token-secret-file",
    );
  const names = ["profile", "service-token-id"].flatMap((flag) => pair(flag, line.value(flag)));
  const files = ["ca-file", "service-token-secret-file"].flatMap((flag) =>
    pair(flag, wholePath(line.value(flag))),
  );
  return [...names, ...files];
}

function pair(flag: string, value: string | undefined): string[] {
  return value === undefined ? [] : [`--${flag}`, value];
}

function wholePath(path: string | undefined): string | undefined {
  return path === undefined || isAbsolute(path) ? path : resolve(path);
}
