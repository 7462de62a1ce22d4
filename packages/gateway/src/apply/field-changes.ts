// What differs between two states of an object, field by field, for people.
import { isDeepStrictEqual } from "node:util";
import { type FieldPath, fieldName } from "../model/problem.ts";
import { isMap } from "../model/read-value.ts";

/** One field, or one item of a list. */
export interface FieldChange {
  field: string;
  /** undefined: it was not there */
  before?: unknown;
  /** undefined: it is gone */
  after?: unknown;
}

/** Compares two states. Items of lists are the same by their id or name, else as a whole. */
export function fieldChanges(before: unknown, after: unknown, at: FieldPath = []): FieldChange[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (isMap(before) && isMap(after)) {
    const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
    return [...fields].flatMap((field) =>
      fieldChanges(before[field], after[field], [...at, field]),
    );
  }
  if (Array.isArray(before) && Array.isArray(after)) return itemChanges(before, after, at);
  return [{ field: fieldName(at), before, after }];
}

function itemChanges(before: unknown[], after: unknown[], at: FieldPath): FieldChange[] {
  const field = fieldName(at);
  const matched = new Set<number>();
  const changes = after.flatMap((item, index): FieldChange[] => {
    const place = before.findIndex((other, each) => !matched.has(each) && isSameItem(other, item));
    if (place < 0) return [{ field, after: item }];
    matched.add(place);
    return fieldChanges(before[place], item, [...at, index]);
  });
  const removed = before.filter((_item, index) => !matched.has(index));
  const all = [...removed.map((item) => ({ field, before: item })), ...changes];
  // The same items in another order.
  return all.length === 0 ? [{ field, before, after }] : all;
}

function isSameItem(one: unknown, other: unknown): boolean {
  if (isMap(one) && isMap(other) && one["id"] !== undefined) return one["id"] === other["id"];
  return isDeepStrictEqual(one, other);
}
