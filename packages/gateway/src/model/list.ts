// Lists: email addresses or networks by the thousand, which the rules email_list and ip_list name.
// Shape and types of Cloudflare's Zero Trust lists, as far as those rules take them.
import { z } from "zod";
import { defined } from "../defined.ts";
import { defineKind } from "./kind.ts";
import { type ListType, type ListValues, listTypes } from "./list-values.ts";
import type { Report } from "./problem.ts";
import { choice, emailAddress, identifier, networkText, objectName, someText } from "./values.ts";

const longestList = 100_000;

const type = z.enum(listTypes, {
  error: "is no type of list here; write EMAIL or IP",
});

const item = z
  .strictObject({ value: someText, description: z.string().optional() })
  .transform(defined);

/** An item of a list. */
type ListItem = z.infer<typeof item>;

/** An item as somebody writes it: `{value, description}`, or its value alone. */
const itemOrValue = choice<ListItem>((source) =>
  typeof source === "string" ? someText.transform((value): ListItem => ({ value })) : item,
);

const fields = z.strictObject({
  id: identifier,
  name: objectName,
  type,
  description: z.string().optional(),
  items: z.array(itemOrValue).max(longestList).default([]),
});

const stored = z
  .strictObject({
    id: identifier,
    name: objectName,
    type,
    description: z.string().optional(),
    items: z.array(item),
  })
  .transform(defined);

/** A list as it is stored and in force. */
export type List = z.infer<typeof stored>;

/** Everything that makes a list valid. */
export const list = defineKind({
  name: "list",
  noun: "list",
  section: "lists",
  naming: "unique",
  schema: fields,
  fields,
  stored,
  check({ type, items }, _world, report) {
    checkItems(type, items, report);
    if (items.length === 0)
      report.warning(["items"], "is empty: a rule that names this list holds for nobody");
  },
  toObject: ({ id, name, type, description, items }) =>
    defined({ id, name, type, description, items: uniqueItems(items) }),
});

const valueSchemas = { EMAIL: emailAddress, IP: networkText } as const;

function checkItems(type: ListType, items: readonly ListItem[], report: Report): void {
  items.forEach(({ value }, index) => {
    const result = valueSchemas[type].safeParse(value);
    const [issue] = result.error?.issues ?? [];
    if (issue !== undefined) report.problem(["items", index, "value"], issue.message, value);
  });
}

/** The first of those that have one value. */
function uniqueItems(items: readonly ListItem[]): ListItem[] {
  const byValue = new Map<string, ListItem>();
  for (const each of items) {
    const key = each.value.toLowerCase();
    if (!byValue.has(key)) byValue.set(key, each);
  }
  return [...byValue.values()];
}

/** What rules ask of a list. */
export function valuesOf({ type, items }: Pick<List, "type" | "items">): ListValues {
  return { type, values: items.map(({ value }) => value.toLowerCase()) };
}
