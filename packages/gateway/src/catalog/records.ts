// The objects in force, by key, and their way from the store and back.
import { type KindObject, keyOf } from "../config/config-objects.ts";
import type { SecretBox } from "../secrets/secret-box.ts";
import type { ObjectKey, StoredObject } from "../storage/store.ts";
import type { Steps } from "./steps.ts";
import { fromRow, type ObjectRecord, toRow } from "./stored-objects.ts";

/** key → object */
export type Records = ReadonlyMap<string, ObjectRecord>;

/** Names an object among those of all kinds. */
export function keyOfObject({ kind, object }: KindObject): string {
  return keyOf(kind, object.id);
}

/** Names an object to the store. */
export function objectKeyOf({ kind, object }: KindObject): ObjectKey {
  return { kind, id: object.id };
}

/** @throws {Error} when one of them is damaged, or was sealed with another key */
export function* readRows(rows: readonly StoredObject[], secretBox: SecretBox): Steps<Records> {
  const records = new Map<string, ObjectRecord>();
  for (const row of rows) {
    records.set(keyOf(row.kind, row.id), fromRow(row, secretBox));
    yield;
  }
  return records;
}

/** The rows of objects. */
export function* toRows(
  records: readonly ObjectRecord[],
  secretBox: SecretBox,
): Steps<StoredObject[]> {
  const rows: StoredObject[] = [];
  for (const record of records) {
    rows.push(toRow(record, secretBox));
    yield;
  }
  return rows;
}

/**
 * The records as people see them: in the order of the file, then those that it does not have, in
 * the order in which they were made.
 */
export function inOrder(records: Records, order: readonly string[]): ObjectRecord[] {
  const ofFile = new Set(order);
  const others = [...records].filter(([key]) => !ofFile.has(key)).map(([, record]) => record);
  return [
    ...order.flatMap((key) => records.get(key) ?? []),
    ...others.sort((a, b) => a.createdAt - b.createdAt || (a.object.id < b.object.id ? -1 : 1)),
  ];
}
