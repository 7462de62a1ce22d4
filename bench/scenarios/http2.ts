// HTTP/2 from clients, beside what node:http2 costs by itself.
import { compete, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { bare, contenderOf } from "../line-up.ts";
import { connections, h2load, streamsEach } from "../load/h2load.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";
import { startOverTls } from "./over-tls.ts";

const forwarder = "bare node:http2 forwarder";

export const http2: Scenario = {
  about: "over HTTP/2 with TLS",
  async play(setting) {
    const { stage } = setting;
    const lineUp = { listen: "ssl http2", forwarder: "http2", name: forwarder } as const;
    const stands = await startOverTls(setting, lineUp);
    const entries = stands.map((stand) =>
      contenderOf(stand, (each, seconds) => h2load(stage, each, kilobyte, seconds)),
    );
    const rows = await compete(stage, entries, setting.pace(3, 5));
    const gateway = rowNamed(rows, own.name);
    const ratio = ratioOf(gateway, rowNamed(rows, forwarder), "cost");
    const title = `1 kB over HTTP/2, ${connections} connections of ${streamsEach} streams`;
    return {
      tables: [{ title, rows, base: bare }],
      promises: [
        atLeast(`HTTP/2 beside a ${forwarder}`, 0.75, ratio),
        ...noFailures("HTTP/2", gateway),
      ],
    };
  },
};
