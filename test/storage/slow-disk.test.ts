// What the disk has to do for whom: what people are told has happened is on it, many share one wait
// for it, and strangers cause none.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { needs } from "../support/requirements.ts";
import { slowDisk } from "../support/slow-disk.ts";
import { handover, pin, session, temporaryFolder, time, transfer } from "./backends.ts";

const storeModule = new URL("../../packages/gateway/src/storage/open-store.ts", import.meta.url);

/**
 * Runs a program that has `store` and `syncs()` at hand, on a disk that ends no sync between
 * `holdDisk()` and `releaseDisk()`.
 * @returns what it printed, as JSON
 */
async function run(context: TestContext, script: string): Promise<unknown> {
  const folder = temporaryFolder(context);
  const disk = slowDisk(folder, 0);
  const source = `import { randomBytes } from "node:crypto";
    import { rmSync, statSync, writeFileSync } from "node:fs";
    import { openStore } from ${JSON.stringify(storeModule.href)};
    const store = await openStore(${JSON.stringify(join(folder, "postern.db"))}, randomBytes);
    const syncs = () => statSync(process.env.SLOW_DISK_COUNT, { throwIfNoEntry: false })?.size ?? 0;
    const holdDisk = () => writeFileSync(process.env.SLOW_DISK_HOLD, "");
    const releaseDisk = () => rmSync(process.env.SLOW_DISK_HOLD);
    await store.users.forEmail("ada@example.com", ${time}, "ada");
    const first = syncs();
    ${script}
    await store.close();`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...disk.environment },
  });
  context.after(() => child.kill("SIGKILL"));
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk));
  assert.deepEqual(await once(child, "close"), [0, null]);
  return JSON.parse(printed);
}

test("nothing that a stranger can do makes the disk work", needs("cc"), async (context) => {
  const ways = {
    counted: "await store.counters.count('k' + turn, 60_000, Date.now());",
    "asks for a code": `await store.pins.add({ ...${JSON.stringify(pin("p"))}, id: "p" + turn });`,
    "tries a code": "await store.pins.try('p' + turn);",
    "opens mailboxes": `await store.transfers.open({ ...${JSON.stringify(transfer("t"))}, id: "t" + turn });`,
    "polls and hangs up":
      "await store.transfers.hold('t0', 1e15); await store.transfers.release('t0', 1e15);",
    "polls from elsewhere": `await store.transfers.move("t" + turn, { from: "waiting", to: "address", now: ${time} });`,
    "comes with a hand-over that there is not": "await store.handovers.take('none' + turn);",
    "types a code that there is not": "await store.pins.take('none' + turn);",
    "comes with a token that there is not": "await store.sessions.find('none' + turn);",
  };
  const steps = Object.entries(ways).map(
    ([way, step]) => `{
      const before = syncs();
      for (let turn = 0; turn < 200; turn++) { ${step} }
      counts[${JSON.stringify(way)}] = syncs() - before;
    }`,
  );
  const counts = await run(
    context,
    `const counts = {}; ${steps.join("\n")} console.log(JSON.stringify(counts));`,
  );
  assert.deepEqual(counts, Object.fromEntries(Object.keys(ways).map((way) => [way, 0])));
});

test("what people are told has happened is on the disk first", needs("cc"), async (context) => {
  const ways = {
    "a session": `store.sessions.add(${JSON.stringify(session("s", "ada"))})`,
    "a hand-over": `store.handovers.add(${JSON.stringify(handover("h"))})`,
    "a hand-over that is used": "store.handovers.take('h')",
    "a session that ended": `store.sessions.revoke("s", ${time})`,
    "a terminal's tokens": `store.transfers.move("t", { from: "waiting", to: "sealed", now: ${time},
      sealed: { body: "b", service_public_key: "k", session_id: "s" } })`,
  };
  const steps = Object.entries(ways).map(
    ([way, step]) => `{
      const before = syncs();
      await ${step};
      isSynced[${JSON.stringify(way)}] = syncs() > before;
    }`,
  );
  const isSynced = await run(
    context,
    `const isSynced = {};
     await store.transfers.open(${JSON.stringify(transfer("t"))});
     ${steps.join("\n")} console.log(JSON.stringify(isSynced));`,
  );
  assert.deepEqual(isSynced, Object.fromEntries(Object.keys(ways).map((way) => [way, true])));
});

test(
  "confirmations that come together share the wait for the disk",
  needs("cc"),
  async (context) => {
    const add = (id: string) =>
      `store.sessions.add({ ...${JSON.stringify(session("s", "ada"))}, id: ${id} })`;
    const script = `holdDisk();
    const all = Array.from({ length: 100 }, (_, index) => ${add('"s" + index')});
    releaseDisk();
    await Promise.all(all);
    const together = syncs() - first;
    const ids = (await store.sessions.ofUser("ada", ${time})).length;
    console.log(JSON.stringify({ together, ids }));`;
    const { together, ids } = (await run(context, script)) as { together: number; ids: number };
    assert.equal(ids, 100);
    assert.ok(together <= 4, `${together} syncs for 100 sessions`);
  },
);

test(
  "of confirmations that come together, one that fails takes no other with it",
  needs("cc"),
  async (context) => {
    const add = (id: string, user: string) =>
      `store.sessions.add(${JSON.stringify(session(id, user))})`;
    const script = `holdDisk();
    const outcomes = Promise.allSettled([
      ${add("a", "ada")}, ${add("b", "nobody")}, ${add("a", "ada")}, ${add("c", "ada")},
      store.keys.replace([], [{}]), store.counters.count("k", 60_000, ${time}),
    ]);
    releaseDisk();
    const all = await outcomes;
    const ids = (await store.sessions.ofUser("ada", ${time})).map(({ id }) => id);
    console.log(JSON.stringify([all.map(({ status }) => status), ids]));`;
    assert.deepEqual(await run(context, script), [
      ["fulfilled", "rejected", "rejected", "fulfilled", "rejected", "fulfilled"],
      ["a", "c"],
    ]);
  },
);

test(
  "who only reads waits for no disk, and sees all that was confirmed",
  needs("cc"),
  async (context) => {
    const reads = {
      "a session": "store.sessions.find('s0')",
      "the sessions of a person": `store.sessions.ofUser("ada", ${time})`,
      "a mailbox": "store.transfers.find('t0')",
      "the keys": "store.keys.all()",
      "an object": "store.objects.find([{ kind: 'application', id: 'a' }])",
      "all objects": "store.objects.all()",
    };
    const steps = Object.entries(reads).map(
      ([what, read], index) => `{
      const before = syncs();
      holdDisk();
      const writing = add("s" + ${index});
      while (syncs() === before) await pause(1);
      results[${JSON.stringify(what)}] = await Promise.race([
        ${read}.then(() => "before the disk"),
        pause(30_000, "not before the disk", { ref: false }),
      ]);
      releaseDisk();
      await writing;
      if ((await store.sessions.find("s" + ${index})) === undefined) results.lost = ${index};
    }`,
    );
    const results = await run(
      context,
      `const { setTimeout: pause } = await import("node:timers/promises");
     const add = (id) => store.sessions.add({ ...${JSON.stringify(session("s", "ada"))}, id });
     const results = {};
     ${steps.join("\n")}
     console.log(JSON.stringify(results));`,
    );
    const expected = Object.keys(reads).map((what) => [what, "before the disk"]);
    assert.deepEqual(results, Object.fromEntries(expected));
  },
);
