// An origin that thinks: many requests wait for their answers at once.
import { join } from "node:path";
import { compete } from "../contest.ts";
import { askedByWrk, bare, firstOf, standOf, startGateways } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import { startAuthRequest, startBareNginx, startDecisionService } from "../peers/start.ts";
import { freePort, startServer } from "../process.ts";
import type { Scenario } from "../setting.ts";
import type { Stage } from "../stage.ts";

const delayMs = 250;
const connections = 1_000;

export const slowOrigin: Scenario = {
  about: `an origin that answers after ${delayMs} ms, ${connections} requests at once`,
  async play(setting) {
    const { stage } = setting;
    const origin = await startSlowOrigin(stage);
    const posterns = await startGateways(setting, { origin });
    const { target } = firstOf(posterns);
    const service = await startDecisionService(stage);
    const asking = startAuthRequest(stage, { origin, service });
    const stands = [
      { name: "no proxy", pids: [], target: { ...target, port: origin } },
      await standOf(bare, startBareNginx(stage, origin), target),
      await standOf("nginx auth_request", asking, target),
      ...posterns,
    ];
    const entries = askedByWrk(stands, { length: kilobyte, connections });
    const rows = await compete(stage, entries, setting.pace(4, 3));
    const title = `1 kB after ${delayMs} ms, ${connections} connections`;
    return { tables: [{ title, rows, base: bare }], promises: [] };
  },
};

async function startSlowOrigin(stage: Stage): Promise<number> {
  const port = await freePort();
  const args = [join(import.meta.dirname, "../slow-origin.ts"), `${port}`, `${delayMs}`];
  await stage.keep(startServer("load", process.execPath, args, { ready: port }));
  return port;
}
