// `access list`: what is stored, whose it is, until when, and where.
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, readCommandLine } from "../command-line.ts";
import { printable } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { listAppTokens, type StoredToken } from "../token-store.ts";

/** @returns the exit status */
export async function runList(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags);
  if (line.rest.length > 0) throw new CliError("usage", "access list takes no argument");
  const context = contextOf(surroundings, line);
  const stored = listAppTokens(context);
  if (line.has("json")) {
    process.stdout.write(`${JSON.stringify(stored.map((each) => describe(each, context.now())))}\n`);
    return 0;
  }
  if (stored.length === 0) context.say("No stored sessions. Sign in with: postern access login https://api.example.com");
  for (const each of stored) {
    const { application, email, team_domain, expires_at, expired, stored_in } = describe(each, context.now());
    const until = expired ? `expired ${expires_at}` : `until ${expires_at}`;
    process.stdout.write(`${printable(application)}  ${printable(email)}  ${printable(team_domain)}  ${until}  ${stored_in}\n`);
  }
  return 0;
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
