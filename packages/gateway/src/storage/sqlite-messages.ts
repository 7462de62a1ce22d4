// What the serving thread and the thread of the store say to each other. Arguments and results of
// the store are plain data, so each call is one message there and one back.
import type { StoreChange, StoreParts } from "./store.ts";

/** Every method of every part. */
export const methodsOfParts = {
  settings: { get: true },
  objects: { all: true, find: true, change: true },
  keys: { all: true, replace: true },
  users: { forEmail: true },
  sessions: { add: true, find: true, ofUser: true, revoke: true, revokeAllOf: true },
  handovers: { add: true, take: true },
  pins: { add: true, try: true, take: true },
  counters: { count: true, clear: true },
  transfers: { open: true, find: true, hold: true, move: true },
} as const satisfies { [Part in keyof StoreParts]: { [Method in keyof StoreParts[Part]]: true } };

/** What the thread is started with. */
export interface ThreadInput {
  location: string;
  origin: string;
}

export type ToThread =
  | { kind: "call"; id: number; call: StoreCall }
  | { kind: "watch"; watcher: number }
  | { kind: "unwatch"; watcher: number }
  /** the last one: what was asked before is answered, then the thread ends */
  | { kind: "close" };

export type StoreCall =
  | { part: keyof StoreParts; method: string; args: readonly unknown[] }
  | { part: "store"; method: "sweep"; args: readonly [number] };

export type FromThread =
  /** the first one */
  | { kind: "opened" }
  /** the first and last one */
  | { kind: "unusable"; error: unknown }
  | { kind: "result"; id: number; value: unknown }
  | { kind: "failure"; id: number; error: unknown }
  | { kind: "changes"; watcher: number; changes: readonly StoreChange[] };
