// Lists: email addresses or networks by the thousand, which the rules email_list and ip_list name.
// Shape and types of Cloudflare's Zero Trust lists, as far as those rules take them.
import { z } from "zod";
import { defined } from "../defined.ts";
import { defineKind } from "./kind.ts";
import { type ListType, type ListValues, listTypes } from "./list-values.ts";
import type { Report } from "./problem.ts";
import { isMap } from "./read-value.ts";
import { choice, emailAddress, identifier, networkText, objectName, someText } from "./values.ts";

const longestList = 100_000;

const type = z.enum(listTypes, {
  error: "is no type of list here; write EMAIL or IP",
});

const description = z
  .string()
  .max(1_000, { message: "is longer than 1,000 characters" })
  .optional();

const item = z.strictObject({ value: someText, description }).transform(defined);

/** An item of a list. */
type ListItem = z.infer<typeof item>;

/** An item as somebody writes it: `{value, description}`, or its value alone. */
const itemOrValue = choice<ListItem>((source) =>
  typeof source === "string" ? someText.transform((value): ListItem => ({ value })) : item,
);

/** Faults that are looked for: of thousands, the first ones say it all. */
const mostFaults = 100;

/** What cannot be an item is found before each item is read, which costs more where it is wrong. */
const items = z.preprocess((source, context) => {
  if (!Array.isArray(source)) return source;
  if (source.length > longestList) {
    const message = `has more than ${longestList} items; divide it`;
    context.addIssue({ code: "custom", message });
    return z.NEVER;
  }
  const valueIn = (each: unknown) => (isMap(each) ? each["value"] : each);
  const isItem = (value: unknown) => typeof value === "string" && value.trim() !== "";
  if (source.filter((each) => !isItem(valueIn(each))).length <= mostFaults) return source;
  const message = "are not items; write each as {value: …}, or the value alone";
  context.addIssue({ code: "custom", message });
  return z.NEVER;
}, z.array(itemOrValue));

const fields = z.strictObject({
  id: identifier,
  name: objectName,
  type,
  description,
  items: items.default([]),
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
  let faults = 0;
  for (const [index, { value }] of items.entries()) {
    const [issue] = valueSchemas[type].safeParse(value).error?.issues ?? [];
    if (issue === undefined) continue;
    report.problem(["items", index, "value"], issue.message, value);
    faults++;
    if (faults === mostFaults) return;
  }
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
