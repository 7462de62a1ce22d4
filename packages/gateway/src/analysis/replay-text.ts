// What a replay found, as lines for people.
import type { AnswerChange, RecordedDecision, ReplayResult } from "./replay.ts";

/** The lines: the sum first, then each change with its examples. */
export function replayLines({ rows, same, changes, unknown, missing, skipped }: ReplayResult) {
  const changed = rows - same - unknown - skipped;
  const lacking = [...missing].map(([name, count]) => `${name} in ${count}`).join(", ");
  return [
    `${rows} rows: ${same} answered the same, ${changed} otherwise, ${unknown} unknown, ${skipped} not decided by policy`,
    ...(lacking === "" ? [] : [`Missing: ${lacking}`]),
    ...changes.flatMap(changeLines),
  ];
}

function changeLines({ application, from, to, policy, count, examples }: AnswerChange): string[] {
  const by = policy === "" ? "" : ` by "${policy}"`;
  return [
    `${application}: ${from} → ${to}${by}, ${count}`,
    ...examples.map((row) => `  ${rowText(row)}`),
  ];
}

/** When, who, from where and what for. */
export function rowText(row: RecordedDecision): string {
  const who = row.user_email ?? row.service_token_id ?? "a stranger";
  const what = row.action === "request" ? `${row.method} ${row.host}${row.path}` : row.action;
  const when = new Date(row.created_at).toISOString();
  return `${when} ${who} from ${row.ip_address}, ${what} (ray ${row.ray_id})`;
}
