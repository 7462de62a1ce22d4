// What Node keeps of the compiled program is code that later commands run.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";
import { bin, type Machine, machine } from "./support/terminal.ts";

/** A home as a sign-in leaves it. */
function signInto({ home }: Machine): void {
  mkdirSync(join(home, "tokens"), { recursive: true, mode: 0o700 });
}

const isRoot = process.getuid?.() === 0;
const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;
const noPosix = process.platform !== "linux" && "for Linux";

test("a command keeps what Node compiled for its user alone, and the next one runs the same", {
  skip: noPosix,
}, async (context) => {
  const person = machine(context);
  signInto(person);
  const first = await person.run(["access", "list"]);
  const kept = join(person.home, "compiled");
  // Where the folder for temporary files is open to others, so is everything in it.
  if (isOpenAbove(person.home)) {
    assert.equal(existsSync(kept), false);
    return;
  }
  assert.equal(lstatSync(kept).mode & 0o777, 0o700);
  assert.notDeepEqual(readdirSync(kept, { recursive: true }), []);
  assert.equal(first.status, 0);
  assert.deepEqual(await person.run(["access", "list"]), first);
});

test("who has not signed in has nothing written", { skip: noPosix }, async (context) => {
  const person = machine(context);
  await person.run(["access", "list"]);
  assert.equal(existsSync(person.home), false);
  mkdirSync(person.home, { mode: 0o700 });
  await person.run(["--version"]);
  assert.deepEqual(readdirSync(person.home), []);
});

function isOpenAbove(path: string): boolean {
  const parent = dirname(path);
  if (parent === path) return false;
  const { uid, mode } = lstatSync(parent);
  const isOwn = uid === 0 || uid === process.getuid?.();
  const isShared = (mode & 0o022) !== 0 && (mode & 0o1000) === 0;
  return !isOwn || isShared || isOpenAbove(parent);
}

/** Ways in which somebody else might write what this person's commands run. */
const openings: Record<string, (person: Machine) => void> = {
  "the folder is open to a group": ({ home }) => {
    mkdirSync(join(home, "compiled"));
    chmodSync(join(home, "compiled"), 0o770);
  },
  "the folder is open to everybody": ({ home }) => {
    mkdirSync(join(home, "compiled"));
    chmodSync(join(home, "compiled"), 0o777);
  },
  "the folder is a link": ({ home, directory }) => {
    mkdirSync(join(directory, "elsewhere"));
    symlinkSync(join(directory, "elsewhere"), join(home, "compiled"));
  },
  "the folder is a file": ({ home }) => writeFileSync(join(home, "compiled"), ""),
  "the home is open to others": ({ home }) => chmodSync(home, 0o777),
  "what is above the home is open to others": ({ directory }) => chmodSync(directory, 0o777),
  "the home is a link": ({ home }) => {
    renameSync(home, `${home}-elsewhere`);
    symlinkSync(`${home}-elsewhere`, home);
  },
};

for (const [opening, prepare] of Object.entries(openings)) {
  test(`nothing is kept and nothing said where ${opening}`, { skip: noPosix }, async (context) => {
    const person = machine(context);
    signInto(person);
    prepare(person);
    const { status, stderr } = await person.run(["--version"]);
    assert.deepEqual([status, stderr], [0, ""]);
    assertNothingIn(join(person.home, "compiled"));
  });
}

test("nothing is kept where the folder is another user's", {
  skip: noPosix || (!isRoot && "for root"),
}, async (context) => {
  const person = machine(context);
  signInto(person);
  const folder = join(person.home, "compiled");
  for (const path of [folder, join(person.home, "tokens"), person.home]) {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await person.runUnder(["chown", "65534", path]);
    await person.run(["--version"]);
    assertNothingIn(folder);
    await person.runUnder(["chown", "0", path]);
    rmSync(folder, { recursive: true });
  }
});

test("a relative POSTERN_HOME keeps nothing in the working directory (C2)", {
  skip: noPosix,
}, async (context) => {
  const person = machine(context);
  signInto(person);
  const { status } = await person.run(["--version"], { POSTERN_HOME: "home" });
  assert.equal(status, 0);
  assert.equal(existsSync(join(person.home, "compiled")), false);
});

test("a disk that cannot be written to is no trouble", {
  skip: noPosix || (!canMount && "this machine lets nobody make a mount name space"),
}, async (context) => {
  const person = machine(context);
  signInto(person);
  const readOnly = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"';
  const inside = ["unshare", "-rm", "sh", "-c", readOnly, person.home];
  const { status, stderr } = await person.runUnder([...inside, process.execPath, bin, "--version"]);
  assert.deepEqual([status, stderr], [0, ""]);
});

function assertNothingIn(folder: string): void {
  const isFolder = existsSync(folder) && lstatSync(folder).isDirectory();
  assert.deepEqual(isFolder ? readdirSync(folder) : [], []);
}
