// `access logout`: ends the terminal's session at the gateway and deletes what is stored. What is
// stored goes even when the gateway cannot be reached (whoever logs out wants this machine clean),
// but then the command fails, because the session may live on. On a read-only disk the session ends
// at the gateway, and the command says what it could not delete.
import { readAppUrl } from "../../app-url.ts";
import type { Context } from "../../context.ts";
import { CliError } from "../../exit-status.ts";
import { findApplication } from "../../gateway-client/app-metadata.ts";
import { endSession } from "../../gateway-client/logout-request.ts";
import { removeBoundKey } from "../../store/bound-key-files.ts";
import { rememberedTeam } from "../../store/known-hosts.ts";
import { listTeams, removeTeam } from "../../store/token-store.ts";
import type { Invocation } from "../command.ts";
import { readInvocation } from "../invocation.ts";
import { endGrantById } from "./end-grant.ts";

/** @returns the exit status */
export async function runLogout(invocation: Invocation): Promise<number> {
  const { line, context } = readInvocation(invocation);
  const all = line.has("all");
  const url = line.value("app") ?? line.rest[0];
  if (line.rest.length > 1 || (all && url !== undefined))
    throw new CliError("usage", "access logout takes one URL, or --all");
  const grant = line.value("grant");
  if (grant !== undefined && all)
    throw new CliError("usage", "--grant ends one grant, and --all every session; leave out one");
  if (grant !== undefined) {
    await endGrantById(context, grant, url);
    return 0;
  }
  const teams = url === undefined ? allTeams(context, all) : [await teamOf(context, url)];
  const failures: CliError[] = [];
  // A team domain that cannot be told must not keep the others from being told.
  for (const team of teams) {
    const failure = await logOut(context, team);
    if (failure !== undefined) failures.push(failure);
  }
  const last = failures.pop();
  for (const { message } of failures) context.tell(`postern: ${message}`);
  if (last !== undefined) throw last;
  return 0;
}

function allTeams(context: Context, all: boolean): string[] {
  const teams = listTeams(context);
  if (teams.length === 0) context.tell("Not signed in anywhere.");
  if (teams.length > 1 && !all) {
    const hosts = teams.map((team) => new URL(team).host).join(", ");
    throw new CliError("usage", `signed in at ${hosts}; give the URL of an application, or --all`);
  }
  return teams;
}

/**
 * The team domain of the URL: the remembered one, so that the session at a gateway that is down can
 * be ended here at least.
 */
async function teamOf(context: Context, text: string): Promise<string> {
  const app = readAppUrl(text);
  const host = rememberedTeam(context, app) ?? (await findApplication(context, app)).auth_domain;
  const team = listTeams(context).find((each) => new URL(each).host === host);
  if (team !== undefined) return team;
  throw new CliError("not_signed_in", `not signed in to ${app.origin}; there is nothing to end`);
}

/** @returns what is left of the session, there or here; undefined when nothing is */
async function logOut(context: Context, team: string): Promise<CliError | undefined> {
  const { host } = new URL(team);
  const end = await endAtGateway(context, team);
  const fault = removeTeam(context, team) ?? removeBoundKey(context, team);
  if (end.kind === "unknown") return leftOver(end.error, fault);
  if (fault !== undefined) {
    const what = `the session at ${host} has ended and its tokens are worthless, but they could not be deleted`;
    return new CliError("failure", `${what}: ${fault.message}`);
  }
  if (end.kind === "ended") context.tell(`Signed out of ${host}.`);
  else context.tell(`The session at ${host} had already ended; the stored tokens are deleted.`);
  return undefined;
}

type SessionEnd = { kind: "ended" | "ended before" } | { kind: "unknown"; error: CliError };

async function endAtGateway(context: Context, team: string): Promise<SessionEnd> {
  try {
    return { kind: (await endSession(context, team)) ? "ended" : "ended before" };
  } catch (error) {
    if (error instanceof CliError) return { kind: "unknown", error };
    throw error;
  }
}

/** @param fault why what is stored could not be deleted */
function leftOver({ message }: CliError, fault: CliError | undefined): CliError {
  if (fault === undefined)
    return new CliError(
      "failure",
      `${message}; the stored tokens are deleted, but the session may last until it expires`,
    );
  return new CliError(
    "failure",
    `${message}; the session may last until it expires, and its tokens could not be deleted: ${fault.message}. End the session at the team domain in a browser`,
  );
}
