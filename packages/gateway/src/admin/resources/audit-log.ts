// What administrators changed, the newest first: `/audit_logs` of the account.
import { isMap } from "../../model/read-value.ts";
import type { StoredAuditEntry } from "../../storage/admin-records.ts";
import type { AdminParts } from "../admin-parts.ts";
import { badPage, listed, readPage } from "../pages.ts";
import { type Answer, type Call, fail, type Route } from "../route.ts";

/** The routes of the audit trail. */
export function auditLogRoutes(parts: AdminParts): Route[] {
  return [
    {
      ...{ method: "GET", path: "/audit_logs", permission: "audit_logs:read" },
      summary: "List what administrators changed",
      handle: (call) => listChanges(call, parts),
    },
  ];
}

/** Entries of a page, as a rule and at most: each may be as long as what was changed. */
const pageSize = 100;

async function listChanges({ query, token }: Call, { store }: AdminParts): Promise<Answer> {
  const wanted = readPage(query, pageSize, pageSize);
  if (wanted === undefined) return badPage();
  // What was changed may belong to applications that a narrow token is not for.
  if (token.applications !== null) return listed([], wanted, 0);
  const since = readTime(query.get("since"), 0);
  const until = readTime(query.get("before"), Number.MAX_SAFE_INTEGER);
  if (since === undefined || until === undefined)
    return fail("bad_request", "since and before must be times like 2027-01-31T00:00:00Z.");
  const { page, per_page: limit } = wanted;
  const { entries, total } = await store.audit.page({
    since,
    until,
    offset: (page - 1) * limit,
    limit,
  });
  return listed(entries.map(showEntry), wanted, total);
}

function readTime(text: string | null, fallback: number): number | undefined {
  if (text === null || text === "") return fallback;
  const time = Date.parse(text);
  return Number.isNaN(time) ? undefined : time;
}

/** As Cloudflare shows an entry of its audit log. */
function showEntry(entry: StoredAuditEntry): object {
  const { id, created_at, token_id, token_name, ip, ray, action, kind, ref, name } = entry;
  return {
    id,
    when: new Date(created_at).toISOString(),
    action: { type: action, result: true },
    actor: { id: token_id, type: "token", name: token_name, ip },
    interface: token_id === "" ? "CLI" : "API",
    resource: { type: kind, id: ref, name },
    metadata: { ray },
    oldValueJson: jsonOf(entry.before),
    newValueJson: jsonOf(entry.after),
  };
}

function jsonOf(text: string | null): object {
  const value: unknown = text === null ? {} : JSON.parse(text);
  return isMap(value) ? value : { value };
}
