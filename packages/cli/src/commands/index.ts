// The one table of commands, and how a command line finds its way into it. The values are light;
// what a command does is loaded when it runs.

import { nearestWord } from "@postern/protocol/nearest-word";
import { splitFlag } from "../flag.ts";
import { curl } from "./access/curl.ts";
import { doctor } from "./access/doctor.ts";
import { explain } from "./access/explain.ts";
import { forget } from "./access/forget.ts";
import { git } from "./access/git.ts";
import { grant } from "./access/grant.ts";
import { http } from "./access/http.ts";
import { list } from "./access/list.ts";
import { login } from "./access/login.ts";
import { logout } from "./access/logout.ts";
import { mcp } from "./access/mcp.ts";
import { put } from "./access/put.ts";
import { sshConfig } from "./access/ssh-config.ts";
import { sshGen } from "./access/ssh-gen.ts";
import { rdp, smb, ssh, tcp } from "./access/stream.ts";
import { token } from "./access/token.ts";
import { whoami } from "./access/whoami.ts";
import type { Command, CommandGroup } from "./command.ts";
import { completionOf } from "./completion/completion.ts";
import { create, list as listTokens, revoke } from "./gateway/admin-token.ts";
import { apply, exportCommand, importCommand } from "./gateway/configuration-as-code.ts";
import { dev } from "./gateway/dev.ts";
import { diff } from "./gateway/diff.ts";
import { gateway } from "./gateway/gateway.ts";
import { init } from "./gateway/init.ts";
import { rotate } from "./gateway/keys-rotate.ts";
import { ssh as keysSsh } from "./gateway/keys-ssh.ts";
import { render } from "./gateway/render.ts";
import { replay } from "./gateway/replay.ts";
import { list as listSessions, revoke as revokeSessions } from "./gateway/sessions.ts";

/** `postern access …` */
export const accessGroup: CommandGroup = {
  name: "access",
  summary: "reach applications behind an identity-aware gateway",
  groups: [],
  commands: [
    login,
    token,
    curl,
    put,
    http,
    grant,
    mcp,
    git,
    logout,
    list,
    whoami,
    forget,
    doctor,
    tcp,
    ssh,
    rdp,
    smb,
    sshConfig,
    sshGen,
    explain,
  ],
  others: [],
  promised: [],
  notes: [
    "Exit status: 0 done, 1 failed, 2 wrong usage, 3 not signed in, 4 refused by policy, 5 not behind Access, unreachable or not verified, 6 sign-in refused or not answered. curl and put exit with the status of the tool, or with 125 if it did not run.",
  ],
  example: "postern access curl https://api.example.com/v1/orders",
};

/** `postern keys …` */
const keysGroup: CommandGroup = {
  name: "keys",
  summary: "the keys of a gateway",
  groups: [],
  commands: [rotate, keysSsh],
  others: [],
  promised: [],
  notes: [],
  example: rotate.example,
};

/** `postern admin-token …` */
const adminTokenGroup: CommandGroup = {
  name: "admin-token",
  summary: "the tokens of those who administer a gateway",
  groups: [],
  commands: [create, listTokens, revoke],
  others: [],
  promised: [],
  notes: [],
  example: create.example,
};

/** `postern sessions …` */
const sessionsGroup: CommandGroup = {
  name: "sessions",
  summary: "who is signed in at a gateway, and how that ends",
  groups: [],
  commands: [listSessions, revokeSessions],
  others: [],
  promised: [],
  notes: [],
  example: listSessions.example,
};

/** `postern …` */
export const mainGroup: CommandGroup = {
  name: "",
  summary: "",
  groups: [accessGroup, keysGroup, adminTokenGroup, sessionsGroup],
  commands: [
    dev,
    init,
    gateway,
    render,
    exportCommand,
    importCommand,
    diff,
    apply,
    replay,
    completionOf(() => mainGroup),
  ],
  others: [["--version", "print the version"]],
  promised: ["doctor", "backup", "restore"],
  notes: [],
  example: "postern access curl https://api.example.com/",
};

/** What a command line is about. */
export type Target =
  /** @property isShort the number alone */
  | { kind: "version"; isShort: boolean }
  | { kind: "group"; group: CommandGroup }
  | { kind: "command"; group: CommandGroup; command: Command; args: readonly string[] }
  /** @property name as it was typed, with its group */
  | { kind: "unknown"; group: CommandGroup; name: string; args: readonly string[] };

// `forward` is the official client's other name for the group.
export const accessNames: ReadonlySet<string> = new Set(["access", "forward"]);
const versionWords: ReadonlySet<string> = new Set(["--version", "-version", "-v", "-V", "version"]);
const helpWords: ReadonlySet<string> = new Set(["--help", "-help", "-h", "help"]);

/** @param argv without the program itself */
export function findTarget(argv: readonly string[]): Target {
  const [first = "--help", ...rest] = argv;
  if (versionWords.has(first)) return { kind: "version", isShort: rest.some(asksForShort) };
  if (accessNames.has(first)) return findInGroup(accessGroup, rest);
  const group = mainGroup.groups.find((each) => each.name === first);
  return group === undefined ? findInGroup(mainGroup, argv) : findInGroup(group, rest);
}

/** The official client's `version --short`, in every spelling. */
function asksForShort(argument: string): boolean {
  const typed = splitFlag(argument);
  return typed !== undefined && ["short", "s"].includes(typed.spelling) && typed.value !== "false";
}

function findInGroup(group: CommandGroup, argv: readonly string[]): Target {
  const [name = "--help", ...args] = argv;
  if (helpWords.has(name)) return { kind: "group", group };
  const command = group.commands.find((each) => each.name === name);
  if (command !== undefined) return { kind: "command", group, command, args };
  return { kind: "unknown", group, name, args };
}

/** The words that call a command of the group: `access token`. */
export function pathOf(group: CommandGroup, name: string): string {
  return group.name === "" ? name : `${group.name} ${name}`;
}

/**
 * The command that was meant by a word that is none, as it is typed: `access login`. One of
 * another group counts, too: `postern login`.
 */
export function suggestCommand(group: CommandGroup, name: string): string | undefined {
  const others = [mainGroup, ...mainGroup.groups].filter((each) => each !== group);
  for (const each of [group, ...others]) {
    const names = [...each.commands, ...each.groups].map((entry) => entry.name);
    const match = nearestWord(name, names);
    if (match !== undefined) return pathOf(each, match);
  }
  return undefined;
}
