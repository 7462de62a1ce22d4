// Follows what other processes of the same store change, while a gateway runs. While the server of
// the store is silent nobody hears of ended sessions: those that are known are believed for the
// time of `limits.store_grace`.
import type { Parts } from "./compose.ts";
import type { ObjectKey, StoreChange } from "./storage/store.ts";

/** How soon what could not be read again is tried again, milliseconds. */
const retryInterval = 10_000;
const complaintInterval = 60_000;

/**
 * Takes over what other processes change.
 * @param teller who tells of changed objects: the store, or the keeper of a worker, which tells of
 * what belongs together at once
 * @returns a function that ends it
 */
export function followOthers(parts: Followed, teller: "store" | "keeper" = "store"): () => void {
  const others = new OtherProcesses(parts, teller);
  const attempt = async (step: () => Promise<void>) => {
    try {
      await step();
    } catch (error) {
      parts.record({ event: "housekeeping_failed", task: "refresh", error: String(error) });
    }
  };
  const unwatch = parts.store.watch((changes) => void attempt(() => others.follow(changes)));
  const timer = setInterval(() => void attempt(() => others.catchUp()), retryInterval);
  timer.unref();
  return () => {
    clearInterval(timer);
    unwatch();
    others.end();
  };
}

type Followed = Pick<
  Parts,
  "config" | "store" | "tokens" | "catalogs" | "transferChanged" | "record" | "now"
>;

/** Follows what other processes change. A cache that a change does not concern stays as it is. */
class OtherProcesses {
  readonly #parts: Followed;
  readonly #teller: "store" | "keeper";
  /** what must be read again; it stays here until that has succeeded */
  readonly #outdated = new Set<"keys" | "objects">();
  /** the objects that changed; the catalog remembers those that it could not read */
  #objects: ObjectKey[] | "all" = [];
  #complainedAt = Number.NEGATIVE_INFINITY;
  #grace: NodeJS.Timeout | undefined;

  constructor(parts: Followed, teller: "store" | "keeper") {
    this.#parts = parts;
    this.#teller = teller;
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
      case "application":
        tokens.forgetGeneration(change.aud);
        break;
      case "transfer":
        transferChanged(change.id);
        break;
      case "keys":
        this.#outdated.add("keys");
        break;
      case "object":
        if (this.#teller === "keeper") break;
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
      case "unreachable":
        this.#beginGrace(change);
        break;
      case "reachable":
        this.#endGrace(change);
        break;
    }
  }

  end(): void {
    clearTimeout(this.#grace);
  }

  #beginGrace({ silentMs, error }: { silentMs: number; error: string }): void {
    const { config, tokens, record, now } = this.#parts;
    tokens.storeContact = "lost";
    const since = timeText(now() - silentMs);
    record({ event: "store_unreachable", since, error });
    const graceLeft = Math.max(0, config.limits.store_grace - silentMs);
    this.#grace = setTimeout(() => this.#believeNobody(since), graceLeft).unref();
  }

  /** Whoever is asked for a session now asks the store, which cannot say. */
  #believeNobody(since: string): void {
    const { tokens, record } = this.#parts;
    tokens.storeContact = "lost_too_long";
    tokens.forgetAllSessions();
    record({ event: "store_grace_over", since });
  }

  #endGrace({ silentMs }: { silentMs: number }): void {
    const { tokens, record, now } = this.#parts;
    clearTimeout(this.#grace);
    tokens.storeContact = "kept";
    record({
      event: "store_reachable",
      since: timeText(now() - silentMs),
      until: timeText(now()),
    });
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

function timeText(ms: number): string {
  return new Date(ms).toISOString();
}
