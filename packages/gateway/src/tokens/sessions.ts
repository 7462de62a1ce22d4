// Begins and ends sessions. What ends is written down first and forgotten by the caches next,
// before the caller goes on: no request that comes after is let in by it.
import { randomBytes, randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Store } from "../storage/store.ts";
import type { Sessions, Tokens } from "./tokens.ts";

export function createSessions({
  store,
  tokens,
  now,
}: {
  store: Store;
  tokens: Tokens;
  now: Clock;
}): Sessions {
  return {
    async start({ kind, identity, parent, userAgent, lifetimeMs }) {
      const createdAt = now();
      const user = await store.users.forEmail(identity.email, createdAt, randomUUID());
      const session = {
        id: randomBytes(20).toString("hex"),
        user_id: user.id,
        kind,
        parent_id: parent?.id ?? null,
        identity,
        user_agent: userAgent,
        created_at: createdAt,
        expires_at: Math.min(
          createdAt + lifetimeMs,
          parent?.expires_at ?? Number.POSITIVE_INFINITY,
        ),
        revoked_at: null,
      };
      await store.sessions.add(session);
      return session;
    },
    async end(sessionId) {
      tokens.forgetSessions(await store.sessions.revoke(sessionId, now()));
    },
    async endAllOf(userId) {
      tokens.forgetSessions(await store.sessions.revokeAllOf(userId, now()));
    },
  };
}
