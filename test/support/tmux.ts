// A real terminal of a size that a test chooses: tmux, with a server of its own.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { until } from "./until.ts";

export interface Pane {
  /** the rows as they are seen, without spaces at their ends */
  rows(): string[];
  /** the text of the rows, wrapped lines joined again */
  text(): string;
  /** the same with the escape sequences that make it look so */
  styled(): string;
  /** waits until the joined text matches */
  shows(pattern: RegExp): Promise<void>;
  /** presses keys, as tmux names them: `C-c` */
  press(...keys: string[]): void;
}

/**
 * Starts a command in a terminal.
 * @param command for /bin/sh; what it shows last stays
 */
export function openPane(
  context: TestContext,
  size: { columns: number; rows: number },
  command: string,
  environment: Record<string, string>,
): Pane {
  const folder = mkdtempSync(join(tmpdir(), "postern-tmux-"));
  const tmux = (...args: string[]) =>
    execFileSync("tmux", ["-S", join(folder, "socket"), "-f", "/dev/null", ...args], {
      encoding: "utf8",
      env: { ...environment, LANG: "C.UTF-8", TERM: "xterm-256color" },
    });
  context.after(() => {
    tmux("kill-server");
    rmSync(folder, { recursive: true, force: true });
  });
  const dimensions = ["-x", String(size.columns), "-y", String(size.rows)];
  // Ctrl-C ends the command, and not the shell that shows how it ended.
  tmux("new-session", "-d", ...dimensions, `trap : INT; ${command}; exec sleep 600`);
  // Without its line of status: the program has every row.
  tmux("set-option", "-g", "status", "off");
  const capture = (...flags: string[]) => tmux("capture-pane", "-p", ...flags);
  const pane: Pane = {
    rows: () => capture().split("\n").slice(0, size.rows),
    text: () => capture("-J"),
    styled: () => capture("-e", "-J"),
    shows: (pattern) => until(() => pattern.test(pane.text())),
    press: (...keys) => void tmux("send-keys", ...keys),
  };
  return pane;
}
