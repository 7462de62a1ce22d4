// Which objects name another one.
import { kinds } from "../model/kinds.ts";
import { valueAt } from "../model/value-at.ts";
import type { Records } from "./records.ts";
import type { ObjectRecord } from "./stored-objects.ts";

/** Those that refer to an object. */
export function referrersOf(record: ObjectRecord, records: Records): ObjectRecord[] {
  return [...records.values()].filter((other) => refersTo(other, record));
}

function refersTo({ kind: name, object }: ObjectRecord, record: ObjectRecord): boolean {
  const references = kinds.get(name)?.references(object) ?? [];
  return references.some(
    ({ kind, at }) => kind === record.kind && valueAt(object, at) === record.object.id,
  );
}
