// `node bench/streams.ts [--only NAME]`: what streams through the gateway, each kind beside a peer
// that only forwards, in one run and in turns: WebSocket, event streams, gRPC, git, PostgreSQL,
// scp, HTTP/2, and what happens to open streams when somebody's session is revoked. Everything is
// on 127.0.0.1, and ends by itself after some minutes.
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { machine, missingTools } from "./machine.ts";
import { pinning } from "./process.ts";
import { Stage } from "./stage.ts";
import { eventStream } from "./streams/event-stream.ts";
import { gitPush } from "./streams/git-push.ts";
import { grpc } from "./streams/grpc.ts";
import { http2 } from "./streams/http2.ts";
import { idleSockets } from "./streams/idle-sockets.ts";
import { largeMessages } from "./streams/large-messages.ts";
import { postgres, postgresByAccess } from "./streams/postgres.ts";
import { type Finding, reportOf, statementsOf } from "./streams/report.ts";
import { revocation } from "./streams/revocation.ts";
import { secureCopy, secureCopyByAccess } from "./streams/secure-copy.ts";
import { workers } from "./streams/workers.ts";

type Scenario = (stage: Stage) => Promise<Finding[]>;

const scenarios: Record<string, Scenario> = {
  websocket: largeMessages,
  events: eventStream,
  grpc,
  http2,
  "git-push": gitPush,
  pgbench: postgres,
  scp: secureCopy,
  "access-tcp": postgresByAccess,
  "access-ssh": secureCopyByAccess,
  idle: idleSockets,
  revocation,
  workers,
};

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** No scenario takes longer on a machine that does nothing else. */
const limitMs = 5 * 60_000;

const { only } = parseArgs({ options: { only: { type: "string" } } }).values;
const names = Object.keys(scenarios);
if (only !== undefined && !names.includes(only)) refuse(`--only takes one of: ${names.join(", ")}`);
const tools = ["nginx", "git", "psql", "ssh", "socat"];
const missing = missingTools([...tools, "sshd", "scp", "wrk", "setpriv", "taskset"]);
if (missing !== "") refuse(`Missing: ${missing}. Bring it with: bash scripts/setup.sh --bench`);

const about = machine(tools);
// Clients and origins are in this process: it shares the core of the load.
if (pinning) spawnSync("taskset", ["-acp", "1", String(process.pid)]);

const findings: Finding[] = [];
for (const [name, scenario] of Object.entries(scenarios)) {
  if (only !== undefined && only !== name) continue;
  process.stderr.write(`${name} …\n`);
  findings.push(...(await play(name, scenario)));
}
console.log(`${about}\n\n${reportOf(findings)}`);
if (statementsOf(findings).some(({ holds }) => holds === false)) process.exitCode = 1;

/** A scenario that fails costs its own figures alone. */
async function play(name: string, scenario: Scenario): Promise<Finding[]> {
  const stage = new Stage();
  const interrupt = () => void stage.clear().then(() => process.exit(130));
  for (const signal of signals) process.once(signal, interrupt);
  try {
    return await withinLimit(scenario(stage));
  } catch (error) {
    return [{ kind: "statement", text: `${name}: ${String(error)}`, holds: false }];
  } finally {
    for (const signal of signals) process.off(signal, interrupt);
    await stage.clear();
  }
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  const { promise: tooLong, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error("took too long")), limitMs);
  try {
    return await Promise.race([work, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}

function refuse(reason: string): never {
  process.stderr.write(`${reason}\n`);
  process.exit(1);
}
