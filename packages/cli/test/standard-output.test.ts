// What happens to the output when nobody reads it, it has no room, or its reader is slow.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { test } from "node:test";
import { watchProcess } from "../../../test/support/cli.ts";
import { json, startPeer } from "./support/peer.ts";
import { bin, machine } from "./support/terminal.ts";

function shell(script: string) {
  const running = watchProcess(spawn("sh", ["-c", script, "sh", process.execPath, bin]));
  return running.ended.then((status) => ({
    status,
    stdout: running.stdout(),
    stderr: running.stderr(),
  }));
}

test("a reader that has gone is no failure, and says nothing", async () => {
  const running = watchProcess(spawn(process.execPath, [bin, "access", "--help"]));
  running.child.stdout.destroy();
  assert.equal(await running.ended, 0);
  assert.equal(running.stderr(), "");
});

test("a full disk is a failure in one line", { skip: !existsSync("/dev/full") }, async () => {
  const run = await shell('"$1" "$2" --version > /dev/full');
  assert.deepEqual(
    [run.status, run.stderr],
    [1, "postern: cannot write to standard output (ENOSPC)\n"],
  );
});

test("closed streams are no failure", async () => {
  const run = await shell('"$1" "$2" --version >&- 2>&-');
  assert.deepEqual([run.status, run.stdout, run.stderr], [0, "", ""]);
});

test("an output that is non-blocking by somebody else's doing, and full, loses nothing", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context);
  await person.run(["access", "login", "-q", peer.origin("app")]);
  const name = "x".repeat(900_000);
  peer.answer = (seen, response) => {
    if (seen.url !== "/cdn-cgi/access/get-identity") return false;
    json(response, 200, { name });
    reader.stdio[3]?.end("go\n");
    return true;
  };
  const reader = spawn("sh", ["-c", "read -r go <&3; exec cat"], {
    stdio: ["pipe", "pipe", "inherit", "pipe"],
  }) as unknown as {
    stdin: import("node:net").Socket;
    stdout: NodeJS.ReadableStream;
    stdio: { end(text: string): void }[];
  };
  let read = "";
  reader.stdout.on("data", (chunk: Buffer) => {
    read += chunk.toString();
  });
  const closed = new Promise((resolve) => reader.stdout.on("close", resolve));
  // Node makes its end non-blocking, and mends that for a child's first three descriptors only.
  const script = 'exec "$1" "$2" access whoami --json "$3" >&3 3>&-';
  const writer = spawn("sh", ["-c", script, "sh", process.execPath, bin, peer.origin("app")], {
    env: person.environment,
    stdio: ["ignore", "inherit", "inherit", reader.stdin],
  });
  reader.stdin.destroy();
  const status = await new Promise((resolve) => writer.on("close", resolve));
  await closed;
  assert.equal(status, 0);
  assert.equal((JSON.parse(read) as { name: string }).name, name);
});
