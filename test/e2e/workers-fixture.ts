// A gateway of two workers, as an operator starts it, with a connection to each: what is asked on
// that is answered by that worker. Which one it is the log says, of a request whose ray is known.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import type { TestContext } from "node:test";
import { Person } from "../../packages/gateway/test/login/person.ts";
import type { Running } from "../support/cli.ts";
import { type MailServer, startMailServer } from "../support/mail-server.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import {
  type Answer,
  anOperator,
  ask,
  type Operator,
  type Sections,
} from "./gateway-process-fixture.ts";

export const appHost = "app.localhost";
export const openHost = "open.localhost";
export const loginHost = "login.localhost";

/** A kept connection to one worker. */
export interface Lane {
  worker: number;
  agent: Agent;
  ask(
    path: string,
    host: string,
    headers?: Record<string, string>,
    method?: string,
  ): Promise<Answer>;
}

export interface Workers {
  operator: Operator;
  running: Running;
  upstream: Upstream;
  mail: MailServer;
  /** `http://<host>:<port>` */
  url(host: string): string;
  /** a connection to each, the first worker's first */
  lanes: readonly [Lane, Lane];
  /** another one */
  laneTo(worker: number): Promise<Lane>;
  /** somebody whose requests go to the workers in turn */
  person(): Person;
  /** somebody whose requests go to one worker, with the cookies of another's browser */
  personAt(lane: Lane, like?: Person): Person;
  /** signs somebody in at the application, each step at another worker than the one before */
  signIn(email?: string): Promise<Person>;
  lines(): Line[];
}

/** A line of the log. */
export type Line = Record<string, unknown> & { event: string; worker?: number };

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];
const anybody = [{ name: "anybody", decision: "bypass", include: [{ everyone: {} }] }];

/** One application that one signs in to by PIN, and one that is open. */
export function sectionsOf(upstream: Upstream, mail: MailServer): Sections {
  return {
    smtp: { url: mail.url, from: "postern@example.com" },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    applications: [
      { name: "App", domain: appHost, policies: everybody },
      { name: "Open", domain: openHost, policies: anybody },
    ],
    ingress: [{ service: upstream.origin }],
    log: { requests: true },
    workers: 2,
  };
}

export async function startWorkers(
  context: TestContext,
  sections: Sections = {},
): Promise<Workers> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const mail = await startMailServer();
  context.after(() => mail.close());
  const operator = await anOperator(context, sectionsOf(upstream, mail));
  operator.write({ auth_domain: `${loginHost}:${operator.port}`, ...sections });
  const running = await operator.start();
  context.after(() => killGroup(running));
  const laneTo = (worker: number) => openLaneTo(worker, context, { port: operator.port, running });
  const lanes = [await laneTo(1), await laneTo(2)] as const;
  let turn = 0;
  let people = 0;
  const next = () => lanes[turn++ % 2 === 0 ? 0 : 1].agent;
  const url = (host: string) => `http://${host}:${operator.port}`;
  const person = () => new Person(undefined, undefined, undefined, next);
  return {
    operator,
    running,
    upstream,
    mail,
    url,
    lanes,
    laneTo,
    person,
    personAt: (lane, like) => new Person(like?.jar, undefined, undefined, () => lane.agent),
    async signIn(email = `person${people++}@example.com`) {
      const somebody = person();
      await somebody.open(`${url(appHost)}/`);
      await somebody.press("Send me a code", { email });
      const { text } = await mail.next(email);
      await somebody.press("Sign in", { code: /\d{6}/.exec(text)?.[0] ?? "" });
      assert.equal(somebody.page.status, 200, somebody.page.text);
      return somebody;
    },
    lines: () => linesOf(running),
  };
}

/** The whole lines of the log until now, each of which is JSON. */
export function linesOf(running: Running): Line[] {
  return running
    .stderr()
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
}

/** The worker that answered a request, by its ray. */
async function workerOf(running: Running, { headers }: Answer): Promise<number> {
  const ray = String(headers["cf-ray"]).slice(0, 16);
  const find = () => linesOf(running).find((line) => line["ray"] === ray)?.worker;
  await until(() => find() !== undefined);
  return find() ?? 0;
}

/** A connection that stays, and the worker that has taken it. */
async function openLane(context: TestContext, port: number, running: Running): Promise<Lane> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  const askOn: Lane["ask"] = (path, host, headers = {}, method = "GET") =>
    ask({ port, path, agent, method, headers: { Host: `${host}:${port}`, ...headers } });
  const worker = await workerOf(running, await askOn("/which", openHost));
  return { worker, agent, ask: askOn };
}

/** A connection to the worker with this number: others are opened until one is. */
async function openLaneTo(
  worker: number,
  context: TestContext,
  { port, running }: { port: number; running: Running },
): Promise<Lane> {
  for (;;) {
    const lane = await openLane(context, port, running);
    if (lane.worker === worker) return lane;
    lane.agent.destroy();
  }
}

/** The processes that a process has started and that are there, by number. */
export function childrenOf(pid: number | undefined): number[] {
  return readdirSync("/proc").flatMap((name) => {
    if (!/^\d+$/.test(name) || parentOf(name) !== pid) return [];
    return [Number(name)];
  });
}

export function isRunning(pid: number): boolean {
  return parentOf(String(pid)) !== undefined;
}

/** Undefined for one that is gone, or dead and not noticed yet. */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    const [state, parent] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return state === "Z" ? undefined : Number(parent);
  } catch {
    return undefined;
  }
}

/** Workers end by themselves when their keeper does; not for a test whose gateway does not. */
function killGroup(running: Running): void {
  for (const pid of childrenOf(running.child.pid)) process.kill(pid, "SIGKILL");
}
