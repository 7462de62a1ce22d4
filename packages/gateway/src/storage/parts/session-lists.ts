// Which sessions a list shows. The ids of a page and the count of all come from an index alone; the
// rows that people see are read afterwards, and no others.
import type { SelectQueryBuilder } from "kysely";
import type { Database, Schema } from "../schema.ts";
import type { PageOf, SessionQuery, StoredSession } from "../store.ts";

/** What lists are ordered, filtered and counted by. */
type Listed = Pick<StoredSession, "id" | "kind" | "created_at" | "expires_at">;

/** The ids of one page of sessions that are alive, and how many there are. */
export async function pageOfSessionIds(
  db: Database,
  now: number,
  query: SessionQuery,
): Promise<PageOf<string>> {
  const { limit, offset, kind, aud } = query;
  const source = aud === undefined ? sessions(db, query) : sessionsOf(db, aud, query);
  let live = db.selectFrom(source.as("live")).where("expires_at", ">", now);
  if (kind !== undefined) live = live.where("kind", "=", kind);
  const { total } = await live
    .select((row) => row.fn.countAll<number>().as("total"))
    .executeTakeFirstOrThrow();
  const page = await live
    .select("id")
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(limit)
    .offset(offset)
    .execute();
  return { items: page.map(({ id }) => id), total: Number(total) };
}

/** Those that were not ended. */
type Source = SelectQueryBuilder<Schema, never, Listed>;

function sessions(db: Database, { userId }: SessionQuery): Source {
  const all = db
    .selectFrom("sessions")
    .select(["id", "kind", "created_at", "expires_at"])
    .where("revoked_at", "is", null);
  return userId === undefined ? all : all.where("user_id", "=", userId);
}

/** Those with a token of an application. What was ended is not in this table any more. */
function sessionsOf(db: Database, aud: string, { userId }: SessionQuery): Source {
  const all = db
    .selectFrom("session_applications")
    .select(["session_id as id", "kind", "created_at", "expires_at"])
    .where("aud", "=", aud);
  if (userId === undefined) return all;
  const own = db.selectFrom("sessions").select("id").where("user_id", "=", userId);
  return all.where("session_id", "in", own);
}
