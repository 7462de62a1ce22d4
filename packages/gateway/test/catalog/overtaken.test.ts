// Another process changes objects between the judging of a change and its writing: the change is
// judged anew, beside what is there by then (ADR 0045).
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { createCatalogSource } from "../../src/catalog/catalog-source.ts";
import type { Config } from "../../src/config/load-config.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";
import type { Store, StoredObject } from "../../src/storage/store.ts";
import { StoreUnavailableError } from "../../src/store-unavailable.ts";
import { configWith, fromApi, openRoom, time } from "./catalog-fixture.ts";

const everyone = { include: [{ everyone: {} }], require: [], exclude: [] };

/** A gateway; before each of its writes another process puts what `next` says, if anything. */
async function start(context: TestContext, config: Config) {
  const { store } = await openRoom(context);
  const others = { next: (): StoredObject | undefined => undefined };
  const change: Store["objects"]["change"] = async (...args) => {
    const theirs = others.next();
    if (theirs !== undefined) await store.objects.change([theirs], []);
    return store.objects.change(...args);
  };
  const source = await createCatalogSource({
    store: { ...store, objects: { ...store.objects, change } },
    secretBox: createSecretBox(randomBytes(32), randomBytes),
    config,
    now: () => time,
    randomBytes,
  });
  return { source, store, others };
}

test("an edit that another process overtakes is made of what that one left", async (context) => {
  const { source, others } = await start(context, configWith());
  const theirs = [fromApi("group", "theirs", everyone)];
  others.next = () => theirs.pop();
  let tries = 0;
  const seen = await source.edit((records) => {
    tries++;
    const record = [...records.values()].find(({ object }) => object.id === "theirs");
    const own = { ...everyone, id: "own", name: "own" };
    const put = {
      kind: "group",
      object: own,
      managedBy: "api",
      createdAt: 1,
      updatedAt: 1,
    } as const;
    return { put: [put], remove: [], audit: [], result: record?.object.name };
  });
  assert.equal(tries, 2);
  assert.equal(seen, "theirs of the API");
  const { groups } = source.current();
  assert.ok(groups.has("own") && groups.has("theirs"));
});

test("a file that another process overtakes is in force beside what that one left", async (context) => {
  const { source, store, others } = await start(context, configWith());
  const theirs = [fromApi("group", "theirs", everyone)];
  others.next = () => theirs.pop();
  await source.apply(configWith({ groups: [] }));
  assert.deepEqual([...source.current().groups.keys()], ["theirs"]);
  const stored = (await store.objects.all()).filter(({ kind }) => kind === "group");
  assert.deepEqual(
    stored.map(({ id }) => id),
    ["theirs"],
  );
});

test("an edit that others overtake each time is refused, and nothing of it is there", async (context) => {
  const { source, store, others } = await start(context, configWith());
  let count = 0;
  others.next = () => fromApi("group", `theirs-${count++}`, everyone);
  const own = { ...everyone, id: "own", name: "own" };
  const put = { kind: "group", object: own, managedBy: "api", createdAt: 1, updatedAt: 1 } as const;
  const edit = source.edit(() => ({ put: [put], remove: [], audit: [], result: undefined }));
  await assert.rejects(edit, StoreUnavailableError);
  assert.ok(!(await store.objects.all()).some(({ id }) => id === "own"));
  others.next = () => undefined;
  await source.edit(() => ({ put: [put], remove: [], audit: [], result: undefined }));
  assert.ok(source.current().groups.has("own"));
});
