// Sessions as a table for a terminal of 80 columns: what does not fit is cut, and what people
// compare is not.
import type { DescribedSession } from "./describe-sessions.ts";

/** Columns of the narrowest terminal that is thought of. */
const width = 80;
/** Digits of an id that are shown: what two people's sessions share by chance is shorter. */
const shownDigits = 12;
const longestPerson = 26;
const gap = 2;

const heading = ["SESSION", "KIND", "PERSON", "AGE", "LEFT", "FOR"];

/** Rows of a table, the first of them its heading. @param now milliseconds since the epoch */
export function sessionRows(sessions: readonly DescribedSession[], now: number): string[][] {
  if (sessions.length === 0) return [];
  const rows = [heading, ...sessions.map((each) => rowOf(each, now))];
  const taken = [0, 1, 2, 3, 4].map((column) => widest(rows, column) + gap);
  const left = width - taken.reduce((sum, each) => sum + each, 0);
  return rows.map((row) => row.with(-1, cut(row.at(-1) ?? "", left)));
}

/** What people name a session by. */
export function shortId(id: string): string {
  return id.slice(0, shownDigits);
}

function rowOf(described: DescribedSession, now: number): string[] {
  const { id, kind, identity, created_at, expires_at } = described.session;
  return [
    shortId(id),
    kind,
    cut(identity.email, longestPerson),
    spanText(now - created_at),
    spanText(expires_at - now),
    purposeOf(described),
  ];
}

/** What a session is for: the applications, and what a grant is called. */
function purposeOf({ applications, grant }: DescribedSession): string {
  const names = applications.map(({ name }) => name).join(", ");
  const label = grant?.label ?? undefined;
  if (label !== undefined) return `${names} (${label})`;
  return names === "" ? "-" : names;
}

const minute = 60_000;

/** `5m`, `3h`, `12d`. */
function spanText(milliseconds: number): string {
  const minutes = Math.max(0, Math.round(milliseconds / minute));
  if (minutes < 120) return `${minutes}m`;
  if (minutes < 48 * 60) return `${Math.round(minutes / 60)}h`;
  return `${Math.round(minutes / (24 * 60))}d`;
}

function cut(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, Math.max(0, length - 1))}…`;
}

function widest(rows: readonly string[][], column: number): number {
  return Math.max(...rows.map((row) => row[column]?.length ?? 0));
}
