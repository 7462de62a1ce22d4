// What PostgreSQL brings beside the contract (store.test.ts): several servers' worth of order, a
// connection that is lost, and databases that cannot be used.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect, createServer } from "node:net";
import { suite, type TestContext, test } from "node:test";
import pg from "pg";
import { openStore } from "../../packages/gateway/src/storage/open-store.ts";
import type { Store, StoreChange } from "../../packages/gateway/src/storage/store.ts";
import type { PostgresAddress } from "../../packages/gateway/src/store-address.ts";
import { StoreOutOfReachError } from "../../packages/gateway/src/store-unavailable.ts";
import { changeKeys } from "../../packages/gateway/src/tokens/change-keys.ts";
import { freePort } from "../support/free-port.ts";
import { needsPostgresServer, type Postgres, startPostgres } from "../support/postgres.ts";
import { newDatabase } from "../support/postgres-database.ts";
import { until } from "../support/until.ts";
import { handover, key, minute, object, session, time, withPeople } from "./backends.ts";

interface Scene {
  server: Postgres;
  address: PostgresAddress;
  /** another process with the same database */
  open(): Promise<Store>;
  /** a connection that is nobody's */
  connect(): Promise<pg.Client>;
}

/** @param isServerOwn whether the test ends the server meanwhile */
async function startScene(context: TestContext, isServerOwn = false): Promise<Scene> {
  const stores: Store[] = [];
  const clients: pg.Client[] = [];
  // Before the server ends.
  context.after(async () => {
    for (const store of stores) await store.close();
    for (const client of clients) await client.end().catch(() => undefined);
  });
  const { server, address } = isServerOwn ? await ownServer(context) : await newDatabase();
  return {
    server,
    address,
    async open() {
      const store = await openStore(address, randomBytes);
      stores.push(store);
      return store;
    },
    async connect() {
      const { host, port, database, user } = address;
      const client = new pg.Client({ host, port, database, user });
      client.on("error", () => undefined);
      await client.connect();
      clients.push(client);
      return client;
    },
  };
}

async function ownServer(context: TestContext): Promise<Pick<Scene, "server" | "address">> {
  const server = await startPostgres(context);
  return { server, address: server.address() };
}

/** Leads to a server whose every connection is ended by an operator as soon as it is ready. */
async function endWhenReady(context: TestContext, serverPort: number): Promise<number> {
  const ready = Buffer.from("Z\0\0\0\x05I", "latin1");
  const fields = "SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0";
  const end = Buffer.from(`E\0\0\0${String.fromCharCode(fields.length + 4)}${fields}`, "latin1");
  const front = createServer((client) => {
    const server = connect(serverPort, "127.0.0.1");
    server.on("data", (bytes) => {
      if (bytes.includes(ready)) client.end(Buffer.concat([bytes, end]));
      else client.write(bytes);
    });
    client.on("data", (bytes) => server.write(bytes));
    client.on("error", () => server.destroy());
    client.on("close", () => server.destroy());
  });
  context.after(() => front.close());
  const port = await freePort();
  await new Promise<void>((resolve) => front.listen(port, "127.0.0.1", resolve));
  return port;
}

function newsOf(store: Store): StoreChange[] {
  const news: StoreChange[] = [];
  store.watch((changes) => news.push(...changes));
  return news;
}

const sessionIds = (news: readonly StoreChange[]) =>
  news.flatMap((change) => (change.what === "session" ? [change.id] : []));

suite("PostgreSQL beside the contract", needsPostgresServer(), () => {
  test("of many gateways that start at once, one makes the tables", async (context) => {
    const { open } = await startScene(context);
    const stores = await Promise.all(Array.from({ length: 6 }, open));
    const values = await Promise.all(stores.map((store) => store.settings.get("tag", "value")));
    assert.deepEqual(new Set(values), new Set(["value"]));
  });

  test("a change that takes long to be committed holds up those after it, and none is passed over", async (context) => {
    const scene = await startScene(context);
    const [store, watcher] = [await withPeople(await scene.open()), await scene.open()];
    for (const id of ["slow", "fast"]) await store.sessions.add(session(id, "ada"));
    const news = newsOf(watcher);

    // As another process would write it, which stops before its commit.
    const other = await scene.connect();
    await other.query("begin");
    await other.query("select pg_advisory_xact_lock(x'00706f737465726e'::bigint)");
    await other.query("insert into changes values (1, 'other', 'session', null, 'slow')");
    const revoked = store.sessions.revoke("fast", time);
    await until(async () => (await waitingLocks(scene)) > 0);
    assert.deepEqual(news, []);
    await other.query("commit");
    await revoked;
    await until(() => news.length === 2);
    assert.deepEqual(sessionIds(news), ["slow", "fast"]);
  });

  test("of changes that four gateways make at once, each is told to every other once, in one order", async (context) => {
    const scene = await startScene(context);
    const stores = await Promise.all(Array.from({ length: 4 }, scene.open));
    const [first] = stores;
    assert.ok(first !== undefined);
    await withPeople(first);
    const ids = Array.from({ length: 80 }, (_, index) => `s${index}`);
    for (const id of ids) await first.sessions.add(session(id, "ada"));
    const watcher = newsOf(await scene.open());
    const news = stores.map(newsOf);
    await Promise.all(
      ids.map((id, index) => stores[index % stores.length]?.sessions.revoke(id, time)),
    );
    await until(() => watcher.length >= ids.length);
    const order = sessionIds(watcher);
    assert.deepEqual(order.toSorted(), ids.toSorted());
    await until(() => news.every((each) => each.length >= (ids.length / 4) * 3));
    for (const [index, each] of news.entries()) {
      const ofOthers = order.filter((id) => ids.indexOf(id) % stores.length !== index);
      assert.deepEqual(sessionIds(each), ofOthers);
    }
  });

  test("all gateways of a database say the same number of the last change, their own included, once they have read it", async (context) => {
    const { open } = await startScene(context);
    const stores = [await open(), await open()];
    assert.deepEqual(
      stores.map((store) => store.lastChange?.()),
      [undefined, undefined],
      "nobody listens yet",
    );
    for (const store of stores) store.watch(() => undefined);
    const [one] = stores;
    const before = one?.lastChange?.() ?? 0;
    for (const id of ["1", "2", "3"]) await one?.objects.change([object(id)], []);
    await until(() => stores.every((store) => store.lastChange?.() === before + 3));
  });

  test("what changes while the listening connection is lost is told when there is another", async (context) => {
    const scene = await startScene(context);
    const [store, watcher] = [await withPeople(await scene.open()), await scene.open()];
    const news = newsOf(watcher);
    for (let round = 0; round < 5; round++) {
      const id = `s${round}`;
      await store.sessions.add(session(id, "ada"));
      scene.server.run(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ~* '^(listen|select 1)'",
        scene.address.database,
      );
      await store.sessions.revoke(id, time);
      await until(() => sessionIds(news).includes(id));
    }
    assert.deepEqual(sessionIds(news), ["s0", "s1", "s2", "s3", "s4"]);
  });

  test("whoever finds another feed than before is told that everything may have changed", async (context) => {
    const scene = await startScene(context);
    const [store, watcher] = [await scene.open(), await scene.open()];
    const news = newsOf(watcher);
    await store.objects.change([object("a"), object("b"), object("c")], []);
    await until(() => news.length === 3);
    // As a copy that took over and had not heard of the last two.
    scene.server.run("delete from changes where id > 1", scene.address.database);
    await store.objects.change([object("d"), object("e"), object("f")], []);
    await until(() => news.some(({ what }) => what === "everything"));
  });

  test("a step that PostgreSQL undoes for a deadlock is done nevertheless", async (context) => {
    const scene = await startScene(context);
    const store = await withPeople(await scene.open());
    for (const id of ["a", "b"]) await store.sessions.add(session(id, "ada"));
    const other = await scene.connect();
    await other.query("set deadlock_timeout = '1h'");
    await other.query("begin");
    const touch = (id: string) => other.query("update sessions set jkt = 'x' where id = $1", [id]);
    // The store's statement goes through the rows in their order.
    await touch("b");
    const revoked = store.sessions.revokeAllOf("ada", time);
    await until(async () => (await waitingLocks(scene)) > 0);
    await touch("a");
    await other.query("commit");
    assert.deepEqual((await revoked).sort(), ["a", "b"]);
  });

  test("a server that ends and comes back costs nothing that was confirmed, and everybody is told of both", async (context) => {
    const scene = await startScene(context, true);
    const [store, watcher] = [await withPeople(await scene.open()), await scene.open()];
    const news = newsOf(watcher);
    const isTold = (what: StoreChange["what"]) => news.some((change) => change.what === what);
    for (const how of ["SIGKILL", "SIGINT"] as const) {
      await store.sessions.add(session(how, "ada"));
      await store.handovers.add(handover(how));
      await scene.server.stop(how);
      await until(() => isTold("unreachable"));
      await assert.rejects(store.handovers.take(how), StoreOutOfReachError);
      await assert.rejects(store.sessions.find(how), StoreOutOfReachError);
      await scene.server.start();
      await until(() => isTold("reachable"));
      await until(() => isReached(store));
      assert.equal((await store.sessions.find(how))?.id, how);
      assert.equal((await store.handovers.take(how))?.id, how);
      await store.sessions.revoke(how, time);
      await until(() => sessionIds(news).includes(how));
      assert.deepEqual(
        news.splice(0).map(({ what }) => what),
        ["unreachable", "reachable", "session"],
      );
    }
  });

  test("a connection that ends in the packet that made it ready ends no gateway", async (context) => {
    const { server } = await startScene(context);
    const port = await endWhenReady(context, server.port);
    await assert.rejects(
      openStore({ ...server.address(), host: "127.0.0.1", port }, randomBytes),
      /cannot be used: Client has encountered a connection error/,
    );
  });

  test("text is ordered by its bytes, whatever language the database was made for", async (context) => {
    const { server, address } = await startScene(context);
    server.run(
      "create database english template template0 locale_provider icu icu_locale 'en-US' locale 'C'",
    );
    const store = await openStore({ ...address, database: "english" }, randomBytes);
    const ids = ["b", "_", "B", "a", "é", "A"];
    await store.objects.change(
      ids.map((id) => object(id)),
      [],
    );
    const stored = (await store.objects.all()).map(({ id }) => id);
    await store.close();
    assert.deepEqual(stored, ["A", "B", "_", "a", "b", "é"]);
  });

  test("text that PostgreSQL cannot hold is kept without its NUL", async (context) => {
    const { open } = await startScene(context);
    const store = await withPeople(await open());
    await store.sessions.add(session("s", "ada", { user_agent: "a\0b" }));
    assert.equal((await store.sessions.find("s"))?.user_agent, "a\ufffdb");
    assert.equal(await store.counters.count("k\0", minute, time), 1);
  });

  test("a database that cannot be used says why in one line, without the password", async (context) => {
    const { server, address } = await startScene(context);
    server.run("create database ascii template template0 encoding 'SQL_ASCII' locale 'C'");
    const password = "hunter2";
    const refused = async (change: Partial<PostgresAddress>, expected: RegExp) => {
      await assert.rejects(
        openStore({ ...address, password, ...change }, randomBytes),
        ({ message }: Error) => {
          assert.match(message, expected);
          assert.doesNotMatch(message, /\n|hunter2/);
          return true;
        },
      );
    };
    await refused({ database: "absent" }, /database "absent" does not exist/);
    await refused({ user: "nobody" }, /postgres:\/\/nobody@.*role "nobody" does not exist/);
    await refused({ host: "127.0.0.1", port: 1 }, /127\.0\.0\.1:1.*ECONNREFUSED.*check `store`/);
    await refused({ database: "ascii" }, /its encoding is SQL_ASCII; create it with/);
    await refused(
      { host: "127.0.0.1", tls: { verify: "host" } },
      /does not support SSL connections/,
    );
  });

  test("keys that two gateways rotate at once are rotated by one of them", async (context) => {
    const { open } = await startScene(context);
    const [one, two] = [await open(), await open()];
    await changeKeys(one.keys, () => [key("a")]);
    const before = await one.keys.all();
    const replaced = await Promise.all(
      [one, two, one, two].map((store, index) =>
        store.keys.replace(before, [key(`made by ${index}`)]),
      ),
    );
    assert.equal(replaced.filter(Boolean).length, 1);
  });
});

/** How many wait for something that another has locked. */
async function waitingLocks({ connect }: Scene): Promise<number> {
  const client = await connect();
  const { rows } = await client.query("select count(*)::int as n from pg_locks where not granted");
  await client.end();
  return rows[0].n;
}

async function isReached(store: Store): Promise<boolean> {
  return store.sessions.find("none").then(
    () => true,
    () => false,
  );
}
