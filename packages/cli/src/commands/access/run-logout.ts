// `access logout`: ends the terminal's session at the gateway and deletes what is stored. What is
// stored goes even when the gateway cannot be reached (whoever logs out wants this machine clean),
// but then the command fails, because the session may live on.

import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { findApplication } from "../../gateway-client/app-metadata.ts";
import { endSession } from "../../gateway-client/logout-request.ts";
import { rememberedTeam } from "../../store/known-hosts.ts";
import { listTeams, removeTeam } from "../../store/token-store.ts";
import { contextOf, type Surroundings } from "../command-context.ts";
import { commonFlags, readCommandLine } from "../command-line.ts";

const flags = { values: ["app"], switches: ["all"] } as const;

/** @returns the exit status */
export async function runLogout(surroundings: Surroundings, args: string[]): Promise<number> {
  const line = readCommandLine(args, commonFlags, flags);
  const context = contextOf(surroundings, line);
  const url = line.value("app") ?? line.rest[0];
  if (line.rest.length > 1 || (line.has("all") && url !== undefined))
    throw new CliError("usage", "access logout takes one URL, or --all");
  const teams =
    url === undefined ? allTeams(context, line.has("all")) : [await teamOf(context, url)];
  let failure: CliError | undefined;
  for (const team of teams) {
    try {
      await logOut(context, team);
    } catch (error) {
      if (!(error instanceof CliError)) throw error;
      // The others are still to be logged out.
      if (failure !== undefined) context.say(`postern: ${failure.message}`);
      failure = error;
    }
  }
  if (failure !== undefined) throw failure;
  return 0;
}

function allTeams(context: Context, all: boolean): string[] {
  const teams = listTeams(context);
  if (teams.length === 0) context.say("Not signed in anywhere.");
  if (teams.length > 1 && !all) {
    throw new CliError(
      "usage",
      `signed in at ${teams.map((team) => new URL(team).host).join(", ")}; name an application's URL, or --all`,
    );
  }
  return teams;
}

/**
 * The team domain of the URL: the one remembered, so that a gateway that is down can still be
 * logged out from.
 */
async function teamOf(context: Context, text: string): Promise<string> {
  const app = readAppUrl(text);
  const host = rememberedTeam(context, app) ?? (await findApplication(context, app)).auth_domain;
  const team = listTeams(context).find((each) => new URL(each).host === host);
  if (team !== undefined) return team;
  throw new CliError("not_signed_in", `not signed in to ${app.origin}; there is nothing to end`);
}

async function logOut(context: Context, team: string): Promise<void> {
  const { host } = new URL(team);
  try {
    const ended = await endSession(context, team);
    context.say(
      ended
        ? `Logged out of ${host}.`
        : `The session at ${host} had ended before; what was stored is deleted.`,
    );
  } finally {
    removeTeam(context, team);
  }
}
