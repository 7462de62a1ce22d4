// A file that changes while people work: it is read in a thread of its own, and what it does not
// change is left as it is.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startGateway } from "../../../../test/support/gateway.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import { ConfigError } from "../../src/config/config-error.ts";
import { readFileUpdate } from "../../src/config/config-file.ts";
import { nothingKnown, updateOf } from "../../src/config/config-update.ts";
import { readFileUpdateInThread } from "../../src/config/load-config-thread.ts";
import { type Sections, soundSections } from "../config/written-file.ts";
import { configWith, openRoom, orders, wiki } from "./catalog-fixture.ts";

function fileIn(context: TestContext): { file: string; write(sections: Sections): void } {
  const folder = mkdtempSync(join(tmpdir(), "postern-reload-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, "postern.yaml");
  return { file, write: (sections) => writeFileSync(file, JSON.stringify(sections, null, 2)) };
}

const open = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];

test("people are served while a changed file is read and put into force, and one application alone is written and compiled", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const names = Array.from({ length: 40 }, (_, index) => `app${index}`);
  const sections = (changed: Sections) => ({
    ingress: [{ service: upstream.origin }],
    groups: [{ name: "g", include: [{ email: { email: "ada@example.com" } }] }],
    applications: names.map((name) => ({
      name,
      domain: `${name}.localhost`,
      policies: open,
      ...(name === "app7" ? changed : {}),
    })),
  });
  const gateway = await startGateway({ sections: sections({}) });
  context.after(() => gateway.close());
  const { file, write } = fileIn(context);
  const { parts, port } = gateway;
  const document = (changed: Sections) => ({
    auth_domain: `login.localhost:${port}`,
    listen: `127.0.0.1:${port}`,
    store: "sqlite::memory:",
    ...sections(changed),
  });

  let isReloading = true;
  const statuses: number[] = [];
  const visit = async (lane: number) => {
    for (let turn = lane; isReloading; turn++) {
      const host = `Host: app${turn % names.length}.localhost:${port}`;
      statuses.push((await rawRequest(port, "GET / HTTP/1.1", [host])).status);
    }
  };
  const visitors = [0, 13, 26].map(visit);
  for (const [round, hours] of [1, 2, 3].entries()) {
    const before = parts.catalogs.current();
    const storedBefore = await parts.store.objects.all();
    gateway.clock.ahead += 1_000;
    write(document({ session_duration: `${hours}h` }));
    const source = { file, environment: {} };
    const update = await gateway.gateway.reload((known) => readFileUpdateInThread(source, known));

    assert.deepEqual(
      update.changedObjects.map(({ object }) => object.name),
      ["app7"],
      `round ${round}`,
    );
    const stored = await parts.store.objects.all();
    assert.deepEqual(
      stored
        .filter((row, index) => row.updated_at !== storedBefore[index]?.updated_at)
        .map(({ name }) => name),
      ["app7"],
    );
    const after = parts.catalogs.current();
    assert.deepEqual(
      after.applications
        .filter((each, index) => each !== before.applications[index])
        .map(({ name, session_duration }) => `${name} ${session_duration}`),
      [`app7 ${hours}h`],
    );
    assert.equal(after.ingress, before.ingress);
  }
  isReloading = false;
  await Promise.all(visitors);
  assert.ok(statuses.length > 0);
  assert.deepEqual(new Set(statuses), new Set([200]));
});

test("an operator hears of a changed file from the thread what a start would say, warnings and mistakes with their lines", async (context) => {
  const { file, write } = fileIn(context);
  const source = { file, environment: { NAME: "Orders" } };
  const name = ["$", "{env:NAME}"].join("");
  const application = { name, domain: "a.localhost", policies: [] };
  write({ ...soundSections(), applications: [application] });
  const update = await readFileUpdateInThread(source, nothingKnown);
  assert.deepEqual(update, await readFileUpdate(source, nothingKnown));
  assert.match(update.warnings.join("\n"), /postern\.yaml:\d+: applications\[0\]: has no policies/);
  assert.ok(update.changedObjects.some(({ object }) => object.name === "Orders"));

  write({ ...soundSections(), surprise: 1, log: { level: "loud" } });
  const isComplete = (error: unknown) => {
    assert.ok(error instanceof ConfigError);
    assert.match(
      error.message,
      /^\S+:\d+: surprise: unknown field.*\n\S+:\d+: log\.level: must be/,
    );
    return true;
  };
  await assert.rejects(readFileUpdateInThread(source, nothingKnown), isComplete);

  rmSync(file);
  await assert.rejects(
    readFileUpdateInThread(source, nothingKnown),
    (error) => error instanceof ConfigError && /cannot be read \(ENOENT\)/.test(error.message),
  );
});

test("a file that was compared with what is in force no longer is read again, so that nothing old comes back", async (context) => {
  const source = await (await openRoom(context)).start(configWith());
  const renamed = (name: string) => configWith({ applications: [{ ...orders, name }, wiki] });
  const read: string[] = [];
  await source.reload(async (known) => {
    const isFirst = read.length === 0;
    read.push(isFirst ? "old" : "new");
    // What the file leaves out is known from before; meanwhile that is changed.
    const update = updateOf(configWith(), known);
    if (isFirst) await source.apply(renamed("Meanwhile"));
    return update;
  });
  assert.deepEqual(read, ["old", "new"]);
  assert.equal(source.current().applications[0]?.name, "Orders");
});

test("a change of another process counts as a change of the file at the next reload", async (context) => {
  const room = await openRoom(context);
  const source = await room.start(configWith());
  const rows = (await room.store.objects.all()).filter(({ id }) => id === "orders");
  await room.store.objects.change(
    rows.map((row) => ({ ...row, name: "Theirs" })),
    [],
  );
  await source.refresh(rows);
  assert.equal(source.current().applications[0]?.name, "Theirs");
  const update = await source.reload(async (known) => updateOf(configWith(), known));
  assert.deepEqual(
    update.changedObjects.map(({ object }) => object.name),
    ["Orders"],
  );
  assert.equal(source.current().applications[0]?.name, "Orders");
});
