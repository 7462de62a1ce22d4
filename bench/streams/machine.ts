// What the figures were taken with, and what a machine needs for them.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { pinning } from "../process.ts";

const tools = ["socat", "wrk", "taskset", "git", "psql", "ssh", "scp"];
const daemons = ["nginx", "sshd"];

/** @returns the tools that are not there, for people; "" when all are */
export function missingTools(): string {
  const missing = [
    ...tools.filter((tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0),
    ...daemons.filter((daemon) => !existsSync(`/usr/sbin/${daemon}`)),
  ];
  return missing.join(", ");
}

/** One line. */
export function machine(): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const programs = [
    `Node ${process.versions.node}`,
    `nginx ${versionOf("/usr/sbin/nginx", "-v")}`,
    `git ${versionOf("git", "--version")}`,
    `PostgreSQL ${versionOf("psql", "--version")}`,
    `OpenSSH ${versionOf("ssh", "-V")}`,
    `socat ${versionOf("socat", "-V")}`,
  ];
  const cores = pinning
    ? "what is between on core 0, clients and origins on core 1"
    : "one core for everything";
  const load = loadavg()[0]?.toFixed(1);
  return `${model}, ${availableParallelism()} cores, Linux ${release()}; ${programs.join(", ")}; ${cores}; load of the machine before: ${load}.`;
}

function versionOf(command: string, argument: string): string {
  const { stdout, stderr } = spawnSync(command, [argument], { encoding: "utf8" });
  return /\d+\.\d+(?:\.\d+)*/.exec(stdout + stderr)?.[0] ?? "?";
}
