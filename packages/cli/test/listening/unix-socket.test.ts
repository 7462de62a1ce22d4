// A Unix socket that leads elsewhere is its owner's alone, from its first moment to its last.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  existsSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { leaveOut } from "../../../../test/support/requirements.ts";
import type { CliError } from "../../src/exit-status.ts";
import { listenOnSocket } from "../../src/listening/unix-socket.ts";

const isRoot = process.getuid?.() === 0;

function folder(context: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), "postern-socket-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function newServer(context: TestContext): Server {
  const server = createServer();
  context.after(() => server.close());
  return server;
}

async function faultOf(promise: Promise<void>): Promise<string> {
  const error = await promise.then(
    () => assert.fail("it listens"),
    (reason: CliError) => reason,
  );
  assert.equal(error.code, "usage");
  return error.message;
}

test("the socket and a folder that is made for it are nobody else's, whatever the umask says", async (context) => {
  const mask = process.umask(0);
  context.after(() => process.umask(mask));
  const path = join(folder(context), "new", "folder", "app.sock");
  const server = newServer(context);
  await listenOnSocket(server, path);
  assert.equal(lstatSync(path).mode & 0o777, 0o600);
  assert.equal(lstatSync(join(path, "..")).mode & 0o777, 0o700);
  assert.equal(process.umask(), 0, "the mask is what it was");
  server.close();
  await once(server, "close");
  assert.ok(!existsSync(path), "gone with the proxy");
});

test("the socket of a process that was killed is taken over, one that is in use is not", async (context) => {
  const path = join(folder(context), "app.sock");
  const killed = newServer(context);
  await listenOnSocket(killed, path);
  assert.match(
    await faultOf(listenOnSocket(newServer(context), path)),
    /in use by another process/,
  );
  // As SIGKILL leaves it: a file that nobody listens on.
  const left = join(path, "..", "left.sock");
  const script = `require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))`;
  spawnSync(process.execPath, ["-e", script, left]);
  assert.ok(lstatSync(left).isSocket());
  await listenOnSocket(newServer(context), left);
});

test("what is there and no socket stays as it is", async (context) => {
  const directory = folder(context);
  const file = join(directory, "file");
  writeFileSync(file, "mine");
  const link = join(directory, "link");
  symlinkSync(join(directory, "elsewhere"), link);
  const below = join(directory, "below");
  mkdirSync(below);
  for (const path of [file, link, below])
    assert.match(
      await faultOf(listenOnSocket(newServer(context), path)),
      /is there already and no socket/,
    );
  assert.ok(!existsSync(join(directory, "elsewhere")));
});

test("a folder in which others can replace files is refused, a sticky one is not", async (context) => {
  const directory = folder(context);
  const path = join(directory, "app.sock");
  for (const mode of [0o777, 0o775, 0o702]) {
    chmodSync(directory, mode);
    assert.match(
      await faultOf(listenOnSocket(newServer(context), path)),
      /can be changed by other users/,
    );
  }
  chmodSync(directory, 0o1777);
  await listenOnSocket(newServer(context), path);
});

test("a folder is refused where others can replace one above it, or a link that leads to it", async (context) => {
  const directory = folder(context);
  const open = join(directory, "open");
  const own = join(open, "own");
  mkdirSync(own, { recursive: true });
  chmodSync(own, 0o700);
  symlinkSync(own, join(directory, "link"));
  for (const path of [join(own, "app.sock"), join(directory, "link/linked.sock")]) {
    chmodSync(open, 0o777);
    const fault = await faultOf(listenOnSocket(newServer(context), path));
    assert.match(fault, /^\S+\/open can be changed by other users/);
    // What was made for the path is of no use to anybody either.
    const made = join(open, "made/app.sock");
    await faultOf(listenOnSocket(newServer(context), made));
    chmodSync(open, 0o1777);
    await listenOnSocket(newServer(context), path);
  }
});

test(
  "a folder above that is another user's is refused, and a link of another user",
  isRoot ? {} : leaveOut("root, to make files of another user"),
  async (context) => {
    const directory = folder(context);
    const theirs = join(directory, "theirs");
    const own = join(theirs, "own");
    mkdirSync(own, { recursive: true, mode: 0o700 });
    const link = join(directory, "link");
    symlinkSync(directory, link);
    chownSync(theirs, 65_534, 65_534);
    lchownSync(link, 65_534, 65_534);
    for (const path of [join(own, "app.sock"), join(link, "app.sock")]) {
      const fault = await faultOf(listenOnSocket(newServer(context), path));
      assert.match(fault, /can be changed by other users/);
    }
    assert.deepEqual(
      [existsSync(join(own, "app.sock")), existsSync(join(link, "app.sock"))],
      [false, false],
    );
  },
);
