// What commands that people run in loops load of Node: networking and cryptography take longer to
// load than all else that they do (docs/adr/0001).
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { needs } from "../../../test/support/requirements.ts";
import { startPeer } from "./support/peer.ts";
import { machine } from "./support/terminal.ts";

/** Writes down which of Node's modules a process has loaded when it ends. */
const preload = `process.once("exit", () => {
  const names = process.moduleLoadList.map((line) => line.replace(/^\\S+ /, ""));
  require("node:fs").writeFileSync(process.env.LOADED, names.join("\\n"));
});
`;

/** Writes down which parts of the program have been compiled (docs/adr/0035). */
const countParts = `const vm = require("node:vm");
const { runInThisContext } = vm;
const parts = [];
vm.runInThisContext = (text, options) => {
  parts.push(options.filename);
  return runInThisContext(text, options);
};
process.once("exit", () => {
  require("node:fs").writeFileSync(process.env.PARTS, parts.join("\\n"));
});
`;

test("printing a token compiles one part of the program, and signing in several", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const url = peer.origin("app");
  const file = join(person.directory, "parts.cjs");
  const PARTS = join(person.directory, "parts");
  writeFileSync(file, countParts);
  const partsOf = async (...args: string[]) => {
    const { status, stderr } = await person.run(args, { NODE_OPTIONS: `--require=${file}`, PARTS });
    assert.equal(status, 0, stderr);
    return readFileSync(PARTS, "utf8")
      .split("\n")
      .map((name) => basename(name));
  };
  const ofLogin = await partsOf("access", "login", url);
  assert.ok(ofLogin.length > 5, ofLogin.join(" "));
  assert.equal(new Set(ofLogin).size, ofLogin.length, "each of them once");
  assert.deepEqual(await partsOf("access", "token", url), ["postern.cjs#0"]);
});

test(
  "a token that was checked a moment ago costs neither networking nor cryptography",
  needs("curl"),
  async (context) => {
    const peer = await startPeer(context);
    const person = machine(context);
    const url = peer.origin("app");
    assert.equal((await person.run(["access", "login", url])).status, 0);
    const file = join(person.directory, "preload.cjs");
    const LOADED = join(person.directory, "loaded");
    writeFileSync(file, preload);
    const environment = { NODE_OPTIONS: `--require=${file}`, LOADED };
    for (const [args, heavy] of [
      [
        ["access", "token", url],
        ["crypto", "http", "https", "net", "tls", "child_process"],
      ],
      [
        ["access", "curl", "-sS", url],
        ["crypto", "http", "https", "tls"],
      ],
      [["--version"], ["crypto", "http", "https", "net", "tls", "child_process"]],
    ] as const) {
      const { status, stderr } = await person.run([...args], environment);
      assert.equal(status, 0, stderr);
      const loaded = readFileSync(LOADED, "utf8").split("\n");
      assert.deepEqual(
        heavy.filter((name) => loaded.includes(name)),
        [],
        args.join(" "),
      );
    }
  },
);
