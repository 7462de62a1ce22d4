// A session that is there without a login, for tests that are about something else.
import assert from "node:assert/strict";
import type { StoredSession } from "../../packages/gateway/src/storage/store.ts";
import type { TestGateway } from "./gateway.ts";

const hour = 36e5;

/** A session of a terminal, and its token for the first application. */
export async function signIn(
  { parts }: TestGateway,
  email = "ada@example.com",
): Promise<{ session: StoredSession; token: string }> {
  const session = await parts.sessions.start({
    kind: "terminal",
    identity: {
      email,
      name: "",
      idp: { id: "pin", type: "onetimepin" },
      groups: [],
      oidc_fields: {},
      amr: [],
      ip: "127.0.0.1",
      country: "",
      iat: Math.floor(Date.now() / 1000),
    },
    userAgent: "test",
    lifetimeMs: hour,
  });
  const [application] = parts.catalogs.current().applications;
  assert.ok(application !== undefined);
  return { session, token: await parts.tokens.issueApp(session, application, hour) };
}
