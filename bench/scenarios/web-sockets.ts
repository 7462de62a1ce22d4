// Short messages over WebSockets that stay open, each echoed before the next is sent.
import { compete } from "../contest.ts";
import { bare, contenderOf, firstOf, standOf, startGateways } from "../line-up.ts";
import { clients, exchangeMessages, startEchoOrigin } from "../load/web-sockets.ts";
import { startWebSocketNginx } from "../peers/start.ts";
import type { Scenario } from "../setting.ts";

export const webSockets: Scenario = {
  about: "echoes over WebSockets instead of requests",
  async play(setting) {
    const { stage } = setting;
    const origin = await startEchoOrigin(stage);
    const posterns = await startGateways(setting, { origin });
    const { target } = firstOf(posterns);
    const stands = [
      { name: "no proxy", pids: [], target: { ...target, port: origin } },
      await standOf(bare, startWebSocketNginx(stage, origin), target),
      ...posterns,
    ];
    const entries = stands.map((stand) => contenderOf(stand, exchangeMessages));
    const rows = await compete(stage, entries, setting.pace(3, 3));
    const title = `echoes of 64 bytes, ${clients} WebSockets`;
    return { tables: [{ title, rows, base: bare }], promises: [] };
  },
};
