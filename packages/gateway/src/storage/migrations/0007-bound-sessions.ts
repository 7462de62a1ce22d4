// The thumbprint of the key to which a terminal's session is bound; null for one that is not.
import type { Migration } from "kysely/migration";

export const boundSessions: Migration = {
  async up(db) {
    await db.schema.alterTable("sessions").addColumn("jkt", "text").execute();
  },
};
