// Which sessions are alive, from memory where that is certain. Whoever holds a `LiveSession` sees
// its end at once: ending a session turns the flag in the one object that every cached token
// points to.
import { BoundedCache, type CacheReading } from "../bounded-cache.ts";
import { isFromFuture } from "../clock.ts";
import type { SessionStore, StoredSession } from "../storage/store.ts";

export interface LiveSession {
  readonly session: StoredSession;
  /** false once the session has ended, or must be asked for again */
  alive: boolean;
}

export class LiveSessions {
  readonly #store: Pick<SessionStore, "find">;
  readonly #cache: BoundedCache<string, LiveSession>;
  // Counts what was forgotten: a session read before that and cached after it would outlive its
  // end.
  #forgotten = 0;
  readonly reading: CacheReading = { hits: 0, misses: 0 };

  /** @param capacity sessions that are remembered, at most */
  constructor(store: Pick<SessionStore, "find">, capacity: number) {
    this.#store = store;
    this.#cache = new BoundedCache(capacity);
  }

  /**
   * Undefined when there is no such session, it was ended, has expired, or was begun by a clock
   * that was ahead: it would last for longer than anybody allows.
   */
  async find(id: string, now: number): Promise<LiveSession | undefined> {
    const cached = this.#cache.get(id);
    if (cached !== undefined) {
      this.reading.hits++;
      return unexpired(cached, now);
    }
    this.reading.misses++;
    for (;;) {
      const forgottenBefore = this.#forgotten;
      const session = await this.#store.find(id);
      if (forgottenBefore !== this.#forgotten) continue;

      if (session === undefined || session.revoked_at !== null) return undefined;
      if (!isOfNow(session, now)) return undefined;
      // Another request may have read the same session meanwhile.
      return this.#cache.get(id) ?? this.#add(session);
    }
  }

  /** These are over, or must be asked for again. */
  forget(ids: readonly string[]): void {
    this.#forgotten++;
    for (const id of ids) {
      end(this.#cache.get(id));
      this.#cache.delete(id);
    }
  }

  forgetAll(): void {
    this.#forgotten++;
    for (const live of this.#cache.values()) end(live);
    this.#cache.clear();
  }

  #add(session: StoredSession): LiveSession {
    const live = { session, alive: true };
    // An evicted session's end would reach nobody any more: its tokens must be verified again.
    end(this.#cache.set(session.id, live));
    return live;
  }
}

function unexpired(live: LiveSession, now: number): LiveSession | undefined {
  return isOfNow(live.session, now) ? live : undefined;
}

/** Whether a session has begun, as far as clocks may differ, and not expired. */
function isOfNow({ created_at, expires_at }: StoredSession, now: number): boolean {
  return expires_at > now && !isFromFuture(created_at, now);
}

function end(live: LiveSession | undefined): void {
  if (live !== undefined) live.alive = false;
}
