// One connection, where nothing is done in batches, and a thousand, where everything is.
import { compete } from "../contest.ts";
import type { Table } from "../finding.ts";
import { askedByWrk, bare, lineUp } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

export const connectionCounts: Scenario = {
  about: "1 connection, and 1,000",
  async play(setting) {
    const names = [bare, "nginx auth_request", "nginx auth_request, cached"] as const;
    const stands = await lineUp(setting, names);
    const tables: Table[] = [];
    for (const connections of [1, 1_000]) {
      const entries = askedByWrk(stands, { length: kilobyte, connections });
      const rows = await compete(setting.stage, entries, setting.pace(2, 3));
      tables.push({ title: `1 kB, connections: ${connections}`, rows, base: bare });
    }
    return { tables, promises: [] };
  },
};
