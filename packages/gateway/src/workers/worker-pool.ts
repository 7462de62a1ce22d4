// The workers of a keeper: as many as are wanted, each replaced when it ends unasked, at once or,
// where it dies again and again, after a pause that grows.
import { setTimeout as pause } from "node:timers/promises";
import type { CatalogChange } from "../catalog/changing-catalog.ts";
import type { Log } from "../observe/log.ts";
import type { Introduction, ToKeeper, ToWorker } from "./messages.ts";
import { setUpWorkers, WorkerProcess } from "./worker-process.ts";

/** A worker that has lived for so long has not died at its start, milliseconds. */
const steadyMs = 10_000;
const firstPauseMs = 100;
const longestPauseMs = 30_000;
/** What a worker may take beyond its grace before it is killed, milliseconds. */
const beyondGraceMs = 2_000;

/** What a pool is made from. */
export interface PoolOptions {
  count: number;
  /** what a worker with this number begins with at this moment */
  introduce(number: number): Introduction;
  /** is told what workers say beside what the pool itself must know */
  onMessage(message: ToKeeper, worker: WorkerProcess): void;
  log: Log;
}

export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers = new Map<number, WorkerProcess>();
  /** number → how often in a row that worker died young */
  readonly #earlyDeaths = new Map<number, number>();
  readonly #listeners = new Set<() => void>();
  /** counts changes of the configuration */
  #version = 0;
  /** whether one that ends has its place taken */
  #replaces = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    setUpWorkers();
  }

  /**
   * Starts them, and resolves when they serve.
   * @throws {Error} when the first cannot: then none is left. Of the others it is logged.
   */
  async open(): Promise<void> {
    // One after the other: whatever is wrong with an address is found, and said, once.
    try {
      await this.#start(1).ready;
    } catch (error) {
      await this.close(0);
      throw error;
    }
    this.#replaces = true;
    const others = Array.from({ length: this.#options.count - 1 }, (_, index) => index + 2);
    await Promise.allSettled(others.map((number) => this.#start(number).ready));
  }

  /** Those that live. */
  living(): readonly WorkerProcess[] {
    return [...this.#workers.values()];
  }

  /** Tells them all. */
  tell(message: ToWorker): void {
    for (const worker of this.#workers.values()) worker.tell(message);
  }

  /** Tells them what has changed. */
  change(change: CatalogChange): void {
    this.#version++;
    this.tell({ kind: "change", version: this.#version, change });
  }

  /**
   * Resolves when every change until now is in force in every worker, or the time is over.
   * @returns numbers of those in which it is not
   */
  async applied(ms: number): Promise<number[]> {
    const version = this.#version;
    const behind = () =>
      [...this.#workers.values()].filter((worker) => worker.appliedVersion < version);
    const timeout = new AbortController();
    const isOver = pause(ms, true, { signal: timeout.signal }).catch(() => true);
    let isTimeOver = false;
    void isOver.then(() => (isTimeOver = true));
    while (behind().length > 0 && !isTimeOver) await Promise.race([this.#nextNews(), isOver]);
    timeout.abort();
    return behind().map(({ number }) => number);
  }

  /** Lets them end in so many milliseconds, and resolves when all have. */
  async close(graceMs: number): Promise<void> {
    this.#replaces = false;
    this.tell({ kind: "drain", graceMs });
    const deadline = setTimeout(() => this.cut(), graceMs + beyondGraceMs);
    while (this.#workers.size > 0) await this.#nextNews();
    clearTimeout(deadline);
  }

  /** Ends them at once. */
  cut(): void {
    this.#replaces = false;
    for (const worker of this.#workers.values()) worker.kill();
  }

  #start(number: number): WorkerProcess {
    const { introduce, onMessage, log } = this.#options;
    const { record } = log;
    const worker = new WorkerProcess(introduce(number), this.#version, {
      wrote: (lines) => log.relay(lines),
      said: (message) => {
        if (message.kind === "ready")
          record({ event: "worker_ready", worker: number, pid: worker.pid });
        if (message.kind === "applied") worker.appliedVersion = message.version;
        onMessage(message, worker);
        this.#news();
      },
      ended: (how) => this.#ended(worker, how),
    });
    this.#workers.set(number, worker);
    return worker;
  }

  #ended(worker: WorkerProcess, how: string): void {
    const { number, pid } = worker;
    this.#workers.delete(number);
    this.#news();
    if (!this.#replaces) return;
    const pauseMs = this.#pauseBeforeNext(worker);
    const { record } = this.#options.log;
    record({ event: "worker_ended", worker: number, pid, how, restart_in_ms: pauseMs });
    setTimeout(() => {
      if (this.#replaces) this.#start(number);
    }, pauseMs);
  }

  #pauseBeforeNext({ number, startedAt }: WorkerProcess): number {
    const isYoung = performance.now() - startedAt < steadyMs;
    const deaths = isYoung ? (this.#earlyDeaths.get(number) ?? 0) : 0;
    this.#earlyDeaths.set(number, deaths + 1);
    if (deaths === 0) return 0;
    return Math.min(longestPauseMs, firstPauseMs * 2 ** (deaths - 1));
  }

  #nextNews(): Promise<void> {
    return new Promise((resolve) => this.#listeners.add(resolve));
  }

  #news(): void {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }
}
