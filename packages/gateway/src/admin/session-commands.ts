// `postern sessions list|revoke`: on the store itself, beside gateways that run. They learn by the
// feed of changes what was ended, and refuse it within a second, open streams included.
import type { Catalog } from "../catalog/catalog.ts";
import { findApplication } from "../model/find-application.ts";
import type { RandomBytes } from "../random.ts";
import type { PageOf, SessionQuery, Store, StoredSession, StoredUser } from "../storage/store.ts";
import { createSessions } from "../tokens/sessions.ts";
import type { Sessions } from "../tokens/tokens.ts";
import { UsageError } from "../usage-error.ts";
import { auditCommand } from "./command-audit.ts";
import { type DescribedSession, describeSessions, sessionRecord } from "./describe-sessions.ts";
import { sessionRows, shortId } from "./session-rows.ts";

interface CommandParts {
  store: Store;
  catalog: Catalog;
  randomBytes: RandomBytes;
  now(): number;
}

/** Which sessions are to be listed, as it was typed. */
export interface SessionListWish {
  /** an address */
  person?: string | undefined;
  /** name, id or domain */
  application?: string | undefined;
  kind?: string | undefined;
  /** how many at most; default 20: with a heading and a remark, a terminal of 24 lines */
  limit?: string | undefined;
}

/** What a command says: to programs, to people, and what is no part of the answer. */
export interface CommandAnswer {
  json: object;
  /** of a table; the first is its heading */
  rows: readonly (readonly string[])[];
  remark?: string;
}

/**
 * Sessions that are alive, the latest first.
 * @throws {UsageError} when there is no such person, application or kind, or `limit` is no number
 */
export async function listSessions(
  wish: SessionListWish,
  parts: CommandParts,
): Promise<CommandAnswer> {
  const query = await queryOf(wish, parts);
  const { items, total } = await readSessions(query, readLimit(wish.limit), parts);
  const answer = {
    json: { sessions: items.map(sessionRecord), total },
    rows: sessionRows(items, parts.now()),
  };
  if (total === 0) return { ...answer, remark: emptyText(wish) };
  if (total <= items.length) return answer;
  return { ...answer, remark: `${items.length} of ${total} sessions; --limit lists more` };
}

/** Sessions that are read at once. */
const pageSize = 500;

async function readSessions(
  query: Omit<SessionQuery, "limit" | "offset">,
  limit: number,
  { store, catalog: { applicationByAud }, now }: CommandParts,
): Promise<PageOf<DescribedSession>> {
  const items: DescribedSession[] = [];
  for (;;) {
    const wanted = Math.min(pageSize, limit - items.length);
    const page = { ...query, limit: wanted, offset: items.length };
    const { items: sessions, total } = await store.sessions.list(now(), page);
    items.push(...(await describeSessions(sessions, { store, applicationByAud })));
    if (sessions.length < wanted || items.length === limit) return { items, total };
  }
}

async function queryOf(
  { person, application, kind }: SessionListWish,
  { store, catalog }: CommandParts,
): Promise<Omit<SessionQuery, "limit" | "offset">> {
  return {
    kind: kind === undefined ? undefined : readKind(kind),
    userId: person === undefined ? undefined : (await userNamed(person, store)).id,
    aud:
      application === undefined
        ? undefined
        : findApplication(catalog.applications, application).aud,
  };
}

function emptyText({ person, application, kind }: SessionListWish): string {
  const what = kind === undefined ? "session" : `${kind} session`;
  const whose = person === undefined ? "" : ` of ${person}`;
  const where = application === undefined ? "" : ` for ${application}`;
  return `There is no ${what}${whose}${where}.`;
}

/** What is to be ended, as it was typed: one of these. */
export interface RevocationWish {
  /** a session by its id or the beginning of it, or a grant by its own */
  id?: string | undefined;
  /** an address */
  person?: string | undefined;
  /** name, id or domain */
  application?: string | undefined;
}

/**
 * Ends what is named.
 * @throws {UsageError} when there is no such thing, or more than one; nothing has ended then
 */
export async function revokeSessions(
  wish: RevocationWish,
  parts: CommandParts,
): Promise<{ json: object; text: string }> {
  const named = [wish.id, wish.person, wish.application].filter((each) => each !== undefined);
  if (named.length !== 1)
    throw new UsageError("say what is to be ended: an ID, --person or --application, one of them");
  const sessions = sessionsBesideGateways(parts);
  if (wish.person !== undefined) return revokePerson(wish.person, sessions, parts);
  if (wish.application !== undefined) return revokeApplication(wish.application, sessions, parts);
  return revokeOne(wish.id ?? "", sessions, parts);
}

/** No process remembers anything here that has ended: what the store holds is all there is. */
function sessionsBesideGateways(parts: CommandParts): Sessions {
  const tokens = { forgetSessions: () => undefined, forgetGeneration: () => undefined };
  return createSessions({ ...parts, tokens });
}

async function revokePerson(person: string, sessions: Sessions, parts: CommandParts) {
  const user = await userNamed(person, parts.store);
  const ended = await sessions.endAllOf(user.id);
  await note({ kind: "user", id: user.id, name: user.email }, parts);
  const text = `Ended ${countText(ended.length, "session")} of ${user.email}`;
  return { json: { person: user.email, ended }, text };
}

async function revokeApplication(wanted: string, sessions: Sessions, parts: CommandParts) {
  const { id, name, aud } = findApplication(parts.catalog.applications, wanted);
  const ended = await sessions.endAllAt(aud);
  await note({ kind: "application", id, name }, parts);
  const grants = ended.length === 0 ? "" : `, and ended ${countText(ended.length, "grant")}`;
  const text = `Revoked every token of ${name}${grants}; who is signed in and allowed gets another`;
  return { json: { application: { id, name }, ended }, text };
}

async function revokeOne(wanted: string, sessions: Sessions, parts: CommandParts) {
  const session = await sessionNamed(wanted, parts);
  const { id, kind, identity, user_id } = session;
  const ended = await sessions.end(id);
  await note({ kind: `${kind} session`, id, name: identity.email }, parts);
  const others = ended.filter((each) => each !== id).length;
  const approved = others === 0 ? "" : `, and ${others} that it had approved`;
  const text = `Ended the ${kind} session ${shortId(id)} of ${identity.email}${approved}`;
  return { json: { session: id, person: identity.email, user_id, ended }, text };
}

/** Fewer digits are more likely a slip than a session that is meant. */
const fewestDigits = 6;

async function sessionNamed(wanted: string, { store, now }: CommandParts): Promise<StoredSession> {
  const grant = await store.grants.find(wanted);
  const prefix = grant?.session_id ?? wanted;
  if (!/^[0-9a-f]+$/.test(prefix) || prefix.length < fewestDigits)
    throw new UsageError(
      `${JSON.stringify(wanted)} is no id of a session or a grant; give ${fewestDigits} or more of the digits that "sessions list" shows`,
    );
  const alive = (await store.sessions.withPrefix(prefix)).filter(
    ({ revoked_at, expires_at }) => revoked_at === null && expires_at > now(),
  );
  const [session, ...others] = alive;
  if (session === undefined)
    throw new UsageError(`there is no session or grant ${wanted}, or it has ended already`);
  if (others.length > 0)
    throw new UsageError(`${alive.length} sessions begin with ${wanted}; give more of its digits`);
  return session;
}

async function userNamed(person: string, store: Pick<Store, "users">): Promise<StoredUser> {
  const user = await store.users.withEmail(person.trim().toLowerCase());
  if (user !== undefined) return user;
  throw new UsageError(`nobody has ever signed in as ${JSON.stringify(person)}`);
}

const kinds: readonly StoredSession["kind"][] = ["browser", "terminal", "grant"];

function readKind(text: string): StoredSession["kind"] {
  const kind = kinds.find((each) => each === text);
  if (kind !== undefined) return kind;
  throw new UsageError(
    `${JSON.stringify(text)} is no kind of session; those are ${kinds.join(", ")}`,
  );
}

function readLimit(text = "20"): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new UsageError(`--limit ${JSON.stringify(text)} is no whole number from 1 to 99999`);
}

function countText(count: number, unit: string): string {
  return count === 1 ? `1 ${unit}` : `${count} ${unit}s`;
}

function note(
  what: { kind: string; id: string; name: string },
  parts: CommandParts,
): Promise<void> {
  return auditCommand("postern sessions", { action: "revoked", ...what }, parts);
}
