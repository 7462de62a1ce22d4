// The changes feed of PostgreSQL, on a connection of its own. A notification says that there is
// something to read; what it is comes from the table, by the id that was read last, so a connection
// that was lost costs nothing but time. The same reading, once a second at least, tells whether the
// server can be reached.
import { Kysely, type PostgresPool } from "kysely";
import pg from "pg";
import type { PostgresAddress } from "../store-address.ts";
import { ChangeReader, newestEntry } from "./change-feed.ts";
import { ask, type Connections, clientOptions } from "./postgres-connections.ts";
import { postgresDialect } from "./postgres-dialect.ts";
import { DeadlineError, isConnectionLost, messageOf, unavailable } from "./postgres-faults.ts";
import type { ChangeRow, Database, Schema } from "./schema.ts";
import type { StoreChange } from "./store.ts";

/** The channel of PostgreSQL on which changes are announced. */
export const channel = "postern_changes";

/** How often the feed is read where nothing is announced, milliseconds. */
const lookInterval = 1_000;
/** What is not answered by then is lost, milliseconds. */
const answerLimit = 2_000;
const reconnectInterval = 250;

type Watcher = (changes: readonly StoreChange[]) => void;

interface FeedParts {
  address: PostgresAddress;
  /** is told when the server is out of reach, and when it is there again */
  connections: Pick<Connections, "cutOff" | "restore">;
  /** of this process alone */
  origin: string;
}

/** A connection that listens. */
interface Line {
  client: pg.Client;
  db: Database;
}

/** Reads what other processes change, and tells the watchers. */
export class PostgresFeed {
  readonly #parts: FeedParts;
  readonly #readers = new Map<Watcher, ChangeReader>();
  readonly #wake = new Wake();
  readonly #running: Promise<void>;
  /** the newest entry when the store was opened: what came after is news to every watcher */
  readonly #last: ChangeRow | undefined;
  /** when the feed was read last, by the stopwatch of the process */
  #readAt = performance.now();
  #isCutOff = false;
  #isClosed = false;

  /** @throws {Error} when the server cannot be reached */
  static async open(parts: FeedParts): Promise<PostgresFeed> {
    const line = await connect(parts.address, () => undefined);
    try {
      return new PostgresFeed(parts, await newestEntry(line.db));
    } finally {
      await line.client.end();
    }
  }

  private constructor(parts: FeedParts, last: ChangeRow | undefined) {
    this.#parts = parts;
    this.#last = last;
    this.#running = this.#run();
  }

  /** @returns a function that ends it */
  watch(onChange: Watcher): () => void {
    const { origin } = this.#parts;
    const watcher: Watcher = (changes) => onChange(changes);
    this.#readers.set(watcher, new ChangeReader({ origin, last: this.#last }));
    this.#wake.now();
    return () => this.#readers.delete(watcher);
  }

  /** The number of the last change that every watcher was told of. */
  lastChange(): number | undefined {
    const read = [...this.#readers.values()].map(({ lastRead }) => lastRead);
    return read.length === 0 ? undefined : Math.min(...read);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#wake.now();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#isClosed) {
      const isConnected = await this.#follow();
      // One connection may end for its own reasons: the next try tells.
      if (!isConnected) await this.#wake.wait(reconnectInterval);
    }
  }

  /** Follows the feed for as long as a connection lasts. @returns whether there was one */
  async #follow(): Promise<boolean> {
    const { address } = this.#parts;
    let line: Line | undefined;
    try {
      line = await connect(address, () => this.#wake.now());
      await ask(line.client, `listen ${channel}`, [], answerLimit);
      await this.#readUntilClosed(line);
      return true;
    } catch (error) {
      if (line === undefined || error instanceof DeadlineError) this.#cutOff(error);
      return line !== undefined;
    } finally {
      end(line);
    }
  }

  /** @throws {Error} when the connection is lost */
  async #readUntilClosed({ client, db }: Line): Promise<void> {
    const lost = Promise.withResolvers<never>();
    lost.promise.catch(() => undefined);
    client.once("end", () => lost.reject(new Error("the connection has ended")));
    while (!this.#isClosed) {
      await this.#read(client, db);
      await Promise.race([this.#wake.wait(lookInterval), lost.promise]);
    }
  }

  /** @throws {Error} when the server does not answer */
  async #read(client: pg.Client, db: Database): Promise<void> {
    await ask(client, "select 1", [], answerLimit);
    for (const [watcher, reader] of this.#readers) {
      const changes = await this.#newsOf(reader, db);
      if (changes.length > 0) watcher(changes);
    }
    const silentMs = performance.now() - this.#readAt;
    this.#readAt = performance.now();
    if (!this.#isCutOff) return;
    this.#isCutOff = false;
    this.#parts.connections.restore();
    this.#tell({ what: "reachable", silentMs });
  }

  /** What cannot be read for another reason than the connection is looked at again. */
  async #newsOf(reader: ChangeReader, db: Database): Promise<StoreChange[]> {
    try {
      return await reader.read(db);
    } catch (error) {
      if (isConnectionLost(error) || unavailable(error) !== error) throw error;
      return [{ what: "unreadable", error: String(error) }];
    }
  }

  #cutOff(error: unknown): void {
    this.#parts.connections.cutOff(error);
    if (this.#isCutOff) return;
    this.#isCutOff = true;
    const silentMs = performance.now() - this.#readAt;
    this.#tell({ what: "unreachable", silentMs, error: messageOf(error) });
  }

  #tell(change: StoreChange): void {
    for (const watcher of this.#readers.keys()) watcher([change]);
  }
}

/** @throws {Error} when there is no connection in time */
async function connect(address: PostgresAddress, onNotification: () => void): Promise<Line> {
  const client = new pg.Client({
    ...clientOptions(address),
    connectionTimeoutMillis: answerLimit,
    statement_timeout: answerLimit,
  });
  // Who waits is told by "end".
  client.on("error", () => undefined);
  client.on("notification", onNotification);
  try {
    await client.connect();
  } catch (error) {
    end({ client });
    throw error;
  }
  const db = new Kysely<Schema>({ dialect: postgresDialect(onlyConnection(client)) });
  return { client, db };
}

/** Waits for no farewell of a server that may be out of reach. */
function end(line: Pick<Line, "client"> | undefined): void {
  line?.client.end().catch(() => undefined);
}

/** One connection as a pool. */
function onlyConnection(client: pg.Client): PostgresPool {
  const query = (sql: string, parameters: readonly unknown[]) =>
    ask(client, sql, parameters, answerLimit);
  const poolClient = { query, release: () => undefined };
  return {
    options: {},
    connect: async () => poolClient as unknown as Awaited<ReturnType<PostgresPool["connect"]>>,
    end: () => client.end(),
  };
}

/** Waits for a time, or until somebody says that there is something to do. */
class Wake {
  #isDue = false;
  #resolve: (() => void) | undefined;

  now(): void {
    this.#isDue = true;
    this.#resolve?.();
  }

  async wait(limitMs: number): Promise<void> {
    if (!this.#isDue) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#resolve = resolve;
      const timer = setTimeout(resolve, limitMs);
      await promise;
      clearTimeout(timer);
      this.#resolve = undefined;
    }
    this.#isDue = false;
  }
}
