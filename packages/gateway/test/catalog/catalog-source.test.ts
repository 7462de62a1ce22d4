// What a changed file changes: its own objects, only those that differ, all of them or none.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { Catalog } from "../../src/catalog/catalog.ts";
import { createCatalogSource } from "../../src/catalog/catalog-source.ts";
import { ConfigError } from "../../src/config/load-config.ts";
import { createSecretBox } from "../../src/secrets/secret-box.ts";
import type { StoredObject } from "../../src/storage/store.ts";
import type { Sections } from "../config/written-file.ts";
import {
  applicationFromApi,
  clientSecret,
  clientSecretIn,
  configWith,
  contentOf,
  fromApi,
  openRoom,
  orders,
  people,
  putElsewhere,
  time,
  wiki,
} from "./catalog-fixture.ts";

test("what the file configures is in force at once, in the file's order", async (context) => {
  const catalog = (await (await openRoom(context)).start(configWith())).current();
  const [first, second] = catalog.applications;
  assert.deepEqual([first?.name, second?.name], ["Orders", "Wiki"]);
  assert.match(first?.aud ?? "", /^[0-9a-f]{64}$/);
  assert.notEqual(first?.aud, second?.aud);
  assert.equal(catalog.applicationByAud.get(second?.aud ?? ""), second);
  assert.equal(second?.policies[0]?.decision, "non_identity", "a link is the policy itself");
  assert.deepEqual(
    catalog.patterns.map(({ pattern, application }) => [pattern.text, application.id]),
    [
      ["orders.localhost", "orders"],
      ["*.wiki.localhost/docs", "wiki"],
    ],
  );
  assert.equal(catalog.issuer, "http://login.localhost:8600");
  assert.equal(catalog.teamHost, "login.localhost");
  assert.equal(catalog.organization.auth_domain, "login.localhost:8600");
  assert.deepEqual([...catalog.groups.keys()], ["staff"]);
  assert.equal(
    catalog.serviceTokenByClientId.get("robot.access")?.expires_at,
    Date.UTC(2027, 0, 31),
  );
  assert.equal(clientSecretIn(catalog, "corp"), clientSecret);
});

test("most specific patterns come first, however the file orders them", async (context) => {
  const domains = [
    "*.localhost",
    "a.localhost",
    "a.localhost/v1",
    "a.localhost/v1/*",
    "b.a.localhost",
  ];
  const applications = domains.map((domain, index) => ({
    name: `${index}`,
    domain,
    policies: [people],
  }));
  const patterns = (await (await openRoom(context)).start(configWith({ applications })))
    .current()
    .patterns.map(({ pattern }) => pattern.text);
  assert.deepEqual(patterns, [
    "b.a.localhost",
    "a.localhost/v1/*",
    "a.localhost/v1",
    "a.localhost",
    "*.localhost",
  ]);
});

test("the same file changes nothing: nothing is written, and caches stay", async (context) => {
  const { start, written } = await openRoom(context);
  const source = await start(configWith());
  const before = source.current();
  written.length = 0;
  await source.apply(configWith());
  await source.refresh();
  assert.deepEqual(written, []);
  assert.equal(source.current(), before);
  assert.deepEqual(
    contentOf((await start(configWith())).current()),
    contentOf(before),
    "and a restart makes the same of it",
  );
  assert.deepEqual(written, []);
});

test("an edit writes what it changed and nothing else, and the AUD survives it", async (context) => {
  const { store, start, written, clock } = await openRoom(context);
  const source = await start(configWith());
  const before = source.current();
  written.length = 0;
  clock.now += 1000;
  await source.apply(
    configWith({
      applications: [{ ...orders, name: "All orders", domain: "orders.localhost/v2" }],
      groups: [],
    }),
  );
  assert.deepEqual(written, [
    "put application All orders",
    "remove application wiki",
    "remove group staff",
  ]);
  const after = source.current();
  assert.notEqual(after, before);
  assert.equal(after.applications[0]?.aud, before.applications[0]?.aud);
  assert.equal(
    before.applications.length,
    2,
    "a request that began before sees what was in force then",
  );
  const stored = (await store.objects.all()).find(({ id }) => id === "orders");
  assert.deepEqual([stored?.created_at, stored?.updated_at], [time, time + 1000]);
});

test("an edit of one application compiles that one alone, whether the file or another process changed it", async (context) => {
  const room = await openRoom(context);
  const names = ["a", "b", "c", "d"];
  const applications = names.map((name) => ({
    ...orders,
    name,
    id: name,
    domain: `${name}.localhost`,
  }));
  const source = await room.start(configWith({ applications }));
  const changedSince = (before: Catalog) =>
    source
      .current()
      .applications.filter((each, index) => each !== before.applications[index])
      .map(({ name }) => name);

  const atFirst = source.current();
  const edited = applications.with(1, { ...orders, name: "B", id: "b", domain: "b.localhost/v1" });
  room.written.length = 0;
  await source.apply(configWith({ applications: edited }));
  assert.deepEqual(room.written, ["put application B"]);
  assert.deepEqual(changedSince(atFirst), ["B"]);
  assert.equal(source.current().groups.get("staff"), atFirst.groups.get("staff"));

  const afterEdit = source.current();
  const rows = (await room.store.objects.all()).filter(({ id }) => id === "c");
  await putElsewhere(
    room,
    source,
    rows.map((row) => ({ ...row, name: "C" })),
  );
  assert.deepEqual(changedSince(afterEdit), ["C"]);
});

test("an edit of a group compiles the applications that use it", async (context) => {
  const { start } = await openRoom(context);
  const engineers = { ...people, include: [{ group: { id: "eng" } }] };
  const applications = [
    orders,
    { ...orders, id: "app", name: "App", domain: "app.localhost", policies: [engineers] },
  ];
  const group = (email: string) => [{ id: "eng", name: "Eng", include: [{ email: { email } }] }];
  const source = await start(configWith({ applications, groups: group("ada@example.com") }));
  const before = source.current().applications;
  await source.apply(configWith({ applications, groups: group("bob@example.com") }));
  const after = source.current().applications;
  assert.equal(after[0], before[0]);
  assert.notEqual(after[1], before[1]);
});

test("a change of what is not stored is in force as well: ingress, team domain, relay hosts", async (context) => {
  const source = await (await openRoom(context)).start(configWith());
  const changes: [Sections, (catalog: ReturnType<typeof source.current>) => unknown, unknown][] = [
    [
      { ingress: [{ service: "http_status:503" }] },
      ({ ingress }) => ingress.rules[0]?.service,
      { kind: "status", status: 503 },
    ],
    [
      { auth_domain: "team.localhost:8600" },
      ({ issuer, teamHost }) => [issuer, teamHost],
      ["http://team.localhost:8600", "team.localhost"],
    ],
    [
      { relay_hosts: ["relay.localhost:8600"] },
      ({ relayHosts }) => [...relayHosts],
      ["relay.localhost"],
    ],
  ];
  for (const [sections, read, expected] of changes) {
    const before = source.current();
    await source.apply(configWith(sections));
    assert.notEqual(source.current(), before);
    assert.deepEqual(read(source.current()), expected);
  }
});

test("an AUD can be stated, and stays when it is no longer", async (context) => {
  const source = await (await openRoom(context)).start(configWith());
  const aud = "a".repeat(64);
  const audOf = () => source.current().applications[0]?.aud;
  await source.apply(configWith({ applications: [{ ...orders, aud }] }));
  assert.equal(audOf(), aud);
  await source.apply(configWith({ applications: [orders] }));
  assert.equal(audOf(), aud);
});

test("an application that was removed and comes back has another AUD", async (context) => {
  const source = await (await openRoom(context)).start(configWith());
  const before = source.current().applications[0]?.aud;
  await source.apply(configWith({ applications: [wiki] }));
  await source.apply(configWith({ applications: [orders, wiki] }));
  assert.notEqual(source.current().applications[0]?.aud, before);
});

test("objects of the API are left alone by the file, and stand after its own", async (context) => {
  const { store, start } = await openRoom(context);
  const theirs = [
    fromApi("group", "theirs", { include: [{ everyone: {} }], require: [], exclude: [] }),
    applicationFromApi("api", "api.localhost"),
  ];
  await store.objects.change(theirs, []);
  const source = await start(configWith());
  await source.apply(configWith({ groups: [], applications: [wiki] }));
  assert.deepEqual(
    (await store.objects.all())
      .filter(({ managed_by }) => managed_by === "api")
      .sort((a, b) => (a.id < b.id ? -1 : 1)),
    theirs.toSorted((a, b) => (a.id < b.id ? -1 : 1)),
  );
  assert.deepEqual([...source.current().groups.keys()], ["theirs"]);
  assert.deepEqual(
    source.current().applications.map(({ id }) => id),
    ["wiki", "api"],
  );
});

const contradictions: [what: string, object: StoredObject, sections: Sections, says: RegExp][] = [
  [
    "an object of the same id",
    applicationFromApi("new", "x.localhost"),
    {},
    /the application "new" already belongs to the API; give the one in the file another id/,
  ],
  [
    "an application at the same place",
    applicationFromApi("api", "new.localhost"),
    {},
    /^new\.localhost belongs to two applications, "New" and "api of the API"/,
  ],
  [
    "an application of the same AUD",
    applicationFromApi("api", "x.localhost", {}, "c".repeat(64)),
    { aud: "c".repeat(64) },
    /have the same AUD; change one of them/,
  ],
  [
    "a link to a policy of the file",
    applicationFromApi("api", "x.localhost", { policies: [{ id: "gone" }] }),
    {},
    /"api of the API" links to the policy "gone", which does not exist/,
  ],
];

for (const [what, object, fields, says] of contradictions) {
  test(`a file that contradicts ${what} in the API changes nothing and says why`, async (context) => {
    const room = await openRoom(context);
    const { store, start, written } = room;
    const source = await start(configWith());
    await putElsewhere(room, source, [object]);
    const before = source.current();
    const stored = await store.objects.all();
    written.length = 0;
    const applications = [
      { id: "new", name: "New", domain: "new.localhost", policies: [people], ...fields },
    ];
    await assert.rejects(
      source.apply(configWith({ applications })),
      (error) => error instanceof ConfigError && says.test(error.message),
    );
    assert.deepEqual(written, []);
    assert.deepEqual(await store.objects.all(), stored);
    assert.equal(source.current(), before);
  });
}

test("a change that the store refuses is not in force, and the next one is", async (context) => {
  const { store, start } = await openRoom(context);
  const key = randomBytes(32);
  const source = await start(configWith(), key);
  const before = source.current();
  const failing = await createCatalogSource({
    store: {
      ...store,
      objects: { ...store.objects, change: () => Promise.reject(new Error("the disk is full")) },
    },
    secretBox: createSecretBox(key, randomBytes),
    config: configWith({
      identity_providers: [],
      organization: {},
      groups: [],
      service_tokens: [],
      policies: [],
      applications: [],
    }),
    now: () => time,
    randomBytes,
  }).catch((error: unknown) => error);
  assert.match(String(failing), /the disk is full/);
  await source.refresh();
  assert.equal(source.current(), before);
  await source.apply(configWith({ applications: [wiki] }));
  assert.equal(source.current().applications.length, 1);
});

test("of two changes at once the later one is in force, whole", async (context) => {
  const { store, start } = await openRoom(context);
  const source = await start(configWith());
  const names = Array.from({ length: 10 }, (_, index) => `v${index}`);
  await Promise.all(
    names.map((name) =>
      source.apply(
        configWith({
          applications: [
            { ...orders, name },
            { ...wiki, id: name },
          ],
        }),
      ),
    ),
  );
  assert.deepEqual(
    source.current().applications.map(({ id, name }) => `${id} ${name}`),
    ["orders v9", "v9 Wiki"],
  );
  const stored = (await store.objects.all())
    .filter(({ kind }) => kind === "application")
    .map(({ id }) => id);
  assert.deepEqual(stored.sort(), ["orders", "v9"]);
});

test("a change that fails does not hold up the one behind it", async (context) => {
  const room = await openRoom(context);
  const source = await room.start(configWith());
  await putElsewhere(room, source, [applicationFromApi("api", "taken.localhost")]);
  const bad = source.apply(
    configWith({ applications: [{ ...orders, domain: "taken.localhost" }] }),
  );
  const good = source.apply(configWith({ applications: [wiki] }));
  await assert.rejects(bad, ConfigError);
  await good;
  assert.deepEqual(
    source
      .current()
      .applications.map(({ id }) => id)
      .sort(),
    ["api", "wiki"],
  );
});
