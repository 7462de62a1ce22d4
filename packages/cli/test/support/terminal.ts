// One person's machine: a home of its own, a browser that approves at once and writes down what it
// opened, and the built command line as a process of its own.

import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { ownStore, type Running, watchProcess } from "../../../../test/support/cli.ts";
import { noteGivenSecrets } from "../../../../test/support/run-secrets.ts";
import { letNoTimePass } from "./stored-moments.ts";

export const bin = join(import.meta.dirname, "../../dist/postern.cjs");

export interface Machine {
  directory: string;
  /** `$POSTERN_HOME` */
  home: string;
  environment: Record<string, string>;
  /** URLs that the browser opened */
  opened(): string[];
  start(args: string[], environment?: Record<string, string>): Running;
  run(args: string[], environment?: Record<string, string>, input?: string): Promise<Finished>;
  /** the same with a terminal around it: standard error is a TTY, and so is the rest */
  runOnTerminal(args: string[], environment?: Record<string, string>): Promise<Finished>;
  /** any command line, which may start this program in other surroundings */
  runUnder(command: string[]): Promise<Finished>;
  /** the same machine with another working directory */
  in(workingDirectory: string): Pick<Machine, "run">;
}

export interface Finished {
  status: number;
  stdout: string;
  stderr: string;
}

const opensPage = `exec '${process.execPath}' '${join(import.meta.dirname, "open-page.mjs")}' "$1"`;

/**
 * From one command to the next no time passes here, so that what was asked a moment ago counts on a
 * busy machine as well (stored-moments.ts).
 * @param browser shell lines that stand for the person in front of it; `$1` is the URL
 */
export function machine(context: TestContext, browser = opensPage): Machine {
  const directory = mkdtempSync(join(tmpdir(), "postern-cli-"));
  context.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 10 }));
  const home = join(directory, "home");
  const log = join(directory, "opened");
  const tools = join(directory, "bin");
  mkdirSync(tools);
  writeFileSync(
    join(tools, "xdg-open"),
    `#!/bin/sh\nprintf '%s\\n' "$1" >> '${log}'\n${browser}\n`,
  );
  chmodSync(join(tools, "xdg-open"), 0o755);
  const environment = {
    PATH: `${tools}:${process.env["PATH"] ?? ""}`,
    HOME: directory,
    POSTERN_HOME: home,
    POSTERN_REQUEST_TIMEOUT: "60s",
    ...ownStore,
    DISPLAY: ":0",
  };
  const running = new Set<ChildProcess>();
  const start = (
    command: string,
    args: string[],
    more: Record<string, string>,
    cwd = directory,
  ): Running => {
    if (running.size === 0) letNoTimePass(home);
    noteGivenSecrets(args, more);
    const child = spawn(command, args, { env: { ...environment, ...more }, cwd });
    running.add(child);
    child.once("close", () => running.delete(child));
    // A test that fails leaves none behind.
    context.after(() => child.kill("SIGKILL"));
    return watchProcess(child);
  };
  const finish = async (running: Running, input: string): Promise<Finished> => {
    running.child.stdin.end(input);
    const status = await running.ended;
    return { status, stdout: running.stdout(), stderr: running.stderr() };
  };
  return {
    directory,
    home,
    environment,
    opened: () => (existsSync(log) ? readFileSync(log, "utf8").trim().split("\n") : []),
    start: (args, more = {}) => start(process.execPath, [bin, ...args], more),
    run: (args, more = {}, input = "") =>
      finish(start(process.execPath, [bin, ...args], more), input),
    runOnTerminal: (args, more = {}) => {
      const quoted = [process.execPath, bin, ...args].map((part) => `'${part}'`).join(" ");
      return finish(start("script", ["-qec", quoted, "/dev/null"], more), "");
    },
    runUnder: ([command = "", ...args]) => finish(start(command, args, {}), ""),
    in: (cwd) => ({
      run: (args, more = {}, input = "") =>
        finish(start(process.execPath, [bin, ...args], more, cwd), input),
    }),
  };
}
