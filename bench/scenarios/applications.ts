// A thousand applications, of which each request is for one by chance.
import { compete, type Entry, ratioOf, rowNamed } from "../contest.ts";
import { fillCache } from "../fill-cache.ts";
import { atLeast, noFailures } from "../finding.ts";
import { browserHeaders, own } from "../gateway.ts";
import { type GatewayStand, oneAskedByWrk, startFileOrigin, startGateways } from "../line-up.ts";
import { writeRequests } from "../load/requests-file.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario, Setting } from "../setting.ts";

const many = 1_000;

export const applications: Scenario = {
  about: "1,000 applications instead of one",
  async play(setting) {
    const origin = await startFileOrigin(setting.stage);
    const one = await startGateways(setting, { origin });
    const thousand = await startGateways(setting, { origin, applications: many });
    const entries: Entry[] = [];
    for (const stand of [...one, ...thousand.map(renamed)])
      entries.push(await contenderOf(setting, stand));
    const rows = await compete(setting.stage, entries, setting.pace(3, 5));
    const gateway = rowNamed(rows, nameOf(own.name));
    const ratio = ratioOf(gateway, rowNamed(rows, own.name), "cost");
    return {
      tables: [{ title: "1 kB, applications", rows, base: own.name }],
      promises: [
        atLeast("1,000 applications beside one", 0.9, ratio),
        ...noFailures("1,000 applications", gateway),
      ],
    };
  },
};

function nameOf(name: string): string {
  return `${name}, 1,000 applications`;
}

function renamed(entry: Entry<GatewayStand>): Entry<GatewayStand> {
  return { ...entry, name: nameOf(entry.name) };
}

async function contenderOf({ stage }: Setting, stand: Entry<GatewayStand>): Promise<Entry> {
  if ("failure" in stand) return stand;
  const { target, gateway } = stand;
  const targets = gateway.tokens.map((token, application) => {
    return { ...target, headers: browserHeaders(token, application) };
  });
  await fillCache(gateway, targets);
  const requestsFile = writeRequests(stage, `requests-${target.port}`, targets);
  return oneAskedByWrk(stand, { length: kilobyte, requestsFile });
}
