// A small repository for a check to look at, and the check run over it as `npm run check` does.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";

const scripts = join(import.meta.dirname, "../../scripts");

/**
 * @param files path → text
 * @returns the status, and the lines that the check printed
 */
export function check(context: TestContext, name: string, files: Record<string, string>) {
  const root = mkdtempSync(join(tmpdir(), "postern-check-"));
  context.after(() => rmSync(root, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(scripts, `${name}.mjs`), root],
    { encoding: "utf8" },
  );
  const lines = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  return { status, lines };
}
