// The secret key in its file: who may have it, and what is said to the operator when it is not as
// it must be.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { loadSecretKey } from "../../src/secrets/secret-key-file.ts";

const hex = "0123456789abcdef".repeat(4);
const module = new URL("../../src/secrets/secret-key-file.ts", import.meta.url).href;

function temporaryFolder(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-key-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function keyFile(context: TestContext, text = `${hex}\n`, mode = 0o600): string {
  const file = join(temporaryFolder(context), "secret.key");
  writeFileSync(file, text);
  chmodSync(file, mode);
  return file;
}

/** Refused in one line that names the file and shows nothing of the key. */
function refuses(file: string, why: RegExp): void {
  assert.throws(
    () => loadSecretKey(file, randomBytes),
    ({ message }: Error) => {
      assert.match(message, why);
      assert.ok(
        message.startsWith(`${file}: `) &&
          !message.includes("\n") &&
          !message.includes(hex.slice(0, 16)),
        message,
      );
      return true;
    },
  );
}

test("the first start makes the key, for its owner alone whatever the umask, and later starts read it", (context) => {
  const file = join(temporaryFolder(context), "data", "keys", "secret.key");
  const before = process.umask(0);
  context.after(() => process.umask(before));
  const key = loadSecretKey(file, randomBytes);
  assert.equal(key.length, 32);
  assert.ok(key.some((byte) => byte !== 0));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  for (const folder of [dirname(file), dirname(dirname(file))])
    assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.deepEqual(readdirSync(dirname(file)), ["secret.key"], "nothing else is left there");
  assert.equal(readFileSync(file, "utf8"), `${key.toString("hex")}\n`);
  assert.deepEqual(loadSecretKey(file, randomBytes), key);
});

test("a key that somebody wrote by hand counts, with or without the end of its line", (context) => {
  for (const text of [hex, `${hex}\n`, `${hex}\r\n`, hex.toUpperCase()])
    assert.equal(loadSecretKey(keyFile(context, text), randomBytes).toString("hex"), hex);
  assert.equal(loadSecretKey(keyFile(context, hex, 0o400), randomBytes).toString("hex"), hex);
});

test("a key that others can read or write is refused", (context) => {
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o644, 0o666]) {
    const file = keyFile(context, hex, mode);
    refuses(file, /open to other users of this machine; run `chmod 600 /);
    assert.equal(statSync(file).mode & 0o777, mode, "and is not mended silently");
  }
});

test("a symbolic link is refused, also one to nothing", (context) => {
  const folder = temporaryFolder(context);
  const target = keyFile(context);
  symlinkSync(target, join(folder, "good"));
  symlinkSync(join(folder, "nowhere"), join(folder, "dangling"));
  for (const name of ["good", "dangling"])
    refuses(join(folder, name), /must not be a symbolic link/);
  assert.deepEqual(
    readdirSync(folder).sort(),
    ["dangling", "good"],
    "nothing was made where it points",
  );
});

test("another user's key is refused", (context) => {
  // Root gives a key away; everybody else finds a file of root's.
  const root = process.geteuid?.() === 0;
  const file = root ? keyFile(context) : "/etc/passwd";
  if (root) chownSync(file, 65_534, 65_534);
  refuses(file, /belongs to another user/);
});

test("a folder, a short, long or damaged key is refused and left alone", (context) => {
  const folder = join(temporaryFolder(context), "secret.key");
  mkdirSync(folder);
  refuses(folder, /must be a file/);
  for (const text of [
    "",
    "\n",
    hex.slice(1),
    `${hex}00`,
    `${hex.slice(1)}g`,
    ` ${hex}`,
    `${hex}\n${hex}`,
    "x".repeat(32),
  ]) {
    const file = keyFile(context, text);
    refuses(file, /must be 64 hex characters; restore it from a backup/);
    assert.equal(readFileSync(file, "latin1"), text);
  }
});

test("a place where nothing can be made is named", (context) => {
  refuses(join(keyFile(context), "secret.key"), /cannot be read \(ENOTDIR\)/);
});

test("a backup by hard link does not get in the way", (context) => {
  const file = keyFile(context);
  linkSync(file, `${file}.backup`);
  assert.equal(loadSecretKey(file, randomBytes).toString("hex"), hex);
});

test("processes that start first at once all get the same key", async (context) => {
  const file = join(temporaryFolder(context), "data", "secret.key");
  const source = `import { randomBytes } from "node:crypto"; import { loadSecretKey } from ${JSON.stringify(module)};
    process.stdin.once("data", () => { console.log(loadSecretKey(${JSON.stringify(file)}, randomBytes).toString("hex")); process.exit(); });
    console.log("ready");`;
  const starts = Array.from({ length: 5 }, () => {
    const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    context.after(() => child.kill("SIGKILL"));
    let printed = "";
    const ready = new Promise<void>((resolve) =>
      child.stdout.on("data", (chunk: Buffer) => {
        printed += chunk;
        resolve();
      }),
    );
    const key = new Promise<string>((resolve) =>
      child.once("close", () => resolve(printed.replace("ready\n", ""))),
    );
    return { child, ready, key };
  });
  await Promise.all(starts.map(({ ready }) => ready));
  for (const { child } of starts) child.stdin.write("go\n");
  const keys = await Promise.all(starts.map(({ key }) => key));
  assert.match(keys[0] ?? "", /^[0-9a-f]{64}\n$/);
  assert.equal(new Set(keys).size, 1);
  assert.equal(readFileSync(file, "utf8"), keys[0]);
  assert.deepEqual(readdirSync(dirname(file)), ["secret.key"]);
});
