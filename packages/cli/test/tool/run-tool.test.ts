// What a wrapped tool inherits, and what its caller sees of its end.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../../../../test/support/requirements.ts";
import { end, startPeer } from "../support/peer.ts";
import { processesFrom } from "../support/processes.ts";
import { machine } from "../support/terminal.ts";

async function signedIn(context: TestContext) {
  const peer = await startPeer(context, { hosts: ["localhost", "app"] });
  const person = machine(context);
  const url = peer.origin("localhost");
  await person.run(["access", "login", "-q", url]);
  peer.requests.length = 0;
  return { peer, person, url };
}

const linux = { skip: process.platform === "linux" ? false : "shows itself in /proc" };

test(
  "the tool's streams stay as they were: nothing made them non-blocking, whatever was said before",
  linux,
  async (context) => {
    const { peer, person } = await signedIn(context);
    const show = "cat /proc/self/fdinfo/0 /proc/self/fdinfo/1 /proc/self/fdinfo/2";
    // A host that was not asked before: its team domain is named on standard error first.
    const became = await person.run([
      "access",
      "put",
      "sh",
      "-c",
      show,
      "sh",
      `${peer.origin("app")}/x`,
    ]);
    assert.match(became.stderr, /this is now remembered/);
    const spawned = join(person.directory, "bin", "curl");
    writeFileSync(spawned, `#!/bin/sh\n${show}\n`);
    chmodSync(spawned, 0o755);
    const ran = await person.run(["access", "curl", `${peer.origin("app")}/x`]);
    for (const { stdout, stderr } of [became, ran]) {
      const flags = [...stdout.matchAll(/^flags:\s+0?([0-7]+)$/gm)].map(([, octal = ""]) =>
        Number.parseInt(octal, 8),
      );
      assert.equal(flags.length, 3, stderr);
      assert.deepEqual(
        flags.map((each) => each & 0o4000),
        [0, 0, 0],
      );
    }
  },
);

test("the tool gets no descriptor of ours but those it was told of", linux, async (context) => {
  const { person, url } = await signedIn(context);
  const show = ["sh", "-c", "ls /proc/$$/fd"];
  const bare = spawnSync(show[0] ?? "", show.slice(1), { encoding: "utf8" });
  const put = await person.run(["access", "put", ...show, "sh", url]);
  assert.equal(put.stdout, bare.stdout);
});

test(
  "a signal that ends the wrapper ends the tool, and the caller sees which",
  needs("curl"),
  async (context) => {
    const { peer, person, url } = await signedIn(context);
    for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
      const gone = new Promise<void>((resolve) => {
        peer.answer = (seen, response) => {
          if (!seen.url.startsWith("/slow")) return false;
          response.on("close", resolve);
          running.child.kill(signal);
          return true;
        };
      });
      const running = person.start(["access", "curl", "-s", `${url}/slow`]);
      await running.ended;
      assert.equal(running.child.signalCode, signal);
      await gone;
    }
  },
);

test("a tool that handles a signal decides for itself how it ends", linux, async (context) => {
  const { person, url } = await signedIn(context);
  const tool = join(person.directory, "bin", "curl");
  writeFileSync(
    tool,
    '#!/bin/sh\ntrap "echo cleaned; exit 5" TERM\necho ready\nwhile :; do sleep 0.05; done\n',
  );
  chmodSync(tool, 0o755);
  const running = person.start(["access", "curl", url]);
  await running.until(/ready/);
  running.child.kill("SIGTERM");
  assert.equal(await running.ended, 5);
  assert.match(running.stdout(), /cleaned/);
});

test("where nothing has to be handed over, this process becomes the tool", {
  ...linux,
  ...needs("curl"),
}, async (context) => {
  const { peer, person, url } = await signedIn(context);
  let seen: string[][] = [];
  peer.answer = (asked, response) => {
    if (!asked.url.startsWith("/x")) return false;
    seen = processesFrom(running.child.pid ?? 0).map(({ command }) => command.slice(0, 2));
    end(response, 200);
    return true;
  };
  const running = person.start(["access", "put", "--via", "env", "curl", "-s", `${url}/x`]);
  await running.ended;
  assert.deepEqual(seen, typeof process.execve === "function" ? [["curl", "-s"]] : seen);
});
