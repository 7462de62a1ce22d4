// Heads that differ from request to request, as those of browsers do: what is gained by a head that
// equals the one before it is lost here.
import { compete, ratioOf, rowNamed } from "../contest.ts";
import { atLeast, noFailures } from "../finding.ts";
import { own } from "../gateway.ts";
import { bare, lineUp, oneAskedByWrk } from "../line-up.ts";
import type { Target } from "../load/probe.ts";
import { writeRequests } from "../load/requests-file.ts";
import { kilobyte } from "../nginx.ts";
import type { Scenario } from "../setting.ts";

const count = 4_096;

export const variedHeads: Scenario = {
  about: "heads that differ in some headers from request to request",
  async play(setting) {
    const names = [bare, "nginx auth_request", "nginx auth_request, cached"] as const;
    const stands = await lineUp(setting, names);
    const entries = stands.map((stand) => {
      if ("failure" in stand) return stand;
      const targets = Array.from({ length: count }, (_, nth) => varied(stand.target, nth));
      const requestsFile = writeRequests(setting.stage, `requests-${stand.target.port}`, targets);
      return oneAskedByWrk(stand, { length: kilobyte, requestsFile });
    });
    const rows = await compete(setting.stage, entries, setting.pace(3, 3));
    const gateway = rowNamed(rows, own.name);
    const ratio = ratioOf(gateway, rowNamed(rows, bare), "cost");
    return {
      tables: [{ title: `1 kB, ${count} different heads`, rows, base: bare }],
      promises: [
        atLeast(`different heads beside ${bare}`, 0.85, ratio),
        ...noFailures("different heads", gateway),
      ],
    };
  },
};

/** Headers as a tracer, a page and a browser set them. */
function varied(target: Target, nth: number): Target {
  const number = nth.toString(16).padStart(8, "0");
  const trace = `00-${number.repeat(4)}-${number.repeat(2)}-01`;
  const { headers } = target;
  const differing = {
    traceparent: trace,
    "X-Request-Id": `${number}-${"x".repeat(nth % 24)}`,
    Referer: `http://${headers["Host"]}/pages/${nth}`,
  };
  return { ...target, headers: { ...headers, ...differing } };
}
