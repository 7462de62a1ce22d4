// 10,000 WebSockets on which nothing happens: what each takes of memory, and all of them of CPU.
import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { startServer } from "../process.ts";
import type { Stage } from "../stage.ts";
import { cpuSeconds, residentMemory } from "../usage.ts";
import { Broadcaster } from "./broadcaster.ts";
import { browserHeaders, type Gateway, startGateway, withFiles } from "./gateway.ts";
import type { Finding } from "./report.ts";

const wanted = 10_000;
/** What a gateway opens beside the two sockets of each stream, generously. */
const spareFiles = 500;
/** After so long without work V8 has given back what the handshakes left behind. */
const settleMs = 15_000;
const watchMs = 30_000;
const most = { kilobytes: 20, cpuShare: 0.01 };

const program = join(import.meta.dirname, "../streams-clients.ts");

export async function idleSockets(stage: Stage): Promise<Finding[]> {
  const { count, files } = allowedCount();
  const origin = await Broadcaster.start(stage);
  const service = `http://127.0.0.1:${origin.port}`;
  const gateway = await startGateway(stage, { service, files });
  await wait(settleMs);
  const cpuBefore = await cpuOfWatch(gateway);
  const before = residentMemory(gateway.pid);

  const clients = await openAll(stage, gateway, count, files);
  await wait(settleMs);
  const cpu = await cpuOfWatch(gateway);
  const after = residentMemory(gateway.pid);

  origin.send();
  await clients.until(/all have heard/);
  const kilobytes = ((after - before) * 1_024) / count;
  const memory = `from ${before.toFixed(0)} to ${after.toFixed(0)} MiB`;
  const each = `${kilobytes.toFixed(1)} kB each`;
  const share = ((cpu - cpuBefore) * 1_000) / watchMs;
  const seconds = `${cpu.toFixed(2)} s of CPU in ${watchMs / 1_000} s`;
  return [
    {
      kind: "statement",
      text: `${count} idle WebSockets: ${memory}, ${each}, under ${most.kilobytes} kB`,
      holds: kilobytes < most.kilobytes,
    },
    {
      kind: "statement",
      text: `${count} idle WebSockets: ${seconds}, ${cpuBefore.toFixed(2)} s without them; they take under 1 %`,
      holds: share < most.cpuShare,
    },
  ];
}

/** @returns seconds of CPU, while nothing happens */
async function cpuOfWatch({ pid }: Gateway): Promise<number> {
  const before = cpuSeconds(pid);
  await wait(watchMs);
  return cpuSeconds(pid) - before;
}

/** As many as wanted, or as many as an account may have that cannot raise its limit of files. */
function allowedCount(): { count: number; files: number } {
  const files = 2 * wanted + spareFiles;
  const isAllowed = spawnSync("sh", ["-c", `ulimit -n ${files}`]).status === 0;
  if (isAllowed) return { count: wanted, files };
  const { stdout } = spawnSync("sh", ["-c", "ulimit -Hn"], { encoding: "utf8" });
  const hard = Number(stdout);
  return { count: Math.floor((hard - spareFiles) / 2), files: hard };
}

async function openAll(stage: Stage, gateway: Gateway, count: number, files: number) {
  const file = join(stage.folder, "headers");
  writeFileSync(file, JSON.stringify(browserHeaders(gateway)));
  const args = [program, String(gateway.port), String(count), file];
  const [command, all] = withFiles(files, process.execPath, args);
  return stage.keep(startServer("load", command, all, { ready: /all are open/ }));
}
