// What a child process prints: collected, waited for line by line, and how the child ended.
import type { ChildProcessWithoutNullStreams } from "node:child_process";

export interface ChildOutput {
  /** everything that it printed so far, standard output and standard error as they came */
  text(): string;
  /** waits for what matches; fails when the child ends before */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** its exit status */
  ended: Promise<number>;
}

/** Collects from now on. */
export function watchOutput(child: ChildProcessWithoutNullStreams): ChildOutput {
  let output = "";
  const listeners = new Set<() => void>();
  const append = (chunk: Buffer) => {
    output += chunk.toString();
    for (const listener of listeners) listener();
  };
  child.stdout.on("data", append);
  child.stderr.on("data", append);
  const ended = new Promise<number>((resolve) => child.on("close", (code) => resolve(code ?? 1)));
  const until = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(output);
        if (match === null) return;
        listeners.delete(look);
        resolve(match);
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`it ended before it said ${pattern}:\n${output}`)));
    });
  return { text: () => output, until, ended };
}
