// Trades the terminal's session at the team domain for a token of one more application, without a
// browser (wire-protocol 6.3). The org token is worth every application of the person: it goes to
// the login page of the team domain and nowhere else, whatever a redirect says (case C11).

import { cookies, endpoints } from "@postern/protocol";
import { peekClaims } from "@postern/protocol/decode-token";
import { printable } from "@postern/protocol/printable";
import { type AppUrl, parseUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { withoutSecrets } from "../net/debug.ts";
import { send } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import type { Application } from "../store/known-hosts.ts";
import { proofFields, proofRefusal } from "./proof-of-possession.ts";

const mostRedirects = 5;

/**
 * Follows the redirects from the application to the login page and back.
 * @returns the new app token, not yet verified; undefined when the session has ended and a person
 * must sign in
 * @throws {CliError} refused_by_policy | unreachable | unverified
 */
export async function exchangeOrgToken(
  context: Context,
  app: AppUrl,
  application: Application,
  orgToken: string,
): Promise<string | undefined> {
  let url = new URL(app.bare);
  let appSession: string | undefined;
  for (let step = 0; step <= mostRedirects; step++) {
    const stage = stageOf(url, app, application);
    const response = await send(context, {
      method: "HEAD",
      url,
      headers: {
        ...cookieFor(stage, orgToken, appSession),
        ...(stage === "login" ? proofOf(context, application, url, orgToken) : {}),
      },
    });
    const unproven = stage === "login" ? proofRefusal(response, app.bare) : undefined;
    if (unproven !== undefined) throw unproven;
    if (stage === "authorized") return readCookie(response, cookies.authorization);
    if (url.origin === app.origin)
      appSession = readCookie(response, cookies.appSession) ?? appSession;
    if (stage === "login" && response.status === 403) throw refusedByPolicy(app, orgToken);
    const { location } = response.headers;
    if (response.status < 300 || response.status > 399 || location === undefined) return undefined;
    url = redirectTarget(url, location);
  }
  return undefined;
}

/** Where a URL of the chain is: at the team's login page, at the end, or at neither. */
type Stage = "login" | "authorized" | "elsewhere";

function stageOf(url: URL, app: AppUrl, application: Application): Stage {
  if (url.origin === application.team && isBelowLogin(url.pathname)) return "login";
  if (url.origin === app.origin && url.pathname === endpoints.authorized) return "authorized";
  return "elsewhere";
}

function isBelowLogin(pathname: string): boolean {
  return pathname === endpoints.login || pathname.startsWith(`${endpoints.login}/`);
}

function cookieFor(
  stage: Stage,
  orgToken: string,
  appSession: string | undefined,
): Record<string, string> {
  if (stage === "login") return { Cookie: `${cookies.authorization}=${orgToken}` };
  if (stage === "authorized" && appSession !== undefined)
    return { Cookie: `${cookies.appSession}=${appSession}` };
  return {};
}

/** The org token opens nothing without the key that it is bound to (wire-protocol 3.7). */
function proofOf(
  context: Context,
  { team }: Application,
  url: URL,
  token: string,
): Record<string, string> {
  return proofFields(context, team, { method: "HEAD", url, token });
}

function refusedByPolicy(app: AppUrl, orgToken: string): CliError {
  const { email } = peekClaims(orgToken);
  const person = typeof email === "string" ? printable(email) : "you";
  return new CliError(
    "refused_by_policy",
    `${person} may not reach ${app.bare}; ask its owner, or sign out to use another account: postern access logout ${app.origin}`,
  );
}

/**
 * Where a redirect leads: to http or https, and never from https to http (case C16; `send` refuses
 * http that leaves this machine).
 */
function redirectTarget(from: URL, location: string): URL {
  const target = parseUrl(location, from);
  if (target?.protocol === "https:") return target;
  if (target?.protocol === "http:" && from.protocol === "http:") return target;
  throw new CliError(
    "unverified",
    `${from.origin} redirects to ${printable(withoutSecrets(location).slice(0, 100))}, which is not a sign-in page; the redirect was not followed`,
  );
}

/** The value that the answer sets; undefined where it sets none, or an empty one. */
function readCookie({ headers }: HttpResponse, name: string): string | undefined {
  const line = headers["set-cookie"]?.find((each) => each.startsWith(`${name}=`)) ?? "";
  const [pair = ""] = line.split(";", 1);
  return pair.slice(name.length + 1).trim() || undefined;
}
