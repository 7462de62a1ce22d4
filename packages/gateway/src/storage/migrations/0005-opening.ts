// What a terminal asked for when it opened its mailbox by itself, and what it can be told of the
// browser while it waits.
import type { Migration } from "kysely/migration";

export const opening: Migration = {
  async up(db) {
    await db.schema.alterTable("transfers").addColumn("opening", "text").execute();
    await db.schema.alterTable("transfers").addColumn("progress", "text").execute();
  },
};
