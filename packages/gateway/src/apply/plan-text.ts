// What becomes of a gateway's objects, in lines for people. No terminal obeys anything in them.
import { printable } from "@postern/protocol/printable";
import { kinds } from "../model/kinds.ts";
import type { AccountObject } from "./account-object.ts";
import type { ObjectChange } from "./changes.ts";
import { fieldChanges } from "./field-changes.ts";

const verbs = { created: "create", updated: "update", deleted: "delete" } as const;

/** Each object, and below it what differs. */
export function planLines(changes: readonly ObjectChange[]): string[] {
  return changes.flatMap((change) => {
    const { action, kind, name, before, after, secrets } = change;
    const line = `${verbs[action]} ${labelOf(kind, name)}`;
    if (action !== "updated") return [printable(line)];
    const fields = fieldChanges(before, after).map(({ field, before: old, after: fresh }) => {
      if (fresh === undefined) return `  ${field}: - ${valueText(old)}`;
      if (old === undefined) return `  ${field}: + ${valueText(fresh)}`;
      return `  ${field}: ${valueText(old)} -> ${valueText(fresh)}`;
    });
    const hidden = secrets.map((field) => `  ${field}: another secret`);
    return [line, ...fields, ...hidden].map(printable);
  });
}

/** What the file does not have and the gateway does. */
export function otherLines(others: readonly AccountObject[]): string[] {
  return others.map(({ kind, name }) =>
    printable(`not in the file: ${labelOf(kind, name)} (--prune deletes it)`),
  );
}

/** `Created 1, updated 2, deleted 0, unchanged 14.` */
export function countLine(
  changes: readonly ObjectChange[],
  unchanged: number,
  isDone: boolean,
): string {
  if (changes.length === 0) return `Nothing to change: ${unchanged} objects are as in the file.`;
  const count = (action: ObjectChange["action"]) =>
    changes.filter((each) => each.action === action).length;
  const [created, updated, deleted] = [count("created"), count("updated"), count("deleted")];
  if (isDone)
    return `Created ${created}, updated ${updated}, deleted ${deleted}, unchanged ${unchanged}.`;
  return `To create: ${created}, to update: ${updated}, to delete: ${deleted}, unchanged: ${unchanged}.`;
}

/** `service token "ci"` */
export function labelOf(kind: string, name: string): string {
  return `${kinds.get(kind)?.noun ?? kind} ${JSON.stringify(name)}`;
}

const longestValue = 300;

function valueText(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > longestValue ? `${text.slice(0, longestValue)}…` : text;
}
