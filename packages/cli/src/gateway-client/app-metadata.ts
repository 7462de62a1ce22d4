// Finds out which application covers a URL, and makes sure of it: the answer must be signed by the
// team domain that it names, be about the host that was asked, and the host must not have changed
// its team domain (wire-protocol 6.1). A server that names somebody else's application gets nothing
// (case C1).
import { endpoints, headers } from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { send } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import { printable } from "../printable.ts";
import {
  type Application,
  remember,
  rememberedApplication,
  rememberedTeam,
} from "../store/known-hosts.ts";
import { claimedTeam, readApplication, type Team } from "./match-token.ts";
import { verifySignature } from "./team-keys.ts";

/**
 * The application that covers the URL, from memory while that is fresh.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function findApplication(context: Context, app: AppUrl): Promise<Application> {
  const remembered = rememberedApplication(context, app);
  if (remembered !== undefined) return remembered;
  const token = await askForMetadata(context, app);
  const team = claimedTeam(app, token);
  const previousTeam = rememberedTeam(context, app);
  // Before anything is fetched from a new team domain.
  if (previousTeam !== undefined && previousTeam !== team.authDomain)
    throw changedTeam(app, team, previousTeam);
  const claims = await verifySignature(context, team.origin, token);
  const application = readApplication(app, team, claims, context.now());
  if (previousTeam === undefined)
    context.tell(
      `${app.host} belongs to the team domain ${team.authDomain}; remembered from now on.`,
    );
  remember(context, app, application);
  return application;
}

function changedTeam(app: AppUrl, team: Team, previousTeam: string): CliError {
  return new CliError(
    "unverified",
    `${app.host} now names ${printable(team.authDomain)} as its team domain; until now it was ${previousTeam}. Nothing was sent. If this change is intended: postern access forget ${app.host}`,
  );
}

/** @returns the gateway's description of the application, a token that is not yet verified */
async function askForMetadata(context: Context, app: AppUrl): Promise<string> {
  const response = await send(context, {
    method: "HEAD",
    url: new URL(app.bare),
    headers: { [headers.metadataRequest]: "true" },
    remedy: "check the address and the network",
  });
  const token = response.headers[headers.metadata];
  if (typeof token === "string" && token !== "") return token;
  throw withoutMetadata(app, response);
}

function withoutMetadata(app: AppUrl, { status, headers: answer }: HttpResponse): CliError {
  if (status === 429 || status >= 500)
    return new CliError(
      "unreachable",
      `${app.origin} cannot answer just now (status ${status}); try again in a moment`,
    );
  const isGateway =
    answer[headers.aud] !== undefined || (answer.location ?? "").includes(endpoints.login);
  if (isGateway)
    return new CliError(
      "unverified",
      `the gateway of ${app.origin} does not say who it is (no ${headers.metadata}); it is too old for this client`,
    );
  return new CliError(
    "not_behind_access",
    `${app.bare} is not behind Access; reach it without signing in, or check the URL`,
  );
}
