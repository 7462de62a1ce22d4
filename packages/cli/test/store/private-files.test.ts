// Files that are their owner's alone, written whole or not at all.
import assert from "node:assert/strict";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { CliError } from "../../src/exit-status.ts";
import {
  createPrivateFile,
  fileNameOf,
  readPrivateFile,
  readPrivateJson,
  removeFile,
  writePrivateFile,
} from "../../src/store/private-files.ts";
import { surroundings } from "../support/context.ts";

const failure = (pattern: RegExp) => (error: unknown) =>
  error instanceof CliError && error.code === "failure" && pattern.test(error.message);

test("a file is written whole, with its directories, and read back; nothing else is left beside it", (context) => {
  const { home } = surroundings(context);
  const path = join(home, "a", "b", "c.json");
  assert.equal(readPrivateFile(home, path), undefined);
  writePrivateFile(home, path, "one");
  writePrivateFile(home, path, "two");
  assert.equal(readPrivateFile(home, path), "two");
  assert.deepEqual(readdirSync(dirname(path)), ["c.json"]);
  assert.equal(removeFile(path), true);
  assert.equal(removeFile(path), false);
});

test("a file is created once", (context) => {
  const { home } = surroundings(context);
  const path = join(home, "lock");
  assert.equal(createPrivateFile(home, path, "first"), true);
  assert.equal(createPrivateFile(home, path, "second"), false);
  assert.equal(readFileSync(path, "utf8"), "first");
  assert.deepEqual(readdirSync(home), ["lock"]);
});

test("a home that was open for reading is closed; one that was open for writing is refused, and stays as it was", (context) => {
  const { home } = surroundings(context);
  mkdirSync(home, { mode: 0o755 });
  writePrivateFile(home, join(home, "x"), "x");
  assert.equal(statSync(home).mode & 0o777, 0o700);
  const open = `${home}-open`;
  mkdirSync(open);
  // After the umask.
  process.getBuiltinModule("node:fs").chmodSync(open, 0o777);
  assert.throws(
    () => writePrivateFile(open, join(open, "x"), "x"),
    failure(/is open to other users and is not used/),
  );
  assert.equal(statSync(open).mode & 0o777, 0o777);
  assert.deepEqual(readdirSync(open), []);
});

test("a place that cannot be written is said to be one, with the name of what says where it is", (context) => {
  const { home } = surroundings(context);
  writeFileSync(home, "a file");
  assert.throws(
    () => writePrivateFile(home, join(home, "x"), "x"),
    failure(/cannot be written .*POSTERN_HOME/),
  );
});

test("what is no file, is too large, or holds no object is not taken for one of ours", (context) => {
  const { home } = surroundings(context);
  const path = join(home, "x.json");
  mkdirSync(path, { recursive: true, mode: 0o700 });
  assert.throws(() => readPrivateFile(home, path), failure(/is not a file/));
  const large = join(home, "large");
  writePrivateFile(home, large, "x".repeat(3 * 1024 * 1024));
  assert.throws(() => readPrivateFile(home, large), failure(/too large/));
  for (const text of ["", "{", "[]", "null", "5"]) {
    const odd = join(home, "odd.json");
    writePrivateFile(home, odd, text);
    assert.equal(readPrivateJson(home, odd), undefined, text);
  }
});

test("a name made of any text stays in its directory, and different texts have different names", () => {
  const texts = [
    "default",
    "..",
    ".",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    "a\\b",
    "a\0b",
    "~",
    "*.example.com",
    "x".repeat(300),
    `${"x".repeat(299)}y`,
  ];
  const names = texts.map(fileNameOf);
  for (const [index, name] of names.entries()) {
    assert.equal(basename(name), name, texts[index]);
    assert.match(name, /^[^./\\][^/\\]*$/, texts[index]);
    assert.ok(name.length < 200);
  }
  assert.equal(new Set(names).size, texts.length);
  assert.ok(!existsSync(join("/", "nowhere", names[0] ?? "")));
});
