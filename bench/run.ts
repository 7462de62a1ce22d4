// `npm run bench`: requests per second of one core, latency and memory of the gateway beside nginx,
// and the wall time of the command line. Everything in one run and in turns, so that the ratios
// hold on whatever machine it is. `-- --against FOLDER` measures another checkout beside this one,
// in the same turns: that is how a change is held against its parent.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { availableParallelism, cpus, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { type Load, load, median } from "./load.ts";
import { startAuthRequestProxy, startBareProxy, startOrigin } from "./nginx.ts";
import { type Checkout, checkoutIn, signIn, startGateway, thisCheckout } from "./postern.ts";
import { freePorts, pinning, residentMemory, type Server, startServer } from "./process.ts";
import { measureWallTimes, type SignedIn } from "./wall-time.ts";

const rounds = 3;
const tell = (text: string) => process.stdout.write(`${text}\n`);

interface Contender {
  name: string;
  address: string;
  headers: Record<string, string>;
  /** whose memory counts; empty for the origin itself */
  servers: Server[];
}

const missing = [
  ...(existsSync("/usr/sbin/nginx") ? [] : ["nginx"]),
  ...["wrk", "curl", "taskset"].filter(
    (tool) => spawnSync("sh", ["-c", `command -v ${tool}`]).status !== 0,
  ),
];
if (missing.length > 0) {
  process.stderr.write(
    `Missing: ${missing.join(", ")}. Bring it with: bash scripts/setup.sh --bench\n`,
  );
  process.exit(1);
}

const { against } = parseArgs({ options: { against: { type: "string" } } }).values;
const checkouts: [Checkout, ...Checkout[]] = [thisCheckout];
if (against !== undefined) checkouts.push(checkoutIn(against, "Postern before"));

const folder = mkdtempSync(join(tmpdir(), "postern-bench-"));
const started: Server[] = [];
try {
  await bench();
} finally {
  for (const server of started.reverse()) await server.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function bench(): Promise<void> {
  const keep = async (starting: Promise<Server>): Promise<Server> => {
    const server = await starting;
    started.push(server);
    return server;
  };
  const [originPort = 0, barePort = 0, authPort = 0, servicePort = 0] = await freePorts(4);
  await keep(startOrigin(folder, originPort));
  const bare = await keep(startBareProxy(folder, barePort, originPort));
  const serviceArgs = [join(import.meta.dirname, "decide-service.ts"), String(servicePort)];
  const service = await keep(
    startServer("proxy", process.execPath, serviceArgs, { ready: /listening/ }),
  );
  const auth = await keep(startAuthRequestProxy(folder, authPort, originPort, servicePort));
  const gateways: [Serving, ...Serving[]] = [await serve(checkouts[0], originPort, keep)];
  for (const checkout of checkouts.slice(1)) {
    gateways.push(await serve(checkout, originPort, keep));
  }

  // Everybody is sent the same: the token in the cookie.
  const { headers } = gateways[0];
  const contenders: Contender[] = [
    { name: "no proxy", address: `http://127.0.0.1:${originPort}`, headers, servers: [] },
    { name: "nginx bare", address: `http://127.0.0.1:${barePort}`, headers, servers: [bare] },
    {
      name: "nginx auth_request, not cached",
      address: `http://127.0.0.1:${authPort}`,
      headers,
      servers: [auth, service],
    },
    ...gateways,
  ];
  tell(machine());
  const small = await compare("1 kB", "/1k", contenders, 5);
  await compare("1 MB", "/1m", contenders, 3);
  const [own, ...others] = gateways;
  const wall = reportWallTimes([own.signedIn, ...others.map(({ signedIn }) => signedIn)]);
  judge(small, wall);
}

/** A checkout's gateway, with a person signed in at it. */
interface Serving extends Contender {
  signedIn: SignedIn;
}

async function serve(
  checkout: Checkout,
  originPort: number,
  keep: (starting: Promise<Server>) => Promise<Server>,
): Promise<Serving> {
  const [port = 0] = await freePorts(1);
  const home = mkdtempSync(join(folder, "home-"));
  const gateway = await keep(startGateway(checkout, home, port, originPort));
  const application = `http://bench.localhost:${port}`;
  const token = await signIn(checkout, gateway, application, home);
  return {
    name: checkout.name,
    address: `http://127.0.0.1:${port}`,
    headers: { Host: new URL(application).host, Cookie: `CF_Authorization=${token}` },
    servers: [gateway],
    signedIn: { checkout, application, token, home },
  };
}

/** Runs the contenders in turns and prints a table of medians. */
async function compare(
  title: string,
  path: string,
  contenders: Contender[],
  seconds: number,
): Promise<Map<string, Load>> {
  const runs = new Map<string, Load[]>(contenders.map(({ name }) => [name, []]));
  for (const { address, headers } of contenders) await load(address + path, headers, 1);
  for (let round = 0; round < rounds; round++) {
    for (const { name, address, headers } of contenders)
      runs.get(name)?.push(await load(address + path, headers, seconds));
  }
  const medians = new Map<string, Load>();
  for (const [name, all] of runs) {
    const of = (field: keyof Load) => median(all.map((each) => each[field]));
    medians.set(name, {
      requestsPerSecond: of("requestsPerSecond"),
      p50: of("p50"),
      p99: of("p99"),
    });
  }
  tell(`\n### ${title}, 64 keep-alive connections, ${rounds} runs of ${seconds} s each\n`);
  tell(
    "| | req/s of one core | × nginx bare | × auth_request | p50 ms | p99 ms | memory MiB |\n| --- | --- | --- | --- | --- | --- | --- |",
  );
  const rate = (name: string) => medians.get(name)?.requestsPerSecond ?? Number.NaN;
  for (const { name, servers } of contenders) {
    const { requestsPerSecond, p50, p99 } = medians.get(name) ?? {
      requestsPerSecond: 0,
      p50: 0,
      p99: 0,
    };
    const ratio = (to: string) =>
      servers.length === 0 ? "" : (requestsPerSecond / rate(to)).toFixed(2);
    const memory =
      servers.length === 0
        ? ""
        : servers.reduce((sum, { pid }) => sum + residentMemory(pid), 0).toFixed(0);
    const cells = [
      Math.round(requestsPerSecond),
      ratio("nginx bare"),
      ratio("nginx auth_request, not cached"),
      p50.toFixed(2),
      p99.toFixed(2),
    ];
    tell(`| ${name} | ${cells.join(" | ")} | ${memory} |`);
  }
  return medians;
}

function reportWallTimes(people: [SignedIn, ...SignedIn[]]): Map<string, number> {
  const times = measureWallTimes(people);
  tell("\n### Wall time of whole processes, median of 21 in turns\n\n| | ms |\n| --- | --- |");
  for (const { name, median } of times) tell(`| \`${name}\` | ${median.toFixed(1)} |`);
  return new Map(times.map(({ name, median }) => [name, median]));
}

/** The four promises, and whether they hold here. */
function judge(small: Map<string, Load>, wall: Map<string, number>): void {
  const own = small.get("**Postern**") ?? { requestsPerSecond: 0, p50: 0, p99: 0 };
  const auth = small.get("nginx auth_request, not cached")?.requestsPerSecond ?? Number.NaN;
  const time = (name: string) => wall.get(name) ?? Number.NaN;
  const promises = [
    {
      what: "1 kB at least 1.0 × auth_request",
      value: own.requestsPerSecond / auth,
      unit: " ×",
      holds: own.requestsPerSecond >= auth,
    },
    {
      what: "p99 under 8 × p50",
      value: own.p99 / own.p50,
      unit: " ×",
      holds: own.p99 < 8 * own.p50,
    },
    {
      what: "access token under 1.5 × node -e 0",
      value: time("access token") / time("node -e 0"),
      unit: " ×",
      holds: time("access token") < 1.5 * time("node -e 0"),
    },
    {
      what: "access curl at most 60 ms above curl",
      value: time("access curl") - time("curl"),
      unit: " ms",
      holds: time("access curl") - time("curl") <= 60,
    },
  ];
  tell("\n### Promises\n");
  for (const { what, value, unit, holds } of promises)
    tell(`- ${what}: ${value.toFixed(2)}${unit}, ${holds ? "holds" : "**missed**"}`);
}

function machine(): string {
  const version = (command: string, ...args: string[]) => {
    const { stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
    return /\d+\.\d+(?:\.\d+)?/.exec(stdout + stderr)?.[0] ?? "?";
  };
  const model = cpus()[0]?.model.trim() ?? "unknown processor";
  const cores = pinning
    ? "proxy alone on core 0, load and origin on core 1"
    : "one core for everything";
  const versions = `Node ${process.versions.node}, nginx ${version("/usr/sbin/nginx", "-v")}, wrk ${version("wrk", "-v")}, curl ${version("curl", "--version")}`;
  return `${model}, ${availableParallelism()} cores, Linux ${release()}; ${versions}; ${cores}.`;
}
