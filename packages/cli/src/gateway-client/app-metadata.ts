// Finds out which application covers a URL, and makes sure of it: the answer must be signed by the
// team domain that it names, be about the host that was asked, and the host must not have changed
// its team domain (wire-protocol 6.1). A server that names somebody else's application gets nothing
// (case C1).
import { endpoints, headers } from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
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
  const response = await send(context, {
    method: "HEAD",
    url: new URL(app.bare),
    headers: { [headers.metadataRequest]: "true" },
    remedy: "check the address and the network",
  });
  const token = response.headers[headers.metadata];
  if (typeof token === "string" && token !== "") return token;
  throw await withoutMetadata(context, app, response);
}

/**
 * An ordinary server's answers to a request that Access would have answered by itself. Others, such
 * as 400 and 403, may come from the gateway or from what stands before it.
 */
const ordinaryRefusals = new Set([401, 404, 405, 410]);

/** "No" and "cannot say" are two answers: advice to go without is given only on the first. */
async function withoutMetadata(
  context: Context,
  app: AppUrl,
  response: HttpResponse,
): Promise<CliError> {
  const { status, headers: answer } = response;
  if (status === 429 || status >= 500)
    return new CliError(
      "unreachable",
      `${app.origin} cannot answer right now (status ${status}); try again in a moment`,
    );
  const isGateway =
    answer[headers.aud] !== undefined || (answer.location ?? "").includes(endpoints.login);
  if (isGateway)
    return new CliError(
      "unverified",
      `the gateway of ${app.origin} did not identify itself (no ${headers.metadata}); it is too old for this client: ask whoever runs it to update it`,
    );
  const reason = status < 400 ? undefined : await askForReason(context, app, response);
  if (reason === undefined && (status < 400 || ordinaryRefusals.has(status)))
    return new CliError(
      "not_behind_access",
      `${app.bare} is not behind Access; reach it without signing in, or check the URL`,
    );
  const words = reason === undefined ? "" : `: ${reason}`;
  return new CliError(
    "unverified",
    `${app.origin} did not say which gateway protects ${app.bare} (status ${status}${words}); check the URL, or ask whoever runs it`,
  );
}

/**
 * Why a gateway refused the question: a HEAD shows no words, so it is asked once more with GET.
 * @returns undefined where the refusal is no gateway's own
 */
async function askForReason(
  context: Context,
  app: AppUrl,
  { headers: refusal }: HttpResponse,
): Promise<string | undefined> {
  if (refusal[headers.ray] === undefined) return undefined;
  const { body } = await send(context, {
    method: "GET",
    url: new URL(app.bare),
    headers: { [headers.metadataRequest]: "true", Accept: "application/json" },
  });
  const { message, ray_id: ray } = parseJsonObject(body) ?? {};
  if (typeof message !== "string" || typeof ray !== "string") return undefined;
  return printable(`${message.slice(0, 200)} Ray ${ray.slice(0, 40)}`);
}
