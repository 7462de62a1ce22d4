// What a person at a terminal waits for, beside what they would use without a gateway.
import { mkdtempSync } from "node:fs";
import { join } from "node:path";
import { atMost } from "../finding.ts";
import type { Variant } from "../gateway.ts";
import { startOrigin } from "../nginx.ts";
import { signIn, startGateway } from "../postern.ts";
import { freePort } from "../process.ts";
import type { Scenario } from "../setting.ts";
import type { Stage } from "../stage.ts";
import { measureWallTimes, type SignedIn } from "../wall-time.ts";

export const commandLine: Scenario = {
  about: "whole processes of the command line, beside node and curl",
  async play({ stage, variants: [first, ...others], pace }) {
    const origin = await freePort();
    await stage.keep(startOrigin(stage.folder, origin));
    const people: [SignedIn, ...SignedIn[]] = [await personAt(stage, first, origin)];
    // A transport makes no difference to a terminal.
    for (const other of others.filter(({ checkout }) => checkout !== first.checkout))
      people.push(await personAt(stage, other, origin));
    const times = measureWallTimes(people, pace(1, 21).rounds);
    const lines = times.map(({ name, median }) => `| \`${name}\` | ${median.toFixed(1)} |`);
    const time = (name: string) => times.find((each) => each.name === name)?.median ?? Number.NaN;
    const token = time("access token") / time("node -e 0");
    const curl = time("access curl") - time("curl");
    return {
      tables: [],
      notes: [["| whole process | ms |", "| --- | ---: |", ...lines].join("\n")],
      promises: [
        atMost("access token beside node -e 0", 1.5, token),
        atMost("access curl above curl", 60, curl, "ms"),
      ],
    };
  },
};

async function personAt(stage: Stage, { checkout }: Variant, origin: number): Promise<SignedIn> {
  const port = await freePort();
  const home = mkdtempSync(join(stage.folder, "home-"));
  const gateway = await stage.keep(startGateway(checkout, home, port, origin));
  const application = `http://bench.localhost:${port}`;
  const token = await signIn(checkout, gateway, application, home);
  return { checkout, application, token, home };
}
