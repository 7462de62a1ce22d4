// `access list`: what is stored, whose it is, until when, and where.
import { CliError } from "../../exit-status.ts";
import { printable, printableJson } from "../../printable.ts";
import { writeOutput } from "../../standard-output.ts";
import { describeStore } from "../../store/store-choice.ts";
import { type ListedToken, listAppTokens } from "../../store/token-store.ts";
import type { Invocation } from "../command.ts";
import { readInvocation } from "../invocation.ts";
import { timeOf } from "./time-of.ts";

/** @returns the exit status */
export async function runList(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  if (line.rest.length > 0) throw new CliError("usage", "access list takes no arguments");
  const now = context.now();
  const sessions = listAppTokens(context).map((stored) => describe(stored, now));
  if (line.has("json")) {
    writeOutput(`${printableJson(sessions)}\n`);
    return 0;
  }
  if (sessions.length === 0)
    context.tell("No stored sessions. Sign in with: postern access login https://api.example.com");
  writeOutput(table(sessions.map(row)));
  if (sessions.length > 0) context.tell(describeStore(context).sentence);
  return 0;
}

function describe(stored: ListedToken, now: number) {
  return {
    application: String(stored.app_hostname),
    email: String(stored.email),
    team_domain: URL.canParse(stored.team) ? new URL(stored.team).host : "",
    aud: stored.aud,
    expires_at: timeOf(stored.expires_at),
    expired: stored.expires_at * 1000 <= now,
    stored_in: stored.path,
  };
}

type Session = ReturnType<typeof describe>;

function row({ application, email, team_domain, expires_at, expired, stored_in }: Session) {
  const expiry = `${expired ? "expired" : "until"} ${expires_at}`;
  return [application, email, team_domain, expiry, stored_in].map(printable);
}

/** Columns of equal width, two spaces apart; the last one as long as it is. */
function table(rows: string[][]): string {
  const [first = []] = rows;
  const widths = first.map((_, column) => widest(rows, column));
  const lines = rows.map((cells) => {
    const padded = cells.map((cell, column) => cell.padEnd(widths[column] ?? 0));
    return `${padded.join("  ").trimEnd()}\n`;
  });
  return lines.join("");
}

function widest(rows: string[][], column: number): number {
  const lengths = rows.map((cells) => cells[column]?.length ?? 0);
  return Math.max(...lengths);
}
