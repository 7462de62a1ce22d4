// What is told of sessions, by the API and at the command line: whose each is, for how long, and
// what it got tokens of. Read for a page of sessions at once.
import { defined } from "../defined.ts";
import type { Application } from "../model/model.ts";
import type { StandingGrant, Store, StoredSession } from "../storage/store.ts";

/** A session, and what belongs to it. */
export interface DescribedSession {
  session: StoredSession;
  /** what it got tokens of, by name; one that is gone is not there */
  applications: readonly Application[];
  grant: StandingGrant | undefined;
}

/** What is looked up in. */
export interface DescriptionParts {
  store: Pick<Store, "sessions" | "grants">;
  applicationByAud: ReadonlyMap<string, Application>;
}

/** In the order of the sessions. */
export async function describeSessions(
  sessions: readonly StoredSession[],
  { store, applicationByAud }: DescriptionParts,
): Promise<DescribedSession[]> {
  const ids = sessions.map(({ id }) => id);
  const lent = sessions.filter(({ kind }) => kind === "grant").map(({ id }) => id);
  const [used, grants] = await Promise.all([
    store.sessions.applicationsOf(ids),
    store.grants.ofSessions(lent),
  ]);
  return sessions.map((session) => ({
    session,
    applications: used
      .filter(({ session_id }) => session_id === session.id)
      .map(({ aud }) => applicationByAud.get(aud))
      .filter((application) => application !== undefined)
      .toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    grant: grants.find(({ session_id }) => session_id === session.id),
  }));
}

/** A session as programs read it. */
export function sessionRecord({ session, applications, grant }: DescribedSession): object {
  const { id, kind, user_id, identity, created_at, expires_at, user_agent, parent_id } = session;
  return defined({
    ...{ id, kind, email: identity.email, user_id },
    began_at: timeText(created_at),
    expires_at: timeText(expires_at),
    applications: applications.map(({ id, name }) => ({ id, name })),
    ...{ ip: identity.ip, user_agent },
    approved_by: parent_id ?? undefined,
    grant: grant && grantRecord(grant),
  });
}

function grantRecord({ id, label, htu, scope, uses_left }: StandingGrant): object {
  const { methods, paths, count } = scope;
  const uses = count === undefined ? undefined : (uses_left ?? 0);
  return defined({ id, label: label ?? undefined, url: htu, methods, paths, uses_left: uses });
}

function timeText(time: number): string {
  return new Date(time).toISOString();
}
