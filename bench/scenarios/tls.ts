// TLS from clients, beside what node:tls costs by itself.
import { compete, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { askedByWrk, bare, firstOf, standOf, startFileOrigin, startGateways } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import { makeCertificate } from "../peers/certificate.ts";
import { startBareNginx, startForwarder } from "../peers/start.ts";
import type { Scenario } from "../setting.ts";

const forwarder = "bare node:tls forwarder";

export const tls: Scenario = {
  about: "over TLS",
  async play(setting) {
    const { stage } = setting;
    const origin = await startFileOrigin(stage);
    const certificate = await makeCertificate(stage);
    const files = { cert_file: certificate.certificate, key_file: certificate.key };
    const sections = { tls: { certificates: [files] } };
    const posterns = await startGateways(setting, { origin, sections });
    const { target } = firstOf(posterns);
    const nginx = startBareNginx(stage, origin, { listen: "ssl", certificate });
    const node = startForwarder(stage, "tls", origin, certificate);
    const stands = [await standOf(bare, nginx, target), await standOf(forwarder, node, target)];
    const entries = askedByWrk([...stands, ...posterns], { length: kilobyte });
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
