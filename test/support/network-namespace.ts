// A network of its own for a process, with one wire to this machine that a test can cut: what is
// sent meanwhile is lost, and nobody is told.
import { execFileSync } from "node:child_process";
import { randomInt } from "node:crypto";
import type { TestContext } from "node:test";
import { leaveOut } from "./requirements.ts";

const what = "root on Linux with network namespaces (ip netns)";

/** Options for a test that cuts a network. */
export function needsNamespaces(): { skip?: string } {
  return leaveOut(canMake() ? undefined : what);
}

let isPossible: boolean | undefined;

function canMake(): boolean {
  if (process.getuid?.() !== 0) return false;
  isPossible ??= attempt(() => {
    const name = `postern-probe-${process.pid}`;
    ip("netns", "add", name);
    ip("netns", "del", name);
  });
  return isPossible;
}

function attempt(step: () => void): boolean {
  try {
    step();
    return true;
  } catch {
    return false;
  }
}

export interface Namespace {
  /** this machine's address on the wire */
  here: string;
  /** what a command begins with to run there */
  wrapper: readonly string[];
  cut(): void;
  mend(): void;
}

export function startNamespace(context: TestContext): Namespace {
  const id = randomInt(1_000_000).toString(36);
  const [name, near, far] = [`postern-${id}`, `pn${id}`, `pf${id}`];
  const subnet = `10.${randomInt(128, 250)}.${randomInt(1, 250)}`;
  ip("netns", "add", name);
  context.after(() => ip("netns", "del", name));
  ip("link", "add", near, "type", "veth", "peer", "name", far);
  ip("link", "set", far, "netns", name);
  ip("addr", "add", `${subnet}.1/30`, "dev", near);
  ip("link", "set", near, "up");
  ip("-n", name, "addr", "add", `${subnet}.2/30`, "dev", far);
  ip("-n", name, "link", "set", far, "up");
  ip("-n", name, "link", "set", "lo", "up");
  return {
    here: `${subnet}.1`,
    wrapper: ["ip", "netns", "exec", name],
    cut: () => ip("link", "set", near, "down"),
    mend: () => ip("link", "set", near, "up"),
  };
}

function ip(...args: string[]): void {
  execFileSync("ip", args, { stdio: ["ignore", "ignore", "pipe"] });
}
