// Arguments that are not UTF-8 reach the tool as they are, whatever the tool.
import assert from "node:assert/strict";
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { startPeer } from "../support/peer.ts";
import { bin, type Machine, machine } from "../support/terminal.ts";

const linux = { skip: process.platform === "linux" ? false : "arguments are read from /proc" };

/** What a shell's `printf %b` writes, and the same in Latin-1: one character a byte. */
const argumentsInBytes: [notation: string, bytes: string][] = [
  ["q=caf\\0351", "q=caf\xe9"],
  ["--data=\\0377\\0376", "--data=\xff\xfe"],
  ["-d%s\\0200$(id)\\0042\\0047;", "-d%s\x80$(id)\"';"],
  ["cut \\0342\\0202", "cut \xe2\x82"],
  ["line end\\0351\\0012\\0012", "line end\xe9\n\n"],
  ["\\0303\\0251 and \\0351", "\xc3\xa9 and \xe9"],
  ["\\0357\\0277\\0275", "\xef\xbf\xbd"],
  ["plain", "plain"],
  ["", ""],
];

interface Result {
  status: number;
  /** in Latin-1 */
  stdout: string;
  stderr: string;
}

/** Runs the command line from a shell, because Node cannot write such arguments. */
function run(
  person: Machine,
  notations: string[],
  settings = "",
  variable = "X=",
): Promise<Result> {
  const assignments = notations.map((each, index) => `a${index}=$(printf %b '${each}x')`);
  const words = notations.map((_, index) => `"\${a${index}%x}"`);
  const script = [
    ...assignments,
    settings,
    `variable=$(printf %b '${variable}')`,
    `exec env "$variable" '${process.execPath}' '${bin}' ${words.join(" ")}`,
  ];
  const { environment: env, directory: cwd } = person;
  const child = spawn("/bin/sh", ["-c", script.join("\n")], { env, cwd });
  child.stdin.end();
  return resultOf(child);
}

async function resultOf(child: ChildProcessWithoutNullStreams): Promise<Result> {
  const result = { status: 0, stdout: "", stderr: "" };
  child.stdout.setEncoding("latin1").on("data", (text: string) => (result.stdout += text));
  child.stderr.on("data", (text: Buffer) => (result.stderr += text.toString()));
  await new Promise((resolve) => child.on("close", resolve));
  return { ...result, status: child.exitCode ?? -1 };
}

async function signedIn(context: TestContext) {
  const peer = await startPeer(context, { hosts: ["localhost"] });
  const person = machine(context);
  const url = peer.origin("localhost");
  await person.run(["access", "login", "-q", url]);
  peer.requests.length = 0;
  return { peer, person, url };
}

/** A tool that prints its arguments, a NUL behind each, and then one variable. */
function plantTool(person: Machine, name: string): void {
  const path = join(person.directory, "bin", name);
  writeFileSync(path, `#!/bin/sh\nprintf '%s\\0' "$@" "$LATIN"\n`);
  chmodSync(path, 0o755);
}

test("any tool gets the bytes that were given", linux, async (context) => {
  const { person, url } = await signedIn(context);
  plantTool(person, "show");
  const notations = argumentsInBytes.map(([notation]) => notation);
  const put = await run(person, [
    "access",
    "put",
    "--via=env",
    `--app=${url}`,
    "show",
    ...notations,
  ]);
  assert.equal(put.status, 0, put.stderr);
  const expected = argumentsInBytes.map(([, bytes]) => bytes);
  assert.deepEqual(put.stdout.split("\0").slice(0, -2), expected);
});

test("a variable of the environment keeps its bytes as well", linux, async (context) => {
  const { person, url } = await signedIn(context);
  plantTool(person, "show");
  const settings = "LATIN=$(printf '%b' 'caf\\0351 \\0200'); export LATIN";
  const put = await run(person, ["access", "put", "--via=env", `--app=${url}`, "show"], settings);
  assert.deepEqual([put.status, put.stdout], [0, "caf\xe9 \x80\0"], put.stderr);
});

test(
  "a variable whose bytes or name no shell could hand on is refused by its name, and nothing runs",
  linux,
  async (context) => {
    const { person, url } = await signedIn(context);
    plantTool(person, "show");
    const put = ["access", "put", "--via=env", `--app=${url}`, "show"];
    // env(1) sets names that a shell does not know.
    const lines: [variable: string, argument: string, says: RegExp][] = [
      ["a.b=caf\\0351", "plain", /the variable a\.b is not UTF-8/],
      ["2X=\\0377", "plain", /the variable 2X is not UTF-8/],
      ["BASH_FUNC_x%%=() {\\0200; }", "plain", /the variable BASH_FUNC_x%% is not UTF-8/],
      ["caf\\0351=plain", "plain", /the variable caf\\xe9 is not UTF-8/],
      ["NO-DASH=plain", "caf\\0351", /the variable NO-DASH cannot reach the tool/],
      ["npm_config_//host/:x=plain", "\\0351", /the variable npm_config_\/\/host\/:x cannot reach/],
    ];
    for (const [variable, argument, says] of lines) {
      const result = await run(person, [...put, argument], "", variable);
      assert.deepEqual([result.status, result.stdout], [125, ""], variable);
      assert.match(result.stderr, says);
    }
    const plain = await run(person, [...put, "x"], "", "a.b=plain");
    assert.deepEqual([plain.status, plain.stdout], [0, "x\0\0"], plain.stderr);
  },
);

test("curl sends the bytes that were given, in its data, its headers and its URL", {
  ...linux,
  ...needs("curl"),
}, async (context) => {
  const { peer, person, url } = await signedIn(context);
  const curl = await run(person, [
    ...["access", "curl", "-sS", "-d", "q=caf\\0351", "-H", "X-Name: \\0351\\0377"],
    `${url}/caf\\0351`,
  ]);
  assert.deepEqual([curl.status, curl.stdout], [0, "hello from localhost\n"], curl.stderr);
  const [seen] = peer.forwarded();
  assert.equal(seen?.headers["content-length"], "6");
  assert.equal(seen.headers["x-name"], "\xe9\xff");
  assert.equal(seen.url, "/caf%e9", "curl's own way to write it");
  assert.match(seen.headers.cookie ?? "", /^CF_Authorization=/);
});

test(
  "what is ours and not UTF-8 is refused by its name, and nothing is asked",
  linux,
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    for (const [notations, status] of [
      [["access", "login", `${url}/caf\\0351`], 2],
      [["access", "token", "--app", `${url}/caf\\0351`], 2],
      [["access", "curl", "--profile", "caf\\0351", url], 125],
      [["access", "put", "--ca-file", "caf\\0351", "show", url], 125],
      [["access", "whoami", "--profile=caf\\0351", url], 2],
    ] as const) {
      const result = await run(person, [...notations]);
      assert.deepEqual([result.status, result.stdout], [status, ""], result.stderr);
      assert.match(result.stderr, /caf\\xe9 is not UTF-8/);
    }
    assert.deepEqual(peer.requests, []);
  },
);
