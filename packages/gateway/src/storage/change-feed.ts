// The feed of changes: each process writes what others must learn in the transaction of the change
// itself, and reads what the others wrote, in order. Nothing is told that no cache depends on: PINs
// and events counted, sessions begun.

import type { ObjectKind } from "../model/kinds.ts";
import type { ChangeRow, Database } from "./schema.ts";
import type { StoreChange } from "./store.ts";

/** A change that a process writes. That entries are gone is found by who reads. */
export type WrittenChange = Exclude<StoreChange, { what: "everything" | "unreadable" }>;

/**
 * How many entries are kept: minutes of a busy gateway, while readers look every 100 ms. The oldest
 * go as new ones come, since strangers can cause some: a poll of the relay is one.
 */
const entriesKept = 10_000;

/** Writes entries in the name of one process. */
export class ChangeWriter {
  readonly #origin: string;

  /** @param origin a value of this process alone */
  constructor(origin: string) {
    this.#origin = origin;
  }

  /** @param transaction that of the change itself */
  async write(transaction: Database, changes: readonly WrittenChange[]): Promise<void> {
    for (const change of changes) {
      await transaction
        .insertInto("changes")
        .values({ origin: this.#origin, ...toColumns(change) })
        .execute();
    }
    if (changes.length > 0) await removeOldEntries(transaction);
  }
}

/** Reads what other processes wrote since it read last. */
export class ChangeReader {
  readonly #db: Database;
  readonly #origin: string;
  #lastId: number;

  /** @param lastId the newest entry that is no news */
  constructor(db: Database, { origin, lastId }: { origin: string; lastId: number }) {
    this.#db = db;
    this.#origin = origin;
    this.#lastId = lastId;
  }

  async read(): Promise<StoreChange[]> {
    const rows = await this.#db
      .selectFrom("changes")
      .selectAll()
      .where("id", ">", this.#lastId)
      .orderBy("id")
      .execute();
    const entriesAreGone = rows[0] !== undefined && rows[0].id !== this.#lastId + 1;
    this.#lastId = rows.at(-1)?.id ?? this.#lastId;
    if (entriesAreGone) return [{ what: "everything" }];
    return rows.filter(({ origin }) => origin !== this.#origin).map(fromRow);
  }
}

/** The id of the newest entry; 0 when there is none. */
export async function newestChange(db: Database): Promise<number> {
  const { id } = await db
    .selectFrom("changes")
    .select((row) => row.fn.max<number | null>("id").as("id"))
    .executeTakeFirstOrThrow();
  return id ?? 0;
}

/** The newest entries stay: a reader finds there how far it is behind. */
async function removeOldEntries(db: Database): Promise<void> {
  const newest = await newestChange(db);
  await db
    .deleteFrom("changes")
    .where("id", "<=", newest - entriesKept)
    .execute();
}

function toColumns(change: WrittenChange): Pick<ChangeRow, "what" | "kind" | "ref"> {
  switch (change.what) {
    case "object":
      return { what: change.what, kind: change.kind, ref: change.id };
    case "keys":
      return { what: change.what, kind: null, ref: null };
    case "session":
    case "transfer":
      return { what: change.what, kind: null, ref: change.id };
    case "application":
      return { what: change.what, kind: null, ref: change.aud };
  }
}

function fromRow({ what, kind, ref }: ChangeRow): StoreChange {
  switch (what) {
    case "object":
      return { what, kind: kind as ObjectKind, id: ref ?? "" };
    case "keys":
      return { what };
    case "session":
    case "transfer":
      return { what, id: ref ?? "" };
    case "application":
      return { what, aud: ref ?? "" };
  }
}
