// A sign-in where the disk takes nothing: the person is asked, and the command is served.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { startPeer } from "../support/peer.ts";
import { bin, machine } from "../support/terminal.ts";

const canMount = spawnSync("unshare", ["-rm", "true"]).status === 0;

/** Shell lines that change the disk below `$0`. */
const disks: Record<string, string> = {
  "read-only": 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0"',
  full: 'mount -t tmpfs -o size=4k,mode=700 none "$0" && head -c 4096 /dev/zero > "$0/filler"',
  "without a place for locks":
    'mount --bind "$0/locks" "$0/locks" && mount -o remount,bind,ro "$0/locks"',
};

test("where nothing can be stored a person is asked all the same, and one command is served", {
  skip: !canMount && "this machine lets nobody make a mount name space",
}, async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  const login = ["access", "login", "--no-verbose", peer.origin("app")];
  assert.equal((await person.run(login)).status, 0);
  const tokens = join(person.home, "tokens");
  const [team = ""] = readdirSync(join(tokens, "default"));
  const lock = join(person.home, "locks", `default-${team}.lock`);
  const ended = { pid: 2 ** 22 + 1, started: "1", machine: hostname(), since: Date.now() };
  for (const [name, change] of Object.entries(disks)) {
    for (const left of [undefined, JSON.stringify(ended), "{"]) {
      rmSync(tokens, { recursive: true, force: true });
      rmSync(lock, { force: true });
      if (left !== undefined) writeFileSync(lock, left, { mode: 0o600 });
      const inside = ["unshare", "-rm", "sh", "-c", `${change} && exec "$@"`, person.home];
      const { status, stdout, stderr } = await person.runUnder([
        ...inside,
        process.execPath,
        bin,
        ...login,
      ]);
      const where = `${name}, ${left}: ${stderr}`;
      assert.match(stderr, /Warning: other commands cannot wait .*\.lock cannot be written/, where);
      assert.match(stdout, /^eyJ/, `the token is printed for this once: ${where}`);
      // Tokens are kept elsewhere than locks.
      assert.equal(status, name === "without a place for locks" ? 0 : 1, where);
    }
  }
});
