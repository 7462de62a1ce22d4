// Finds out which application covers a URL, and makes sure of it: the answer must be signed by the
// team domain that it names, be about the host that was asked, and the host must not have changed
// its team domain (wire-protocol 6.1). A server that names somebody else's application gets nothing
// (case C1).
import { headers } from "@postern/protocol";
import { printable } from "@postern/protocol/printable";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { send } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import {
  type Application,
  remember,
  rememberedApplication,
  rememberedTeam,
} from "../store/known-hosts.ts";
import { claimedTeam, readApplication, type Team } from "./match-token.ts";
import { whyNoAnswer, whyNoApplication } from "./no-application.ts";
import { verifySignature } from "./team-keys.ts";

/**
 * The application that covers the URL, from memory while that is fresh.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function findApplication(context: Context, app: AppUrl): Promise<Application> {
  return rememberedApplication(context, app) ?? askForApplication(context, app);
}

/**
 * The application that covers the URL, as its gateway says now. What was remembered gives way.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function askForApplication(context: Context, app: AppUrl): Promise<Application> {
  const token = await askForMetadata(context, app);
  const team = claimedTeam(app, token);
  const previousTeam = rememberedTeam(context, app);
  // Before anything is fetched from a new team domain.
  if (previousTeam !== undefined && previousTeam !== team.authDomain)
    throw changedTeam(app, team, previousTeam);
  const claims = await verifySignature(context, team.origin, token);
  const application = readApplication(app, team, claims, context.now());
  const fault = remember(context, app, application);
  if (previousTeam === undefined) tellTeam(context, app, team, fault);
  return application;
}

/** A team domain that is seen for the first time is named (wire-protocol 6.1). */
function tellTeam(context: Context, app: AppUrl, team: Team, fault: CliError | undefined): void {
  const fate =
    fault === undefined ? "this is now remembered." : `this is not remembered: ${fault.message}`;
  context.tell(`${app.host} belongs to the team domain ${team.authDomain}; ${fate}`);
}

function changedTeam(app: AppUrl, team: Team, previousTeam: string): CliError {
  return new CliError(
    "unverified",
    `${app.host} now names ${printable(team.authDomain)} as its team domain; until now it was ${previousTeam}. Nothing was sent. If the change is intended, run: postern access forget ${app.host}`,
  );
}

/** @returns the gateway's description of the application, a token that is not yet verified */
async function askForMetadata(context: Context, app: AppUrl): Promise<string> {
  const response = await askHead(context, app);
  const token = response.headers[headers.metadata];
  if (typeof token === "string" && token !== "") return token;
  throw await whyNoApplication(context, app, response);
}

async function askHead(context: Context, app: AppUrl): Promise<HttpResponse> {
  try {
    return await send(context, {
      method: "HEAD",
      url: new URL(app.bare),
      headers: { [headers.metadataRequest]: "true" },
      remedy: "check the address and the network",
    });
  } catch (error) {
    throw await whyNoAnswer(context, app, error);
  }
}
