// What the workers of a keeper counted, together with the keeper's own. A worker that has ended
// leaves behind what it counted last, so that no counter of the gateway goes down with it.
import { setTimeout as pause } from "node:timers/promises";
import { type FamilySnapshot, mergeFamilies, withoutGauges } from "../observe/metrics/registry.ts";
import type { ToKeeper } from "./messages.ts";
import type { WorkerProcess } from "./worker-process.ts";

/** How long a busy worker is waited for, milliseconds: then what it said last stands. */
const patienceMs = 1_000;
/** Whoever asks again sooner gets what was found, milliseconds. */
const lifeMs = 500;

interface Measurement {
  /** of the round that asked for it */
  id: number;
  families: readonly FamilySnapshot[];
}

export class WorkerCounts {
  readonly #own: () => FamilySnapshot[];
  readonly #living: () => readonly WorkerProcess[];
  readonly #last = new Map<WorkerProcess, Measurement>();
  /** of workers that have ended */
  #departed: FamilySnapshot[] = [];
  #lastId = 0;
  #round: Promise<FamilySnapshot[]> | undefined;
  #onNews: () => void = () => undefined;

  /** @param own what the keeper counted */
  constructor(own: () => FamilySnapshot[], living: () => readonly WorkerProcess[]) {
    this.#own = own;
    this.#living = living;
  }

  /** A worker has answered. */
  measured(worker: WorkerProcess, { id, families }: ToKeeper & { kind: "measured" }): void {
    this.#last.set(worker, { id, families });
    this.#onNews();
  }

  /** What all of them counted. */
  families(): Promise<FamilySnapshot[]> {
    this.#round ??= this.#ask().finally(() => {
      setTimeout(() => (this.#round = undefined), lifeMs).unref();
    });
    return this.#round;
  }

  async #ask(): Promise<FamilySnapshot[]> {
    const id = ++this.#lastId;
    this.#bury();
    for (const worker of this.#living()) worker.tell({ kind: "measure", id });
    const timeout = new AbortController();
    const isLate = pause(patienceMs, true, { signal: timeout.signal }).catch(() => true);
    let isOver = false;
    void isLate.then(() => (isOver = true));
    while (this.#isWaitedFor(id) && !isOver) await Promise.race([this.#news(), isLate]);
    timeout.abort();
    const workers = [...this.#last.values()].map(({ families }) => families);
    return mergeFamilies([this.#own(), this.#departed, ...workers]);
  }

  #isWaitedFor(id: number): boolean {
    return this.#living().some((worker) => (this.#last.get(worker)?.id ?? 0) < id);
  }

  /** Takes over what those counted that have ended. */
  #bury(): void {
    const living = this.#living();
    for (const [worker, { families }] of this.#last) {
      if (living.includes(worker)) continue;
      this.#last.delete(worker);
      this.#departed = mergeFamilies([this.#departed, withoutGauges(families)]);
    }
  }

  #news(): Promise<void> {
    return new Promise((resolve) => (this.#onNews = resolve));
  }
}
