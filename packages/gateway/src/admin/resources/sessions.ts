// Sessions that are alive, of browsers, terminals and grants alike, and how an administrator ends
// them: one, all of a person, all at an application. Each end is in force in every process within a
// second, for what is open as well.
import { z } from "zod";
import { defined } from "../../defined.ts";
import { personFields } from "../../model/identity-fields.ts";
import type { Application } from "../../model/model.ts";
import { isMap } from "../../model/read-value.ts";
import type { StoredSession, StoredUser } from "../../storage/store.ts";
import type { AdminParts } from "../admin-parts.ts";
import { audit } from "../audit.ts";
import { type DescribedSession, describeSessions } from "../describe-sessions.ts";
import { badPage, listed, readPage } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";
import { withUser } from "./users.ts";

const ofUser = "/access/users/:id/active_sessions";
const all = "/access/sessions";

/** Which of all sessions are listed; an empty value asks for nothing. */
const filters = z.object({
  kind: z.enum(["browser", "terminal", "grant"]).optional(),
  user_uid: z.string().optional(),
  app_uid: z.string().optional(),
});

/** The routes of sessions and of revocation. */
export function sessionRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path: ofUser, permission: "population:read" },
      summary: "List the sessions of a user that are alive",
      handle: (call) => withUser(call, parts, (user) => listOfUser(parts, user)),
    },
    {
      ...{ method: "GET", path: `${ofUser}/:nonce`, permission: "population:read" },
      summary: "Read one session of a user, alive or ended",
      handle: (call) => withUser(call, parts, (user) => readOfUser(call, parts, user)),
    },
    {
      ...{ method: "DELETE", path: `${ofUser}/:nonce`, permission: "revoke:write" },
      summary: "[ext] End one session of a user, with what it has approved",
      handle: (call) => withUser(call, parts, (user) => endOfUser(call, parts, user)),
    },
    {
      ...{ method: "GET", path: all, permission: "population:read" },
      summary: "[ext] List all sessions that are alive, the newest first",
      query: filters,
      handle: (call) => listAll(call, parts),
    },
    {
      ...{ method: "POST", path: "/access/organizations/revoke_user", permission: "revoke:write" },
      summary: "End every session of a person",
      body: z.looseObject({ email: z.string() }),
      handle: (call) => revokeUser(call, parts),
    },
    {
      ...{ method: "POST", path: "/access/apps/:id/revoke_tokens", permission: "apps:write" },
      summary: "Revoke every token of an application",
      status: 202,
      handle: (call) => revokeTokens(call, parts),
    },
  ];
}

async function listOfUser(parts: AdminParts, user: StoredUser): Promise<Answer> {
  const { store, now } = parts;
  const sessions = await store.sessions.ofUser(user.id, now());
  return succeed(await showSessions(sessions, parts));
}

async function readOfUser({ params }: Call, parts: AdminParts, user: StoredUser): Promise<Answer> {
  const { store, now, accountId } = parts;
  const session = await store.sessions.find(params["nonce"] ?? "");
  if (session?.user_id !== user.id) return fail("not_found");
  const isActive = session.revoked_at === null && session.expires_at > now();
  const ids = { id: user.id, user_uuid: user.id, account_id: accountId };
  return succeed({ ...ids, ...personFields(session.identity), isActive });
}

async function endOfUser(call: Call, parts: AdminParts, user: StoredUser): Promise<Answer> {
  const { store, sessions } = parts;
  const id = call.params["nonce"] ?? "";
  const session = await store.sessions.find(id);
  if (session?.user_id !== user.id) return fail("not_found");
  await sessions.end(id);
  const { kind } = session;
  await audit(call, { action: "revoked", kind: `${kind} session`, id, name: user.email }, parts);
  return succeed({ nonce: id });
}

async function listAll({ query, token }: Call, parts: AdminParts): Promise<Answer> {
  const wanted = readPage(query);
  if (wanted === undefined) return badPage();
  const filter = filters.safeParse(
    Object.fromEntries([...query].filter(([, value]) => value !== "")),
  );
  if (!filter.success) return fail("bad_request", "kind must be browser, terminal or grant.");
  if (token.applications !== null) return listed([], wanted, 0);
  const { kind, user_uid: userId, app_uid: appId } = filter.data;
  const { catalogs, store, now } = parts;
  const application = catalogs.current().applications.find(({ id }) => id === appId);
  // Nobody has a token of an application that is not there.
  if (appId !== undefined && application === undefined) return listed([], wanted, 0);
  const { page, per_page: limit } = wanted;
  const place = { limit, offset: (page - 1) * limit };
  const asked = { ...place, kind, userId, aud: application?.aud };
  const { items, total } = await store.sessions.list(now(), asked);
  return listed(await showSessions(items, parts), wanted, total);
}

/** @returns whether there is such a person */
async function revokeUser(call: Call, parts: AdminParts): Promise<Answer> {
  const { store, sessions } = parts;
  if (call.token.applications !== null) return fail("not_permitted");
  if (!isMap(call.body)) return fail("bad_request", "The body must be a JSON object.");
  const { email, user_uid: uid } = call.body;
  if (typeof email !== "string") return fail("invalid", "email must be an address.", "/email");
  const user = await store.users.withEmail(email.trim().toLowerCase());
  // Both may be said; they must mean the same person then. Devices mean nothing here: every
  // session ends, whatever it is on.
  if (user === undefined || (typeof uid === "string" && uid !== "" && uid !== user.id))
    return succeed(false);
  await sessions.endAllOf(user.id);
  await audit(call, { action: "revoked", kind: "user", id: user.id, name: user.email }, parts);
  return succeed(true);
}

async function revokeTokens(call: Call, parts: AdminParts): Promise<Answer> {
  const application = visibleApplication(call, parts);
  if (application === undefined) return fail("not_found");
  const { id, name, aud } = application;
  await parts.sessions.endAllAt(aud);
  await audit(call, { action: "revoked", kind: "application", id, name }, parts);
  return succeed(null, 202);
}

/** The application that a path names, where the token may see it. */
export function visibleApplication(
  { params, token }: Call,
  { catalogs }: AdminParts,
): Application | undefined {
  const { applications } = catalogs.current();
  const application = applications.find(({ id }) => id === params["id"]);
  if (application === undefined || token.applications === null) return application;
  return token.applications.includes(application.id) ? application : undefined;
}

async function showSessions(
  sessions: readonly StoredSession[],
  { store, catalogs, now }: AdminParts,
): Promise<object[]> {
  const { applicationByAud } = catalogs.current();
  const described = await describeSessions(sessions, { store, applicationByAud });
  return described.map((each) => showSession(each, now()));
}

function showSession({ session, applications, grant }: DescribedSession, now: number): object {
  const { id, kind, identity, created_at, expires_at, user_agent, parent_id } = session;
  return {
    name: identity.email,
    expiration: seconds(expires_at),
    metadata: {
      nonce: id,
      iat: seconds(created_at),
      expires: seconds(expires_at),
      ttl: Math.max(0, seconds(expires_at) - seconds(now)),
      apps: Object.fromEntries(applications.map((each) => [each.id, showApplication(each)])),
      ...defined({
        kind,
        user_uid: session.user_id,
        user_agent,
        ip: identity.ip,
        approved_by: parent_id ?? undefined,
        grant: grant?.id,
        label: grant?.label ?? undefined,
      }),
    },
  };
}

/** As Cloudflare shows what a session was used for. */
function showApplication({ id, name, type, domains }: Application): object {
  return { uid: id, name, type, hostname: domains[0] ?? "" };
}

function seconds(milliseconds: number): number {
  return Math.floor(milliseconds / 1000);
}
