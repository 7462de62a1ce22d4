// Why a URL leads to no application: a likely slip is named, each with what to write in its place;
// everything else is told apart by what the server answered.
import { endpoints, headers } from "@postern/protocol";
import { isLoopbackHost } from "@postern/protocol/host";
import { nearestWord } from "@postern/protocol/nearest-word";
import { printable } from "@postern/protocol/printable";
import { type AppUrl, parseUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { parseJsonObject } from "../json-object.ts";
import { send, TimeoutError } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import { knownOrigins } from "../store/known-hosts.ts";

/**
 * Why nothing answered at the URL.
 * @param error what the request failed with
 */
export async function whyNoAnswer(context: Context, app: AppUrl, error: unknown): Promise<unknown> {
  const isFailure = error instanceof CliError && error.code === "unreachable";
  // What does not answer at all is not worth a second wait.
  if (!isFailure || error instanceof TimeoutError) return error;
  if (app.protocol === "http:" && (await speaksTls(context, app)))
    return new CliError(error.code, tlsText(app));
  const origin = nearestOrigin(context, app);
  if (origin === undefined) return error;
  return new CliError(error.code, `${error.message}; did you mean ${origin}?`);
}

/**
 * What the person probably meant, as a sentence.
 * @returns undefined where nothing speaks for a slip
 */
async function likelyMistake(
  context: Context,
  app: AppUrl,
  response: HttpResponse,
): Promise<string | undefined> {
  const { status } = response;
  // 1. Plain http at a port that leads to https, or speaks it.
  const secure = secureTarget(app, response);
  if (secure !== undefined)
    return `${app.origin} only leads to ${secure}; use that: postern access login ${secure}`;
  if (status === 400 && app.protocol === "http:" && (await speaksTls(context, app)))
    return tlsText(app);
  // 2. The place where people sign in.
  if (await isTeamDomain(context, app, response))
    return `${app.host} is a team domain, where people sign in, and not an application; give the URL of the application that you want to reach`;
  // 3. A gateway of which no application has this host.
  if (status !== 403 || response.headers[headers.ray] === undefined) return undefined;
  const origin = (await localhostOf(context, app)) ?? nearestOrigin(context, app);
  if (origin === undefined) return undefined;
  return `no application has the address ${app.origin}; did you mean ${origin}?`;
}

/** The https origin of the same host that a redirect leads to. */
function secureTarget(app: AppUrl, { status, headers }: HttpResponse): string | undefined {
  if (app.protocol !== "http:" || status < 300 || status > 399) return undefined;
  const target = parseUrl(headers.location, new URL(app.bare));
  const isSameHost = target?.hostname === new URL(app.bare).hostname;
  return isSameHost && target?.protocol === "https:" ? target.origin : undefined;
}

function tlsText(app: AppUrl): string {
  return `${app.origin} speaks TLS; write https: postern access login ${secureOrigin(app)}`;
}

function secureOrigin({ origin }: AppUrl): string {
  return origin.replace(/^http:/, "https:");
}

/** Whether the port of a plain URL takes TLS, whoever its certificate is from. */
async function speaksTls(context: Context, app: AppUrl): Promise<boolean> {
  try {
    await send(context, { method: "HEAD", url: new URL(secureOrigin(app)) });
    return true;
  } catch (error) {
    return error instanceof CliError && error.code === "unverified";
  }
}

/** A team domain has keys, and no application of its own. */
async function isTeamDomain(
  context: Context,
  app: AppUrl,
  { status, headers: answer }: HttpResponse,
): Promise<boolean> {
  const isPage = status === 200 || status === 404;
  if (!isPage || answer[headers.ray] === undefined) return false;
  const url = new URL(endpoints.certs, app.origin);
  const { status: found, body } = await send(context, { method: "GET", url });
  return found === 200 && Array.isArray(parseJsonObject(body)?.["keys"]);
}

/** The same port at `localhost`, if an application is there. */
async function localhostOf(context: Context, app: AppUrl): Promise<string | undefined> {
  const url = new URL(app.origin);
  if (!isLoopbackHost(url.hostname) || /[a-z]/.test(app.hostname)) return undefined;
  url.hostname = "localhost";
  const request = { method: "HEAD", url, headers: { [headers.metadataRequest]: "true" } } as const;
  const { headers: answer } = await send(context, request);
  return answer[headers.metadata] === undefined ? undefined : url.origin;
}

/**
 * The origin of a known host that the name is a slip of: in its first label or in the rest. The
 * whole would make any two hosts of one domain alike.
 */
function nearestOrigin(context: Context, app: AppUrl): string | undefined {
  const typed = labelsOf(app.origin);
  const others = knownOrigins(context).filter((origin) => origin !== app.origin);
  const known = others.map((origin) => ({ origin, ...labelsOf(origin) }));
  const siblings = known.filter(({ rest }) => rest === typed.rest);
  const first = nearestWord(
    typed.first,
    siblings.map((each) => each.first),
  );
  if (first !== undefined) return siblings.find((each) => each.first === first)?.origin;
  const namesakes = known.filter((each) => each.first === typed.first);
  const rest = nearestWord(
    typed.rest,
    namesakes.map((each) => each.rest),
  );
  return namesakes.find((each) => each.rest === rest)?.origin;
}

function labelsOf(origin: string): { first: string; rest: string } {
  const [first = "", ...rest] = new URL(origin).host.split(".");
  return { first, rest: rest.join(".") };
}

/**
 * An ordinary server's answers to a request that Access would have answered by itself. Others, such
 * as 400 and 403, may come from the gateway or from what stands before it.
 */
const ordinaryRefusals = new Set([401, 404, 405, 410]);

/** "No" and "cannot say" are two answers: advice to go without is given only on the first. */
export async function whyNoApplication(
  context: Context,
  app: AppUrl,
  response: HttpResponse,
): Promise<CliError> {
  const { status, headers: answer } = response;
  const mistake = await likelyMistake(context, app, response);
  if (mistake !== undefined) return new CliError("not_behind_access", mistake);
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
