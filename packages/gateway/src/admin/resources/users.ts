// People, as far as the gateway knows them (access-api 2.5, 3.7): who has signed in, when and as
// whom, and what they are signed in with now.
import { z } from "zod";
import { defined } from "../../defined.ts";
import { personFields } from "../../model/identity-fields.ts";
import { isMap, tryRead } from "../../model/read-value.ts";
import { emailAddress } from "../../model/values.ts";
import { randomUuid } from "../../random.ts";
import type { StoredAccessEvent } from "../../storage/access-log.ts";
import type { StoredUser, UserQuery } from "../../storage/store.ts";
import type { AdminParts } from "../admin-parts.ts";
import { audit } from "../audit.ts";
import { badPage, listed, readPage } from "../pages.ts";
import { type Answer, type Call, fail, type Route, succeed } from "../route.ts";

const user = z.looseObject({ email: z.string(), name: z.string().optional() });

const path = "/access/users";
const one = `${path}/:id`;
const read = "population:read";
const write = "population:write";

/** Failed logins that are shown of one person. */
const failedLoginLimit = 100;

/** The routes of users, but for their sessions (sessions.ts). */
export function userRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path, permission: read, summary: "List users" },
      handle: (call) => listUsers(call, parts),
    },
    {
      ...{ method: "POST", path, permission: write, body: user, status: 201 },
      summary: "Make a user who has not signed in yet",
      handle: (call) => createUser(call, parts),
    },
    {
      ...{ method: "GET", path: one, permission: read, summary: "Read one user" },
      handle: (call) => withUser(call, parts, (user) => succeed(showUser(user))),
    },
    {
      ...{ method: "PUT", path: one, permission: write, body: user },
      summary: "Change the name of a user",
      handle: (call) => withUser(call, parts, (user) => renameUser(call, parts, user)),
    },
    {
      ...{ method: "DELETE", path: one, permission: write },
      summary: "Remove a user with their sessions; who comes again is another user",
      handle: (call) => withUser(call, parts, (user) => removeUser(call, parts, user)),
    },
    {
      ...{ method: "GET", path: `${one}/last_seen_identity`, permission: read },
      summary: "Read what a provider said of a user at the last login",
      handle: (call) => withUser(call, parts, (user) => lastIdentity(parts, user)),
    },
    {
      ...{ method: "GET", path: `${one}/failed_logins`, permission: read },
      summary: "List sign-ins of a user that failed, the newest first",
      handle: (call) => withUser(call, parts, (user) => failedLogins(parts, user)),
    },
  ];
}

/** The user that a path names. Whoever may see some applications alone sees no people. */
export async function withUser(
  { params, token }: Call,
  { store }: AdminParts,
  answer: (user: StoredUser) => Answer | Promise<Answer>,
): Promise<Answer> {
  if (token.applications !== null) return fail("not_found");
  const user = await store.users.find(params["id"] ?? "");
  return user === undefined ? fail("not_found") : answer(user);
}

async function listUsers({ query, token }: Call, { store }: AdminParts): Promise<Answer> {
  const wanted = readPage(query);
  if (wanted === undefined) return badPage();
  if (token.applications !== null) return listed([], wanted, 0);
  const { page, per_page: limit } = wanted;
  const filters: Omit<UserQuery, "limit" | "offset"> = {};
  for (const name of ["email", "name", "search"] as const) {
    const value = query.get(name);
    if (value !== null && value !== "") filters[name] = value;
  }
  const offset = (page - 1) * limit;
  const { items, total } = await store.users.list({ ...filters, limit, offset });
  return listed(items.map(showUser), wanted, total);
}

/** Who is there already stays as they are: a request that is repeated does nothing twice. */
async function createUser(call: Call, parts: AdminParts): Promise<Answer> {
  const { store, now, randomBytes } = parts;
  if (call.token.applications !== null) return fail("not_permitted");
  const written = readUser(call.body);
  if (!written.ok) return written;
  const { email, name } = written;
  const id = randomUuid(randomBytes);
  const at = now();
  const user = await store.users.forEmail(email, at, id);
  if (user.id !== id) return succeed(showUser(user), 201);
  if (name !== undefined) await store.users.rename(id, name, at);
  const shown = showUser({ ...user, name: name ?? null });
  const change = { action: "created", kind: "user", id, name: email, after: shown };
  await audit(call, change, parts);
  return succeed(shown, 201);
}

async function renameUser(call: Call, parts: AdminParts, user: StoredUser): Promise<Answer> {
  const written = readUser(call.body, user.email);
  if (!written.ok) return written;
  const { email, name = "" } = written;
  if (email !== user.email)
    return fail("invalid", "email must be that of the user; it cannot be changed.", "/email");
  const now = parts.now();
  if (!(await parts.store.users.rename(user.id, name, now))) return fail("not_found");
  const [before, after] = [user, { ...user, name, updated_at: now }].map(showUser);
  const change = { action: "updated", kind: "user", id: user.id, name: email, before, after };
  await audit(call, change, parts);
  return succeed(after);
}

async function removeUser(call: Call, parts: AdminParts, user: StoredUser): Promise<Answer> {
  const { id, email } = user;
  if (!(await parts.sessions.removeUser(id))) return fail("not_found");
  const before = showUser(user);
  await audit(call, { action: "deleted", kind: "user", id, name: email, before }, parts);
  return succeed({ id });
}

function lastIdentity({ accountId }: AdminParts, user: StoredUser): Answer {
  const { id, last_identity } = user;
  if (last_identity === null) return fail("not_found", "This user has never signed in.");
  const ids = { id, user_uuid: id, account_id: accountId };
  return succeed({ ...ids, ...personFields(last_identity) });
}

async function failedLogins({ store, config }: AdminParts, user: StoredUser): Promise<Answer> {
  const rows = await store.accessLog.list({
    direction: "desc",
    limit: failedLoginLimit,
    filters: [
      { field: "user_email", operator: "eq", value: user.email },
      { field: "action", operator: "eq", value: "login" },
      { field: "allowed", operator: "eq", value: false },
    ],
  });
  const kept = config.log.access_log_retention;
  return succeed(rows.map((row) => showFailedLogin(row, row.created_at + kept)));
}

function showFailedLogin(row: StoredAccessEvent, expiresAt: number): object {
  const { ray_id, ip_address, country, app_uid, app_name, app_domain, reason } = row;
  const { idp, connection, policy_name, created_at } = row;
  return {
    expiration: Math.floor(expiresAt / 1000),
    metadata: {
      ...{ ray_id, ip_address, country, app_uid, app_name, app_domain, reason },
      ...{ idp, connection, policy_name },
      created_at: new Date(created_at).toISOString(),
    },
  };
}

/** Seats mean nothing here: whoever has signed in has one. */
function showUser(user: StoredUser): Record<string, unknown> {
  const { id, email, name, created_at, updated_at, last_successful_login } = user;
  return defined({
    ...{ id, uid: id, email, name: name ?? "" },
    access_seat: last_successful_login !== null,
    gateway_seat: false,
    seat_uid: id,
    active_device_count: 0,
    last_successful_login: timeText(last_successful_login),
    created_at: timeText(created_at),
    updated_at: timeText(Math.max(updated_at ?? 0, last_successful_login ?? 0, created_at)),
  });
}

type WrittenUser =
  | { ok: true; email: string; name: string | undefined }
  | Extract<Answer, { ok: false }>;

/** @param ownEmail what counts where none is written */
function readUser(body: unknown, ownEmail?: string): WrittenUser {
  if (!isMap(body)) return fail("bad_request", "The body must be a JSON object.");
  const reading = tryRead(emailAddress, body["email"] ?? ownEmail);
  if (!reading.success)
    return fail("invalid", "email is not one address; write it like ada@example.com.", "/email");
  const name = body["name"] ?? undefined;
  if (name !== undefined && (typeof name !== "string" || name.length > 350))
    return fail("invalid", "name must be a text of at most 350 characters.", "/name");
  return { ok: true, email: reading.data, name };
}

function timeText(time: number | null): string | undefined {
  return time === null ? undefined : new Date(time).toISOString();
}
