// What people read first: help with an example for every command, and the version.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { version } from "../../src/version.ts";
import { bin, machine } from "../support/terminal.ts";

const accessCommands = ["login", "token", "curl", "put", "logout", "list", "whoami", "forget"];
const commands = [
  [],
  ["access"],
  ...accessCommands.map((name) => ["access", name]),
  ["dev"],
  ["gateway"],
  ["keys"],
];

test("every command has help with an example, in lines that fit, on standard output", async (context) => {
  const { run } = machine(context);
  for (const command of commands) {
    const help = await run([...command, "--help"]);
    const what = command.join(" ");
    assert.deepEqual([help.status, help.stderr], [0, ""], what);
    assert.match(help.stdout, new RegExp(`^Usage: postern ${what}`), what);
    assert.match(help.stdout, /^Example: /m, what);
    for (const line of help.stdout.split("\n")) assert.ok(line.length <= 120, line);
    for (const spelling of ["-help", "-h"].filter(
      (each) => !(command[1] === "curl" && each === "-h"),
    ))
      assert.equal((await run([...command, spelling])).stdout, help.stdout, `${what} ${spelling}`);
  }
  assert.equal((await run(["access"])).stdout, (await run(["access", "--help"])).stdout);
  assert.equal((await run([])).stdout, (await run(["--help"])).stdout);
});

test(
  "help is not taken for help where it belongs to a tool, and behind our flags it still is ours",
  needs("curl"),
  async (context) => {
    const { run } = machine(context);
    assert.match(
      (await run(["access", "put", "--via", "env", "--help"])).stdout,
      /^Usage: postern access put/,
    );
    assert.match((await run(["access", "curl", "--no-login", "--help"])).stdout, /^Usage: curl/);
    assert.match((await run(["access", "curl", "--version"])).stdout, /^curl /);
  },
);

test("the version is the package's; under the official client's name it is said in its form", async (context) => {
  const { run, directory } = machine(context);
  const file = JSON.parse(
    readFileSync(join(import.meta.dirname, "../../package.json"), "utf8"),
  ) as {
    version: string;
  };
  assert.equal(version, file.version);
  for (const flag of ["--version", "-version", "-v", "version"])
    assert.equal((await run([flag])).stdout, `postern ${version}\n`);
  const link = join(directory, "cloudflared");
  symlinkSync(bin, link);
  const official = spawnSync(process.execPath, [link, "--version"], { encoding: "utf8" });
  assert.match(official.stdout, /^cloudflared version \d{4}\.\d+\.\d+ \(postern \d/);
});

test("what is not a command, and what is not there yet, are one line each", async (context) => {
  const { run } = machine(context);
  for (const [args, says] of [
    [["nonsense"], /nonsense is not a command; --help lists them/],
    [["access", "nonsense"], /access nonsense is not a command/],
    [["access", "constructor"], /is not a command/],
    [["access", "tcp", "--hostname", "x"], /access tcp is not there yet/],
    [["doctor"], /doctor is not there yet/],
  ] as const) {
    const { status, stdout, stderr } = await run([...args]);
    assert.deepEqual([status, stdout], [2, ""]);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split("\n").length, 1);
  }
});
