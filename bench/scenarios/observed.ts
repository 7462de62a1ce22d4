// What logs, metrics and traces cost: the same requests, with each of them on and with all.
import { join } from "node:path";
import { compete, type Entry, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { askedByWrk, type GatewayStand, startFileOrigin, startGateways } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import { freePort, startServer } from "../process.ts";
import type { Scenario } from "../setting.ts";
import type { Stage } from "../stage.ts";

/** what is on → how cheap an answer stays beside one where nothing is, at least */
const bounds: Readonly<Record<string, number>> = {
  metrics: 0.9,
  "a line for each request": 0.5,
  "a row for each request": 0.3,
  "one trace in a hundred": 0.85,
  "every trace": 0.25,
};

export const observed: Scenario = {
  about: "with logs, metrics and traces on",
  async play(setting) {
    const { stage } = setting;
    const origin = await startFileOrigin(stage);
    const entries: Entry<GatewayStand>[] = [...(await startGateways(setting, { origin }))];
    for (const [what, sections] of Object.entries(await sectionsOf(stage)))
      for (const stand of await startGateways(setting, { origin, sections }))
        entries.push({ ...stand, name: nameOf(stand.name, what) });
    const contenders = askedByWrk(entries, { length: kilobyte });
    const rows = await compete(stage, contenders, setting.pace(2, 3));
    const plain = rowNamed(rows, own.name);
    const promises = Object.entries(bounds).flatMap(([what, bound]) => {
      const row = rowNamed(rows, nameOf(own.name, what));
      return [atLeast(what, bound, ratioOf(row, plain, "cost")), ...noFailures(what, row)];
    });
    return { tables: [{ title: "1 kB, observed", rows, base: own.name }], promises };
  },
};

function nameOf(name: string, what: string): string {
  return `${name}, ${what}`;
}

/** what is on → the sections of the configuration that switch it on */
async function sectionsOf(stage: Stage): Promise<Record<string, Record<string, unknown>>> {
  const endpoint = `http://127.0.0.1:${await startCollector(stage)}`;
  const json = { format: "json" };
  return {
    metrics: { admin: { listen: `127.0.0.1:${await freePort()}` } },
    "a line for each request": { log: { ...json, requests: true } },
    "a row for each request": { log: { ...json, requests: "decisions" } },
    "one trace in a hundred": { otlp: { endpoint, sample_ratio: 0.01 } },
    "every trace": { otlp: { endpoint, sample_ratio: 1 } },
  };
}

async function startCollector(stage: Stage): Promise<number> {
  const port = await freePort();
  const args = [join(import.meta.dirname, "../collector.ts"), `${port}`];
  await stage.keep(startServer("load", process.execPath, args, { ready: port }));
  return port;
}
