// What is left of a configuration in the database: the same objects after a restart and for another
// process, and no secret that opens without the secret key.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { readCatalog } from "../../src/catalog/catalog-source.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";
import { openStore } from "../../src/storage/open-store.ts";
import {
  clientSecret,
  clientSecretIn,
  configWith,
  contentOf,
  openRoom,
  orders,
  wiki,
} from "./catalog-fixture.ts";

function databaseIn(context: TestContext): { folder: string; place: string } {
  const folder = mkdtempSync(join(tmpdir(), "postern-catalog-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return { folder, place: join(folder, "postern.db") };
}

const sealedElsewhere =
  /^Error: the stored identity provider "SSO" cannot be opened: its secret was sealed with another key; restore the file that secret_key_file named$/;

test("an application keeps its AUD over an edit and a restart", async (context) => {
  const { place } = databaseIn(context);
  const key = randomBytes(32);
  const before = (await (await openRoom(context, place)).start(configWith(), key)).current();
  const restarted = await openRoom(context, place);
  const edited = configWith({
    applications: [{ ...orders, name: "All orders", session_duration: "1h" }, wiki],
  });
  const after = (await restarted.start(edited, key)).current();
  assert.deepEqual(restarted.written, ["put application All orders"]);
  assert.deepEqual(
    after.applications.map(({ aud }) => aud),
    before.applications.map(({ aud }) => aud),
  );
  assert.match(after.applications[0]?.aud ?? "", /^[0-9a-f]{64}$/);
});

test("nobody who has the database alone can read a provider's secret", async (context) => {
  const { folder, place } = databaseIn(context);
  const source = await (await openRoom(context, place)).start(configWith());
  assert.equal(clientSecretIn(source.current(), "corp"), clientSecret);
  // The -wal file beside it is part of the database.
  const files = readdirSync(folder).map((name) => readFileSync(join(folder, name), "latin1"));
  assert.ok(files.some((text) => text.includes("Example SSO") || text.includes("idp.example.com")));
  for (const text of files) assert.doesNotMatch(text, /Hunter2/);
});

test("with another secret key nothing is put into force, and nothing of what stands is touched", async (context) => {
  const { store, start, written } = await openRoom(context);
  const source = await start(configWith());
  const stored = await store.objects.all();
  written.length = 0;
  await assert.rejects(start(configWith(), randomBytes(32)), (error) =>
    sealedElsewhere.test(String(error)),
  );
  await assert.rejects(
    start(configWith({ organization: { name: "Other" } }), randomBytes(32)),
    (error) => sealedElsewhere.test(String(error)),
  );
  assert.deepEqual(written, []);
  assert.deepEqual(await store.objects.all(), stored);
  await source.refresh();
  assert.equal(clientSecretIn(source.current(), "corp"), clientSecret);
});

test("a provider of the API that was sealed with another secret key is named", async (context) => {
  const { store, start } = await openRoom(context);
  await start(configWith());
  const sealed =
    (await store.objects.all()).find(({ kind }) => kind === "identity_provider") ?? assert.fail();
  // A secret is sealed for the id of its provider: under another one it does not open.
  await store.objects.change([{ ...sealed, id: "api", managed_by: "api" }], []);
  await assert.rejects(start(configWith()), (error) => sealedElsewhere.test(String(error)));
});

test("what another process put into force is seen after a refresh", async (context) => {
  const { place } = databaseIn(context);
  const key = randomBytes(32);
  const [one, other] = [await openRoom(context, place), await openRoom(context, place)];
  const source = await one.start(configWith(), key);
  const before = source.current();
  const theirs = await other.start(configWith(), key);
  assert.deepEqual(contentOf(theirs.current()), contentOf(before), "the same AUDs in both");
  assert.deepEqual(other.written, []);

  await theirs.apply(configWith({ applications: [{ ...orders, session_duration: "1h" }, wiki] }));
  assert.equal(source.current(), before);
  await source.refresh();
  assert.equal(source.current().applications[0]?.session_duration, "1h");
  assert.equal(source.current().applications[0]?.aud, before.applications[0]?.aud);
});

test("a program that only looks sees what is in force and not what the file says by now", async (context) => {
  const { place } = databaseIn(context);
  const key = randomBytes(32);
  const source = await (await openRoom(context, place)).start(configWith(), key);
  const store = await openStore(place, randomBytes);
  context.after(() => store.close());
  const stored = await store.objects.all();
  const secretBox = createSecretBox(key, randomBytes);
  const edited = configWith({
    applications: [{ ...orders, session_duration: "1h" }],
    identity_providers: [],
  });
  const looked = (await readCatalog({ store, secretBox, config: edited })).current();
  assert.deepEqual(
    looked.applications.map(({ id, session_duration }) => `${id} ${session_duration}`).sort(),
    source.current().applications.map(({ id, session_duration }) => `${id} ${session_duration}`),
  );
  assert.equal(clientSecretIn(looked, "corp"), clientSecret);
  assert.deepEqual(await store.objects.all(), stored);
});
