import { DEFAULT_MIGRATION_TABLE, Migrator } from "kysely/migration";
import { migrations } from "./migrations/index.ts";
import type { Database } from "./schema.ts";

/**
 * Brings the database up to date, all of it or nothing. Two processes that start at once: the
 * second waits, and finds it done.
 * @throws {Error} when the database belongs to a newer version, or a migration fails
 */
export async function migrate(db: Database): Promise<void> {
  await db.transaction().execute(async (transaction) => {
    const migrator = new Migrator({
      db: transaction,
      provider: { getMigrations: async () => migrations },
    });
    const names = await appliedMigrations(transaction);
    const unknownName = names.find((name) => !Object.hasOwn(migrations, name));
    if (unknownName !== undefined) {
      throw new Error(
        `it was written by a newer version of Postern (it holds ${unknownName}); run that version, or restore the backup from before the update`,
      );
    }
    const { error } = await migrator.migrateToLatest();
    if (error !== undefined) throw error;
  });
}

async function appliedMigrations(db: Database): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === DEFAULT_MIGRATION_TABLE)) return [];
  const rows = await db
    .withTables<{ [DEFAULT_MIGRATION_TABLE]: { name: string } }>()
    .selectFrom(DEFAULT_MIGRATION_TABLE)
    .select("name")
    .execute();
  return rows.map(({ name }) => name);
}
