// Writes the access log: events wait in a bounded queue, and leave in batches, so that no request
// waits for the store. What does not fit is lost and counted, and the count is written down. What
// anybody can cause is kept as far as its budget goes: a flood must not fill the disk.
import type { Clock, Stopwatch } from "../clock.ts";
import { networkOf } from "../network.ts";
import { NetworkBudget, type NetworkRates } from "../network-budget.ts";
import { DecisionRecorder } from "../policy/decision-record.ts";
import type { AccessLogStore, NewAccessEvent } from "../storage/access-log.ts";
import type { AccessEvent } from "./access-event.ts";
import type { AccessLogFile } from "./access-log-file.ts";
import { rowOf } from "./access-rows.ts";
import type { RecordEvent } from "./events.ts";

/** What a writer works with. */
export interface AccessLogOptions {
  store: Pick<AccessLogStore, "add">;
  /** gets every row as well; undefined: nobody wants them */
  file: AccessLogFile | undefined;
  record: RecordEvent;
  now: Clock;
  elapsed: Stopwatch;
  /** events that wait at most; default 20,000 */
  capacity?: number;
}

/** How long an event waits for others, milliseconds. */
const gatherMs = 200;
/** Rows that are written at once. */
const batchLimit = 500;
/** How soon what the store did not take is tried again, milliseconds. */
const retryMs = 1_000;
/** How often a loss or a failure is written down, milliseconds. */
const complaintMs = 60_000;
const usualCapacity = 20_000;

/**
 * What anybody can cause, in rows: failed sign-ins and refused service tokens always, requests
 * where they are asked for.
 */
const anybodysRates: Record<"signIns" | "requests", NetworkRates> = {
  signIns: {
    perNetwork: { burst: 100, perSecond: 2 },
    inAll: { burst: 1_000, perSecond: 20 },
    reserve: { burst: 250, perSecond: 5 },
  },
  requests: {
    perNetwork: { burst: 1_000, perSecond: 50 },
    inAll: { burst: 10_000, perSecond: 1_000 },
    reserve: { burst: 2_000, perSecond: 100 },
  },
};

interface WaitingEvent {
  event: AccessEvent;
  time: number;
}

export class AccessLogWriter {
  readonly #options: AccessLogOptions;
  readonly #capacity: number;
  readonly #recorder = new DecisionRecorder();
  readonly #signIns: NetworkBudget;
  readonly #requests: NetworkBudget;
  #waiting: WaitingEvent[] = [];
  /** rows that the store has not taken yet */
  #batch: NewAccessEvent[] = [];
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  readonly #missing = { lost: 0, leftOut: 0 };
  /** what of these the log was told of */
  #told = { lost: 0, leftOut: 0 };
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(options: AccessLogOptions) {
    this.#options = options;
    this.#capacity = options.capacity ?? usualCapacity;
    this.#signIns = new NetworkBudget(options.elapsed, anybodysRates.signIns);
    this.#requests = new NetworkBudget(options.elapsed, anybodysRates.requests);
  }

  /** Takes an event. Never throws, never waits. */
  take(event: AccessEvent): void {
    if (event.isAnybodys === true && !this.#budgetOf(event).take(networkOf(event.ip))) {
      this.#missing.leftOut++;
      this.#beginLater(gatherMs);
      return;
    }
    if (this.#waiting.length >= this.#capacity) {
      this.#missing.lost++;
      return;
    }
    this.#waiting.push({ event, time: this.#options.now() });
    this.#beginLater(gatherMs);
  }

  /** How many events wait, and how many are missing for want of room or beyond a budget. */
  readings(): { waiting: number; lost: number; leftOut: number } {
    return { waiting: this.depth, ...this.#missing };
  }

  /** How many events wait. */
  get depth(): number {
    return this.#waiting.length + this.#batch.length;
  }

  /** Writes what waits; what the store does not take now is lost. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#writing;
    await this.#writeAll();
    clearTimeout(this.#timer);
    this.#missing.lost += this.depth;
    this.#waiting = [];
    this.#batch = [];
    this.#complainedAt = Number.NEGATIVE_INFINITY;
    this.#tellLosses();
    await this.#options.file?.close();
  }

  #budgetOf({ action, isAttempt }: AccessEvent): NetworkBudget {
    return action === "request" && isAttempt !== true ? this.#requests : this.#signIns;
  }

  #beginLater(ms: number): void {
    if (this.#timer !== undefined || this.#writing !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#writing = this.#writeAll().finally(() => {
        this.#writing = undefined;
        if (this.depth > 0) this.#beginLater(this.#batch.length > 0 ? retryMs : gatherMs);
      });
    }, ms).unref();
  }

  /** Batch by batch, until nothing waits or the store takes nothing. Never throws. */
  async #writeAll(): Promise<void> {
    do {
      if (this.#batch.length === 0) await this.#nextBatch();
      if (!(await this.#store())) return;
    } while (this.#waiting.length > 0);
    this.#tellLosses();
  }

  /** Rows are made here, long after their requests were answered. */
  async #nextBatch(): Promise<void> {
    const some = this.#waiting.splice(0, batchLimit);
    this.#batch = some.flatMap(({ event, time }) => this.#rowsOf(event, time));
    await this.#options.file?.append(this.#batch);
  }

  /** One that cannot be made costs no other. */
  #rowsOf(event: AccessEvent, time: number): NewAccessEvent[] {
    try {
      return [rowOf(event, time, this.#recorder)];
    } catch (error) {
      this.#missing.lost++;
      this.#complain(error);
      return [];
    }
  }

  /** @returns whether the store has the batch */
  async #store(): Promise<boolean> {
    try {
      if (this.#batch.length > 0) await this.#options.store.add(this.#batch);
      this.#batch = [];
      return true;
    } catch (error) {
      this.#complain(error);
      return false;
    }
  }

  #complain(error: unknown): void {
    if (!this.#mayComplain()) return;
    this.#options.record({ event: "access_log_delayed", error: String(error) });
  }

  #tellLosses(): void {
    const lost = this.#missing.lost - this.#told.lost;
    const left_out = this.#missing.leftOut - this.#told.leftOut;
    if (lost === 0 && left_out === 0) return;
    if (!this.#mayComplain()) return;
    this.#told = { ...this.#missing };
    this.#options.record({ event: "access_log_rows_lost", lost, left_out });
  }

  #mayComplain(): boolean {
    const now = this.#options.elapsed();
    if (now - this.#complainedAt < complaintMs) return false;
    this.#complainedAt = now;
    return true;
  }
}
