// `npm run bench`: the gateway beside what people put there otherwise, in scenarios of which each
// changes one factor. Contenders take turns, so that the ratios hold on whatever machine it is.
// `-- --only NAME` plays one scenario, `--list` names them; `--transport node` and `--against
// FOLDER` measure the other transport, or another checkout, beside this one; `--quick` shows in
// short turns that everything works, with figures that mean nothing.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Pace } from "./contest.ts";
import { type Finding, promiseText, reportOf } from "./finding.ts";
import { own, type Variant } from "./gateway.ts";
import { machine, missingTools } from "./machine.ts";
import { checkoutIn } from "./postern.ts";
import { pinning } from "./process.ts";
import { scenarios } from "./scenarios/index.ts";
import type { Scenario } from "./setting.ts";
import { Stage } from "./stage.ts";

const minuteMs = 60_000;
/** for everything, for what is measured of one scenario, and until it is ended whatever it does */
const limits = { allMs: 25 * minuteMs, measuringMs: 2.5 * minuteMs, scenarioMs: 2.9 * minuteMs };
const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const quickPace: Pace = { seconds: 1, rounds: 1 };
const quickDivisor = 50;
const begin = performance.now();

const { values: flags } = parseArgs({
  options: {
    only: { type: "string" },
    list: { type: "boolean", default: false },
    transport: { type: "string" },
    against: { type: "string" },
    quick: { type: "boolean", default: false },
  },
});
const names = Object.keys(scenarios);
if (flags.list) {
  for (const [name, { about }] of Object.entries(scenarios)) tell(`${name.padEnd(24)}${about}`);
  process.exit(0);
}
if (flags.only !== undefined && !names.includes(flags.only))
  refuse(`--only takes one of: ${names.join(", ")}`);
const missing = missingTools(["nginx", "wrk", "taskset"]);
if (missing !== "") refuse(`Missing: ${missing}. Bring it with: bash scripts/setup.sh --bench`);

tell(`${machine(["nginx", "haproxy", "caddy", "apache2", "wrk", "h2load"])}\n`);
// Some clients and origins are in this process: it shares the core of the load.
if (pinning) spawnSync("taskset", ["-acp", "1", String(process.pid)]);
const findings: Finding[] = [];
for (const [name, scenario] of Object.entries(scenarios)) {
  if (flags.only !== undefined && flags.only !== name) continue;
  process.stderr.write(`${name} …\n`);
  tell(`### ${name}: ${scenario.about}\n`);
  const finding = await play(name, scenario);
  findings.push(finding);
  tell(reportOf(finding));
}
tell(`### Promises\n`);
const promises = findings.flatMap((finding) => finding.promises);
for (const promise of promises) tell(promiseText(promise));
tell(`\n${((performance.now() - begin) / minuteMs).toFixed(1)} minutes.`);
process.exit(promises.every(({ holds }) => holds) ? 0 : 1);

/** A scenario that fails costs its own figures alone. */
async function play(name: string, scenario: Scenario): Promise<Finding> {
  const left = limits.allMs - (performance.now() - begin);
  const stage = new Stage(Math.min(limits.measuringMs, left));
  const interrupt = () => void stage.clear().then(() => process.exit(130));
  for (const signal of signals) process.once(signal, interrupt);
  const pace = (seconds: number, rounds: number) => (flags.quick ? quickPace : { seconds, rounds });
  const count = (all: number) => (flags.quick ? Math.ceil(all / quickDivisor) : all);
  try {
    const playing = scenario.play({ stage, variants: variants(), pace, count });
    return await within(Math.min(limits.scenarioMs, left), playing);
  } catch (error) {
    return { tables: [], promises: [{ what: name, figure: String(error), holds: false }] };
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await stage.clear();
  }
}

function variants(): [Variant, ...Variant[]] {
  const all: [Variant, ...Variant[]] = [own];
  const { transport, against } = flags;
  if (transport !== undefined)
    all.push({ ...own, name: `Postern, ${transport}`, sections: { http1_transport: transport } });
  if (against !== undefined) {
    const folder = join(process.cwd(), against);
    all.push({ name: "Postern before", checkout: checkoutIn(folder, "before") });
  }
  return all;
}

async function within<T>(limit: number, work: Promise<T>): Promise<T> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("took too long")), limit);
  // What it was about to do fails when its servers have been ended.
  work.catch(() => undefined);
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function tell(text: string): void {
  process.stdout.write(`${text}\n`);
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
