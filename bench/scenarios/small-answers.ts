// Answers of 1 kB over 64 connections: what everything else differs from in one point.
import { compete, figureOf, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, atMost, noFailures, type Promised } from "../finding.ts";
import { own } from "../gateway.ts";
import { allPeers, asItComes, askedByWrk, bare, lineUp } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

/** peer → how many times as cheap as it an answer is, at least */
const bounds = {
  [bare]: 0.85,
  "nginx auth_request": 2.4,
  "nginx auth_request, cached": 1.3,
  "HAProxy jwt_verify": 2,
  "Apache mod_auth_openidc": 4,
  "Caddy forward_auth": 8,
};

export const smallAnswers: Scenario = {
  about: "1 kB, 64 connections that are kept, one session",
  async play(setting) {
    const names = allPeers.filter((name) => name !== asItComes);
    const stands = await lineUp(setting, names);
    const entries = askedByWrk(stands, { length: kilobyte });
    const rows = await compete(setting.stage, entries, setting.pace(2, 5));
    const gateway = rowNamed(rows, own.name);
    const peer = rowNamed(rows, bare);
    const promises: Promised[] = Object.entries(bounds).map(([name, bound]) =>
      atLeast(`1 kB beside ${name}`, bound, ratioOf(gateway, rowNamed(rows, name), "cost")),
    );
    const tail = figureOf(gateway, "p99") / figureOf(peer, "p99");
    promises.push(atMost(`1 kB: p99 of that of ${bare}`, 2, tail), ...noFailures("1 kB", gateway));
    return { tables: [{ title: "1 kB, 64 connections", rows, base: bare }], promises };
  },
};
