// What `access list` lists, by team domain: the session there, and the applications that were
// opened with it. Nothing is opened or asked for that; `--check` asks the gateway.
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { defined } from "../../defined.ts";
import { CliError } from "../../exit-status.ts";
import { checkToken, type TokenState } from "../../gateway-client/token-check.ts";
import { rememberedApplication } from "../../store/known-hosts.ts";
import {
  type ListedTeamSession,
  type ListedToken,
  listAppTokens,
  listTeamSessions,
  readAppToken,
} from "../../store/token-store.ts";
import { timeOf } from "./time-of.ts";

/** One thing that is stored, as `--json` shows it. Never a token. */
export interface Entry {
  kind: "application" | "team";
  /** a URL that can be pasted: of the application, or of the team domain */
  url: string;
  /** pattern of the application */
  application?: string;
  email: string;
  team_domain: string;
  aud?: string;
  /** RFC 3339; absent where it is sealed in the token alone */
  expires_at?: string;
  expired: boolean;
  /** with `--check`: the gateway takes it no more, or policy refuses it; absent: not asked */
  ended?: boolean;
  refused?: boolean;
  stored_in: string;
}

/** One team domain, and everything that is stored for it. */
export interface Group {
  team: string;
  entries: Entry[];
}

/** Everything that is stored, by team domain. */
export async function listedSessions(context: Context, isChecked: boolean): Promise<Group[]> {
  const now = context.now();
  const applications = await Promise.all(
    listAppTokens(context).map((listed) => applicationEntry(context, listed, isChecked)),
  );
  const teams = listTeamSessions(context).map((listed) => {
    const hasEnded = applications.some(
      ({ team_domain, ended }) => team_domain === hostOf(listed.team) && ended === true,
    );
    return teamEntry(listed, now, hasEnded);
  });
  return grouped([...applications, ...teams]);
}

async function applicationEntry(
  context: Context,
  listed: ListedToken,
  isChecked: boolean,
): Promise<Entry> {
  const expired = listed.expires_at * 1000 <= context.now();
  const state = isChecked && !expired ? await stateOf(context, listed) : undefined;
  const checked = state && { ended: state === "dead", refused: state === "denied" };
  return {
    kind: "application",
    url: urlOf(listed),
    application: String(listed.app_hostname),
    email: String(listed.email),
    team_domain: hostOf(listed.team),
    aud: listed.aud,
    expires_at: timeOf(listed.expires_at),
    expired,
    ...checked,
    stored_in: listed.path,
  };
}

/** An application's token dies with the session at the team domain: a dead one tells of it. */
function teamEntry(listed: ListedTeamSession, now: number, hasEnded: boolean): Entry {
  const { team, email, expires_at, path } = listed;
  return {
    kind: "team",
    url: team,
    email,
    team_domain: hostOf(team),
    ...defined({ expires_at: expires_at === undefined ? undefined : timeOf(expires_at) }),
    expired: expires_at !== undefined && expires_at * 1000 <= now,
    ...defined({ ended: hasEnded ? true : undefined }),
    stored_in: path,
  };
}

/** What the gateway says of the token; undefined where it cannot be asked. */
async function stateOf(context: Context, listed: ListedToken): Promise<TokenState | undefined> {
  try {
    return await askAbout(context, listed);
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

async function askAbout(context: Context, listed: ListedToken): Promise<TokenState | undefined> {
  const stored = readAppToken(context, listed);
  if (stored === undefined) return undefined;
  const app = readAppUrl(urlOf(listed));
  const application = { relay: "", ...rememberedApplication(context, app), team: listed.team };
  return checkToken(context, app, application, stored.token);
}

/** The origin that it was got for, with the path of the application as far as it is fixed. */
function urlOf({ origin, app_hostname }: ListedToken): string {
  const [, path = ""] = /^[^/]*(\/[^*]*)/.exec(String(app_hostname)) ?? [];
  return `${origin}${path}`;
}

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : "";
}

function grouped(entries: readonly Entry[]): Group[] {
  const teams = [...new Set(entries.map(({ team_domain }) => team_domain))].sort();
  return teams.map((team) => ({
    team,
    entries: entries.filter(({ team_domain }) => team_domain === team),
  }));
}
