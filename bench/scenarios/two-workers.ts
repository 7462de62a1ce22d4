// What a second process costs, where both share the core of one.
import { compete } from "../contest.ts";
import { own } from "../gateway.ts";
import { askedByWrk, bare, firstOf, standOf, startFileOrigin, startGateways } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import { startBareNginx } from "../peers/start.ts";
import type { Scenario } from "../setting.ts";

export const twoWorkers: Scenario = {
  about: "two workers instead of one process",
  async play(setting) {
    const { stage } = setting;
    const origin = await startFileOrigin(stage);
    const one = await startGateways(setting, { origin });
    const two = await startGateways(setting, { origin, sections: { workers: 2 } });
    const { target } = firstOf(one);
    const stands = [
      await standOf(bare, startBareNginx(stage, origin), target),
      await standOf(`${bare}, two workers`, startBareNginx(stage, origin, { workers: 2 }), target),
      ...one,
      ...two.map((each) => ({ ...each, name: `${each.name}, two workers` })),
    ];
    const entries = askedByWrk(stands, { length: kilobyte });
    const rows = await compete(stage, entries, setting.pace(3, 3));
    const title = "1 kB, 64 connections, all workers on one core";
    return { tables: [{ title, rows, base: own.name }], promises: [] };
  },
};
