// One worker as its keeper sees it: a process that begins, serves, writes its log through the
// keeper's, and ends in one way or another.
import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import type { Introduction, ToKeeper, ToWorker } from "./messages.ts";
import { WholeLines } from "./whole-lines.ts";

/** Whoever started a worker is told. */
export interface WorkerEvents {
  /** whole lines that it wrote to standard error */
  wrote(lines: string): void;
  said(message: ToKeeper): void;
  /** the last thing that is heard of it */
  ended(how: string): void;
}

/** Flags of Node that bring a program of their own, which a worker would run instead. */
const codeFlags = new Set(["-e", "--eval", "-p", "-pe", "--print", "--input-type"]);

/** Says once how every worker is started. */
export function setUpWorkers(): void {
  // Workers accept from one socket: whoever is free takes the next connection, and one that dies
  // takes no connection with it that nobody has accepted (docs/adr/0017).
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({
    exec: fileURLToPath(new URL("./gateway-worker.ts", import.meta.url)),
    args: [],
    execArgv: process.execArgv.some((flag) => codeFlags.has(flag)) ? [] : process.execArgv,
    stdio: ["ignore", "inherit", "pipe", "ipc"],
    serialization: "advanced",
  });
}

export class WorkerProcess {
  readonly number: number;
  readonly pid: number;
  readonly startedAt = performance.now();
  /** the last change that is in force there */
  appliedVersion: number;
  readonly #worker: Worker;
  readonly #ready = Promise.withResolvers<void>();
  #failure: string | undefined;

  /** @param version the last change that the introduction has in it */
  constructor(introduction: Introduction, version: number, events: WorkerEvents) {
    this.number = introduction.number;
    this.appliedVersion = version;
    this.#worker = cluster.fork();
    this.pid = this.#worker.process.pid ?? 0;
    // Whoever does not wait for it hears of the end.
    this.#ready.promise.catch(() => undefined);
    this.#listen(events);
    this.tell({ kind: "begin", introduction });
  }

  /**
   * Resolves when it accepts connections.
   * @throws {Error} with its reason, when it cannot
   */
  get ready(): Promise<void> {
    return this.#ready.promise;
  }

  tell(message: ToWorker): void {
    // One that is gone is heard of by its end.
    if (this.#worker.isConnected()) this.#worker.send(message, () => undefined);
  }

  kill(): void {
    this.#worker.process.kill("SIGKILL");
  }

  #listen(events: WorkerEvents): void {
    const { process: child } = this.#worker;
    const lines = new WholeLines((text) => events.wrote(text));
    child.stderr?.setEncoding("utf8").on("data", (text: string) => lines.add(text));
    this.#worker.on("error", () => undefined);
    this.#worker.on("message", (message: ToKeeper) => {
      if (message.kind === "ready") this.#ready.resolve();
      if (message.kind === "failed") this.#failure = message.reason;
      events.said(message);
    });
    // After its exit, when all that it wrote has been read.
    child.once("close", (status: number | null, signal: string | null) => {
      lines.end();
      const how = this.#failure ?? signal ?? `status ${status}`;
      const reason = this.#failure ?? `worker ${this.number} ended at its start (${how})`;
      this.#ready.reject(new Error(reason));
      events.ended(how);
    });
  }
}
