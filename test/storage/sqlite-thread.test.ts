// The thread of a database file: what its callers see of it, and what becomes of them when it ends.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import type { Worker } from "node:worker_threads";
import { openStore } from "../../packages/gateway/src/storage/open-store.ts";
import type { Store } from "../../packages/gateway/src/storage/store.ts";
import { accessEvent } from "./access-event.ts";
import { handover, minute, object, temporaryFolder, time } from "./backends.ts";

const storeModule = new URL("../../packages/gateway/src/storage/open-store.ts", import.meta.url);

async function open(context: TestContext, place: string): Promise<Store> {
  const store = await openStore(place, randomBytes);
  context.after(() => store.close());
  return store;
}

function newFile(context: TestContext): string {
  return join(temporaryFolder(context), "postern.db");
}

/** Runs a program that knows `openStore`, and the file as `place`, until it ends by itself. */
async function run(context: TestContext, place: string, script: string) {
  const source = `import { randomBytes } from "node:crypto";
    import { openStore } from ${JSON.stringify(storeModule.href)};
    const place = ${JSON.stringify(place)};
    ${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  context.after(() => child.kill("SIGKILL"));
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk));
  const [status] = await once(child, "close");
  return { status, printed };
}

test("what was asked before the store is closed is answered, and is there afterwards", async (context) => {
  const place = newFile(context);
  const store = await open(context, place);
  const counts = Array.from({ length: 20 }, () => store.counters.count("k", minute, time));
  const replaced = store.objects.change([object("a")], []);
  await store.close();
  assert.equal(Math.max(...(await Promise.all(counts))), 20);
  await replaced;
  const again = await open(context, place);
  assert.equal(await again.counters.count("k", minute, time), 21);
  assert.deepEqual(await again.objects.all(), [object("a")]);
});

test("a program ends by itself, with its store open or closed, and a call keeps it until its answer", async (context) => {
  const place = newFile(context);
  const openIt = "const store = await openStore(place, randomBytes);";
  const count = `console.log(await store.counters.count("k", 1e12, 0));`;
  const ways = [
    [openIt, count],
    [openIt, count, "await store.close();"],
    [openIt, "store.watch(() => {});", count],
  ];
  for (const [index, way] of ways.entries()) {
    const { status, printed } = await run(context, place, way.join("\n"));
    assert.deepEqual([status, printed], [0, `${index + 1}\n`], way.join(" "));
  }
});

test("whoever signs in waits for no search of an administrator through all there is", async (context) => {
  const store = await open(context, newFile(context));
  const rows = Array.from({ length: 20_000 }, (_, index) =>
    accessEvent({
      ray_id: index.toString(16).padStart(16, "0"),
      user_email: `a${index}@example.com`,
    }),
  );
  await store.accessLog.add(rows);
  const filters = [{ field: "user_email", operator: "contains", value: "nobody" }] as const;
  for (let search = 0; search < 2; search++) {
    const answers: string[] = [];
    const note = (name: string) => () => answers.push(name);
    await Promise.all([
      store.accessLog.list({ direction: "desc", limit: 25, filters }).then(note("search")),
      store.sessions.find("s").then(note("session")),
      store.adminTokens.findByHash("h").then(note("token")),
    ]);
    assert.equal(answers.at(-1), "search");
  }
  assert.equal(
    (await store.accessLog.list({ direction: "desc", limit: 2, filters: [] })).length,
    2,
  );
});

test("an error says the same as in the caller's own thread, and why", async (context) => {
  const place = newFile(context);
  const store = await open(context, place);
  const broken = { ...handover("h"), aud: null as unknown as string };
  await assert.rejects(store.handovers.add(broken), /NOT NULL constraint failed: handovers.aud/);

  const notes = join(temporaryFolder(context), "notes.txt");
  writeFileSync(notes, "These are my notes. ".repeat(100));
  await assert.rejects(openStore(notes, randomBytes), (error: Error) => {
    assert.match(error.message, /notes\.txt cannot be opened: .*check `store`/);
    assert.match(String(error.cause), /file is not a database/);
    return true;
  });
});

test("a program whose store cannot be opened lives until it is told why", async (context) => {
  const script = `await openStore(place, randomBytes).catch(({ message }) => console.log(message));`;
  const { status, printed } = await run(context, temporaryFolder(context), script);
  assert.equal(status, 0);
  assert.match(printed, /cannot be opened: .*check `store`/);
});

test("when the thread that reads ends unasked, nothing is written any more either", async (context) => {
  const workers: Worker[] = [];
  const note = (worker: Worker) => workers.push(worker);
  process.on("worker", note);
  const store = await open(context, newFile(context));
  process.off("worker", note);
  const lost = Promise.withResolvers<string>();
  store.watch(([change]) => {
    if (change?.what === "unreadable") lost.resolve(change.error);
  });
  await workers[1]?.terminate();
  for (const call of [store.keys.all(), store.counters.count("k", minute, time), store.sweep(time)])
    await assert.rejects(call, /store's thread has ended.*; restart the gateway/);
  assert.match(await lost.promise, /store's thread has ended/);
  await store.close();
});

test("when the thread ends unasked, calls under way and all after them fail and say what to do", async (context) => {
  const place = newFile(context);
  const started = once(process, "worker");
  const store = await open(context, place);
  const [thread] = (await started) as [Worker];
  // While another program writes, the call cannot end before the thread does.
  const other = new DatabaseSync(place);
  context.after(() => other.close());
  other.exec("begin immediate");
  const underWay = store.counters.count("k", minute, time);
  await Promise.all([
    assert.rejects(underWay, /store's thread has ended.*; restart the gateway/),
    thread.terminate(),
  ]);
  await assert.rejects(store.keys.all(), /store's thread has ended/);
  await assert.rejects(store.sweep(time), /store's thread has ended/);
  await store.close();
});
