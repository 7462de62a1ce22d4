// What the figures were taken with, and what a machine needs for them.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { availableParallelism, cpus, loadavg, release } from "node:os";
import { pinning } from "./process.ts";

/** program → the argument to which it answers with its version */
const versioned: Readonly<Record<string, string>> = {
  nginx: "-v",
  haproxy: "-v",
  apache2: "-v",
  caddy: "version",
  wrk: "-v",
  h2load: "--version",
  git: "--version",
  psql: "--version",
  ssh: "-V",
  socat: "-V",
  curl: "--version",
};

/** @returns the programs that are not there, for people; "" when all are */
export function missingTools(programs: readonly string[]): string {
  return programs.filter((program) => pathOf(program) === undefined).join(", ");
}

/**
 * One line.
 * @param programs whose versions belong to the figures
 */
export function machine(programs: readonly string[]): string {
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const versions = programs.map((program) => `${program} ${versionOf(program)}`);
  const cores = pinning
    ? "what is between on core 0, clients and origins on core 1"
    : "one core for everything";
  const load = loadavg()[0]?.toFixed(1);
  const parts = [
    `${model}, ${availableParallelism()} cores at ${megahertz().toFixed(0)} MHz`,
    `Linux ${release()}`,
    [`Node ${process.versions.node}`, ...versions].join(", "),
    cores,
    `load of the machine before: ${load}`,
  ];
  return `${parts.join("; ")}.`;
}

/** Of the fastest core at this moment. */
function megahertz(): number {
  const text = readFileSync("/proc/cpuinfo", "utf8");
  return Math.max(...[...text.matchAll(/^cpu MHz\s*: (\S+)$/gm)].map(([, value]) => Number(value)));
}

function versionOf(program: string): string {
  const path = pathOf(program);
  const argument = versioned[program];
  if (path === undefined || argument === undefined) return "missing";
  const { stdout, stderr } = spawnSync(path, [argument], { encoding: "utf8" });
  return /\d+\.\d+(?:\.\d+)*/.exec(stdout + stderr)?.[0] ?? "?";
}

/** Daemons are where only root's PATH leads. */
function pathOf(program: string): string | undefined {
  const { stdout } = spawnSync("sh", ["-c", `command -v ${program}`], { encoding: "utf8" });
  const path = stdout.trim();
  if (path !== "") return path;
  const daemon = `/usr/sbin/${program}`;
  return existsSync(daemon) ? daemon : undefined;
}
