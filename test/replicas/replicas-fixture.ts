// Gateways of one PostgreSQL database, each a process as an operator starts it, and in front of
// them what a load balancer without sticky sessions does: each connection goes to the next.
import { spawn } from "node:child_process";
import { randomBytes, randomInt } from "node:crypto";
import { writeFileSync } from "node:fs";
import { Agent, type ClientRequestArgs } from "node:http";
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { defined } from "../../packages/gateway/src/defined.ts";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { type Running, startPostern, temporaryHome, watchProcess } from "../support/cli.ts";
import { freePort } from "../support/free-port.ts";
import { type MailServer, startMailServer } from "../support/mail-server.ts";
import type { Namespace } from "../support/network-namespace.ts";
import { type Postgres, startPostgres } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

export const appHost = "app.localhost";
export const loginHost = "login.localhost";

/** One gateway. */
export interface Replica {
  name: string;
  running: Running;
  /** where the front finds it */
  target: Target;
  /** connects to it alone */
  agent: Agent;
  /** ends it at once, as `kill -9` does */
  kill(): Promise<void>;
  /** starts it again */
  start(): Promise<void>;
  /** the lines of its log with this event, since it was started last */
  said(event: string): Record<string, unknown>[];
}

export interface Replicas {
  postgres: Postgres;
  upstream: Upstream;
  mail: MailServer;
  one: Replica;
  two: Replica;
  /** `http://<host>:<port of the front>` */
  url(host: string): string;
  /** whom the front chooses from now on; without anybody: both in turn */
  only(...replicas: Replica[]): void;
  /** signs somebody in at the application, whatever is in the way */
  signIn(email: string): Promise<Person>;
  /** somebody's browser, whose requests go to one gateway alone */
  at(replica: Replica, like?: Person): Person;
  /** the status that somebody gets at the application of one gateway */
  visit(person: Person, replica: Replica): Promise<number>;
}

const everybody = [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }];

/** @param options.namespace the network of the second gateway and of its way to the database */
export async function startReplicas(
  context: TestContext,
  options: { namespace?: Namespace; limits?: Record<string, unknown> } = {},
): Promise<Replicas> {
  const { namespace, limits = {} } = options;
  const folder = temporaryHome(context);
  const postgres = await startPostgres(context, {
    listenAddress: ["127.0.0.1", ...(namespace === undefined ? [] : [namespace.here])].join(","),
  });
  const upstream = await startUpstream({ socketPath: join(folder, "origin.sock") });
  context.after(() => upstream.close());
  const mail = await startMailServer();
  context.after(() => mail.close());
  const front = await startFront(context);
  if (namespace !== undefined) await leadMail(context, folder, mail, namespace);
  writeFileSync(join(folder, "secret.key"), randomBytes(32).toString("hex"), { mode: 0o600 });
  const shared = {
    auth_domain: `${loginHost}:${front.port}`,
    public_ports: [front.port],
    secret_key_file: join(folder, "secret.key"),
    smtp: { url: mail.url, from: "postern@example.com" },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    applications: [{ name: "App", domain: appHost, policies: everybody }],
    ingress: [{ service: upstream.origin }],
    limits,
  };
  const begin = (name: string, store: string, place?: Namespace) =>
    startReplica(context, { name, folder, sections: { ...shared, store }, namespace: place });
  const one = await begin("one", postgres.url());
  const far = `postgres://postgres@${namespace?.here}:${postgres.port}/postgres?sslmode=disable`;
  const two = await begin("two", namespace === undefined ? postgres.url() : far, namespace);
  front.only(one, two);
  const url = (host: string) => `http://${host}:${front.port}`;
  const at = (replica: Replica, like?: Person) =>
    new Person(like?.jar, undefined, undefined, () => replica.agent);
  return {
    postgres,
    upstream,
    mail,
    one,
    two,
    url,
    only: (...replicas) => front.only(...(replicas.length === 0 ? [one, two] : replicas)),
    signIn: (email) => signIn({ url, mail }, email),
    at,
    async visit(person, replica) {
      const { status } = await at(replica, person).ask(`${url(appHost)}/`, {
        headers: { accept: "application/json", "sec-fetch-mode": "cors" },
      });
      return status;
    },
  };
}

/**
 * Signs in as a person does who loads a page again that says 503, or whose connection broke, and
 * begins anew where a page says that it cannot go on.
 */
async function signIn(
  { url, mail }: Pick<Replicas, "url" | "mail">,
  email: string,
): Promise<Person> {
  // Codes are counted by address.
  const person = new Person(
    undefined,
    `127.${randomInt(1, 255)}.${randomInt(256)}.${randomInt(256)}`,
  );
  const home = `${url(appHost)}/`;
  await until(async () => {
    await load(person, home);
    if (hasButton(person, "Send me a code")) {
      const { length } = codesFor(mail, email);
      await press(person, "Send me a code", { email });
      const code = await codeAfter(mail, email, length);
      if (code === undefined || !hasButton(person, "Sign in")) return false;
      await press(person, "Sign in", { code });
    }
    return person.page.status === 200 && person.page.url === home;
  });
  return person;
}

function codesFor(mail: MailServer, email: string): string[] {
  return mail.messages
    .filter(({ to }) => to.includes(email))
    .map(({ text }) => /\d{6}/.exec(text)?.[0] ?? "");
}

/** How long somebody looks for a message before they ask for another, milliseconds. */
const mailPatience = 5_000;

async function codeAfter(
  mail: MailServer,
  email: string,
  length: number,
): Promise<string | undefined> {
  const deadline = performance.now() + mailPatience;
  while (performance.now() < deadline && codesFor(mail, email).length === length) await pause(20);
  return codesFor(mail, email)[length];
}

function press(person: Person, label: string, values: Record<string, string>): Promise<void> {
  const { url, ...ask } = person.pressing(label, values);
  return load(person, url, ask);
}

type Ask = Parameters<Person["open"]>[1];

/** Loads a page, and loads it again until there is an answer other than 503. */
async function load(person: Person, url: string, ask: Ask = {}): Promise<void> {
  let request = { url, ask };
  await until(async () => {
    try {
      await person.open(request.url, request.ask);
    } catch {
      const { location } = person.page;
      if (location !== undefined) request = { url: location, ask: {} };
      return false;
    }
    const { page } = person;
    if (page.url !== request.url) request = { url: page.url, ask: {} };
    return page.status !== 503;
  });
}

function hasButton({ page }: Person, label: string): boolean {
  return page.status === 200 && page.text.includes(label);
}

type Target = { port: number } | { path: string };

interface Front {
  port: number;
  /** leads connections to these in turn */
  only(...replicas: Replica[]): void;
}

/** Takes connections and leads each to the next gateway. */
async function startFront(context: TestContext): Promise<Front> {
  let targets: Target[] = [];
  let turn = 0;
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const target = targets[turn++ % targets.length];
    if (target === undefined) {
      client.destroy();
      return;
    }
    pipeBoth(client, connect(from(target, client.remoteAddress)), sockets);
  });
  const port = await freePort();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return {
    port,
    only(...replicas) {
      targets = replicas.map(({ target }) => target);
    },
  };
}

/** Gateways see the addresses that people come from. */
function from(target: Target, localAddress: string | undefined): NetConnectOpts {
  if ("path" in target) return target;
  return { ...target, host: "127.0.0.1", ...defined({ localAddress }) };
}

/** Bytes go both ways until either ends. */
function pipeBoth(one: Socket, other: Socket, sockets: Set<Socket>): void {
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const) {
    sockets.add(from);
    from.pipe(to);
    from.on("error", () => to.destroy());
    from.on("close", () => {
      sockets.delete(from);
      to.destroy();
    });
  }
}

interface ReplicaOptions {
  name: string;
  folder: string;
  sections: Record<string, unknown>;
  namespace: Namespace | undefined;
}

async function startReplica(
  context: TestContext,
  { name, folder, sections, namespace }: ReplicaOptions,
): Promise<Replica> {
  const port = await freePort();
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, JSON.stringify({ ...sections, listen: `127.0.0.1:${port}` }));
  const wrapper = namespace?.wrapper ?? [];
  const path = join(folder, `${name}.sock`);
  const target: Target = namespace === undefined ? { port } : { path };
  const begin = () => startPostern(["gateway", "--config", file], {}, wrapper);
  const replica: Replica = {
    name,
    running: begin(),
    target,
    agent: new ReplicaAgent(target),
    async kill() {
      replica.running.child.kill("SIGKILL");
      await replica.running.ended;
    },
    async start() {
      replica.running = begin();
      await replica.running.until(/the gateway is up/);
    },
    said: (event) =>
      replica.running
        .stderr()
        .split("\n")
        .filter((line) => line.includes(`"event":"${event}"`))
        .map((line) => JSON.parse(line)),
  };
  context.after(() => replica.kill());
  await replica.running.until(/the gateway is up/);
  if (namespace !== undefined) await forward(context, path, `${port}`, wrapper);
  return replica;
}

/** The mail server is found in the other network as in this one, also while that is cut off. */
async function leadMail(
  context: TestContext,
  folder: string,
  mail: MailServer,
  { wrapper }: Namespace,
): Promise<void> {
  const { port } = new URL(mail.url);
  const path = join(folder, "mail.sock");
  await forward(context, path, port);
  await forward(context, port, path, wrapper);
}

/**
 * Leads what comes to a port or a socket to another.
 * @param wrapper of the network where it runs
 */
async function forward(
  context: TestContext,
  from: string,
  to: string,
  wrapper: readonly string[] = [],
): Promise<void> {
  const script = join(import.meta.dirname, "../support/forward-port.ts");
  const [program = "", ...args] = [...wrapper, process.execPath, script, from, to];
  const forwarding = watchProcess(spawn(program, args));
  context.after(async () => {
    forwarding.child.kill("SIGKILL");
    await forwarding.ended;
  });
  await forwarding.until(/listening/);
}

/** Connects to one gateway, whatever the host. */
class ReplicaAgent extends Agent {
  readonly #target: Target;

  constructor(target: Target) {
    super({ keepAlive: false });
    this.#target = target;
  }

  override createConnection({ localAddress }: ClientRequestArgs): Socket {
    return connect(from(this.#target, localAddress));
  }
}
