// git as a test runs it: with nothing of whoever runs the test in its configuration.
import { execFileSync } from "node:child_process";

/** Who commits, and no configuration but what a test gives. */
export const gitEnvironment: Readonly<Record<string, string>> = {
  PATH: process.env["PATH"] ?? "",
  GIT_CONFIG_NOSYSTEM: "1",
  GIT_CONFIG_GLOBAL: "/dev/null",
  GIT_AUTHOR_NAME: "Ada",
  GIT_AUTHOR_EMAIL: "ada@example.com",
  GIT_COMMITTER_NAME: "Ada",
  GIT_COMMITTER_EMAIL: "ada@example.com",
};

/** Runs git to its end. @returns what it prints */
export function git(args: string[]): string {
  return execFileSync("git", args, { env: gitEnvironment, encoding: "utf8" });
}
