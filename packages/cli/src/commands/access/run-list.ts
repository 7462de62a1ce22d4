// `access list`: what is stored, whose it is, until when, and where.

import { CliError } from "../../exit-status.ts";
import { printable, printableJson } from "../../printable.ts";
import { writeOutput } from "../../standard-output.ts";
import { listAppTokens, type StoredToken } from "../../store/token-store.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, readCommandLine } from "../command-line.ts";

/** @returns the exit status */
export async function runList(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags);
  if (line.rest.length > 0) throw new CliError("usage", "access list takes no argument");
  const context = contextOf(surroundings, line);
  const stored = listAppTokens(context);
  if (line.has("json")) {
    writeOutput(`${printableJson(stored.map((each) => describe(each, context.now())))}\n`);
    return 0;
  }
  if (stored.length === 0)
    context.say("No stored sessions. Sign in with: postern access login https://api.example.com");
  writeOutput(table(stored.map((each) => row(describe(each, context.now())))));
  return 0;
}

function row({
  application,
  email,
  team_domain,
  expires_at,
  expired,
  stored_in,
}: ReturnType<typeof describe>): string[] {
  return [
    application,
    email,
    team_domain,
    `${expired ? "expired" : "until"} ${expires_at}`,
    stored_in,
  ].map(printable);
}

/** Columns of equal width, two spaces apart; the last one as long as it is. */
function table(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((cells) => (cells[column] ?? "").length)),
  );
  const pad = (cells: string[]) =>
    cells.map((cell, column) =>
      column === cells.length - 1 ? cell : cell.padEnd(widths[column] ?? 0),
    );
  return rows.map((cells) => `${pad(cells).join("  ")}\n`).join("");
}

/** Everything but the token. */
function describe(stored: StoredToken & { path: string }, now: number) {
  return {
    application: String(stored.app_hostname),
    email: String(stored.email),
    team_domain: URL.canParse(stored.team) ? new URL(stored.team).host : "",
    aud: stored.aud,
    expires_at: new Date(stored.expires_at * 1000).toISOString().replace(/\.\d+Z$/, "Z"),
    expired: stored.expires_at * 1000 <= now,
    stored_in: stored.path,
  };
}
