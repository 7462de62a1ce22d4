// Connections to PostgreSQL: how each is made, and a bounded number of them for whoever calls the
// store. Nothing here waits for the timeouts of TCP: a statement that is not answered in time takes
// its connection with it, and while the server is known to be out of reach nobody waits at all.
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { PostgresPool, PostgresPoolClient } from "kysely";
import pg from "pg";
import type { PostgresAddress, PostgresTls } from "../store-address.ts";
import { StoreOutOfReachError } from "../store-unavailable.ts";
import { DeadlineError, isConnectionLost, messageOf, unavailable } from "./postgres-faults.ts";

/** How long a statement may take, at the server and with the way there, milliseconds. */
const statementLimit = 5_000;
const answerLimit = 7_000;
/** How long a call waits for a connection, milliseconds: for a server that starts again. */
const connectionLimit = 3_000;
const connectionInterval = 100;
const mostConnections = 10;
/** How long an idle connection is kept, milliseconds. */
const idleLimit = 30_000;

/** What every connection has. The server ends a transaction of a gateway that is gone. */
const session = {
  application_name: "postern",
  keepAlive: true,
  keepAliveInitialDelayMillis: 2_000,
  connectionTimeoutMillis: connectionLimit,
  idle_in_transaction_session_timeout: 5_000,
};

/** Numbers as numbers: our times and counts are far below 2^53. By the oids of PostgreSQL. */
const numberTypes = new Set<number>([pg.types.builtins.INT8, pg.types.builtins.NUMERIC]);

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid, format) =>
    numberTypes.has(oid) ? Number : pg.types.getTypeParser(oid, format),
};

/** @throws {Error} when a file of `tls` cannot be read */
export function clientOptions(address: PostgresAddress): pg.ClientConfig {
  const { host, port, database, user, tls } = address;
  const ssl = tls === undefined ? false : tlsOptions(tls);
  // A function: otherwise `pg` looks for a password in the environment and in ~/.pgpass.
  const password = () => address.password ?? "";
  return { ...session, host, port, database, user, password, ssl, types };
}

function tlsOptions({ verify, ca_file, cert_file, key_file }: PostgresTls): TlsOptions {
  const read = (file: string | undefined) => (file === undefined ? undefined : readFileSync(file));
  return {
    ca: read(ca_file),
    cert: read(cert_file),
    key: read(key_file),
    rejectUnauthorized: verify !== "encrypted",
    ...(verify === "host" ? {} : { checkServerIdentity: () => undefined }),
  };
}

/** For people: without the password. */
export function addressText({ host, port, database, user }: PostgresAddress): string {
  return host.startsWith("/")
    ? `postgres://${user}@/${database}?host=${host}`
    : `postgres://${user}@${host}:${port}/${database}`;
}

/** The connections of a store. */
export class Connections implements PostgresPool {
  readonly #options: pg.PoolConfig;
  #pool: pg.Pool;
  /** why the server is out of reach; undefined while it is not */
  #cut: unknown;
  #isEnded = false;

  constructor(address: PostgresAddress) {
    this.#options = {
      ...clientOptions(address),
      max: mostConnections,
      idleTimeoutMillis: idleLimit,
      statement_timeout: statementLimit,
      lock_timeout: statementLimit,
    };
    this.#pool = newPool(this.#options);
  }

  get options(): object {
    return { max: mostConnections };
  }

  /**
   * @throws {StoreOutOfReachError} at once while the server is out of reach, or when there is no
   * connection in time
   */
  async connect(): Promise<PostgresPoolClient> {
    const deadline = performance.now() + connectionLimit;
    for (;;) {
      if (this.#isEnded) throw new Error("the store is closed");
      if (this.#cut !== undefined) throw outOfReach(this.#cut);
      try {
        return pooled(await this.#pool.connect());
      } catch (error) {
        if (!isConnectionLost(error) || performance.now() >= deadline) throw outOfReach(error);
      }
      await pause(connectionInterval);
    }
  }

  /** The server is out of reach: nobody waits for it, and no connection of before is used again. */
  cutOff(error: unknown): void {
    if (this.#cut === undefined) this.#renew();
    this.#cut = error;
  }

  /** The server is there. */
  restore(): void {
    this.#cut = undefined;
  }

  async end(): Promise<void> {
    if (this.#isEnded) return;
    this.#isEnded = true;
    await this.#pool.end();
  }

  #renew(): void {
    void this.#pool.end();
    this.#pool = newPool(this.#options);
  }
}

/** A pool of which no connection ends the process, whenever the server ends it. */
export function newPool(options: pg.PoolConfig): pg.Pool {
  const pool = new pg.Pool(options);
  // The server ended an idle connection: the pool has dropped it.
  pool.on("error", ignore);
  // It may end one in the very packet that made it ready, before anybody has it. While one is in
  // use, its error is that of the statement.
  pool.on("connect", (client) => client.on("error", ignore));
  return pool;
}

function outOfReach(error: unknown): StoreOutOfReachError {
  const message = `the database cannot be reached: ${messageOf(error)}`;
  return new StoreOutOfReachError(message, { cause: error });
}

/** A connection as Kysely takes it, for one transaction or statement. */
function pooled(client: pg.PoolClient): PostgresPoolClient {
  let isLost = false;
  const answer = async (sql: string, parameters: readonly unknown[]) => {
    try {
      return await ask(client, sql, parameters);
    } catch (error) {
      isLost ||= isConnectionLost(error);
      throw unavailable(error);
    }
  };
  const release = () => client.release(isLost);
  return { query: answer, release } as unknown as PostgresPoolClient;
}

/**
 * Asks the server on a connection.
 * @param limitMs what is not answered by then is given up, and with it the connection
 * @throws {DeadlineError}
 * @throws {pg.DatabaseError} what the server says
 */
export async function ask(
  client: pg.ClientBase,
  sql: string,
  parameters: readonly unknown[],
  limitMs = answerLimit,
): Promise<pg.QueryResult> {
  const { promise: tooLate, reject } = Promise.withResolvers<never>();
  const error = new DeadlineError(`a statement was not answered within ${limitMs / 1000} seconds`);
  const timer = setTimeout(() => reject(error), limitMs);
  try {
    return await Promise.race([client.query(sql, parameters.map(storable)), tooLate]);
  } finally {
    clearTimeout(timer);
  }
}

/** PostgreSQL's text holds no NUL, which SQLite's does and strangers may send. */
function storable(parameter: unknown): unknown {
  if (typeof parameter !== "string" || !parameter.includes("\0")) return parameter;
  return parameter.replaceAll("\0", "\ufffd");
}

function ignore(): void {}
