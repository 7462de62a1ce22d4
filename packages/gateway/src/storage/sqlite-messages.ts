// What the serving thread and the threads of the store say to each other. Arguments and results of
// the store are plain data, so each call is one message there and one back.
import type { Verdict } from "./database-files.ts";
import type { Store, StoreChange, StoreParts, TransferStep } from "./store.ts";

/**
 * What a call does. `search` reads as `read` does, for an administrator who can wait: it may look
 * through all there is, and nobody who signs in stands behind it. `durable` is confirmed when it is
 * on the disk. `passing` is what strangers cause, and what is worth nothing after minutes: it is
 * confirmed when the operating system has it. So nobody who has not signed in makes the disk work.
 */
export type CallClass = "read" | "search" | "durable" | "passing";

/** Every method of every part. */
export const methodsOfParts = {
  settings: { get: "durable", find: "read", set: "durable" },
  objects: { all: "read", find: "read", changedSince: "read", change: "durable" },
  keys: { all: "read", replace: "durable" },
  sshAuthorities: {
    find: "read",
    add: "durable",
    replace: "durable",
    all: "read",
    remove: "durable",
  },
  users: {
    forEmail: "durable",
    find: "read",
    withEmail: "read",
    list: "search",
    after: "search",
    rename: "durable",
    remove: "durable",
  },
  sessions: {
    add: "durable",
    find: "read",
    ofUser: "read",
    list: "search",
    withPrefix: "read",
    noteApplication: "passing",
    applicationsOf: "read",
    revoke: "durable",
    revokeAllOf: "durable",
    revokeLaterThan: "durable",
  },
  generations: { find: "read", put: "durable" },
  tokenUses: { find: "read", note: "passing", forget: "durable" },
  grants: { add: "durable", find: "read", ofSessions: "read", ofUser: "read" },
  useCounts: { add: "durable", take: "durable" },
  handovers: { add: "durable", take: "durable" },
  pins: { add: "passing", try: "passing", take: "durable" },
  counters: { count: "passing", clear: "passing" },
  transfers: {
    open: "passing",
    add: "passing",
    find: "read",
    hold: "passing",
    release: "passing",
    note: "passing",
    move: "passing",
  },
  accessLog: { add: "passing", list: "search", decisions: "search" },
  adminTokens: { all: "read", add: "durable", findByHash: "read", remove: "durable" },
  audit: { add: "durable", page: "search" },
  policyTests: { add: "durable", find: "read", progress: "passing" },
} as const satisfies {
  [Part in keyof StoreParts]: { [Method in keyof StoreParts[Part]]: CallClass };
};

/** What a thread is started with. */
export interface ThreadInput {
  location: string;
  origin: string;
  access: Access;
  verdict: Verdict;
}

/** `read`: the database is there already, and stays as it is. */
export type Access = "write" | "read";

export type ToThread =
  | { kind: "call"; id: number; call: StoreCall }
  | { kind: "watch"; watcher: number }
  | { kind: "unwatch"; watcher: number }
  /** the last one: what was asked before is answered, then the thread ends */
  | { kind: "close" };

/** A call of a method. */
export interface PartCall {
  part: keyof StoreParts;
  method: string;
  args: readonly unknown[];
}

export type StoreCall =
  | PartCall
  | { part: "store"; method: "sweep"; args: Parameters<Store["sweep"]> };

/** What the call does. One of a method that does not exist fails like a read. */
export function classOf({ part, method, args }: PartCall): CallClass {
  // Tokens that a person has handed over: the page says so.
  if (part === "transfers" && method === "move" && isSealing(args[1])) return "durable";
  const classes: Readonly<Record<string, CallClass>> = methodsOfParts[part];
  return classes[method] ?? "read";
}

/** Whether the call changes nothing. */
export function isReading(call: PartCall): boolean {
  const kind = classOf(call);
  return kind === "read" || kind === "search";
}

function isSealing(step: unknown): boolean {
  return (step as TransferStep | undefined)?.sealed !== undefined;
}

export type FromThread =
  /** the first one */
  | { kind: "opened" }
  /** the first and last one */
  | { kind: "unusable"; error: unknown }
  | { kind: "result"; id: number; value: unknown }
  /** the class of an error does not survive the way: whether it is a StoreUnavailableError */
  | { kind: "failure"; id: number; error: unknown; isUnavailable: boolean }
  | { kind: "changes"; watcher: number; changes: readonly StoreChange[] };
