// The serving thread's side of a store that has threads of its own (sqlite-worker.ts): one writes
// and waits for the disk, another one reads meanwhile, and a third one searches, from the first
// search of an administrator on. A thread that ends unasked takes the store with it: calls under
// way fail, and so does every one after. The gateway goes on with what it has in memory and must be
// started again.
import { Worker } from "node:worker_threads";
import { StoreUnavailableError } from "../store-unavailable.ts";
import { newVerdict } from "./database-files.ts";
import {
  classOf,
  type FromThread,
  methodsOfParts,
  type PartCall,
  type StoreCall,
  type ThreadInput,
  type ToThread,
} from "./sqlite-messages.ts";
import type { Store, StoreChange, StoreParts } from "./store.ts";

/**
 * Opens a database file in threads of its own.
 * @throws {Error} as `openSqliteStore` does
 */
export async function openSqliteThreads(location: string, origin: string): Promise<Store> {
  const verdict = newVerdict();
  const writer = new StoreThread({ location, origin, access: "write", verdict });
  await writer.opened();
  const reading = { location, origin, access: "read", verdict } as const;
  const reader = new StoreThread(reading);
  await openedBeside(writer, reader);
  const threads = [writer, reader];
  const failAll = (error: Error) => {
    for (const thread of threads) thread.fail(error);
  };
  writer.onLost = failAll;
  reader.onLost = failAll;
  let searcher: StoreThread | undefined;
  // Calls before it is open wait in its queue.
  const openSearcher = () => {
    const thread = new StoreThread(reading);
    thread.onLost = failAll;
    threads.push(thread);
    return thread;
  };

  // What was confirmed is committed: who reads sees it.
  const threadFor = (call: PartCall): StoreThread => {
    switch (classOf(call)) {
      case "read":
        return reader;
      case "search":
        searcher ??= openSearcher();
        return searcher;
      default:
        return writer;
    }
  };

  return {
    ...partsOf((call) => threadFor(call).call(call)),
    sweep: async (...args) => {
      await writer.call({ part: "store", method: "sweep", args });
    },
    watch: (onChange) => writer.watch(onChange),
    // The last connection tidies the files up, which one that only reads cannot.
    close: () => writer.close(Promise.all([reader.close(), searcher?.close()])),
  };
}

async function openedBeside(writer: StoreThread, reader: StoreThread): Promise<void> {
  try {
    await reader.opened();
  } catch (error) {
    await writer.close();
    throw error;
  }
}

/** Each method of each part as a call to a thread. */
function partsOf(ask: (call: PartCall) => Promise<unknown>): StoreParts {
  const parts = Object.entries(methodsOfParts).map(([part, methods]) => {
    const calls = Object.keys(methods).map((method) => {
      const call = (...args: unknown[]) => ask({ part: part as keyof StoreParts, method, args });
      return [method, call];
    });
    return [part, Object.fromEntries(calls)];
  });
  return Object.fromEntries(parts) as StoreParts;
}

interface Caller {
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/** What a call makes is gone with its answer: more room for it would only be more memory. */
const resourceLimits = { maxYoungGenerationSizeMb: 3 };

/** The thread opens the store before it answers anything; that is call 0. */
const openingCall = 0;

class StoreThread {
  readonly #worker: Worker;
  readonly #exited: Promise<void>;
  readonly #callers = new Map<number, Caller>();
  readonly #watchers = new Map<number, (changes: readonly StoreChange[]) => void>();
  #lastId = openingCall;
  #isClosing = false;
  /** is told when the thread has ended unasked */
  onLost: (error: Error) => void = () => undefined;
  /** why nothing can be asked any more */
  #end: Error | undefined;

  constructor(workerData: ThreadInput) {
    // Without the flags of this process: `--input-type`, for one, is refused in threads.
    // What it opens stays open after its end (database-files.ts).
    const fixed = { execArgv: [], trackUnmanagedFds: false };
    const name = `store, to ${workerData.access}`;
    const options = { name, workerData, resourceLimits, ...fixed };
    this.#worker = new Worker(new URL("./sqlite-worker.ts", import.meta.url), options);
    this.#worker.on("message", (message: FromThread) => this.#receive(message));
    this.#worker.on("error", (cause) => this.#lose(threadLost(cause)));
    this.#worker.on("messageerror", (cause) => {
      this.#lose(threadLost(cause));
      void this.#worker.terminate();
    });
    this.#exited = new Promise((resolve) => {
      this.#worker.once("exit", () => {
        this.#lose(threadLost());
        resolve();
      });
    });
  }

  /**
   * Resolves when the store is open.
   * @throws {Error} when it cannot be used; the thread has ended then
   */
  async opened(): Promise<void> {
    try {
      await this.#answerTo(openingCall);
    } catch (error) {
      this.#worker.ref();
      await this.#exited;
      throw error;
    }
  }

  async call(call: StoreCall): Promise<unknown> {
    if (this.#end !== undefined) throw this.#end;
    const id = ++this.#lastId;
    this.#send({ kind: "call", id, call });
    return this.#answerTo(id);
  }

  /** @returns a function that ends it */
  watch(onChange: (changes: readonly StoreChange[]) => void): () => void {
    const watcher = ++this.#lastId;
    this.#watchers.set(watcher, onChange);
    this.#send({ kind: "watch", watcher });
    return () => {
      this.#watchers.delete(watcher);
      this.#send({ kind: "unwatch", watcher });
    };
  }

  /**
   * Answers nothing from now on but what was asked before, and ends.
   * @param others what must have ended before
   */
  async close(others?: Promise<unknown>): Promise<void> {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#end ??= new StoreUnavailableError("the store is closed");
      this.#watchers.clear();
      await others;
      this.#send({ kind: "close" });
      this.#worker.ref();
    }
    await this.#exited;
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message);
  }

  /** A call keeps the process alive until it is answered; an idle store does not. */
  #answerTo(id: number): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#callers.set(id, { resolve, reject });
    this.#worker.ref();
    return promise;
  }

  #receive(message: FromThread): void {
    switch (message.kind) {
      case "opened":
        this.#callerOf(openingCall)?.resolve(undefined);
        break;
      case "unusable":
        this.#callerOf(openingCall)?.reject(message.error);
        break;
      case "result":
        this.#callerOf(message.id)?.resolve(message.value);
        break;
      case "failure":
        this.#callerOf(message.id)?.reject(errorOf(message));
        break;
      case "changes":
        this.#watchers.get(message.watcher)?.(message.changes);
        break;
    }
  }

  #callerOf(id: number): Caller | undefined {
    const caller = this.#callers.get(id);
    this.#callers.delete(id);
    if (this.#callers.size === 0 && this.#end === undefined) this.#worker.unref();
    return caller;
  }

  #lose(error: Error): void {
    const isUnasked = this.#end === undefined;
    this.fail(error);
    if (isUnasked) this.onLost(error);
  }

  /**
   * Nothing is answered from now on. Watchers are told at once: they will hear of nothing that
   * others change.
   */
  fail(error: Error): void {
    this.#end ??= error;
    for (const { reject } of this.#callers.values()) reject(this.#end);
    this.#callers.clear();
    if (!this.#isClosing) this.#worker.unref();
    for (const watcher of this.#watchers.values())
      watcher([{ what: "unreadable", error: String(error) }]);
    this.#watchers.clear();
  }
}

function errorOf({ error, isUnavailable }: FromThread & { kind: "failure" }): unknown {
  if (!isUnavailable || !(error instanceof Error)) return error;
  return new StoreUnavailableError(error.message, { cause: error });
}

function threadLost(cause?: unknown): Error {
  const reason = cause === undefined ? "" : ` (${cause})`;
  const message = `the store's thread has ended${reason}; restart the gateway`;
  return new StoreUnavailableError(message, { cause });
}
