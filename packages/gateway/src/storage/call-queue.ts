// The calls that wait for the thread of the store. While it waits for the disk others come: all
// that are there when it is free again are written together, and confirmed by one wait.
import { setImmediate as nextTurn } from "node:timers/promises";
import { StoreUnavailableError } from "../store-unavailable.ts";
import { invoke, type Outcome } from "./group-commit.ts";
import type { SqliteStore } from "./sqlite.ts";
import { type FromThread, isReading, type PartCall, type StoreCall } from "./sqlite-messages.ts";

/** Calls that are written together at most: those that came first do not wait for a flood. */
const batchLimit = 500;

interface WaitingCall {
  id: number;
  call: PartCall;
}

/** Answers calls of the serving thread. */
export class CallQueue {
  readonly #store: SqliteStore;
  readonly #tell: (message: FromThread) => void;
  readonly #underWay = new Set<Promise<void>>();
  readonly #waitingCalls: WaitingCall[] = [];
  #isWriting = false;

  constructor(store: SqliteStore, tell: (message: FromThread) => void) {
    this.#store = store;
    this.#tell = tell;
  }

  add(id: number, call: StoreCall): void {
    if (call.part === "store") {
      this.#answer(id, () => this.#store.sweep(...call.args));
    } else if (isReading(call)) {
      this.#answer(id, () => this.#read(call));
    } else {
      this.#waitingCalls.push({ id, call });
      this.#beginWriting();
    }
  }

  /** Resolves when every call is answered. */
  async ended(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  /** @throws {StoreUnavailableError} when what could be read is not what others have */
  async #read(call: PartCall): Promise<unknown> {
    this.#store.checkFiles();
    return invoke(this.#store, call);
  }

  #beginWriting(): void {
    if (this.#isWriting) return;
    this.#isWriting = true;
    this.#follow(this.#writeAll());
  }

  async #writeAll(): Promise<void> {
    while (this.#waitingCalls.length > 0) {
      // The messages that are here already come first.
      await nextTurn();
      const batch = this.#waitingCalls.splice(0, batchLimit);
      const outcomes = await this.#store.writeTogether(batch.map(({ call }) => call));
      for (const [index, { id }] of batch.entries()) this.#tellOutcome(id, outcomes[index]);
    }
    this.#isWriting = false;
  }

  #answer(id: number, step: () => Promise<unknown>): void {
    const answering = step().then(
      (value) => this.#tellOutcome(id, { ok: true, value }),
      (error: unknown) => this.#tellOutcome(id, { ok: false, error }),
    );
    this.#follow(answering);
  }

  #follow(step: Promise<void>): void {
    this.#underWay.add(step);
    void step.finally(() => this.#underWay.delete(step));
  }

  #tellOutcome(id: number, outcome: Outcome | undefined): void {
    if (outcome?.ok === true) {
      this.#tell({ kind: "result", id, value: outcome.value });
      return;
    }
    this.#tellFailure(id, outcome?.error);
  }

  /** An error that cannot be copied to the other thread is told in words. */
  #tellFailure(id: number, error: unknown): void {
    const isUnavailable = error instanceof StoreUnavailableError;
    try {
      this.#tell({ kind: "failure", id, error, isUnavailable });
    } catch {
      this.#tell({ kind: "failure", id, error: new Error(String(error)), isUnavailable });
    }
  }
}
