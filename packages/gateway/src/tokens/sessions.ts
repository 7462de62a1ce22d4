// Begins and ends sessions. An end is stored first and reaches the caches next, before the caller
// goes on: the session lets no request in that comes after.
import type { Clock } from "../clock.ts";
import { type RandomBytes, randomUuid } from "../random.ts";
import type { Store, StoredSession } from "../storage/store.ts";
import type { Sessions, Tokens } from "./tokens.ts";

export interface SessionsDeps {
  store: Pick<Store, "users" | "sessions" | "generations">;
  tokens: Pick<Tokens, "forgetSessions" | "forgetGeneration">;
  now: Clock;
  randomBytes: RandomBytes;
}

export function createSessions({ store, tokens, now, randomBytes }: SessionsDeps): Sessions {
  return {
    async start({ kind, identity, parent, userAgent, lifetimeMs, jkt }) {
      const createdAt = now();
      const newUserId = randomUuid(randomBytes);
      const user = await store.users.forEmail(identity.email, createdAt, newUserId);
      const session: StoredSession = {
        id: randomBytes(20).toString("hex"),
        user_id: user.id,
        kind,
        parent_id: parent?.id ?? null,
        identity,
        user_agent: userAgent,
        created_at: createdAt,
        expires_at: Math.min(createdAt + lifetimeMs, parent?.expires_at ?? Infinity),
        revoked_at: null,
        jkt: jkt ?? null,
      };
      await store.sessions.add(session);
      return session;
    },

    async end(sessionId) {
      const ids = await store.sessions.revoke(sessionId, now());
      tokens.forgetSessions(ids);
      return ids;
    },

    async endAllOf(userId) {
      const ids = await store.sessions.revokeAllOf(userId, now());
      tokens.forgetSessions(ids);
      return ids;
    },

    async endAllAt(aud) {
      const generation = randomBytes(12).toString("base64url");
      const ids = await store.generations.put({ aud, generation, revoked_at: now() });
      tokens.forgetGeneration(aud);
      tokens.forgetSessions(ids);
      return ids;
    },

    async removeUser(userId) {
      const ids = await store.users.remove(userId, now());
      tokens.forgetSessions(ids ?? []);
      return ids !== undefined;
    },

    async endLaterThan(latest) {
      const ids = await store.sessions.revokeLaterThan(latest, now());
      tokens.forgetSessions(ids);
      return ids.length;
    },
  };
}
