// The servers that are measured: processes of their own, each pinned to the core it is meant to
// have, each the head of a process group, so that whatever they start ends with them. None of them
// outlives this process, and none is waited for without a limit.
import { type ChildProcess, spawn } from "node:child_process";
import { createConnection, createServer } from "node:net";
import { availableParallelism } from "node:os";
import { setTimeout as wait } from "node:timers/promises";

/** Core 0 is the proxy's alone; load and origin share the other. On one core nothing is pinned. */
export const pinning = availableParallelism() >= 2;
/** Lists of taskset. */
export const cores = { proxy: "0", load: "1", any: `0-${availableParallelism() - 1}` };
export type Core = keyof typeof cores;

const readyLimitMs = 60_000;
const stopLimitMs = 5_000;
/** Characters of what it printed last that are kept. */
const outputLimit = 2 ** 20;

/** The groups that have not ended. */
const groups = new Set<number>();
process.on("exit", () => {
  for (const group of groups) signalGroup(group, "SIGKILL");
});

/** Ends a process with the one that started it, even where that is killed (PR_SET_PDEATHSIG). */
const deadly = ["--pdeathsig", "TERM"];

/** The command line that runs `command` on a core. */
export function onCore(core: Core, command: string, args: string[]): [string, string[]] {
  return pinning
    ? ["setpriv", [...deadly, "taskset", "-c", cores[core], command, ...args]]
    : [command, args];
}

export interface Server {
  pid: number;
  /** resolves when what it printed matches; rejects when it ends before, or after a minute */
  until(pattern: RegExp): Promise<RegExpExecArray>;
  /** when it has ended by itself, or was stopped */
  ended: Promise<void>;
  stop(): Promise<void>;
}

export interface ServerOptions {
  environment?: Record<string, string>;
  /** what it prints when it serves, or the port of 127.0.0.1 on which it listens then */
  ready: RegExp | number;
}

/**
 * Starts a server and resolves when it is ready.
 * @throws {Error} when it ends before, or is not ready after a minute
 */
export async function startServer(
  core: Core,
  command: string,
  args: string[],
  options: ServerOptions,
): Promise<Server> {
  const [program, all] = onCore(core, command, args);
  const child = spawn(program, all, {
    env: { ...process.env, ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const ended = new Promise<void>((resolve) => child.once("close", () => resolve()));
  const output = new Output(child, ended, command);
  const group = await groupOf(child);
  groups.add(group);
  void ended.then(() => groups.delete(group));
  const stop = () => stopGroup(group, ended);
  try {
    if (typeof options.ready === "number") await output.untilListening(options.ready);
    else await output.until(options.ready);
  } catch (error) {
    await stop();
    throw error;
  }
  return { pid: group, until: (pattern) => output.until(pattern), ended, stop };
}

/** What a process has printed so far, on both streams. */
class Output {
  readonly #command: string;
  readonly #watchers = new Set<() => void>();
  #text = "";
  #hasEnded = false;

  constructor(child: ChildProcess, ended: Promise<void>, command: string) {
    this.#command = command;
    for (const stream of [child.stdout, child.stderr])
      stream?.on("data", (chunk: Buffer) => {
        this.#text = (this.#text + chunk.toString()).slice(-outputLimit);
        this.#look();
      });
    void ended.then(() => {
      this.#hasEnded = true;
      this.#look();
    });
  }

  until(pattern: RegExp): Promise<RegExpExecArray> {
    const { promise, resolve, reject } = Promise.withResolvers<RegExpExecArray>();
    const fail = (how: string) => reject(this.failure(how, `it said ${pattern}`));
    const timer = setTimeout(() => fail("took a minute"), readyLimitMs);
    const look = () => {
      const match = pattern.exec(this.#text);
      if (match !== null) resolve(match);
      else if (this.#hasEnded) fail("ended");
    };
    this.#watchers.add(look);
    look();
    return promise.finally(() => {
      clearTimeout(timer);
      this.#watchers.delete(look);
    });
  }

  async untilListening(port: number): Promise<void> {
    const limit = performance.now() + readyLimitMs;
    while (!(await listens(port))) {
      if (this.#hasEnded) throw this.failure("ended", `it listened on port ${port}`);
      if (performance.now() > limit) throw this.failure("took a minute", "it listened");
      await wait(20);
    }
  }

  failure(how: string, before: string): Error {
    return new Error(`${this.#command} ${how} before ${before}:\n${this.#text}`);
  }

  #look(): void {
    for (const look of this.#watchers) look();
  }
}

function listens(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection(port, "127.0.0.1");
  socket.once("connect", () => resolve(true));
  socket.once("error", () => resolve(false));
  return promise.finally(() => socket.destroy());
}

/** @returns the id of the process, which is that of its group as well */
function groupOf(child: ChildProcess): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    if (child.pid !== undefined) resolve(child.pid);
  });
}

/** The head is asked to end, and ends the others in its way; what is left then is killed. */
async function stopGroup(group: number, ended: Promise<void>): Promise<void> {
  const hard = setTimeout(() => signalGroup(group, "SIGKILL"), stopLimitMs);
  signal(group, "SIGTERM");
  await ended;
  clearTimeout(hard);
  signalGroup(group, "SIGKILL");
}

function signalGroup(group: number, name: NodeJS.Signals): void {
  signal(-group, name);
}

/** Of a process or group that may have ended meanwhile. */
function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

/** `count` different ports of 127.0.0.1 that are free now. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      () =>
        new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer();
          server.once("error", reject);
          server.listen(0, "127.0.0.1", () => resolve(server));
        }),
    ),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** @returns a port of 127.0.0.1 that is free now */
export async function freePort(): Promise<number> {
  const [port] = await freePorts(1);
  if (port === undefined) throw new Error("no port is free");
  return port;
}
