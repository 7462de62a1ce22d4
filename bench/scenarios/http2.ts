// HTTP/2 from clients, beside what node:http2 costs by itself.
import { compete, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { bare, contenderOf, firstOf, standOf, startFileOrigin, startGateways } from "../line-up.ts";
import { connections, h2load, streamsEach } from "../load/h2load.ts";
import { kilobyte } from "../nginx.ts";
import { makeCertificate } from "../peers/certificate.ts";
import { startBareNginx, startForwarder } from "../peers/start.ts";
import type { Scenario } from "../setting.ts";

const forwarder = "bare node:http2 forwarder";

export const http2: Scenario = {
  about: "over HTTP/2 with TLS",
  async play(setting) {
    const { stage } = setting;
    const origin = await startFileOrigin(stage);
    const certificate = await makeCertificate(stage);
    const files = { cert_file: certificate.certificate, key_file: certificate.key };
    const sections = { tls: { certificates: [files] } };
    const posterns = await startGateways(setting, { origin, sections });
    const { target } = firstOf(posterns);
    const nginx = startBareNginx(stage, origin, { listen: "ssl http2", certificate });
    const node = startForwarder(stage, "http2", origin, certificate);
    const stands = [await standOf(bare, nginx, target), await standOf(forwarder, node, target)];
    const entries = [...stands, ...posterns].map((stand) =>
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
