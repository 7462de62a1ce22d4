// What a gateway does by itself while it serves: it takes over what other processes of the same
// store changed, sweeps the store, and rotates keys that have signed long enough.
import type { Parts } from "./compose.ts";
import { FutureDates } from "./future-dates.ts";
import type { HousekeepingTask } from "./observe/events.ts";
import type { ObjectKey, StoreChange } from "./storage/store.ts";

const sweepInterval = 5 * 60_000;
const futureDatesInterval = 10 * 60_000;
const keyAgeCheckInterval = 60 * 60_000;
/** How soon what could not be read again is tried again, milliseconds. */
const retryInterval = 10_000;
const complaintInterval = 60_000;
/** Gateways whose common file has changed read it within this time, milliseconds. */
const ownFileInterval = 3_000;
const day = 24 * 60 * 60_000;

/** @returns a function that ends it */
export function keepHouse(parts: Parts): () => void {
  const { store, now } = parts;
  const attempt = async (task: HousekeepingTask, step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      parts.record({ event: "housekeeping_failed", task, error: String(error) });
    }
  };
  const others = new OtherProcesses(parts);
  const comparison = new FileComparison(parts);
  const futureDates = new FutureDates(parts);
  const unwatch = store.watch((changes) => void attempt("refresh", () => others.follow(changes)));
  const timers = [
    setInterval(() => void attempt("refresh", () => others.catchUp()), retryInterval),
    setInterval(() => comparison.look(), ownFileInterval),
    setInterval(() => void attempt("sweep", () => store.sweep(now())), sweepInterval),
    setInterval(() => void attempt("future_dates", () => futureDates.mend()), futureDatesInterval),
    setInterval(() => void attempt("rotate_keys", () => rotateWhenOld(parts)), keyAgeCheckInterval),
  ];
  for (const timer of timers) timer.unref();
  return () => {
    for (const timer of timers) clearInterval(timer);
    unwatch();
  };
}

/** Rotates the keys when the one that signs has done so for the configured time. */
export async function rotateWhenOld({ store, tokens, config, now }: Parts): Promise<void> {
  const current = (await store.keys.all()).find((key) => key.state === "current");
  const age = now() - (current?.activated_at ?? now());
  if (age >= config.key_rotation_interval_days * day) await tokens.rotateKeys();
}

/** Says when another gateway of the store has another file: each undoes what the other does. */
class FileComparison {
  readonly #parts: Pick<Parts, "catalogs" | "record">;
  /** the differences of the last look, and those that were told last */
  #before = "";
  #told = "";

  constructor(parts: Pick<Parts, "catalogs" | "record">) {
    this.#parts = parts;
  }

  /** What differs in two looks is not a change that this gateway is about to read itself. */
  look(): void {
    const { catalogs, record } = this.#parts;
    const objects = catalogs.overruled();
    const state = objects.join("\n");
    const isNews = state === this.#before && state !== this.#told;
    this.#before = state;
    if (!isNews) return;
    this.#told = state;
    if (objects.length > 0) record({ event: "file_overruled", objects });
  }
}

type Followed = Pick<Parts, "tokens" | "catalogs" | "transferChanged" | "record">;

/** Follows what other processes change. A cache that a change does not concern stays as it is. */
class OtherProcesses {
  readonly #parts: Followed;
  /** what must be read again; it stays here until that has succeeded */
  readonly #outdated = new Set<"keys" | "objects">();
  /** the objects that changed; the catalog remembers those that it could not read */
  #objects: ObjectKey[] | "all" = [];
  #complainedAt = Number.NEGATIVE_INFINITY;

  constructor(parts: Followed) {
    this.#parts = parts;
  }

  /** @throws {Error} when what changed cannot be read; `catchUp` tries again */
  follow(changes: readonly StoreChange[]): Promise<void> {
    for (const change of changes) this.#note(change);
    return this.catchUp();
  }

  async catchUp(): Promise<void> {
    const { tokens, catalogs } = this.#parts;
    await this.#bringUpToDate("keys", () => tokens.reloadKeys());
    await this.#bringUpToDate("objects", () => catalogs.refresh(this.#takeObjects()));
  }

  /** Sessions that ended are forgotten at once, before anything is read. */
  #note(change: StoreChange): void {
    const { tokens, transferChanged } = this.#parts;
    switch (change.what) {
      case "session":
        tokens.forgetSessions([change.id]);
        break;
      case "transfer":
        transferChanged(change.id);
        break;
      case "keys":
        this.#outdated.add("keys");
        break;
      case "object":
        this.#outdated.add("objects");
        if (this.#objects !== "all") this.#objects.push(change);
        break;
      case "everything":
        this.#objects = "all";
        this.#outdated.add("keys").add("objects");
        tokens.forgetAllSessions();
        transferChanged();
        break;
      case "unreadable":
        // Nobody is believed from memory who may have been signed out meanwhile.
        tokens.forgetAllSessions();
        this.#complain(change.error);
        break;
    }
  }

  /** What cannot be read is looked at ten times a second, and complained about once a minute. */
  #complain(error: string): void {
    const { record } = this.#parts;
    if (performance.now() - this.#complainedAt < complaintInterval) return;
    this.#complainedAt = performance.now();
    record({ event: "housekeeping_failed", task: "refresh", error });
  }

  #takeObjects(): ObjectKey[] | "all" {
    const objects = this.#objects;
    this.#objects = [];
    return objects;
  }

  async #bringUpToDate(what: "keys" | "objects", read: () => Promise<void>): Promise<void> {
    if (!this.#outdated.has(what)) return;
    // Removed first: what changes while it is being read makes it outdated again.
    this.#outdated.delete(what);
    try {
      await read();
    } catch (error) {
      this.#outdated.add(what);
      throw error;
    }
  }
}
