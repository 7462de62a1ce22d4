// What a replay found, as lines for people.
import type { NamedKind, ObjectNames } from "../policy/object-names.ts";
import type { AnswerChange, RecordedDecision, ReplayResult } from "./replay.ts";
import { wrapped } from "./wrapped.ts";

/** The lines: the sum first, then each change with its examples. */
export function replayLines(result: ReplayResult, names: ObjectNames): string[] {
  const { rows, same, changes, unknown, missing, skipped } = result;
  const changed = rows - same - unknown - skipped;
  const lacking = [...missing].map(([name, count]) => `${name} in ${count}`).join(", ");
  return [
    ...wrapped(
      `${rows} rows: ${same} answered the same, ${changed} otherwise, ${unknown} unknown, ${skipped} not decided by policy`,
      2,
    ),
    ...(lacking === "" ? [] : wrapped(`Missing: ${lacking}`, 2)),
    ...changes.flatMap((change) => changeLines(change, names)),
  ];
}

function changeLines(change: AnswerChange, names: ObjectNames): string[] {
  const { application, from, to, policy, count, examples } = change;
  const by = policy === "" ? "" : ` by "${policy}"`;
  return [
    `${application}: ${from} → ${to}${by}, ${count}`,
    ...examples.flatMap((row) => wrapped(`  ${rowText(row, names)}`, 4)),
  ];
}

/** When, who, from where and what for. */
export function rowText(row: RecordedDecision, names: ObjectNames): string {
  const { service_token_id: token } = row;
  const program = token === null ? "a stranger" : names.textOf("service_token", token);
  const who = row.user_email ?? program;
  const what = row.action === "request" ? `${row.method} ${row.host}${row.path}` : row.action;
  const when = new Date(row.created_at).toISOString();
  return `${when} ${who} from ${row.ip_address}, ${what} (ray ${row.ray_id})`;
}

/** The objects that recorded rules name by id. */
const namedKinds: Readonly<Record<string, NamedKind>> = {
  email_list: "list",
  group: "group",
  ip_list: "list",
  linked_app_token: "application",
  login_method: "identity_provider",
  service_token: "service_token",
};

/** A rule as it was recorded, `group 5d40…`, with the name that the object has now. */
export function recordedRule(text: string, names: ObjectNames): string {
  const [kind = "", id = "", ...more] = text.split(" ");
  const named = namedKinds[kind];
  return named === undefined || more.length > 0 ? text : `${kind} ${names.textOf(named, id)}`;
}
