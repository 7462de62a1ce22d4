// What administrators change is written down: who, what, before and after. Secrets are cut out
// before anything arrives here.

import { auditText } from "../apply/audit-text.ts";
import { randomUuid } from "../random.ts";
import type { StoredAuditEntry } from "../storage/admin-records.ts";
import type { AdminParts } from "./admin-parts.ts";
import type { Call } from "./route.ts";

/** A change, as it is told. */
export interface AuditedChange {
  /** what was done: `created`, `updated`, `deleted`, … */
  action: string;
  /** the kind of what was changed */
  kind: string;
  id: string;
  name: string;
  /** undefined where there was nothing */
  before?: unknown;
  after?: unknown;
}

/** The entry of a change, to be stored in the step of the change itself. */
export function auditEntry(
  { token, ip, ray }: Call,
  { action, kind, id, name, before, after }: AuditedChange,
  { now, randomBytes }: Pick<AdminParts, "now" | "randomBytes">,
): StoredAuditEntry {
  return {
    id: randomUuid(randomBytes),
    created_at: now(),
    token_id: token.id,
    token_name: token.name,
    ...{ ip, ray, action, kind, ref: id, name },
    before: auditText(before),
    after: auditText(after),
  };
}

/** Writes a change that is in force into the log. */
export function recordChange(
  entry: StoredAuditEntry,
  { record }: Pick<AdminParts, "record">,
): void {
  const { ray, ip, token_id, token_name, action, kind, ref: id, name } = entry;
  const { before, after } = entry;
  record({
    event: "admin_changed",
    ...{ ray, ip, token_id, token_name, action, kind, id, name, before, after },
  });
}

/** Stores and logs a change that is not one of objects: a session that was ended, a key. */
export async function audit(
  call: Call,
  change: AuditedChange,
  parts: Pick<AdminParts, "now" | "randomBytes" | "record" | "store">,
): Promise<void> {
  const entry = auditEntry(call, change, parts);
  await parts.store.audit.add(entry);
  recordChange(entry, parts);
}
