// A keychain of the test's own: gnome-keyring on a session bus of its own, opened with a password
// that it is given by standard input. Nothing of whoever runs the tests is touched.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { until } from "../../../../test/support/until.ts";

/** Options for a test that has a keychain of its own. */
export const withKeychain =
  process.platform === "linux"
    ? needs("dbus-daemon", "dbus-send", "gnome-keyring-daemon")
    : { skip: "the secret service is Linux's" };

export interface TestKeychain {
  /** what a process needs to find it, and to be told to use it */
  environment: Record<string, string>;
  /** the daemon ends, with all that it knew in memory; its files stay */
  stop(): Promise<void>;
  /** begins again, locked */
  startLocked(): Promise<void>;
}

/** Ends with the test. */
export async function startKeychain(context: TestContext): Promise<TestKeychain> {
  const directory = mkdtempSync(join(tmpdir(), "postern-keychain-"));
  const children = new Set<ChildProcess>();
  const run = (command: string, args: string[], environment: Record<string, string>) => {
    const child = spawn(command, args, { env: environment, stdio: ["pipe", "pipe", "pipe"] });
    children.add(child);
    child.once("close", () => children.delete(child));
    child.stderr.resume();
    return child;
  };
  context.after(async () => {
    const ends = [...children].map((child) => once(child, "close"));
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(ends);
    rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  });
  const home = {
    PATH: process.env["PATH"] ?? "",
    HOME: directory,
    XDG_RUNTIME_DIR: directory,
    XDG_DATA_HOME: directory,
  };
  const bus = run("dbus-daemon", ["--session", "--nofork", "--print-address"], home);
  const [line]: string[] = await once(bus.stdout.setEncoding("utf8"), "data");
  const address = { DBUS_SESSION_BUS_ADDRESS: (line ?? "").trim() };
  const start = async (...options: string[]) => {
    const args = ["--foreground", "--components=secrets", ...options];
    const daemon = run("gnome-keyring-daemon", args, { ...home, ...address });
    daemon.stdin.end(options.includes("--unlock") ? "password" : "");
    await until(() => isOnBus({ ...home, ...address }));
    return daemon;
  };
  let daemon = await start("--unlock");
  const stop = async () => {
    daemon.kill("SIGTERM");
    await once(daemon, "close");
  };
  return {
    environment: { ...address, XDG_RUNTIME_DIR: directory, POSTERN_TOKEN_STORE: "" },
    stop,
    startLocked: async () => {
      daemon = await start();
    },
  };
}

function isOnBus(environment: Record<string, string>): boolean {
  const question = ["org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.secrets"];
  const args = ["--session", "--print-reply", "--dest=org.freedesktop.DBus", "/", ...question];
  return spawnSync("dbus-send", args, { env: environment }).stdout.toString().includes("true");
}
