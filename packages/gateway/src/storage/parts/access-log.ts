// The access log. A list reads the ids of one page first, from one index where they are in order
// already, and then the rows of that page alone. Which index is decided here and not by the
// database, which does not know that few are denied and that many have the same provider.
import { type SelectQueryBuilder, sql } from "kysely";
import {
  type AccessFilter,
  type AccessFilterField,
  type AccessLogQuery,
  type AccessLogStore,
  accessEventId,
  decisionColumns,
  type NewAccessEvent,
  type StoredAccessEvent,
  type StoredDecision,
  timePrefix,
} from "../access-log.ts";
import type { AccessLogRow, Database, Schema } from "../schema.ts";

/** Rows in one statement, largest first: few statements serve batches of every length. */
const insertLengths = [64, 8, 1];

/** Values of a field that an index is asked for, at most: where more fit, so do many rows. */
const mostChoices = 32;

/** Fields by how few rows one value of theirs leaves, as a rule. */
const leadingFields: readonly AccessFilterField[] = [
  "ray_id",
  "user_email",
  "allowed",
  "app_uid",
  "country",
  "idp",
  "app_type",
  "non_identity",
  "action",
];

type Value = string | number | null;

/** A field, and the values of it that a filter leaves. */
interface Leading {
  filter: AccessFilter;
  choices: readonly Value[];
}

export function createAccessLog(db: Database): AccessLogStore {
  return {
    async add(rows) {
      let start = 0;
      for (const length of insertLengths) {
        for (; rows.length - start >= length; start += length)
          await insert(db, rows.slice(start, start + length));
      }
    },

    async list(query) {
      const ids = await idsOf(db, query);
      if (ids.length === 0) return [];
      const rows = await db
        .selectFrom("access_log")
        .selectAll()
        .where("id", "in", ids)
        .orderBy("id", query.direction)
        .execute();
      return rows.map(fromRow);
    },

    async decisions({ limit, ...place }) {
      const some = db.selectFrom("access_log").select(decisionColumns);
      const rows = await inTimeOf(some, { ...place, direction: "asc" })
        .orderBy("id")
        .limit(limit)
        .execute();
      for (const row of rows) row.created_at = Number(row.created_at);
      return rows as StoredDecision[];
    },
  };
}

async function insert(db: Database, rows: readonly NewAccessEvent[]): Promise<void> {
  await db
    .insertInto("access_log")
    .values(rows.map(toRow))
    .onConflict((conflict) => conflict.column("id").doNothing())
    .execute();
}

/** The ids of a page, in no order. */
async function idsOf(db: Database, query: AccessLogQuery): Promise<string[]> {
  const leading = await leadingFilter(db, query.filters);
  const pages = pagesOf(db, query, leading);
  const [first, ...others] = pages;
  if (first === undefined) return [];
  const all = others.reduce((union, page) => union.unionAll(page), first);
  const rows = await db
    .selectFrom(all.as("pages"))
    .select("id")
    .orderBy("id", query.direction)
    .limit(query.limit)
    .offset(query.offset ?? 0)
    .execute();
  return rows.map(({ id }) => id);
}

/** The filter that an index serves best; undefined where the order of time does. */
async function leadingFilter(
  db: Database,
  filters: readonly AccessFilter[],
): Promise<Leading | undefined> {
  const byField = filters.toSorted(
    (one, other) => leadingFields.indexOf(one.field) - leadingFields.indexOf(other.field),
  );
  for (const filter of byField) {
    const choices = await choicesOf(db, filter);
    if (choices !== undefined) return { filter, choices };
  }
  return undefined;
}

/** The values of its field that a filter leaves; undefined where they are many, or most rows'. */
async function choicesOf(db: Database, filter: AccessFilter): Promise<Value[] | undefined> {
  if (filter.operator === "in")
    return filter.value.length > mostChoices ? undefined : [...new Set(filter.value)];
  const { field, operator, value } = filter;
  if (typeof value === "boolean") {
    const wanted = operator === "neq" ? !value : value;
    const isUsual = wanted === (field === "allowed");
    return isUsual ? undefined : [Number(wanted)];
  }
  if (operator === "eq") return [value];
  const values = await valuesWhere(db, { field, operator, value });
  if (values.length > mostChoices) return undefined;
  return operator === "neq" ? [...values, null] : values;
}

/** Some of the values that a field has, and that fit: each costs one look into the index. */
async function valuesWhere(db: Database, filter: AccessFilter): Promise<string[]> {
  const column = sql.ref(filter.field);
  const { rows } = await sql<{ value: string }>`
    with recursive every(value) as (
      select min(${column}) from access_log
      union all
      select (select min(${column}) from access_log where ${column} > every.value)
      from every where every.value is not null
    )
    select value from every
    where value is not null and ${conditionOf(filter, sql.ref("value"))}
    limit ${sql.lit(mostChoices + 1)}`.execute(db);
  return rows.map(({ value }) => value);
}

type Page = SelectQueryBuilder<Schema, "access_log", { id: string }>;

/** For each value of the leading field, the ids that may be on the page. */
function pagesOf(db: Database, query: AccessLogQuery, leading: Leading | undefined): Page[] {
  const { direction, limit, offset = 0, filters } = query;
  const others = filters.filter((filter) => filter !== leading?.filter);
  const inTime = inTimeOf(db.selectFrom("access_log").select("id"), query);
  const page = others
    .reduce((rows, filter) => rows.where(conditionOf(filter, unindexed(filter))), inTime)
    .orderBy("id", direction)
    .limit(limit + offset);
  if (leading === undefined) return [page];
  const column = sql.ref<Value>(leading.filter.field);
  return leading.choices.map((choice) => {
    // A flag is written out: the index of what was denied is for that value alone.
    const value = typeof choice === "number" ? sql.lit<Value>(choice) : choice;
    const chosen = page.where(column, choice === null ? "is" : "=", value);
    // Databases take no `limit` within a union but in a selection of its own.
    return db.selectFrom(chosen.as("access_log")).select("id");
  }) as Page[];
}

function inTimeOf<Output>(
  rows: SelectQueryBuilder<Schema, "access_log", Output>,
  {
    since,
    until,
    after,
    direction,
  }: Pick<AccessLogQuery, "since" | "until" | "after" | "direction">,
): SelectQueryBuilder<Schema, "access_log", Output> {
  let some = rows;
  if (since !== undefined) some = some.where("id", ">=", timePrefix(since));
  if (until !== undefined) some = some.where("id", "<", timePrefix(until));
  if (after !== undefined) some = some.where("id", direction === "asc" ? ">" : "<", after);
  return some;
}

/** The field, said so that no index is used for it. */
function unindexed({ field, value }: AccessFilter) {
  const column = sql.ref(field);
  return typeof value === "boolean" ? sql`${column} + 0` : sql`${column} || ''`;
}

function conditionOf(filter: AccessFilter, column: ReturnType<typeof unindexed>) {
  if (filter.operator === "in")
    return sql<boolean>`${column} in (${sql.join(filter.value.length === 0 ? [null] : filter.value)})`;
  const { operator, value } = filter;
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

function toRow(event: NewAccessEvent): AccessLogRow {
  return {
    ...event,
    id: accessEventId(event.created_at, event.ray_id, event.action),
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
