// The writer of the access log under trouble: a store that is away, a flood, a file that moves.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, renameSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import type { AccessEvent } from "../../src/observe/access-event.ts";
import { AccessLogFile } from "../../src/observe/access-log-file.ts";
import { AccessLogWriter } from "../../src/observe/access-log-writer.ts";
import type { GatewayEvent } from "../../src/observe/events.ts";
import type { NewAccessEvent } from "../../src/storage/access-log.ts";

const login: AccessEvent = {
  action: "login",
  outcome: "allow",
  ray: "00000000000000aa",
  ip: "192.0.2.7",
  person: { email: "ada@example.com", user: "ada" },
};

/** A store that can be away, and a writer to it. */
function setUp(options: { capacity?: number; file?: AccessLogFile } = {}) {
  const rows: NewAccessEvent[] = [];
  const batches: number[] = [];
  const events: GatewayEvent[] = [];
  const store = {
    isAway: false,
    async add(some: readonly NewAccessEvent[]) {
      if (store.isAway) throw new Error("away");
      batches.push(some.length);
      rows.push(...some);
    },
  };
  const writer = new AccessLogWriter({
    store,
    file: options.file,
    record: (event) => void events.push(event),
    now: Date.now,
    elapsed: () => performance.now(),
    ...(options.capacity === undefined ? {} : { capacity: options.capacity }),
  });
  return { rows, batches, events, store, writer };
}

const numbered = (index: number) => ({ ...login, ray: index.toString(16).padStart(16, "0") });

test("many events are written together, in their order", async () => {
  const { rows, batches, writer } = setUp();
  for (let index = 0; index < 1_200; index++) writer.take(numbered(index));
  assert.equal(rows.length, 0, "whoever caused them waits for nothing");
  await until(() => rows.length === 1_200);
  assert.deepEqual(batches, [500, 500, 200]);
  assert.deepEqual(
    rows.map(({ ray_id }) => ray_id),
    Array.from({ length: 1_200 }, (_, index) => numbered(index).ray),
  );
});

test("what a store does not take waits, and is written when the store is back", async () => {
  const { rows, events, store, writer } = setUp();
  store.isAway = true;
  writer.take(login);
  await until(() => events.some(({ event }) => event === "access_log_delayed"));
  writer.take(numbered(1));
  store.isAway = false;
  await until(() => rows.length === 2);
  assert.equal(writer.depth, 0);
});

test("the queue is bounded, and what is lost is counted and told", async () => {
  const { rows, events, writer } = setUp({ capacity: 10 });
  for (let index = 0; index < 25; index++) writer.take(numbered(index));
  await writer.close();
  assert.equal(rows.length, 10);
  const lost = events.find((event) => event.event === "access_log_rows_lost");
  assert.deepEqual(lost, { event: "access_log_rows_lost", lost: 15, left_out: 0 });
});

test("at the end what waits is written, and what cannot be is told", async () => {
  const { rows, events, store, writer } = setUp();
  writer.take(login);
  await writer.close();
  assert.equal(rows.length, 1);
  store.isAway = true;
  writer.take(login);
  await writer.close();
  assert.ok(events.some((event) => event.event === "access_log_rows_lost" && event.lost === 1));
});

test("strangers fill neither queue nor disk, and nobody else's rows are missing (O8)", async () => {
  const { rows, events, writer } = setUp();
  for (let index = 0; index < 5_000; index++)
    writer.take({ ...numbered(index), outcome: "failed", isAnybodys: true });
  writer.take({ ...login, ip: "203.0.113.1" });
  await writer.close();
  const failed = rows.filter(({ outcome }) => outcome === "failed");
  assert.ok(failed.length >= 100 && failed.length < 1_000, `${failed.length} rows`);
  assert.equal(rows.filter(({ allowed }) => allowed).length, 1);
  const left = events.find((event) => event.event === "access_log_rows_lost");
  assert.deepEqual(left, {
    event: "access_log_rows_lost",
    lost: 0,
    left_out: 5_000 - failed.length,
  });
});

test("refused service tokens fill no more of the disk than failed sign-ins do (O8)", async () => {
  const { rows, events, writer } = setUp();
  const attempt: AccessEvent = {
    ...{ action: "request", outcome: "deny", ip: "203.0.113.9", ray: login.ray },
    ...{ isProgram: true, serviceToken: "robot", isAnybodys: true, isAttempt: true },
  };
  for (let index = 0; index < 5_000; index++) writer.take({ ...attempt, ray: numbered(index).ray });
  writer.take({ ...attempt, ip: "192.0.2.7" });
  await writer.close();
  const flood = rows.filter(({ ip_address }) => ip_address === "203.0.113.9");
  assert.ok(flood.length < 200, `${flood.length} rows of one network`);
  assert.equal(rows.length - flood.length, 1, "of another network it is there");
  const [lost] = events;
  assert.deepEqual(lost, {
    event: "access_log_rows_lost",
    lost: 0,
    left_out: 5_000 - flood.length,
  });
});

function exportFile(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), "postern-export-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, "access.jsonl");
}

const linesOf = (path: string) =>
  readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test("each row is a line of JSON in the export, with the names that Logpush has", async (context) => {
  const path = exportFile(context);
  const { writer } = setUp({
    file: new AccessLogFile(path, (error) => assert.fail(String(error))),
  });
  writer.take({ ...login, country: "CH" });
  await writer.close();
  const [line] = linesOf(path);
  assert.equal(line?.["Email"], "ada@example.com");
  assert.equal(line?.["RayID"], login.ray);
  assert.equal(line?.["Allowed"], true);
  assert.equal(line?.["Country"], "CH");
  assert.equal(line?.["PurposeJustificationPrompt"], null);
  assert.deepEqual([line?.["Rule"], line?.["Facts"]], [null, null]);
  assert.match(String(line?.["CreatedAt"]), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assert.equal(statSync(path).mode & 0o777, 0o600, "it is for whoever runs the gateway alone");
});

test("an export that was moved away goes on in a new file, with nothing lost", async (context) => {
  const path = exportFile(context);
  const file = new AccessLogFile(path, (error) => assert.fail(String(error)));
  const { rows, writer } = setUp({ file });
  writer.take(numbered(1));
  await until(() => rows.length === 1);
  renameSync(path, `${path}.1`);
  writer.take(numbered(2));
  await until(() => rows.length === 2);
  await writer.close();
  const rays = [`${path}.1`, path].map((each) => linesOf(each).map((line) => line["RayID"]));
  assert.deepEqual(rays, [[numbered(1).ray], [numbered(2).ray]]);
});

test("an export that cannot be written is told once, and the store has the rows", async (context) => {
  const faults: unknown[] = [];
  const path = join(exportFile(context), "no", "such", "folder");
  const { rows, writer } = setUp({ file: new AccessLogFile(path, (error) => faults.push(error)) });
  writer.take(numbered(1));
  await until(() => rows.length === 1);
  writer.take(numbered(2));
  await writer.close();
  assert.equal(rows.length, 2);
  assert.equal(faults.length, 1);
});
