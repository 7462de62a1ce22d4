// What a connection costs: each request opens one and has it closed after the answer.
import { compete } from "../contest.ts";
import { askedByWrk, bare, lineUp } from "../line-up.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

export const connectionPerRequest: Scenario = {
  about: "a connection for each request",
  async play(setting) {
    const names = [bare, "nginx auth_request", "HAProxy jwt_verify"] as const;
    const stands = await lineUp(setting, names);
    const headers = { Connection: "close" };
    const entries = askedByWrk(stands, { length: kilobyte, headers });
    const rows = await compete(setting.stage, entries, setting.pace(3, 3));
    const title = "1 kB, a connection for each request, 64 at once";
    return { tables: [{ title, rows, base: bare }], promises: [] };
  },
};
