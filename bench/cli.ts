// `npm run bench:cli`: what a person at a terminal waits for, on Node 24 and, where there is one,
// on Node 20. Whole processes from start to end, in turns, so that a busy moment of the machine
// falls on all of them alike; each figure stands beside `node -e 0` on the same Node and beside
// curl. Then two hundred processes that need a sign-in at the same moment. Gateway, origin and
// commands share the machine.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { letNoTimePass, letTimePass } from "../packages/cli/test/support/stored-moments.ts";
import { findNode20 } from "../test/support/node-20.ts";
import { signInTogether } from "./cli-crowd.ts";
import { median } from "./median.ts";
import { signIn, startGateway, thisCheckout } from "./postern.ts";
import { freePorts, type Server } from "./process.ts";

const rounds = 31;
const crowd = 200;
const { cli } = thisCheckout;
const executable = join(import.meta.dirname, "../dist/postern-linux-x64");
const tell = (text: string) => process.stdout.write(`${text}\n`);

const folder = mkdtempSync(join(tmpdir(), "postern-bench-cli-"));
const origin = createServer((_, response) => response.end("ok\n")).listen(0, "127.0.0.1");
const started: Server[] = [];
try {
  await bench();
} finally {
  for (const server of started) await server.stop();
  origin.close();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

interface Scene {
  /** the application, without a path */
  application: string;
  /** the browser's token for it */
  token: string;
  /** `$POSTERN_HOME`s of terminals that are signed in, by where their tokens are */
  homes: { file: string; keychain?: string };
}

async function bench(): Promise<void> {
  await once(origin, "listening");
  const [port = 0] = await freePorts(1);
  const { port: originPort } = origin.address() as AddressInfo;
  const gateway = await startGateway(thisCheckout, join(folder, "gateway"), port, originPort);
  started.push(gateway);
  const application = `http://bench.localhost:${port}`;
  const file = join(folder, "file");
  const token = await signIn(thisCheckout, gateway, application, file);
  const keychain = withKeychain(file, application);
  const homes = keychain === undefined ? { file } : { file, keychain };
  const scene = { application, token, homes };

  const node20 = findNode20();
  report("Node 24", await measure(scene, process.execPath), 30);
  if (node20 !== undefined) report("Node 20", await measure(scene, node20), 60);
  await reportCrowd(gateway, application);
}

async function reportCrowd(gateway: Server, application: string): Promise<void> {
  const { seconds, tokens, opened } = await signInTogether({ gateway, application, folder, crowd });
  tell(`\n### ${crowd} access token at once, nobody signed in\n`);
  tell(
    `${seconds.toFixed(1)} s with the sign-in, ${((seconds * 1000) / crowd).toFixed(0)} ms each\n`,
  );
  promise(`one browser: ${opened}`, opened === 1);
  promise(`${crowd} tokens: ${tokens}`, tokens === crowd);
}

/** The same session in a home of its own whose tokens are sealed; undefined without a keychain. */
function withKeychain(file: string, application: string): string | undefined {
  const home = join(folder, "keychain");
  spawnSync("cp", ["-a", file, home]);
  const env = environmentOf(home, { POSTERN_TOKEN_STORE: "keychain" });
  const args = [cli, "access", "token", application];
  const { stderr, status } = spawnSync(process.execPath, args, { env, encoding: "utf8" });
  if (status === 0 && stderr === "") return home;
  tell(`No keychain here, so it has no figure: ${stderr.trim()}`);
  return undefined;
}

function environmentOf(home: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const { PATH, DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR } = process.env;
  const bus = { DBUS_SESSION_BUS_ADDRESS, XDG_RUNTIME_DIR };
  return { PATH, ...bus, HOME: home, POSTERN_HOME: home, CI: "1", ...more };
}

interface Row {
  name: string;
  command: string[];
  home: string;
  /** the gateway was last asked so long ago that it is asked again */
  isDue?: true;
  /** a process that goes on is timed until it prints this */
  until?: RegExp;
  /** which row it stands beside */
  beside: string;
}

function rowsOf({ application, token, homes }: Scene, node: string): Row[] {
  const url = `${application}/1k`;
  const home = homes.file;
  const tokenOf = [node, cli, "access", "token", url];
  const curlOf = ["curl", "-sf", "-o", "/dev/null", url];
  const access = [node, cli, "access"];
  const rows: Row[] = [
    besideNode("node -e 0", [node, "-e", "0"], home),
    besideNode("access token", tokenOf, home),
    { ...besideNode("access token, check due", tokenOf, home), isDue: true },
    besideCurl("curl", [...curlOf, "-b", `CF_Authorization=${token}`], home),
    besideCurl("access curl", [...access, ...curlOf], home),
    { ...besideCurl("access curl, check due", [...access, ...curlOf], home), isDue: true },
    besideCurl("access put --via proxy", [...access, "put", "--via", "proxy", ...curlOf], home),
    {
      ...besideNode("access http, until it listens", [...access, "http", url, "--json"], home),
      until: /\{/,
    },
  ];
  if (homes.keychain !== undefined)
    rows.push(besideNode("access token, keychain", tokenOf, homes.keychain));
  if (existsSync(executable) && node === process.execPath)
    rows.push(
      besideNode("access token, single executable", [executable, ...tokenOf.slice(2)], home),
    );
  return rows;
}

function besideNode(name: string, command: string[], home: string): Row {
  return { name, command, home, beside: "node -e 0" };
}

function besideCurl(name: string, command: string[], home: string): Row {
  return { name, command, home, beside: "curl" };
}

/** @returns the rows with their medians, milliseconds; without those that do not run here */
async function measure(scene: Scene, node: string): Promise<(Row & { time: number })[]> {
  const rows: Row[] = [];
  for (const row of rowsOf(scene, node)) if (await runsHere(row)) rows.push(row);
  const times = new Map<string, number[]>(rows.map(({ name }) => [name, []]));
  for (let round = -1; round < rounds; round++) {
    for (const row of rows) {
      const time = await timeOf(row);
      // The first round fills caches.
      if (round >= 0) times.get(row.name)?.push(time);
    }
  }
  return rows.map((row) => ({ ...row, time: median(times.get(row.name) ?? []) }));
}

async function runsHere(row: Row): Promise<boolean> {
  try {
    await timeOf(row);
    return true;
  } catch (error) {
    tell(`Left out: ${String(error).trim()}`);
    return false;
  }
}

/** Milliseconds. */
async function timeOf({ name, command, home, isDue, until }: Row): Promise<number> {
  if (isDue === true) letTimePass(home);
  else letNoTimePass(home);
  const [program = "", ...args] = command;
  const env = environmentOf(home);
  const start = performance.now();
  const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  if (until !== undefined) return timeUntil(child, until, start);
  let errors = "";
  child.stdout.resume();
  child.stderr.on("data", (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const [status] = await once(child, "close");
  const time = performance.now() - start;
  if (status !== 0) throw new Error(`${name} ended with ${status}: ${errors}`);
  return time;
}

/** @param start as `performance.now()` says it */
async function timeUntil(child: ChildProcess, pattern: RegExp, start: number): Promise<number> {
  const ended = once(child, "close");
  const time = await new Promise<number>((resolve, reject) => {
    child.stdout?.on("data", (chunk: Buffer) => {
      if (pattern.test(chunk.toString())) resolve(performance.now() - start);
    });
    child.once("close", (status) => reject(new Error(`it ended with ${status} before`)));
  });
  child.kill();
  await ended;
  return time;
}

/** @param allowance milliseconds that `access curl` may take above curl */
function report(node: string, rows: (Row & { time: number })[], allowance: number): void {
  const timeOfRow = (name: string) => rows.find((row) => row.name === name)?.time ?? Number.NaN;
  tell(`\n### ${node}, median of ${rounds} in turns\n`);
  tell("| | ms | beside | |\n| --- | --- | --- | --- |");
  for (const { name, time, beside } of rows) {
    const other = timeOfRow(beside);
    const relation = `${(time / other).toFixed(2)} ×, ${(time - other).toFixed(1)} ms more`;
    const cells = [
      name,
      time.toFixed(1),
      ...(name === beside ? ["", ""] : [`\`${beside}\``, relation]),
    ];
    tell(`| ${cells.join(" | ")} |`);
  }
  const ratio = timeOfRow("access token") / timeOfRow("node -e 0");
  const above = timeOfRow("access curl") - timeOfRow("curl");
  tell("");
  promise(`access token under 1.2 × node -e 0: ${ratio.toFixed(2)} ×`, ratio < 1.2);
  promise(
    `access curl under ${allowance} ms above curl: ${above.toFixed(1)} ms`,
    above < allowance,
  );
}

function promise(what: string, holds: boolean): void {
  tell(`- ${what}, ${holds ? "holds" : "DOES NOT HOLD"}`);
}
