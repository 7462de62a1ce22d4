// The server of these tests refuses what it should: what is let in by it elsewhere says something.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";
import { temporaryFolder } from "../storage/backends.ts";
import { makeSshKey, needsSshd, startSshd } from "./sshd.ts";

const run = promisify(execFile);

test(
  "the test's sshd lets in the key it was made with, and no other",
  needsSshd(),
  async (context) => {
    const { port, user, identityFile, clientOptions, log } = await startSshd(context);
    const strangerFile = join(temporaryFolder(context), "stranger");
    makeSshKey(strangerFile);
    const login = (key: string) =>
      run("ssh", [...clientOptions, "-i", key, "-p", String(port), `${user}@127.0.0.1`, "id -un"]);

    assert.equal((await login(identityFile)).stdout, `${user}\n`);
    await assert.rejects(login(strangerFile), /Permission denied \(publickey\)/);
    assert.match(log(), /Accepted publickey for/);
  },
);
