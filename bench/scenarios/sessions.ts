// A hundred thousand sessions, of which each request is of one by chance, and all of which the
// cache holds.
import { compete, type Entry, ratioOf, rowNamed } from "../contest.ts";
import { fillCache } from "../fill-cache.ts";
import { atLeast, noFailures } from "../finding.ts";
import { browserHeaders, own } from "../gateway.ts";
import { type GatewayStand, oneAskedByWrk, startFileOrigin, startGateways } from "../line-up.ts";
import type { Target } from "../load/probe.ts";
import { writeRequests } from "../load/requests-file.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario, Setting } from "../setting.ts";

const allSessions = 100_000;

export const sessions: Scenario = {
  about: "100,000 sessions instead of one",
  async play(setting) {
    const { stage, variants, count } = setting;
    // Signing everybody in takes most of the time: several gateways share it.
    const people = Math.ceil(count(allSessions) / variants.length);
    const origin = await startFileOrigin(stage);
    const limits = { cached_sessions: Math.max(2 * people, 1_000) };
    const stands = await startGateways(setting, { origin, people, sections: { limits } });
    for (const stand of stands)
      if ("gateway" in stand) await fillCache(stand.gateway, targetsOf(stand, people));
    const entries = stands.flatMap((stand) => [
      askedFor(setting, stand, 1, stand.name),
      askedFor(setting, stand, people, nameOf(stand.name)),
    ]);
    const rows = await compete(stage, entries, setting.pace(3, 3));
    const gateway = rowNamed(rows, nameOf(own.name));
    const ratio = ratioOf(gateway, rowNamed(rows, own.name), "cost");
    return {
      tables: [{ title: "1 kB, sessions", rows, base: own.name }],
      promises: [
        atLeast("100,000 sessions beside one", 0.8, ratio),
        ...noFailures("100,000 sessions", gateway),
      ],
    };
  },
};

function nameOf(name: string): string {
  return `${name}, 100,000 sessions`;
}

function askedFor(
  { stage }: Setting,
  stand: Entry<GatewayStand>,
  people: number,
  name: string,
): Entry {
  if ("failure" in stand) return { ...stand, name };
  const targets = targetsOf(stand, people);
  const requestsFile = writeRequests(stage, `requests-${stand.target.port}-${people}`, targets);
  return oneAskedByWrk({ ...stand, name }, { length: kilobyte, requestsFile });
}

/** One of each of the first people. */
function targetsOf({ target, gateway }: GatewayStand, people: number): Target[] {
  const tokens = gateway.tokens.slice(0, people);
  return tokens.map((token) => ({ ...target, headers: browserHeaders(token) }));
}
