// TLS from clients, beside what node:tls costs by itself.
import { compete, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { askedByWrk, bare } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";
import { startOverTls } from "./over-tls.ts";

const forwarder = "bare node:tls forwarder";

export const tls: Scenario = {
  about: "over TLS",
  async play(setting) {
    const { stage } = setting;
    const lineUp = { listen: "ssl", forwarder: "tls", name: forwarder } as const;
    const stands = await startOverTls(setting, lineUp);
    const entries = askedByWrk(stands, { length: kilobyte });
    const rows = await compete(stage, entries, setting.pace(3, 5));
    const gateway = rowNamed(rows, own.name);
    return {
      tables: [{ title: "1 kB over TLS 1.3, 64 connections", rows, base: bare }],
      promises: [
        atLeast(
          `TLS beside a ${forwarder}`,
          0.75,
          ratioOf(gateway, rowNamed(rows, forwarder), "cost"),
        ),
        ...noFailures("TLS", gateway),
      ],
    };
  },
};
