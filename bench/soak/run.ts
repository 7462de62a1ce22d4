// `npm run bench -- --soak [MINUTES]`: two workers under half of the load that they can bear, for
// an hour. Meanwhile one request in a hundred is broken off, the file changes each minute, the key
// that signs is rotated once, and every ten minutes a worker is killed. No other request may fail,
// and memory and descriptors must be flat after the first ten minutes.
import { renameSync, writeFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";
import { atMost, digits, type Promised } from "../finding.ts";
import {
  applicationOf,
  browserHeaders,
  checkJob,
  configuration,
  type Gateway,
  type GatewayOptions,
  startGateway,
  type Variant,
} from "../gateway.ts";
import { startFileOrigin } from "../line-up.ts";
import { probe } from "../load/probe.ts";
import { wrk } from "../load/wrk.ts";
import { median } from "../median.ts";
import { kilobyte } from "../nginx.ts";
import { runProgram } from "../run-program.ts";
import type { Stage } from "../stage.ts";
import { connectionsByProcess } from "../tcp-connections.ts";
import { openDescriptors, proportionalMemory, residentMemory } from "../usage.ts";
import { Traffic } from "./traffic.ts";

const minuteMs = 60_000;
const killEveryMinutes = 10;
const settlingMinutes = 10;
const people = 1_000;
const probedHost = "soak.localhost";
const applyLimitMs = 30_000;
/** of what it was right after the first ten minutes: memory breathes with collections */
const memoryBound = 1.15;
const descriptorBound = 1.1;

interface Usage {
  resident: number;
  descriptors: number;
}

/** @param tell prints a line as soon as there is something to say */
export async function soak(
  stage: Stage,
  variant: Variant,
  minutes: number,
  tell: (text: string) => void,
): Promise<Promised[]> {
  const origin = await startFileOrigin(stage);
  const options: GatewayOptions = { origin, people, sections: sectionsOf(variant, 0) };
  const gateway = await startGateway(stage, variant, options);
  const tokens = gateway.tokens.filter((_, index) => index % 2 === 0);
  const target = { port: gateway.port, path: "/1k", headers: browserHeaders(tokens[0]) };
  await checkJob(target);
  await wrk(target, kilobyte, { seconds: 3 });
  const capacity = await wrk(target, kilobyte, { seconds: 5 });
  const rate = capacity.requests / capacity.seconds / 2;
  tell(`${minutes} minutes at ${digits(rate)} requests a second, half of what it bears.\n`);
  tell(
    "| minute | answered | aborted | failed | on a killed worker | RSS MiB | PSS | descriptors |",
  );
  tell("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |");
  const traffic = new Traffic(gateway.port, tokens, rate);
  stage.onEnd(() => traffic.end(async () => undefined));
  const usages: Usage[] = [];
  const begin = performance.now();
  for (let minute = 1; minute <= minutes; minute++) {
    await wait(Math.max(0, begin + (minute - 0.5) * minuteMs - performance.now()));
    await disturb(gateway, variant, options, { minute, minutes }, traffic);
    await wait(Math.max(0, begin + minute * minuteMs - performance.now()));
    usages.push(tellMinute(minute, gateway, traffic, tell));
  }
  await traffic.end(untilOver);
  for (const why of traffic.failures) tell(`\nfailed: ${why}`);
  return promisesOf(traffic, usages);
}

/** In the middle of each minute: what happens to a gateway while it serves. */
async function disturb(
  gateway: Gateway,
  variant: Variant,
  options: GatewayOptions,
  { minute, minutes }: { minute: number; minutes: number },
  traffic: Traffic,
): Promise<void> {
  await reload(gateway, { ...options, sections: sectionsOf(variant, minute) }, minute);
  if (minute === Math.ceil(minutes / 3)) {
    const args = [variant.checkout.cli, "keys", "rotate", "--config", gateway.file];
    await runProgram(process.execPath, args);
  }
  if (minute % Math.min(killEveryMinutes, minutes) === Math.min(5, minutes - 1))
    killWorker(gateway, traffic);
}

/** Everybody may use the second application in odd minutes, and engineers alone in even ones. */
function sectionsOf({ sections }: Variant, minute: number): Record<string, unknown> {
  const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
  const probed = { ...applicationOf(1), domain: probedHost };
  const second = minute % 2 === 1 ? { ...probed, policies: [open] } : probed;
  return { workers: 2, applications: [applicationOf(0), second], ...sections };
}

/** @throws {Error} when what the file says is not in force after half a minute */
async function reload(gateway: Gateway, options: GatewayOptions, minute: number): Promise<void> {
  const { file, port } = gateway;
  writeFileSync(`${file}.new`, configuration(port, options));
  renameSync(`${file}.new`, file);
  const limit = performance.now() + applyLimitMs;
  const isOpen = async () => {
    const { status } = await probe({ port, path: "/1k", headers: { Host: probedHost } });
    return status === 200;
  };
  while ((await isOpen()) !== (minute % 2 === 1)) {
    if (performance.now() > limit) throw new Error(`the reload of minute ${minute} has no effect`);
    await wait(200);
  }
}

/** Stopped first, so that what it holds is known when it dies. */
function killWorker(gateway: Gateway, traffic: Traffic): void {
  const workers = [...connectionsByProcess(gateway).keys()].filter((pid) => pid !== gateway.pid);
  const [victim] = workers;
  if (victim === undefined) throw new Error("no worker has a connection");
  process.kill(victim, "SIGSTOP");
  traffic.expectLossOf(connectionsByProcess(gateway).get(victim) ?? new Set());
  process.kill(victim, "SIGKILL");
}

function tellMinute(
  minute: number,
  { pid }: Gateway,
  { counts }: Traffic,
  tell: (text: string) => void,
): Usage {
  const usage = { resident: residentMemory(pid), descriptors: openDescriptors(pid) };
  const { answered, aborted, failed, onKilled } = counts;
  const memory = [usage.resident, proportionalMemory(pid)].map((size) => size.toFixed(0));
  const cells = [minute, answered, aborted, failed, onKilled, ...memory, usage.descriptors];
  tell(`| ${cells.join(" | ")} |`);
  return usage;
}

async function untilOver(isOver: () => boolean): Promise<void> {
  const limit = performance.now() + applyLimitMs;
  while (!isOver() && performance.now() < limit) await wait(50);
}

function promisesOf({ counts }: Traffic, usages: readonly Usage[]): Promised[] {
  const own = counts.failed - counts.onKilled;
  const settled = usages.slice(Math.min(settlingMinutes, usages.length >> 1));
  const quarter = Math.max(1, settled.length >> 2);
  const growth = (field: keyof Usage) =>
    median(settled.slice(-quarter).map((each) => each[field])) /
    median(settled.slice(0, quarter).map((each) => each[field]));
  return [
    atMost("soak: failed requests, neither aborted nor on a killed worker", 0, own, ""),
    atMost("soak: memory at the end beside after settling", memoryBound, growth("resident")),
    atMost("soak: descriptors likewise", descriptorBound, growth("descriptors")),
  ];
}
