// Makes a grant (wire-protocol 8): a session of its own, which ends with the one that approved it,
// and what that session may be used for. Whoever ends the session ends the grant.
import type { CredentialScope } from "@postern/protocol";
import type { Application } from "../model/model.ts";
import type { RandomBytes } from "../random.ts";
import type { Store, StoredGrant, StoredSession } from "../storage/store.ts";
import type { Sessions, Tokens } from "./tokens.ts";

export interface GrantParts {
  store: Pick<Store, "grants">;
  sessions: Pick<Sessions, "start">;
  tokens: Pick<Tokens, "issueGrant">;
  randomBytes: RandomBytes;
}

/** What a person approves. */
export interface GrantStart {
  application: Application;
  /** scheme, host and port, and a slash */
  htu: string;
  scope: CredentialScope;
  label: string | undefined;
  /** milliseconds; cut at the end of the session that approves it */
  lifetimeMs: number;
  /** the browser session that approves it */
  parent: StoredSession;
  userAgent: string;
  /** thumbprint of the key that the grant is bound to, if it is */
  jkt?: string | undefined;
}

/** A new grant, with its session and its token. */
export interface StartedGrant {
  grant: StoredGrant;
  session: StoredSession;
  token: string;
}

/** Starts a grant. */
export async function startGrant(parts: GrantParts, start: GrantStart): Promise<StartedGrant> {
  const { application, htu, scope, label = null, lifetimeMs, parent, userAgent, jkt } = start;
  const { identity } = parent;
  const session = await parts.sessions.start({
    kind: "grant",
    identity,
    parent,
    userAgent,
    lifetimeMs,
    jkt,
  });
  const grant: StoredGrant = {
    id: parts.randomBytes(8).toString("hex"),
    session_id: session.id,
    user_id: session.user_id,
    aud: application.aud,
    htu,
    scope,
    label,
    created_at: session.created_at,
    expires_at: session.expires_at,
  };
  await parts.store.grants.add(grant);
  return { grant, session, token: await parts.tokens.issueGrant(session, application, grant) };
}
