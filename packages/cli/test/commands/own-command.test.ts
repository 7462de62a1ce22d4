// What people are told to type works in any folder, and asks no registry.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { delimiter, join } from "node:path";
import { type TestContext, test } from "node:test";
import { ownCommand } from "../../src/commands/gateway/own-command.ts";
import { bin, machine } from "../support/terminal.ts";

function scene(context: TestContext) {
  const { directory } = machine(context);
  const folder = (...names: string[]) => {
    const path = join(directory, ...names);
    mkdirSync(path, { recursive: true });
    return path;
  };
  const program = join(folder("a checkout"), "postern.cjs");
  writeFileSync(program, "");
  chmodSync(program, 0o755);
  const commandWith = (...folders: string[]) =>
    ownCommand({ PATH: folders.join(delimiter) }, program);
  const nodes = folder("nodes");
  symlinkSync(process.execPath, join(nodes, "node"));
  return { folder, program, nodes, commandWith };
}

test("the name alone is printed where PATH leads to this very program", (context) => {
  const { folder, program, nodes, commandWith } = scene(context);
  const own = folder("own");
  symlinkSync(program, join(own, "postern"));
  assert.equal(commandWith(nodes, own), "postern");
  const foreign = folder("foreign");
  copyFileSync(process.execPath, join(foreign, "postern"));
  chmodSync(join(foreign, "postern"), 0o755);
  assert.equal(commandWith(foreign, nodes), `node '${program}'`, "another one of that name");
  assert.equal(commandWith(foreign, own, nodes), `node '${program}'`, "which comes first");
});

test("folders that only npm's children have in PATH do not count, and node is a path where it is not there", (context) => {
  const { folder, program, nodes, commandWith } = scene(context);
  for (const names of [
    ["node_modules", ".bin"],
    ["x", "node_modules", "npm", "node_modules", "@npmcli", "run-script", "lib", "node-gyp-bin"],
    [".npm", "_npx", "1", "node_modules", ".bin"],
  ]) {
    const npms = folder(...names);
    symlinkSync(program, join(npms, "postern"));
    assert.equal(commandWith(npms, nodes), `node '${program}'`);
  }
  assert.equal(commandWith(folder("empty")), `${process.execPath} '${program}'`);
});

test("a single executable is a command by itself", () => {
  assert.equal(ownCommand({ PATH: "" }, process.execPath), process.execPath);
});

test("the built file alone is the whole command line", (context) => {
  const { folder } = scene(context);
  const copied = join(folder("elsewhere"), "postern");
  copyFileSync(bin, copied);
  const environment = { PATH: process.env["PATH"] ?? "", HOME: folder("home") };
  const run = spawnSync(copied, ["--version"], { env: environment, encoding: "utf8" });
  assert.match(run.stdout, /^postern \d/, run.stderr);
});

test("no page tells anybody to run a name that a registry would be asked for", () => {
  for (const page of ["README.md", "packages/cli/README.md", "packages/gateway/README.md"]) {
    const text = readFileSync(join(import.meta.dirname, "../../../..", page), "utf8");
    const blocks = [...text.matchAll(/^```\w*\n([\s\S]*?)^```$/gm)].map(([, block = ""]) => block);
    assert.doesNotMatch(
      blocks.join(""),
      /npx postern|npm install.* (?:postern|@postern\/gateway)/,
      page,
    );
  }
});
