// The thread in which a database file is read and written. A confirmed write waits for the disk
// (fsync); here it keeps no request waiting that needs no database.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { openSqliteStore } from "./sqlite.ts";
import type { FromThread, StoreCall, ThreadInput, ToThread } from "./sqlite-messages.ts";
import type { Store } from "./store.ts";

if (parentPort === null) throw new Error("sqlite-worker.ts is started by sqlite-thread.ts alone");
await serve(parentPort, workerData);

/** Opens the store and answers until it is told to close, or ends when it cannot be opened. */
async function serve(port: MessagePort, { location, origin }: ThreadInput): Promise<void> {
  const tell = (message: FromThread) => port.postMessage(message);
  try {
    const store = await openSqliteStore(location, origin);
    answerCalls(port, store, tell);
    tell({ kind: "opened" });
  } catch (error) {
    tell({ kind: "unusable", error });
  }
}

function answerCalls(port: MessagePort, store: Store, tell: (message: FromThread) => void): void {
  const callsUnderWay = new Set<Promise<void>>();
  const unwatchers = new Map<number, () => void>();

  async function answer(id: number, call: StoreCall): Promise<void> {
    try {
      tell({ kind: "result", id, value: await invoke(store, call) });
    } catch (error) {
      tellFailure(id, error);
    }
  }

  /** An error that cannot be copied to the other thread is told in words. */
  function tellFailure(id: number, error: unknown): void {
    try {
      tell({ kind: "failure", id, error });
    } catch {
      tell({ kind: "failure", id, error: new Error(String(error)) });
    }
  }

  async function close(): Promise<void> {
    await Promise.all(callsUnderWay);
    await store.close();
    // Nothing keeps the thread alive any more.
    port.close();
  }

  port.on("message", (message: ToThread) => {
    switch (message.kind) {
      case "call": {
        const answering = answer(message.id, message.call);
        callsUnderWay.add(answering);
        void answering.then(() => callsUnderWay.delete(answering));
        break;
      }
      case "watch": {
        const { watcher } = message;
        const unwatch = store.watch((changes) => tell({ kind: "changes", watcher, changes }));
        unwatchers.set(watcher, unwatch);
        break;
      }
      case "unwatch":
        unwatchers.get(message.watcher)?.();
        unwatchers.delete(message.watcher);
        break;
      case "close":
        void close();
        break;
    }
  });
}

type StoreMethod = (...args: readonly unknown[]) => Promise<unknown>;

function invoke(store: Store, { part, method, args }: StoreCall): Promise<unknown> {
  if (part === "store") return store.sweep(...args);
  const methods = store[part] as unknown as Record<string, StoreMethod | undefined>;
  const storeMethod = methods[method];
  if (storeMethod === undefined) throw new Error(`the store has no ${part}.${method}`);
  return storeMethod(...args);
}
