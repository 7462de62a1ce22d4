import { clockTolerance } from "../../clock.ts";
import type { Database } from "../schema.ts";
import type { CounterStore } from "../store.ts";

export function createCounters(db: Database): CounterStore {
  return {
    async count(key, windowMs, now) {
      // One statement: of twenty that count at once, none is lost.
      const { count } = await db
        .insertInto("counts")
        .values({ key, count: 1, expires_at: now + windowMs })
        .onConflict((conflict) =>
          conflict.column("key").doUpdateSet((row) => {
            // A window that ends later than one of now was begun by a clock that was ahead.
            const windowHasEnded = row.or([
              row("counts.expires_at", "<=", now),
              row("counts.expires_at", ">", now + windowMs + clockTolerance),
            ]);
            return {
              count: row
                .case()
                .when(windowHasEnded)
                .then(1)
                .else(row("counts.count", "+", 1))
                .end(),
              expires_at: row
                .case()
                .when(windowHasEnded)
                .then(row.ref("excluded.expires_at"))
                .else(row.ref("counts.expires_at"))
                .end(),
            };
          }),
        )
        .returning("count")
        .executeTakeFirstOrThrow();
      return count;
    },

    async clear(key) {
      await db.deleteFrom("counts").where("key", "=", key).execute();
    },
  };
}
