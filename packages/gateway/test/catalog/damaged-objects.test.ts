// A database that something else wrote to, or that a disk spoilt: the object is named, and nothing
// of what is in force changes.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { test } from "node:test";
import type { StoredObject } from "../../src/storage/store.ts";
import { clientSecret, configWith, contentOf, openRoom, type Room } from "./catalog-fixture.ts";

type Body = Record<string, unknown>;

/** What is done to the body of one object. */
const damages: [
  what: string,
  kind: StoredObject["kind"],
  spoil: (body: Body) => unknown,
  says: RegExp,
][] = [
  [
    "text that is cut off",
    "application",
    (body) => JSON.stringify(body).slice(0, 40),
    /^the stored application "Orders" is damaged: its body is not JSON; restore the database/,
  ],
  [
    "a list where its fields were",
    "group",
    () => "[]",
    /^the stored group "Staff" is damaged: its body is not a map of fields; restore/,
  ],
  [
    "an application without its policies",
    "application",
    ({ policies: _, ...body }) => body,
    /^the stored application "Orders" is damaged: policies: is missing; restore/,
  ],
  [
    "a policy inside an application without what it excludes",
    "application",
    (body) => ({
      ...body,
      policies: (body["policies"] as Body[]).map(({ exclude: _, ...p }) => p),
    }),
    /"Orders" is damaged: policies\[0\]\.exclude: is missing/,
  ],
  [
    "a rule with another value",
    "group",
    (body) => ({ ...body, include: [{ email_domain: { domain: 7 } }] }),
    /"Staff" is damaged: include\[0\]\.email_domain\.domain: must be text/,
  ],
  [
    "a decision that there is not",
    "policy",
    (body) => ({ ...body, decision: "permit" }),
    /"Machines" is damaged: decision: must be one of allow, deny, bypass, non_identity/,
  ],
  [
    "a field that nobody knows",
    "service_token",
    (body) => ({ ...body, scope: "all" }),
    /^the stored service token "Robot" is damaged: scope: unknown field/,
  ],
  [
    "an identity provider of another type",
    "identity_provider",
    (body) => ({ ...body, type: "saml" }),
    /^the stored identity provider "SSO" is damaged: type: is not supported yet/,
  ],
];

async function spoilt(
  { store }: Room,
  kind: StoredObject["kind"],
  spoil: (body: Body) => unknown,
): Promise<StoredObject> {
  const row = (await store.objects.all()).find((each) => each.kind === kind) ?? assert.fail();
  const body = spoil(JSON.parse(row.body));
  return { ...row, body: typeof body === "string" ? body : JSON.stringify(body) };
}

for (const [what, kind, spoil, says] of damages) {
  test(`an operator whose database has ${what} hears of the object and the field, at start and later, and nothing changes`, async (context) => {
    const room = await openRoom(context);
    const { store, start, written } = room;
    const key = randomBytes(32);
    const source = await start(configWith(), key);
    const before = source.current();
    const damaged = await spoilt(room, kind, spoil);
    await store.objects.change([damaged], []);
    const stored = await store.objects.all();
    written.length = 0;

    const isNamed = (error: unknown) => {
      const { message } = error as Error;
      assert.match(message, says);
      assert.match(message, /delete the row "\w+", "[^"]+" of its table objects$/);
      assert.ok(!message.includes(clientSecret));
      return true;
    };
    await assert.rejects(source.refresh([damaged]), isNamed);
    await assert.rejects(source.refresh(), isNamed);
    await assert.rejects(source.apply(configWith({ organization: { name: "Other" } })), isNamed);
    await assert.rejects(start(configWith(), key), isNamed);
    assert.equal(source.current(), before);
    assert.deepEqual(await store.objects.all(), stored);
    assert.deepEqual(written, []);
  });
}

test("an operator who mends the row has everything back, without a restart", async (context) => {
  const room = await openRoom(context);
  const source = await room.start(configWith());
  const before = contentOf(source.current());
  const sound = await spoilt(room, "application", (body) => body);
  await room.store.objects.change([{ ...sound, body: "{}" }], []);
  await assert.rejects(source.refresh([sound]));
  await room.store.objects.change([sound], []);
  await source.refresh([]);
  assert.deepEqual(contentOf(source.current()), before);
});
