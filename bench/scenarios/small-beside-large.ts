// 1 kB while 32 transfers of 1 MB go on without an end: how long the small one waits for them.
import { setTimeout as wait } from "node:timers/promises";
import { compete, figureOf, rowNamed } from "../contest.ts";
import { atMost, digits, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { bare, contenderOf, lineUp } from "../line-up.ts";
import type { Target } from "../load/probe.ts";
import type { Run } from "../load/run.ts";
import { wrk } from "../load/wrk.ts";
import { median } from "../median.ts";
import { kilobyte, megabyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

const transfers = 32;
const small = 4;
/** that the transfers have to themselves at first */
const leadSeconds = 1;

export const smallBesideLarge: Scenario = {
  about: `1 kB beside ${transfers} transfers of 1 MB`,
  async play(setting) {
    const stands = await lineUp(setting, [bare, "nginx auth_request"]);
    const largeRates = new Map<string, number[]>();
    const entries = stands.map((stand) =>
      contenderOf(stand, async (target, seconds) => {
        const { small: run, large } = await askBoth(target, seconds);
        const rates = largeRates.get(stand.name) ?? [];
        largeRates.set(stand.name, [...rates, large.requests / large.seconds]);
        return run;
      }),
    );
    const rows = await compete(setting.stage, entries, setting.pace(3, 3));
    const gateway = rowNamed(rows, own.name);
    const tail = figureOf(gateway, "p99") / figureOf(rowNamed(rows, bare), "p99");
    const title = `1 kB, ${small} connections, beside ${transfers} transfers of 1 MB`;
    const rates = [...largeRates].map(([name, all]) => `${name} ${digits(median(all))}`).join(", ");
    return {
      tables: [{ title, rows, base: bare, hidesCost: true }],
      notes: [`Transfers of 1 MB a second meanwhile: ${rates}.`],
      promises: [
        atMost(`1 kB beside transfers: p99 of that beside them through ${bare}`, 2, tail),
        ...noFailures("small beside large", gateway),
      ],
    };
  },
};

async function askBoth(target: Target, seconds: number): Promise<{ small: Run; large: Run }> {
  const transferring = wrk({ ...target, path: "/1m" }, megabyte, {
    seconds: seconds + 2 * leadSeconds,
    connections: transfers,
  });
  const asking = wait(leadSeconds * 1_000).then(() =>
    wrk(target, kilobyte, { seconds, connections: small }),
  );
  const [large, run] = await Promise.all([transferring, asking]);
  return { small: run, large };
}
