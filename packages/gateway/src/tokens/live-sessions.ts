// Which sessions are alive, from memory where that is sure. Whoever holds a `Live` sees its end at
// once: ending a session turns the flag in the one object that every cached token points to.
import type { Store, StoredSession } from "../storage/store.ts";

export interface Live {
  readonly session: StoredSession;
  alive: boolean;
}

const capacity = 20_000;

export interface LiveSessions {
  /** undefined when there is no such session, or it was ended or has expired */
  find(id: string, now: number): Promise<Live | undefined>;
  /** these are over, or must be asked for again */
  forget(ids: readonly string[]): void;
  forgetAll(): void;
}

export function createLiveSessions(store: Store): LiveSessions {
  const known = new Map<string, Live>();
  // Counts what was forgotten: a session read before that and kept after it would outlive its end.
  let forgotten = 0;

  function forget(id: string): void {
    const live = known.get(id);
    if (live !== undefined) live.alive = false;
    known.delete(id);
  }

  return {
    async find(id, now) {
      const cached = known.get(id);
      if (cached !== undefined) return cached.session.expires_at > now ? cached : undefined;
      for (;;) {
        const before = forgotten;
        const session = await store.sessions.find(id);
        if (before !== forgotten) continue;
        if (session === undefined || session.revoked_at !== null || session.expires_at <= now)
          return undefined;
        const found = known.get(id);
        if (found !== undefined) return found;
        const live = { session, alive: true };
        if (known.size >= capacity) forget(known.keys().next().value ?? "");
        known.set(id, live);
        return live;
      }
    },
    forget(ids) {
      forgotten++;
      for (const id of ids) forget(id);
    },
    forgetAll() {
      forgotten++;
      for (const id of [...known.keys()]) forget(id);
    },
  };
}
