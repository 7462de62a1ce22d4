// Two gateways with one database. What one changes is in force in the other at once, and the
// other's caches lose nothing but what the change concerns.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { StoredSession, StoredTransfer } from "../../packages/gateway/src/storage/store.ts";
import { freePort, simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { rawRequest } from "../support/raw-request.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const hour = 60 * 60_000;
const identity = {
  email: "ada@example.com",
  name: "",
  idp: { id: "pin", type: "onetimepin" },
  groups: [],
  oidc_fields: {},
  amr: [],
  ip: "127.0.0.1",
  country: "",
  iat: 1,
} as const satisfies StoredSession["identity"];

interface Scene {
  one: TestGateway;
  two: TestGateway;
  upstream: Upstream;
  /** the configuration of both */
  sections: Record<string, unknown>;
  /** the database of both */
  file: string;
}

async function startTwo(context: TestContext): Promise<Scene> {
  const folder = mkdtempSync(join(tmpdir(), "postern-two-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  // One team domain for both, as if behind a load balancer.
  const teamPort = await freePort();
  const sections = {
    ...simpleSections(upstream.origin),
    auth_domain: `login.localhost:${teamPort}`,
    public_ports: [teamPort],
  };
  const secretKey = randomBytes(32);
  const file = join(folder, "postern.db");
  const start = async () => {
    const gateway = await startGateway({ sections, secretKey, store: file });
    context.after(() => gateway.close());
    return gateway;
  };
  return { one: await start(), two: await start(), upstream, sections, file };
}

/** A session that began at this gateway, and its token for the application. */
async function signIn({ parts }: TestGateway): Promise<{ session: StoredSession; token: string }> {
  const session = await parts.sessions.start({
    kind: "browser",
    identity: { ...identity, groups: [], amr: [] },
    userAgent: "test",
    lifetimeMs: hour,
  });
  const [application] = parts.catalogs.current().applications;
  assert.ok(application !== undefined);
  return { session, token: await parts.tokens.issueApp(session, application, hour) };
}

async function visit(gateway: TestGateway, token: string, host = "app.localhost"): Promise<number> {
  const lines = [
    `Host: ${host}:${gateway.port}`,
    "Accept: application/json",
    `cf-access-token: ${token}`,
  ];
  return (await rawRequest(gateway.port, "GET / HTTP/1.1", lines)).status;
}

/** Which keys a gateway publishes; their order means nothing. */
function publishedKeys({ parts }: TestGateway): { signs: string; kids: string[] } {
  const { keys, public_cert } = JSON.parse(parts.tokens.certs());
  return { signs: public_cert.kid, kids: keys.map(({ kid }: { kid: string }) => kid).sort() };
}

/** What a gateway reads of its store from now on. */
function countReads({ parts: { store } }: TestGateway) {
  const reads = { sessions: [] as string[], keys: 0, objects: 0 };
  const { sessions, keys, objects } = store;
  const { find: findSession } = sessions;
  const { all: allKeys } = keys;
  const { all: allObjects, find: findObjects } = objects;
  sessions.find = (id) => {
    reads.sessions.push(id);
    return findSession(id);
  };
  keys.all = () => {
    reads.keys++;
    return allKeys();
  };
  objects.all = () => {
    reads.objects++;
    return allObjects();
  };
  objects.find = (keysOfObjects) => {
    reads.objects++;
    return findObjects(keysOfObjects);
  };
  return reads;
}

/** Ends a session in one gateway, and waits until the other refuses it. */
async function endAndWait({ one, two }: Scene, session: StoredSession, token: string) {
  await one.parts.sessions.end(session.id);
  await until(async () => (await visit(two, token)) === 401);
}

const transfer: StoredTransfer = {
  id: "mailbox",
  address: "127.0.0.1",
  user_agent: "test",
  created_at: Date.now(),
  expires_at: Date.now() + hour,
  held_until: 0,
  state: "waiting",
  body: null,
  service_public_key: null,
  session_id: null,
  opening: null,
  progress: null,
};

test("a PIN counted, a session begun and a transfer delivered in one gateway cost the other none of its caches", async (context) => {
  const scene = await startTwo(context);
  const { one, two } = scene;
  const ada = await signIn(two);
  const ended = await signIn(two);
  for (const { token } of [ada, ended]) assert.equal(await visit(two, token), 200);
  const woken: (string | undefined)[] = [];
  two.parts.transferChanged = (id) => woken.push(id);
  const reads = countReads(two);

  const { store, now } = one.parts;
  const pin = { id: "pin", email: "a@example.com", aud: "", idp_id: "pin", pin_hash: "h" };
  await store.counters.count("pin-asks 127.0.0.1", hour, now());
  await store.pins.add({ ...pin, browser_hash: "b", tries: 0, created_at: 0, expires_at: hour });
  await store.pins.try("pin");
  await store.pins.take("pin");
  await signIn(one);
  await store.transfers.open(transfer);
  await store.transfers.hold(transfer.id, now() + hour);
  const sealed = { body: "c2VhbGVk", service_public_key: "key", session_id: "s" };
  await store.transfers.move(transfer.id, {
    from: "waiting",
    to: "sealed",
    now: now(),
    sealed,
  });
  await store.transfers.move(transfer.id, { from: "sealed", to: "delivered", now: now() });
  // Changes are told in order: when this one has arrived, all before it have.
  await endAndWait(scene, ended.session, ended.token);

  assert.equal(await visit(two, ada.token), 200);
  assert.deepEqual([...new Set(reads.sessions)], [ended.session.id], "the one that ended");
  assert.deepEqual({ keys: reads.keys, objects: reads.objects }, { keys: 0, objects: 0 });
  assert.deepEqual([...new Set(woken)], [transfer.id]);
});

test("a session that is ended in one gateway opens nothing in the other within half a second", async (context) => {
  const { one, two, upstream } = await startTwo(context);
  const tries: number[] = [];
  for (let round = 0; round < 5; round++) {
    const { session, token } = await signIn(one);
    assert.equal(await visit(two, token), 200);
    await one.parts.sessions.end(session.id);
    let count = 0;
    await until(async () => {
      count++;
      return (await visit(two, token)) === 401;
    });
    tries.push(count);
    const { length } = upstream.requests;
    assert.equal(await visit(two, token), 401);
    assert.equal(upstream.requests.length, length, "and the origin sees nothing of it");
  }
  // One visit in five milliseconds at most is a hundred in half a second: load makes visits and the
  // gateway slower alike. Of five, the middle one.
  const median = tries.toSorted((a, b) => a - b)[2] ?? Number.POSITIVE_INFINITY;
  context.diagnostic(`${tries.join(", ")} visits`);
  assert.ok(median <= 100, `${tries.join(", ")} visits`);
});

test("an application that one gateway was given is served by the other, which forgets nobody", async (context) => {
  const { one, two, sections, upstream } = await startTwo(context);
  const ada = await signIn(two);
  assert.equal(await visit(two, ada.token), 200);
  const reads = countReads(two);

  await one.change({
    ...sections,
    ...simpleSections(upstream.origin, ["app.localhost", "new.localhost"]),
  });
  await until(async () => (await visit(two, ada.token, "new.localhost")) !== 404);
  assert.equal(await visit(two, ada.token), 200);
  assert.deepEqual({ keys: reads.keys, sessions: reads.sessions }, { keys: 0, sessions: [] });
});

test("a key that signs in one gateway is published by the other, which reads nothing else", async (context) => {
  const { one, two } = await startTwo(context);
  const ada = await signIn(two);
  assert.equal(await visit(two, ada.token), 200);
  const reads = countReads(two);

  await one.gateway.rotateKeys();
  await until(() => isDeepStrictEqual(publishedKeys(two), publishedKeys(one)));
  assert.equal(await visit(two, ada.token), 200);
  assert.deepEqual(
    { objects: reads.objects, sessions: reads.sessions },
    { objects: 0, sessions: [] },
  );
});

test("what could not be read at first is read again", async (context) => {
  const scene = await startTwo(context);
  const { one, two, sections, upstream } = scene;
  const ada = await signIn(two);
  assert.equal(await visit(two, ada.token), 200);
  const { objects } = two.parts.store;
  const { find } = objects;
  objects.find = () => {
    objects.find = find;
    return Promise.reject(new Error("another process keeps the database locked"));
  };

  const hosts = ["app.localhost", "new.localhost"];
  await one.change({ ...sections, ...simpleSections(upstream.origin, hosts) });
  await until(() => two.events.some(({ event }) => event === "housekeeping_failed"));
  await endAndWait(scene, ada.session, ada.token);
  await until(async () => (await visit(two, ada.token, "new.localhost")) !== 404);
});

test("a gateway that cannot read what others change believes no session from memory, and complains", async (context) => {
  const { two, upstream, file } = await startTwo(context);
  const ada = await signIn(two);
  assert.equal(await visit(two, ada.token), 200);
  upstream.requests.splice(0);

  // As a damaged page would have it: the session is over, and the feed that says so is not there.
  const database = new DatabaseSync(file);
  database.exec(`
    drop table changes;
    update sessions set revoked_at = 1 where id = '${ada.session.id}';
  `);
  database.close();
  await until(async () => (await visit(two, ada.token)) !== 200);
  upstream.requests.splice(0);
  assert.notEqual(await visit(two, ada.token), 200);
  assert.equal(upstream.requests.length, 0);
  const complaints = two.events.filter(({ event }) => event === "housekeeping_failed");
  assert.equal(complaints.length, 1);
});
