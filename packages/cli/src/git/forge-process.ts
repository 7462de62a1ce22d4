// The process that stands in for a forge while git needs it. It is started when git is about to
// connect, and ends by itself; no service has to be installed.
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { ownCommand } from "../tool/own-command.ts";
import { type Forge, forgesFolder } from "./forges.ts";

const interval = 20;
/** Node starts, and nothing else has to happen (milliseconds). */
const longestStart = 30_000;

/**
 * Makes sure that the forge's port answers, and that it is this user's own.
 * @throws {CliError} failure
 */
export async function startForge(context: Context, forge: Forge): Promise<void> {
  if (!(await answers(forge.port))) await start(context, forge);
  refuseOtherListener(forge);
}

/**
 * Whoever else listens at the forge's port would get the forge's password from git, or from Git
 * LFS, which starts nothing before it connects.
 * @throws {CliError} failure, where the system says that it is not this user who listens
 */
export function refuseOtherListener({ port, url }: Forge): void {
  if (process.platform !== "linux") return;
  const owner = listenerIn(readFileSync("/proc/self/net/tcp", "latin1"), port);
  if (owner === process.getuid?.()) return;
  const remedy =
    owner === undefined
      ? "is not served; run git fetch first"
      : `belongs to another user of this machine; set the forge up anew: postern access git setup ${url}`;
  throw new CliError("failure", `port ${port} ${remedy}`);
}

async function start({ home, environment }: Context, forge: Forge): Promise<void> {
  const log = join(forgesFolder(home), `${forge.port}.log`);
  const descriptor = openSync(log, "w", 0o600);
  const [command, ...first] = ownCommand();
  const args = [...first, "access", "git", "serve", ...flagsOf(forge), forge.url];
  const child = spawn(command, args, {
    cwd: home,
    detached: true,
    env: { ...environment, POSTERN_HOME: home },
    stdio: ["ignore", "ignore", descriptor],
  });
  closeSync(descriptor);
  child.unref();
  let hasEnded = false;
  child.once("error", () => {
    hasEnded = true;
  });
  child.once("exit", () => {
    hasEnded = true;
  });
  const deadline = performance.now() + longestStart;
  while (!(await answers(forge.port))) {
    // Another one may have been faster to listen: then this one has ended, and the port answers.
    if (hasEnded && !(await answers(forge.port))) throw didNotStart(forge, log);
    if (performance.now() > deadline) throw didNotStart(forge, log);
    await delay(interval);
  }
}

function flagsOf({ profile, caFile }: Forge): string[] {
  const profileFlags = ["--profile", profile];
  return caFile === undefined ? profileFlags : [...profileFlags, "--ca-file", caFile];
}

function didNotStart({ url }: Forge, log: string): CliError {
  const [line = ""] = readFileSync(log, "utf8").trim().split("\n").slice(-1);
  const why = line === "" ? "" : `: ${line.replace(/^postern: /, "")}`;
  return new CliError("failure", `${url} could not be served on this machine${why}`);
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

const listening = "0A";
/** 127.0.0.1 in either order of bytes, and every address: what git reaches at the port. */
const reached = ["0100007F", "7F000001", "00000000"];

/**
 * The user who listens (proc_net_tcp(5)); undefined where nobody does.
 * @param table the text of /proc/net/tcp
 */
export function listenerIn(table: string, port: number): number | undefined {
  const shown = port.toString(16).toUpperCase().padStart(4, "0");
  const places = new Set(reached.map((address) => `${address}:${shown}`));
  for (const line of table.split("\n")) {
    const [, local = "", , state, , , , user] = line.trim().split(/\s+/);
    if (places.has(local) && state === listening) return Number(user);
  }
  return undefined;
}
