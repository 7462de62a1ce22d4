import { auditText } from "../apply/audit-text.ts";
import { type RandomBytes, randomUuid } from "../random.ts";
import type { Store } from "../storage/store.ts";
import type { AuditedChange } from "./audit.ts";

/**
 * Writes down what a command changed. Nobody is asked for a token there: the entry says by which
 * command.
 */
export async function auditCommand(
  command: string,
  { action, kind, id, name, before, after }: AuditedChange,
  { store, now, randomBytes }: { store: Store; now(): number; randomBytes: RandomBytes },
): Promise<void> {
  await store.audit.add({
    id: randomUuid(randomBytes),
    created_at: now(),
    ...{ token_id: "", token_name: command, ip: "", ray: "" },
    ...{ action, kind, ref: id, name },
    before: auditText(before),
    after: auditText(after),
  });
}
