// The feed of changes: each process writes what others must learn in the transaction of the change
// itself, and reads what the others wrote, in order. Nothing is told that no cache depends on: PINs
// and events counted, sessions begun.

import type { ObjectKind } from "../model/kinds.ts";
import type { ChangeRow, Database } from "./schema.ts";
import type { ObjectNews, StoreChange } from "./store.ts";

/** A change that a process writes. That entries are gone is found by who reads. */
export type WrittenChange = Extract<StoreChange, { what: ChangeRow["what"] }>;

/**
 * How many entries are kept: minutes of a busy gateway, while readers look every 100 ms. The oldest
 * go as new ones come, since strangers can cause some: a poll of the relay is one.
 */
const entriesKept = 10_000;

/** Entries that go in one statement. */
const entriesPerStatement = 500;

/** Writes entries in the name of one process. */
export class ChangeWriter {
  readonly #origin: string;
  readonly #announce: (transaction: Database) => Promise<unknown>;

  /**
   * @param origin a value of this process alone
   * @param announce wakes the readers when the transaction is committed; they look by themselves
   * where there is none
   */
  constructor(
    origin: string,
    announce: (transaction: Database) => Promise<unknown> = async () => undefined,
  ) {
    this.#origin = origin;
    this.#announce = announce;
  }

  /**
   * Ids count up without a gap, in the order in which transactions are committed: one that has
   * begun to write is the only one.
   * @param transaction that of the change itself
   * @returns the newest id
   */
  async write(transaction: Database, changes: readonly WrittenChange[]): Promise<number> {
    const newest = await newestChange(transaction);
    if (changes.length === 0) return newest;
    const rows = changes.map((change, index) => ({
      id: newest + 1 + index,
      origin: this.#origin,
      ...toColumns(change),
    }));
    for (let start = 0; start < rows.length; start += entriesPerStatement) {
      const some = rows.slice(start, start + entriesPerStatement);
      await transaction.insertInto("changes").values(some).execute();
    }
    await removeOldEntries(transaction, newest + changes.length);
    await this.#announce(transaction);
    return newest + rows.length;
  }
}

/**
 * The objects that were changed after an entry, whoever did it; "all" where nobody can tell: older
 * entries were removed, or the database is another one.
 * @param since the id of the entry; undefined: nothing is known yet
 */
export async function objectsChangedSince(
  db: Database,
  since: number | undefined,
): Promise<ObjectNews> {
  // One statement: what is removed between two of them would not be missed. Of what is no object,
  // only the oldest and the newest entry are read.
  const rows = await db
    .selectFrom("changes")
    .select(["id", "what", "kind", "ref"])
    .where((row) => {
      const all = row.selectFrom("changes");
      return row.or([
        row(
          "id",
          "=",
          all.select((each) => each.fn.min("id").as("oldest")),
        ),
        row(
          "id",
          "=",
          all.select((each) => each.fn.max("id").as("newest")),
        ),
        ...(since === undefined
          ? []
          : [row.and([row("what", "=", "object"), row("id", ">", since)])]),
      ]);
    })
    .orderBy("id")
    .execute();
  const position = rows.at(-1)?.id ?? 0;
  const oldest = rows[0]?.id ?? 1;
  const isKnown = since !== undefined && position >= since && oldest <= since + 1;
  if (!isKnown) return { position, changed: "all" };
  const news = rows.filter(({ id, what }) => what === "object" && id > since);
  const keys = news.map(({ kind, ref }) => ({ kind: kind as ObjectKind, id: ref ?? "" }));
  return { position, changed: keys };
}

/** Reads what other processes wrote since it read last. */
export class ChangeReader {
  readonly #origin: string;
  /** what was read last; undefined: the feed was empty */
  #last: ChangeRow | undefined;

  /** @param last the newest entry that is no news */
  constructor({ origin, last }: { origin: string; last: ChangeRow | undefined }) {
    this.#origin = origin;
    this.#last = last;
  }

  /** The number of the entry that was read last; 0 when the feed was empty. */
  get lastRead(): number {
    return this.#last?.id ?? 0;
  }

  /**
   * The entry that was read last must still be there, as it was. If it is not, those after it were
   * removed as well, or the database is another: one from a backup, or a copy that took over and
   * had not heard of everything.
   */
  async read(db: Database): Promise<StoreChange[]> {
    const last = this.#last;
    const rows = await db
      .selectFrom("changes")
      .selectAll()
      .where("id", ">=", last?.id ?? 1)
      .orderBy("id")
      .execute();
    const news = last === undefined ? rows : rows.slice(1);
    const isContinued = last === undefined ? isFirst(rows[0]) : isSameEntry(rows[0], last);
    if (!isContinued) {
      this.#last = rows.at(-1) ?? (await newestEntry(db));
      return [{ what: "everything" }];
    }
    this.#last = news.at(-1) ?? last;
    return news.filter(({ origin }) => origin !== this.#origin).map(fromRow);
  }
}

function isFirst(row: ChangeRow | undefined): boolean {
  return row === undefined || row.id === 1;
}

function isSameEntry(row: ChangeRow | undefined, last: ChangeRow): boolean {
  if (row === undefined) return false;
  const { id, origin, what, kind, ref } = row;
  const isItsContent = what === last.what && kind === last.kind && ref === last.ref;
  return id === last.id && origin === last.origin && isItsContent;
}

/** Undefined when there is none. */
export function newestEntry(db: Database): Promise<ChangeRow | undefined> {
  return db.selectFrom("changes").selectAll().orderBy("id", "desc").limit(1).executeTakeFirst();
}

/** The id of the newest entry; 0 when there is none. */
async function newestChange(db: Database): Promise<number> {
  const { id } = await db
    .selectFrom("changes")
    .select((row) => row.fn.max<number | null>("id").as("id"))
    .executeTakeFirstOrThrow();
  return id ?? 0;
}

/** The newest entries stay: a reader finds there how far it is behind. */
async function removeOldEntries(db: Database, newest: number): Promise<void> {
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
