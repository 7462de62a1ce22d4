// The five verbs of a resource through Cloudflare's own client, and what holds of every one.
import assert from "node:assert/strict";
import Cloudflare from "cloudflare";
import type { Conformance } from "./gateway.ts";

export const rule = { email_domain: { domain: "example.com" } };
export const policy = { name: "staff", decision: "allow", include: [rule] } as const;

/** All items of a list, page after page; one that does not end is a fault. */
export async function all<Item>(list: AsyncIterable<Item>): Promise<Item[]> {
  const items: Item[] = [];
  for await (const item of list) {
    items.push(item);
    assert.ok(items.length < 10_000, "the list ends");
  }
  return items;
}

/** The five verbs of a resource, through the client. */
export interface Verbs {
  create(body: object): Promise<{ id?: string | null; name?: string | null }>;
  list(): AsyncIterable<{ id?: string | null }>;
  get(id: string): Promise<object>;
  update(id: string, body: object): Promise<{ name?: string | null }>;
  delete(id: string): Promise<{ id?: string | null }>;
}

/** Holds a resource to what is true of each: what is written comes back, and its end is one. */
export async function holds(verbs: Verbs, body: object): Promise<void> {
  const before = (await all(verbs.list())).length;
  const created = await verbs.create(body);
  assert.ok(created.id);
  const { id } = created;
  assert.deepEqual(await verbs.get(id), created, "what was read is what was answered");
  assert.deepEqual((await all(verbs.list())).at(-1), created);
  const updated = await verbs.update(id, { ...body, name: "renamed" });
  assert.equal(updated.name, "renamed");
  assert.deepEqual(await verbs.get(id), updated);
  assert.equal((await verbs.delete(id)).id, id);
  await assert.rejects(verbs.get(id), Cloudflare.NotFoundError);
  assert.equal((await all(verbs.list())).length, before);
}

/** Applications. */
export function appsOf({ client, account_id }: Conformance): Verbs {
  const { applications } = client.zeroTrust.access;
  return {
    create: (body) => applications.create({ account_id, ...body } as never) as never,
    list: () => applications.list({ account_id }) as never,
    get: (id) => applications.get(id, { account_id }) as never,
    update: (id, body) => applications.update(id, { account_id, ...body } as never) as never,
    delete: (id) => applications.delete(id, { account_id }) as never,
  };
}

export const app = { type: "self_hosted", name: "Shop", domain: "shop.localhost" };
