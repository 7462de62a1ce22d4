// How much one object may hold. Each item that is wrong costs more than one that is right, and a
// body of 1 MiB has room for half a million: who writes must not keep everybody else waiting.
import type { Kind } from "./kind.ts";
import { list } from "./list.ts";
import type { FieldPath } from "./problem.ts";
import { isMap } from "./read-value.ts";

/** Items of all lists of an object together, but for the items of a list (model/list.ts). */
const mostItems = 10_000;
/** Fields of one map. */
const mostFields = 1_000;

/** What of an object is too large, and what to say of it. */
export interface Oversize {
  path: FieldPath;
  what: string;
}

/** @param value what somebody wrote of an object of this kind */
export function findOversize({ name: kind }: Kind, value: unknown): Oversize | undefined {
  let itemsLeft = mostItems;
  const open: { value: unknown; path: FieldPath }[] = [{ value, path: [] }];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { value: each, path } = next;
    if (Array.isArray(each) && !hasOwnBound(kind, path)) {
      itemsLeft -= each.length;
      if (itemsLeft < 0)
        return { path, what: `is too long: all lists together hold ${mostItems} items at most` };
      for (const [index, item] of each.entries())
        open.push({ value: item, path: [...path, index] });
    }
    if (!isMap(each)) continue;
    const fields = Object.entries(each);
    if (fields.length > mostFields)
      return { path, what: `has more than ${mostFields} fields; remove some` };
    for (const [name, field] of fields) open.push({ value: field, path: [...path, name] });
  }
  return undefined;
}

/** The items of a list are counted where lists are read. */
function hasOwnBound(kind: string, path: FieldPath): boolean {
  return kind === list.name && path.length === 1 && path[0] === "items";
}
