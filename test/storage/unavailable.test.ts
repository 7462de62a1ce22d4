// A database that is gone or locked: nobody is told that something was written which will not be
// there, and who only reads does not wait for who writes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { openStore } from "../../packages/gateway/src/storage/open-store.ts";
import { StoreUnavailableError } from "../../packages/gateway/src/store-unavailable.ts";
import { minute, session, temporaryFolder, time, withPeople } from "./backends.ts";

async function aStore(context: TestContext) {
  const file = join(temporaryFolder(context), "data", "postern.db");
  const store = await withPeople(await openStore(file, randomBytes));
  context.after(() => store.close());
  await store.sessions.add(session("before", "ada"));
  return { file, store };
}

const accidents: Record<string, (file: string) => void> = {
  "is removed": (file) => rmSync(file),
  "is removed with all that lies beside it": (file) => rmSync(dirname(file), { recursive: true }),
  "is moved away": (file) => renameSync(file, `${file}.old`),
  "is replaced by a backup"(file) {
    copyFileSync(file, `${file}.backup`);
    renameSync(`${file}.backup`, file);
  },
  "is replaced by an empty file"(file) {
    rmSync(file);
    writeFileSync(file, "");
  },
  "loses its write-ahead log": (file) => rmSync(`${file}-wal`),
  "is in a folder that is replaced"(file) {
    renameSync(dirname(file), `${dirname(file)}.old`);
    mkdirSync(dirname(file));
  },
};

for (const [accident, happen] of Object.entries(accidents))
  test(`when the database ${accident}, it is told at once and nothing more is confirmed`, async (context) => {
    const { file, store } = await aStore(context);
    const told = Promise.withResolvers<string>();
    const unwatch = store.watch(([change]) => {
      if (change?.what === "unreadable") told.resolve(change.error);
    });
    context.after(unwatch);
    happen(file);
    const isGone = (error: Error) =>
      error instanceof StoreUnavailableError &&
      /removed or replaced .* writes are no longer confirmed; put the file back/.test(
        error.message,
      );
    await assert.rejects(store.sessions.add(session("after", "ada")), isGone);
    await assert.rejects(store.counters.count("k", minute, time), isGone);
    await assert.rejects(store.sessions.find("before"), isGone);
    await assert.rejects(store.sweep(time), isGone);
    assert.match(await told.promise, /removed or replaced/);
  });

const overwritings: Record<string, (file: string) => void> = {
  "is emptied in place": (file) => truncateSync(file),
  "is cut to its first page": (file) => truncateSync(file, 4096),
  "is overwritten by other text": (file) => writeFileSync(file, "These are my notes.\n"),
  "is overwritten by an older, smaller backup"(file) {
    writeFileSync(`${file}.backup`, readFileSync(file).subarray(0, 8192));
    copyFileSync(`${file}.backup`, file);
  },
  "is overwritten in place by another of its size"(file) {
    writeFileSync(`${file}.other`, Buffer.alloc(statSync(file).size, "other"));
    copyFileSync(`${file}.other`, file);
  },
  "is overwritten in place by itself, as an older backup of its size would be": (file) =>
    writeFileSync(file, readFileSync(file)),
  "is overwritten in place by a larger one"(file) {
    writeFileSync(file, Buffer.concat([readFileSync(file), readFileSync(file)]));
  },
  "has one page written over"(file) {
    const descriptor = openSync(file, "r+");
    writeSync(descriptor, Buffer.alloc(4096, "x"), 0, 4096, 8192);
    closeSync(descriptor);
  },
  "is overwritten with the times of the backup, as cp -p and rsync do"(file) {
    writeFileSync(file, readFileSync(file));
    utimesSync(file, new Date(0), new Date("2026-11-01"));
  },
};

for (const [accident, happen] of Object.entries(overwritings))
  test(`when the database ${accident}, it is told at once and nothing more is confirmed`, async (context) => {
    const { file, store } = await aStore(context);
    // Everything is in the database, nothing in its write-ahead log alone.
    const other = new DatabaseSync(file);
    other.exec("pragma wal_checkpoint(full)");
    other.close();
    await store.sessions.add(session("seen", "ada"));
    const told = Promise.withResolvers<string>();
    const unwatch = store.watch((changes) => {
      for (const change of changes) if (change.what === "unreadable") told.resolve(change.error);
    });
    context.after(unwatch);
    happen(file);
    const isGone = (error: Error) =>
      error instanceof StoreUnavailableError &&
      /truncated or overwritten .* writes are no longer confirmed; stop every gateway/.test(
        error.message,
      );
    await assert.rejects(store.sessions.add(session("after", "ada")), isGone);
    await assert.rejects(store.sessions.find("before"), isGone);
    await assert.rejects(store.counters.count("k", minute, time), isGone);
    await assert.rejects(store.sweep(time), isGone);
    assert.match(await told.promise, /truncated or overwritten/);
  });

const programs: Record<string, (database: DatabaseSync) => void> = {
  "shrinks it (VACUUM)"(database) {
    database.exec("create table filler (text); insert into filler values (randomblob(500000))");
    database.exec("pragma wal_checkpoint(full); drop table filler; vacuum");
  },
  "shrinks it, and empties its log": (database) =>
    database.exec("vacuum; pragma wal_checkpoint(truncate)"),
  "begins its log anew": (database) => database.exec("pragma wal_checkpoint(restart)"),
  "makes it grow": (database) =>
    database.exec("create table filler (text); insert into filler values (randomblob(9000000))"),
  "changes a row": (database) => database.exec("update users set created_at = 1"),
  "makes an index, and asks for statistics": (database) =>
    database.exec("create index more on users (created_at); analyze"),
};

for (const [what, use] of Object.entries(programs))
  test(`another program that ${what} by SQLite is no damage`, async (context) => {
    const { file, store } = await aStore(context);
    for (let round = 0; round < 3; round++) {
      const database = new DatabaseSync(file, { timeout: 5_000 });
      use(database);
      database.exec("drop table if exists filler; drop index if exists more");
      database.close();
      await store.sessions.add(session(`after ${round}`, "ada"));
      assert.equal((await store.sessions.find(`after ${round}`))?.id, `after ${round}`);
    }
  });

test("however often several gateways write, sweep and bring the file up to date, that is no damage", async (context) => {
  const { file, store } = await aStore(context);
  const other = await openStore(file, randomBytes);
  context.after(() => other.close());
  const userAgent = "x".repeat(9_000);
  const write = async (each: typeof store, name: string) => {
    for (let nth = 0; nth < 400; nth++) {
      await each.counters.count(`${name} ${nth}`, minute, time);
      await each.sessions.add(session(`${name} ${nth}`, "ada", { user_agent: userAgent }));
      if (nth % 100 === 0) await each.sweep(time + 10 * minute);
      assert.ok(await each.sessions.find(`${name} ${nth}`));
    }
  };
  await Promise.all([write(store, "one"), write(other, "other"), write(store, "more")]);
});

test("a database that is put back is used again", async (context) => {
  const { file, store } = await aStore(context);
  renameSync(file, `${file}.old`);
  await assert.rejects(store.sessions.add(session("lost", "ada")), StoreUnavailableError);
  renameSync(`${file}.old`, file);
  await store.sessions.add(session("after", "ada"));
  assert.equal((await store.sessions.find("after"))?.id, "after");
  assert.equal(await store.sessions.find("lost"), undefined);
});

test("while another process keeps the database locked, reading goes on, and who writes is told that it is busy", async (context) => {
  const { file, store } = await aStore(context);
  const other = new DatabaseSync(file);
  context.after(() => other.close());
  other.exec("begin immediate");
  const order: string[] = [];
  const writes = ["s", "t"].map((id) =>
    assert
      .rejects(
        store.sessions.add(session(id, "ada")),
        (error: Error) => error instanceof StoreUnavailableError && /locked/.test(error.message),
      )
      .then(() => order.push("write")),
  );
  for (let reads = 0; reads < 5; reads++)
    assert.equal((await store.sessions.find("before"))?.id, "before");
  order.push("reads");
  await Promise.all(writes);
  assert.deepEqual(order, ["reads", "write", "write"]);
  other.exec("rollback");
  await store.sessions.add(session("s", "ada"));
});

test("who asks a store that is closed is told that it is not there, as when its file is gone", async (context) => {
  const { store } = await aStore(context);
  await store.close();
  await assert.rejects(store.sessions.find("x"), StoreUnavailableError);
  await assert.rejects(store.sessions.add(session("late", "ada")), StoreUnavailableError);
});
