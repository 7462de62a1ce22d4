// The manual pages that come with the command line: one for each command, without anything that a
// formatter complains of.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { CommandGroup } from "../../packages/cli/src/commands/command.ts";
import { mainGroup, pathOf } from "../../packages/cli/src/commands/index.ts";
import { needs } from "../support/requirements.ts";

const folder = join(import.meta.dirname, "../../packages/cli/dist/man");
const pages = readdirSync(folder);

function titlesBelow(group: CommandGroup): string[] {
  const paths = [group.name, ...group.commands.map(({ name }) => pathOf(group, name))];
  const titles = paths.map((path) => `postern ${path}`.trim().replaceAll(" ", "-"));
  return [...titles, ...group.groups.flatMap(titlesBelow)];
}

test("every command and every group has a manual page, and nothing else has", () => {
  const titles = titlesBelow(mainGroup).map((title) => `${title}.1`);
  assert.deepEqual(pages.toSorted(), titles.toSorted());
});

test("mandoc finds nothing wrong with any page", needs("mandoc"), () => {
  for (const name of pages) {
    const lint = spawnSync("mandoc", ["-Tlint", "-W", "style", name], { cwd: folder });
    const lines = lint.stdout.toString().split("\n");
    // A date would make each build another; the version says as much.
    const complaints = lines.filter((line) => line !== "" && !line.includes("missing date"));
    assert.deepEqual(complaints, []);
  }
});

test(
  "man formats every page without a warning, and finds its name and its summary",
  needs("man", "lexgrog"),
  () => {
    const environment = { ...process.env, LC_ALL: "C.UTF-8", MANWIDTH: "80", MAN_KEEP_STDERR: "1" };
    for (const name of pages) {
      const args = ["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", name];
      const { status, stderr } = spawnSync("man", args, { cwd: folder, env: environment });
      assert.deepEqual([status, stderr.toString()], [0, ""], name);
      const parsed = execFileSync("lexgrog", [name], { cwd: folder, encoding: "utf8" });
      assert.match(parsed, /: "postern[a-z-]* - [a-z]/, name);
    }
  },
);
