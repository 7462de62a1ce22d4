// Answers of 1 MB: what moving bytes costs, and whether one transfer waits for the others.
import { compete, figureOf, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, atMost, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { allPeers, askedByWrk, bare, lineUp } from "../line-up.ts";
import { megabyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

export const largeAnswers: Scenario = {
  about: "1 MB instead of 1 kB",
  async play(setting) {
    const stands = await lineUp(setting, allPeers);
    const entries = askedByWrk(stands, { path: "/1m", length: megabyte });
    const rows = await compete(setting.stage, entries, setting.pace(3, 3));
    const gateway = rowNamed(rows, own.name);
    const peer = rowNamed(rows, bare);
    const tail = figureOf(gateway, "p99") / figureOf(peer, "p99");
    return {
      tables: [{ title: "1 MB, 64 connections", rows, base: bare }],
      promises: [
        atLeast(`1 MB: bytes a second beside ${bare}`, 0.9, ratioOf(gateway, peer, "rate")),
        atMost(`1 MB: p99 of that of ${bare}`, 2, tail),
        ...noFailures("1 MB", gateway),
      ],
    };
  },
};
