// `npm run bench`: the gateway beside what people put there otherwise, in scenarios of which each
// changes one factor. Contenders take turns, so that the ratios hold on whatever machine it is.
// `-- --only NAME` plays one scenario, `--list` names them, `--soak [MINUTES]` does something else
// for an hour; `--transport node` and `--against FOLDER` measure the other transport, or another
// checkout, beside this one; `--write` puts the results into README.md; `--profile FOLDER` has the
// gateway write where its CPU goes; `--quick` shows in short turns that everything works, with
// figures that mean nothing.
import { spawnSync } from "node:child_process";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Finding, type Promised, promiseText, reportOf } from "./finding.ts";
import { own, type Variant } from "./gateway.ts";
import { keepResults } from "./keep-results.ts";
import { machine, missingTools } from "./machine.ts";
import { onStage, play } from "./play.ts";
import { checkoutIn } from "./postern.ts";
import { pinning } from "./process.ts";
import { scenarios } from "./scenarios/index.ts";
import { soak } from "./soak/run.ts";

const minuteMs = 60_000;
const limitMs = 25 * minuteMs;
/** of the soak, beside the minutes that it is asked for */
const soakGraceMs = 10 * minuteMs;
const begin = performance.now();

const { values: flags, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    list: { type: "boolean", default: false },
    soak: { type: "boolean", default: false },
    transport: { type: "string" },
    against: { type: "string" },
    profile: { type: "string" },
    write: { type: "boolean", default: false },
    quick: { type: "boolean", default: false },
  },
});
const { only } = flags;
const [firstWord = "60", ...furtherWords] = positionals;
const soakMinutes = flags.soak ? Number(firstWord) : undefined;
checkFlags();
let report = "";

if (flags.list) {
  for (const [name, { about }] of Object.entries(scenarios)) tell(`${name.padEnd(24)}${about}`);
  process.exit(0);
}
const missing = missingTools(["nginx", "wrk", "setpriv", "taskset", "openssl"]);
if (missing !== "") refuse(`Missing: ${missing}. Bring it with: bash scripts/setup.sh --bench`);
tell(`${machine(["nginx", "haproxy", "caddy", "apache2", "wrk", "h2load"])}\n`);
// Some clients and origins are in this process: it shares the core of the load.
if (pinning) spawnSync("taskset", ["-acp", "1", String(process.pid)]);
const promises = soakMinutes === undefined ? await playScenarios() : await playSoak(soakMinutes);
process.exit(promises.every(({ holds }) => holds) ? 0 : 1);

function checkFlags(): void {
  const names = Object.keys(scenarios);
  if (only !== undefined && !names.includes(only))
    refuse(`--only takes one of: ${names.join(", ")}`);
  const [unknown] = flags.soak ? furtherWords : positionals;
  if (unknown !== undefined) refuse(`"${unknown}" means nothing here`);
  if (soakMinutes !== undefined && !(soakMinutes >= 1)) refuse("--soak takes minutes, at least 1");
  if (flags.write && (only !== undefined || flags.soak)) refuse("--write wants all scenarios");
}

async function playScenarios(): Promise<readonly Promised[]> {
  const findings = new Map<string, Finding>();
  for (const [name, scenario] of Object.entries(scenarios)) {
    if (only !== undefined && only !== name) continue;
    process.stderr.write(`${name} …\n`);
    const left = limitMs - (performance.now() - begin);
    const options = { variants: variants(), isQuick: flags.quick, left };
    const finding = await play(name, scenario, options);
    findings.set(name, finding);
    tell(`### ${name}: ${scenario.about}\n\n${reportOf(finding)}`);
  }
  const all = [...findings.values()].flatMap((finding) => finding.promises);
  tellPromises(all);
  tell(`\nIt took ${((performance.now() - begin) / minuteMs).toFixed(1)} minutes.`);
  const [table] = findings.get("1kb")?.tables ?? [];
  if (flags.write && table !== undefined) keepResults(report, table);
  return all;
}

async function playSoak(minutes: number): Promise<readonly Promised[]> {
  const variant = variants().at(-1) ?? own;
  const wholeMs = minutes * minuteMs + soakGraceMs;
  let all: readonly Promised[];
  try {
    all = await onStage(wholeMs, wholeMs, (stage) => soak(stage, variant, minutes, tell));
  } catch (error) {
    all = [{ what: "soak", figure: String(error), holds: false }];
  }
  tell("");
  tellPromises(all);
  return all;
}

function tellPromises(all: readonly Promised[]): void {
  tell("### Promises\n");
  for (const promise of all) tell(promiseText(promise));
}

/** This checkout first: the promises are about it. */
function variants(): [Variant, ...Variant[]] {
  const { transport, against, profile } = flags;
  const first = profile === undefined ? own : { ...own, profiles: resolve(profile) };
  const all: [Variant, ...Variant[]] = [first];
  if (transport !== undefined)
    all.push({ ...own, name: `Postern, ${transport}`, sections: { http1_transport: transport } });
  if (against !== undefined) {
    const name = "Postern before";
    all.push({ name, checkout: checkoutIn(resolve(against), name) });
  }
  return all;
}

function tell(text: string): void {
  report += `${text}\n`;
  process.stdout.write(`${text}\n`);
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
