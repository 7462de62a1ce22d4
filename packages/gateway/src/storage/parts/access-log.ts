// The access log. A list reads ids first, in their order, and then the rows of one page: what is
// passed over on the way to it costs an entry of an index and not a row.
import { sql } from "kysely";
import {
  type AccessFilter,
  type AccessLogEnd,
  type AccessLogQuery,
  type AccessLogStore,
  type StoredAccessEvent,
  timePrefix,
} from "../access-log.ts";
import type { AccessLogRow, Database } from "../schema.ts";

/** Rows in one statement: databases have a limit on the values of one. */
const rowsPerInsert = 100;
/** Rows that one step removes: others wait for no more than that. */
const rowsPerStep = 500;

export function createAccessLog(db: Database): AccessLogStore {
  return {
    async add(rows) {
      for (let start = 0; start < rows.length; start += rowsPerInsert) {
        const some = rows.slice(start, start + rowsPerInsert).map(toRow);
        await db
          .insertInto("access_log")
          .values(some)
          .onConflict((conflict) => conflict.column("id").doNothing())
          .execute();
      }
    },

    async list(query) {
      const rows = await db
        .selectFrom("access_log")
        .selectAll()
        .where("id", "in", pageOf(db, query))
        .orderBy("id", query.direction)
        .execute();
      return rows.map(fromRow);
    },

    async removeSome({ signInsBefore, requestsBefore }: AccessLogEnd) {
      const steps = [
        await removeOld(db, "login", signInsBefore),
        await removeOld(db, "logout", signInsBefore),
        await removeOld(db, "request", requestsBefore),
      ];
      return steps.includes(rowsPerStep);
    },
  };
}

/** The ids of the rows that a page holds. */
function pageOf(db: Database, query: AccessLogQuery) {
  const { since, until, after, direction, filters, limit, offset = 0 } = query;
  let ids = db.selectFrom("access_log").select("id");
  if (since !== undefined) ids = ids.where("id", ">=", timePrefix(since));
  if (until !== undefined) ids = ids.where("id", "<", timePrefix(until));
  if (after !== undefined) ids = ids.where("id", direction === "asc" ? ">" : "<", after);
  for (const filter of filters) ids = ids.where(conditionOf(filter));
  return ids.orderBy("id", direction).limit(limit).offset(offset);
}

function conditionOf({ field, operator, value }: AccessFilter) {
  const column = sql.ref(field);
  const operand = typeof value === "boolean" ? Number(value) : value;
  switch (operator) {
    case "eq":
      return sql<boolean>`${column} = ${operand}`;
    case "neq":
      return sql<boolean>`(${column} <> ${operand} or ${column} is null)`;
    case "contains":
      return sql<boolean>`lower(${column}) like ${patternOf(String(value))} escape '\\'`;
  }
}

/** The pattern that finds text anywhere, with none of its characters being one of a pattern. */
function patternOf(text: string): string {
  return `%${text.toLowerCase().replace(/[\\%_]/g, (character) => `\\${character}`)}%`;
}

/** @returns how many rows were removed */
async function removeOld(
  db: Database,
  action: StoredAccessEvent["action"],
  before: number,
): Promise<number> {
  const old = db
    .selectFrom("access_log")
    .select("id")
    .where("action", "=", action)
    .where("id", "<", timePrefix(before))
    .orderBy("id")
    .limit(rowsPerStep);
  const { numDeletedRows } = await db
    .deleteFrom("access_log")
    .where("id", "in", old)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

function toRow(event: StoredAccessEvent): AccessLogRow {
  return {
    ...event,
    allowed: Number(event.allowed),
    has_existing_jwt: Number(event.has_existing_jwt),
    non_identity: Number(event.non_identity),
  };
}

function fromRow(row: AccessLogRow): StoredAccessEvent {
  return {
    ...row,
    created_at: Number(row.created_at),
    allowed: row.allowed !== 0,
    has_existing_jwt: row.has_existing_jwt !== 0,
    non_identity: row.non_identity !== 0,
  };
}
