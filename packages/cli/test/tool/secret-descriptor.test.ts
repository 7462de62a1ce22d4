// Where a secret lies while a tool reads it: in memory or any folder that takes it, without a name.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  fstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { SecretDescriptors } from "../../src/tool/secret-descriptor.ts";
import { surroundings } from "../support/context.ts";
import { startPeer } from "../support/peer.ts";
import { bin, machine } from "../support/terminal.ts";

/** Runs in a name space of its own, where folders cannot be written to (mount_namespaces(7)). */
function readOnly(folders: string[], command: string[]): string[] {
  const mounts = folders.map(
    (folder) => `mount --bind ${folder} ${folder} && mount -o remount,ro,bind ${folder}`,
  );
  return ["unshare", "-rm", "sh", "-c", [...mounts, 'exec "$@"'].join(" && "), "sh", ...command];
}

const [unshare = "", ...probe] = readOnly([], ["true"]);
const canMount = spawnSync(unshare, probe).status === 0;
const nameSpaces = canMount ? {} : { skip: "this machine lets nobody make a mount name space" };

async function signedIn(context: TestContext) {
  const peer = await startPeer(context, { hosts: ["localhost"] });
  const person = machine(context);
  const url = peer.origin("localhost");
  await person.run(["access", "login", "-q", url]);
  return { person, url, peer };
}

test("with a stored token curl and wget work on a file system that cannot be written to", {
  ...nameSpaces,
  ...needs("curl", "wget"),
}, async (context) => {
  const { person, url } = await signedIn(context);
  const disks: Record<string, string[]> = {
    "the home": [person.home],
    "the home and the folder for temporary files": [person.home, "/tmp"],
    "the home and memory": [person.home, "/dev/shm"],
  };
  for (const [name, folders] of Object.entries(disks))
    for (const tool of [
      ["curl", "-sS", url],
      ["curl", "-sS", "--token-in", "header", url],
      ["put", "--via=query", "wget", "-qO-", url],
    ]) {
      const result = await person.runUnder(
        readOnly(folders, [process.execPath, bin, "access", ...tool]),
      );
      assert.deepEqual(
        [result.status, result.stdout],
        [0, "hello from localhost\n"],
        `${name}: ${result.stderr}`,
      );
    }
});

test("a secret needs no folder of the home: it may be missing, or be anything", (context) => {
  const { home } = surroundings(context);
  const stateOfHome: (() => void)[] = [
    () => {},
    () => mkdirSync(home),
    () => writeFileSync(join(home, "run"), "a file in the way"),
  ];
  for (const prepare of stateOfHome) {
    prepare();
    const before = existsSync(home) ? readdirSync(home) : [];
    const secrets = new SecretDescriptors({ home });
    assert.equal(secrets.add("first"), "/dev/fd/3");
    assert.equal(secrets.add("caf\udce9"), "/dev/fd/4");
    const [first = -1, second = -1] = secrets.descriptors;
    assert.equal(readFileSync(first, "utf8"), "first");
    assert.deepEqual(readFileSync(second), Buffer.from("caf\xe9", "latin1"));
    assert.deepEqual([fstatSync(first).mode & 0o777, fstatSync(first).nlink], [0o600, 0]);
    secrets.close();
    assert.deepEqual(existsSync(home) ? readdirSync(home) : [], before, "and leaves nothing");
  }
});
