// Runs the built command line as a person would: its own process, its own home, no terminal.
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { noteGivenSecrets } from "./run-secrets.ts";

const bin = join(import.meta.dirname, "../../packages/cli/dist/postern.cjs");

export interface Running {
  child: ChildProcessWithoutNullStreams;
  stdout(): string;
  stderr(): string;
  /**
   * exit status, when the streams are closed; 128 + n for signal n is not made up: a signal gives
   * -1
   */
  ended: Promise<number>;
  /** waits until standard output or standard error matches */
  until(pattern: RegExp): Promise<RegExpExecArray>;
}

/** A directory of its own for `$POSTERN_HOME`, gone after the test. */
export function temporaryHome(context: TestContext): string {
  const home = mkdtempSync(join(tmpdir(), "postern-test-"));
  context.after(() => rmSync(home, { recursive: true, force: true, maxRetries: 10 }));
  return home;
}

/** @param wrapper a command that runs the one behind it, with its own arguments: `ip netns exec` */
export function startPostern(
  args: string[],
  environment: Record<string, string>,
  wrapper: readonly string[] = [],
): Running {
  noteGivenSecrets(args, environment);
  const [program = process.execPath, ...rest] = [...wrapper, process.execPath, bin, ...args];
  return watchProcess(
    spawn(program, rest, {
      env: {
        PATH: process.env["PATH"] ?? "",
        ...patience,
        ...ownStore,
        ...compileCache(),
        ...environment,
      },
    }),
  );
}

/** No command gives up because the machine is busy. */
const patience = { POSTERN_REQUEST_TIMEOUT: "60s" };

/** Nothing goes into the keychain of whoever runs the tests. */
export const ownStore = { POSTERN_TOKEN_STORE: "file" };

/** The run's compiled modules (scripts/test.mjs), for a process of its own. */
function compileCache(): Record<string, string> {
  const folder = process.env["NODE_COMPILE_CACHE"];
  return folder === undefined ? {} : { NODE_COMPILE_CACHE: folder };
}

export function watchProcess(child: ChildProcessWithoutNullStreams): Running {
  let stdout = "";
  let stderr = "";
  const listeners = new Set<() => void>();
  // A process may end before its input is written: EPIPE is no failure of the test.
  child.stdin.on("error", () => {});
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    for (const listener of listeners) listener();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const listener of listeners) listener();
  });
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? -1)));
  return {
    child,
    stdout: () => stdout,
    stderr: () => stderr,
    ended,
    until: (pattern) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        look();
        void ended.then((code) => {
          look();
          if (listeners.has(look))
            reject(
              new Error(`ended with ${code} before it said ${pattern}:\n${stdout}\n${stderr}`),
            );
        });
      }),
  };
}

/** Runs to the end. */
export async function runPostern(args: string[], environment: Record<string, string>, input = "") {
  const running = startPostern(args, environment);
  running.child.stdin.end(input);
  const status = await running.ended;
  return { status, stdout: running.stdout(), stderr: running.stderr() };
}
