// `npm run fuzz`: compares the readers of HTTP over many cases, drives one target by coverage, or
// asks everybody who might gain or lose by a change of the configuration.
//   npm run fuzz -- --cases 1000000 [--seed S] [--nginx SHARE]
//   npm run fuzz -- --askers 1000000 [--seed S]
//   npm run fuzz -- --target NAME --seconds 60 [--seed S]
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { askEverybody } from "./access/campaign.ts";
import { blockSize, type Tally, tryBlock } from "./campaign.ts";
import { runTarget } from "./coverage/run-target.ts";
import { NginxJudge } from "./nginx.ts";
import { requests, responses } from "./subjects.ts";

const { values } = parseArgs({
  options: {
    cases: { type: "string", default: "100000" },
    seed: { type: "string" },
    nginx: { type: "string", default: "0.1" },
    askers: { type: "string" },
    target: { type: "string" },
    seconds: { type: "string", default: "60" },
  },
});
const seed = values.seed === undefined ? Date.now() % 0x7fff_ffff : Number(values.seed);

process.exitCode = (await run()) ? 0 : 1;

/** @returns whether nothing was found */
async function run(): Promise<boolean> {
  if (values.askers !== undefined) return askEverybody(Number(values.askers), seed);
  if (values.target !== undefined) return runTarget(values.target, Number(values.seconds), seed);
  return compareReaders(Number(values.cases), Number(values.nginx));
}

/**
 * @param share of the cases that nginx reads as well
 * @returns whether the readers agree
 */
async function compareReaders(count: number, share: number): Promise<boolean> {
  console.log(`seed ${seed}`);
  const tally: Tally = {
    cases: 0,
    throughNginx: 0,
    outcomes: new Map(),
    disagreements: new Map(),
  };
  const isAsked = share > 0 && existsSync("/usr/sbin/nginx");
  const judge = isAsked ? await NginxJudge.start() : undefined;
  const start = performance.now();
  let reported = start;
  for (let block = 0; tally.cases < count; block++) {
    const size = Math.min(blockSize, count - tally.cases);
    const asksNginx = Math.floor((block + 1) * share) > Math.floor(block * share);
    const asked = asksNginx ? judge : undefined;
    await tryPair(block, size, tally, asked);
    if (performance.now() - reported < 5_000) continue;
    reported = performance.now();
    report(tally, start);
  }
  await judge?.stop();
  report(tally, start);
  return conclude(tally);
}

/** A block of each subject in turn. */
function tryPair(
  block: number,
  size: number,
  tally: Tally,
  judge: NginxJudge | undefined,
): Promise<void> {
  const blockSeed = (seed + block) % 0x7fff_ffff;
  if (block % 2 === 0)
    return tryBlock(requests, blockSeed, size, tally, judge && ((each) => judge.tryRequests(each)));
  return tryBlock(responses, blockSeed, size, tally, judge && ((each) => judge.tryResponses(each)));
}

function report(tally: Tally, start: number): void {
  const seconds = (performance.now() - start) / 1_000;
  const rate = Math.round(tally.cases / seconds);
  const { cases, throughNginx, disagreements } = tally;
  console.log(
    `${cases} cases, ${throughNginx} of them through nginx as well, ${rate} a second, ` +
      `${disagreements.size} classes of disagreement`,
  );
}

function conclude({ cases, outcomes, disagreements }: Tally): boolean {
  const parts = [...outcomes].map(
    ([outcome, n]) => `${outcome} ${Math.round((100 * n) / cases)} %`,
  );
  console.log(`how ours ended: ${parts.join(", ")}`);
  for (const [key, text] of disagreements) console.log(`\n${key}\n${text}`);
  if (disagreements.size === 0) console.log("no disagreement");
  return disagreements.size === 0;
}
