// Which terminal's session came of a mailbox: the page of the person who approved it says so, and
// can end it.
import type { Migration } from "kysely/migration";

export const approvedSession: Migration = {
  async up(db) {
    await db.schema.alterTable("transfers").addColumn("session_id", "text").execute();
  },
};
