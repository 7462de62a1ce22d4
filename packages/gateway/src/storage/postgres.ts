// The store in a database of PostgreSQL, which any number of gateways share. A step is one
// statement or one transaction; it is on PostgreSQL's disk when it is confirmed.
import { Kysely, sql } from "kysely";
import type { PostgresAddress } from "../store-address.ts";
import { ChangeWriter } from "./change-feed.ts";
import { migrate } from "./migrate.ts";
import { createParts } from "./parts/create-parts.ts";
import { addressText, Connections, clientOptions, newPool } from "./postgres-connections.ts";
import { postgresDialect } from "./postgres-dialect.ts";
import { isConnectionLost, messageOf } from "./postgres-faults.ts";
import { channel, PostgresFeed } from "./postgres-feed.ts";
import { mendFaults } from "./postgres-retries.ts";
import type { Database, Schema } from "./schema.ts";
import type { Store } from "./store.ts";
import { largeStep, sweepStep } from "./sweep.ts";

const oldestVersion = 15;

/**
 * Opens the database, and brings its tables up to date.
 * @param origin a value of this opening alone: what it changes itself is no news to it
 * @throws {Error} in one line, when it cannot be reached or used
 */
export async function openPostgresStore(address: PostgresAddress, origin: string): Promise<Store> {
  await prepare(address);
  const connections = new Connections(address);
  const db = new Kysely<Schema>({ dialect: postgresDialect(connections) });
  const feed = await PostgresFeed.open({ address, connections, origin });
  const announce = (transaction: Database) =>
    sql`select pg_notify(${channel}, '')`.execute(transaction);
  const parts = createParts(db, new ChangeWriter(origin, announce));

  return {
    ...mendFaults(parts),
    async sweep(now, logs) {
      while (await sweepStep(db, now, logs, largeStep));
    },
    watch: (onChange) => feed.watch(onChange),
    lastChange: () => feed.lastChange(),
    async close() {
      await feed.close();
      await db.destroy();
      await connections.end();
    },
  };
}

/** A migration may take its time, and waits for that of another gateway. */
async function prepare(address: PostgresAddress): Promise<void> {
  try {
    const pool = newPool({ ...clientOptions(address), max: 1 });
    const db = new Kysely<Schema>({ dialect: postgresDialect(pool) });
    try {
      await checkServer(db);
      await migrate(db);
    } finally {
      await db.destroy();
    }
  } catch (error) {
    const remedy = isConnectionLost(error) ? "; check `store` in the configuration" : "";
    const message = `the database ${addressText(address)} cannot be used: ${messageOf(error)}${remedy}`;
    throw new Error(message, { cause: error });
  }
}

/** @throws {Error} when the server is too old, or the database holds no Unicode */
async function checkServer(db: Database): Promise<void> {
  const { rows } = await sql<{ version: number; encoding: string }>`
    select current_setting('server_version_num')::int as version,
      current_setting('server_encoding') as encoding`.execute(db);
  const { version = 0, encoding = "" } = rows[0] ?? {};
  if (version < oldestVersion * 10_000)
    throw new Error(
      `PostgreSQL ${Math.floor(version / 10_000)} is too old; take ${oldestVersion} or newer`,
    );
  if (encoding !== "UTF8")
    throw new Error(
      `its encoding is ${encoding}; create it with "create database … encoding 'UTF8' template template0"`,
    );
}
