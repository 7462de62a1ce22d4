// Which applications sessions that are alive got tokens of.
import { type RawBuilder, sql } from "kysely";
import type { Database } from "../schema.ts";
import type { StoredSessionApplication } from "../store.ts";

/** Databases take a limited number of values in one statement. */
const idsAtOnce = 500;

/** Notes a use, where the session is alive and it was not noted before. */
export async function noteUse(
  db: Database,
  { session_id, aud }: StoredSessionApplication,
): Promise<void> {
  const text: RawBuilder<string> = sql`cast(${aud} as text)`;
  await db
    .insertInto("session_applications")
    .columns(["session_id", "aud", "kind", "created_at", "expires_at"])
    .expression((query) =>
      query
        .selectFrom("sessions")
        .select(["id", text.as("aud"), "kind", "created_at", "expires_at"])
        .where("id", "=", session_id)
        .where("revoked_at", "is", null),
    )
    .onConflict((conflict) => conflict.columns(["session_id", "aud"]).doNothing())
    .execute();
}

/** Forgets what sessions that have ended were used for. */
export async function forgetUses(db: Database, sessionIds: readonly string[]): Promise<void> {
  for (let start = 0; start < sessionIds.length; start += idsAtOnce) {
    const some = sessionIds.slice(start, start + idsAtOnce);
    await db.deleteFrom("session_applications").where("session_id", "in", some).execute();
  }
}
