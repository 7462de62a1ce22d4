// Databases of a PostgreSQL server that the tests of one process share: starting one takes a
// second.
import { after } from "node:test";
import type { PostgresAddress } from "../../packages/gateway/src/store-address.ts";
import { type Postgres, startPostgres } from "./postgres.ts";

let shared: Promise<Postgres> | undefined;
let count = 0;
const endings: (() => Promise<void>)[] = [];

after(async () => {
  for (const end of endings) await end();
});

export interface Database {
  server: Postgres;
  address: PostgresAddress;
  drop(): void;
}

/** An empty database, until it is dropped or the tests end. */
export async function newDatabase(): Promise<Database> {
  shared ??= startPostgres({ after: (end) => endings.push(end) });
  const server = await shared;
  const name = `test_${count++}`;
  server.run(`create database ${name}`);
  return {
    server,
    address: server.address(name),
    drop: () => void server.run(`drop database ${name} with (force)`),
  };
}
