// A thread of a database file: the one that writes, or the one that only reads. A confirmed write
// waits for the disk (fsync); here it keeps no request waiting that needs no database.
import { type MessagePort, parentPort, workerData } from "node:worker_threads";
import { CallQueue } from "./call-queue.ts";
import { openSqliteStore, type SqliteStore } from "./sqlite.ts";
import type { FromThread, ThreadInput, ToThread } from "./sqlite-messages.ts";

if (parentPort === null) throw new Error("sqlite-worker.ts is started by sqlite-thread.ts alone");
await serve(parentPort, workerData);

/** Opens the store and answers until it is told to close, or ends when it cannot be opened. */
async function serve(
  port: MessagePort,
  { location, origin, access, verdict }: ThreadInput,
): Promise<void> {
  const tell = (message: FromThread) => port.postMessage(message);
  try {
    const store = await openSqliteStore(location, origin, access, verdict);
    answerCalls(port, store, tell);
    tell({ kind: "opened" });
  } catch (error) {
    tell({ kind: "unusable", error });
  }
}

function answerCalls(
  port: MessagePort,
  store: SqliteStore,
  tell: (message: FromThread) => void,
): void {
  const calls = new CallQueue(store, tell);
  const unwatchers = new Map<number, () => void>();

  async function close(): Promise<void> {
    await calls.ended();
    await store.close();
    // Nothing keeps the thread alive any more.
    port.close();
  }

  port.on("message", (message: ToThread) => {
    switch (message.kind) {
      case "call":
        calls.add(message.id, message.call);
        break;
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
