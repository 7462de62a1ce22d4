// What is particular to a database in a file: who may read it, who else may have it open, and what
// it survives.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openStore } from "../../packages/gateway/src/storage/open-store.ts";
import type { Store } from "../../packages/gateway/src/storage/store.ts";
import { changeKeys } from "../../packages/gateway/src/tokens/change-keys.ts";
import {
  handover,
  key,
  minute,
  object,
  session,
  temporaryFolder,
  time,
  transfer,
  withPeople,
} from "./backends.ts";

const storeModule = new URL("../../packages/gateway/src/storage/open-store.ts", import.meta.url);

async function open(context: TestContext, place: string): Promise<Store> {
  const store = await openStore(place, randomBytes);
  context.after(() => store.close());
  return store;
}

/** Runs statements as another program would. */
function directly(place: string, sql: string): void {
  const database = new DatabaseSync(place);
  database.exec(sql);
  database.close();
}

/** A process of its own that has the store open as `store`, and prints. */
function anotherProcess(context: TestContext, place: string, script: string) {
  const source = `import { randomBytes } from "node:crypto"; import { openStore } from ${JSON.stringify(storeModule.href)};
    const store = await openStore(${JSON.stringify(place)}, randomBytes); ${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", source], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  context.after(() => child.kill("SIGKILL"));
  let printed = "";
  child.stdout.on("data", (chunk: Buffer) => (printed += chunk));
  const ended = new Promise<string>((resolve) => child.once("close", () => resolve(printed)));
  return { child, ended };
}

test("the database and what lies beside it can be read by its owner alone, whatever the umask", async (context) => {
  const place = join(temporaryFolder(context), "data", "deeper", "postern.db");
  const before = process.umask(0);
  context.after(() => process.umask(before));
  const store = await open(context, place);
  await store.settings.get("a", "b");
  const files = readdirSync(dirname(place));
  assert.ok(files.includes("postern.db") && files.includes("postern.db-wal"), files.join());
  for (const file of files)
    assert.equal(statSync(join(dirname(place), file)).mode & 0o777, 0o600, file);
  for (const folder of [dirname(place), dirname(dirname(place))])
    assert.equal(statSync(folder).mode & 0o777, 0o700, folder);
});

test("the folder and the file that somebody made keep their modes", async (context) => {
  const folder = join(temporaryFolder(context), "data");
  mkdirSync(folder);
  chmodSync(folder, 0o750);
  const place = join(folder, "postern.db");
  writeFileSync(place, "");
  chmodSync(place, 0o640);
  await (await open(context, place)).keys.all();
  assert.equal(statSync(folder).mode & 0o777, 0o750);
  assert.equal(statSync(place).mode & 0o777, 0o640);
});

test("a database is brought up to date once, and what is in it stays", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  const first = await openStore(place, randomBytes);
  await changeKeys(first.keys, () => [key("a")]);
  await first.close();
  for (const again of [1, 2])
    assert.deepEqual(
      await (await open(context, place)).keys.all(),
      [key("a")],
      `opened ${again} times more`,
    );
});

test("a database of the first version is brought up to date, and what is in it stays", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  directly(place, readFileSync(new URL("0001-initial.sql", import.meta.url), "utf8"));
  const store = await open(context, place);
  const other = await open(context, place);
  assert.equal(await store.settings.get("organization_tag", "another"), "f00d");
  assert.deepEqual(await store.objects.all(), [object("a")]);
  assert.deepEqual(await store.keys.all(), [key("k", { state: "current", activated_at: time })]);
  assert.deepEqual(await store.sessions.find("s"), session("s", "ada"));
  assert.deepEqual(await store.transfers.find("t"), transfer("t"));

  const told = new Promise((resolve) => other.watch(resolve));
  await store.sessions.revoke("s", time);
  assert.deepEqual(await told, [{ what: "session", id: "s" }], "and changes are told");
});

test("a database of a newer version is refused, and left alone", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  await (await openStore(place, randomBytes)).close();
  directly(
    place,
    "insert into kysely_migration values ('0999-from-the-future', '2030-01-01T00:00:00.000Z')",
  );
  const clear =
    /postern\.db cannot be used: .*newer version of Postern.*0999-from-the-future.*run that version/;
  await assert.rejects(openStore(place, randomBytes), clear);
  directly(place, "delete from kysely_migration where name like '0999%'");
  assert.deepEqual(await (await open(context, place)).keys.all(), []);
});

test("a migration that fails leaves nothing behind, and says why", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  directly(place, "create table transfers (somebody_elses text)");
  await assert.rejects(
    openStore(place, randomBytes),
    /postern\.db cannot be used: .*transfers.*already exists/,
  );
  const database = new DatabaseSync(place);
  context.after(() => database.close());
  const tables = database.prepare("select name from sqlite_schema where type = 'table'").all();
  assert.deepEqual(
    tables.map((each) => each["name"]),
    ["transfers"],
  );
});

test("a session that somebody has damaged is named, and the others are read", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  const store = await withPeople(await open(context, place));
  for (const id of ["cut", "empty", "whole"]) await store.sessions.add(session(id, "ada"));
  directly(place, "update sessions set identity = '{\"email\":' where id = 'cut'");
  directly(place, "update sessions set identity = 'null' where id = 'empty'");
  await assert.rejects(store.sessions.find("cut"), /stored session cut cannot be read/);
  await assert.rejects(store.sessions.find("empty"), /stored session empty cannot be read/);
  assert.deepEqual(await store.sessions.find("whole"), session("whole", "ada"));
  assert.deepEqual(await store.sessions.revoke("cut", time), ["cut"], "it can still be ended");
});

test("a file that is no database, and a place that cannot be made, are refused in one line", async (context) => {
  const folder = temporaryFolder(context);
  const text = join(folder, "notes.txt");
  writeFileSync(text, "These are my notes. ".repeat(100));
  for (const place of [text, join(text, "postern.db"), folder]) {
    await assert.rejects(
      openStore(place, randomBytes),
      (error: Error) =>
        error.message.includes(place) &&
        /cannot be opened: .*check `store`/.test(error.message) &&
        !error.message.includes("\n"),
    );
  }
});

test("processes that make the database at once agree on everything", async (context) => {
  const place = join(temporaryFolder(context), "data", "postern.db");
  const script = `console.log(await store.settings.get("tag", String(process.pid)));
    for (let n = 0; n < 50; n++) await store.counters.count("k", 1e12, 0);
    await store.close();`;
  const printed = await Promise.all(
    [1, 2, 3].map(() => anotherProcess(context, place, script).ended),
  );
  assert.match(printed[0] ?? "", /^\d+\n$/);
  assert.equal(new Set(printed).size, 1, printed.join());
  assert.equal(
    await (await open(context, place)).counters.count("k", 1e12, 0),
    151,
    "nothing was counted twice or not at all",
  );
});

test("what was confirmed is there after kill -9", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  const record = JSON.stringify(handover("h"));
  const { ended } = anotherProcess(
    context,
    place,
    `await store.handovers.add(${record}); process.kill(process.pid, "SIGKILL");`,
  );
  await ended;
  assert.deepEqual(await (await open(context, place)).handovers.take("h"), handover("h"));
});

test("a write waits for another process's transaction while everything else goes on", async (context) => {
  const place = join(temporaryFolder(context), "postern.db");
  const store = await open(context, place);
  const other = new DatabaseSync(place);
  context.after(() => other.close());
  other.exec("begin immediate");
  let written = false;
  const write = store.counters.count("k", minute, time).then((count) => {
    written = true;
    return count;
  });
  // The event loop turns: a write that waited inside SQLite would have stopped it.
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.equal(written, false);
  other.exec("commit");
  assert.equal(await write, 1);
});

test("callers at once do not get into each other's transactions", async (context) => {
  const store = await open(context, join(temporaryFolder(context), "postern.db"));
  const broken = { ...key("b"), certificate: null as unknown as string };
  const failing = store.keys.replace([], [key("a"), broken]);
  const counted = store.counters.count("k", minute, time);
  await assert.rejects(failing, /certificate/);
  assert.deepEqual(await store.keys.all(), [], "it was rolled back");
  assert.equal(await counted, 1);
  assert.equal(
    await store.counters.count("k", minute, time),
    2,
    "what was counted meanwhile was not rolled back with it",
  );
});

test("what strangers cause does not grow the feed of changes without end", async (context) => {
  const file = join(temporaryFolder(context), "postern.db");
  const store = await open(context, file);
  const many = Array.from({ length: 9_999 }, (_, index) => object(`object ${index}`));
  await store.objects.change(many, []);
  await store.transfers.open(transfer("t"));
  for (let polls = 0; polls < 5; polls++) await store.transfers.hold("t", time + minute);
  const database = new DatabaseSync(file);
  context.after(() => database.close());
  const { entries } = database.prepare("select count(*) as entries from changes").get() ?? {};
  assert.equal(entries, 10_000);
});
