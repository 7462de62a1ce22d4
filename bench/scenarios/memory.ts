// What a gateway takes that serves a thousand people, and whether it goes on taking more.
import { compete, figureOf, rowNamed } from "../contest.ts";
import { atMost, noFailures } from "../finding.ts";
import { browserHeaders, own } from "../gateway.ts";
import { oneAskedByWrk, startFileOrigin, startGateways } from "../line-up.ts";
import { writeRequests } from "../load/requests-file.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

const boundMebibytes = 130;
/** of the last run to the second: what comes in the first is code being compiled */
const growthBound = 1.1;

export const memory: Scenario = {
  about: "memory with a thousand sessions",
  async play(setting) {
    const { stage } = setting;
    const origin = await startFileOrigin(stage);
    const stands = await startGateways(setting, { origin, people: setting.count(1_000) });
    const entries = stands.map((stand) => {
      if ("failure" in stand) return stand;
      const { target, gateway } = stand;
      const targets = gateway.tokens.map((token) => ({
        ...target,
        headers: browserHeaders(token),
      }));
      const requestsFile = writeRequests(stage, `requests-${target.port}`, targets);
      return oneAskedByWrk(stand, { length: kilobyte, requestsFile });
    });
    const rows = await compete(stage, entries, setting.pace(4, 8));
    const gateway = rowNamed(rows, own.name);
    const series = (gateway?.runs ?? []).map((run) => run?.resident ?? Number.NaN);
    const growth = (series.at(-1) ?? Number.NaN) / (series[1] ?? Number.NaN);
    const sizes = series.map((size) => size.toFixed(0)).join(", ");
    const resident = figureOf(gateway, "resident");
    return {
      tables: [{ title: "1 kB, 64 connections, 1,000 sessions", rows, base: own.name }],
      notes: [`Resident MiB after each run: ${sizes}.`],
      promises: [
        atMost("memory with 1,000 sessions", boundMebibytes, resident, "MiB"),
        atMost("memory: last run beside the second", growthBound, growth),
        ...noFailures("memory", gateway),
      ],
    };
  },
};
