// Trades the terminal's session at the team domain for a token of one more application, without a
// browser (wire-protocol 6.3). The org token is worth every application of the person: it goes to
// the login page of the team domain and nowhere else, whatever a redirect says (case C11).
import { cookies, endpoints } from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { send, TimeoutError, withoutSecrets } from "../net/http-client.ts";
import { printable } from "../printable.ts";
import type { Application } from "../store/known-hosts.ts";

const mostRedirects = 5;
const timeout = 7_000;

/**
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
    const atLogin = url.origin === application.team && isBelowLogin(url.pathname);
    const atAuthorized = url.origin === app.origin && url.pathname === endpoints.authorized;
    const cookie = atLogin
      ? `${cookies.authorization}=${orgToken}`
      : atAuthorized && appSession !== undefined
        ? `${cookies.appSession}=${appSession}`
        : undefined;
    const response = await ask(context, url, cookie);
    const set = response.headers["set-cookie"] ?? [];
    if (atAuthorized) return readCookie(set, cookies.authorization);
    if (url.origin === app.origin) appSession = readCookie(set, cookies.appSession) ?? appSession;
    if (atLogin && response.status === 403) {
      throw new CliError(
        "refused_by_policy",
        `policy does not let you reach ${app.bare}; ask its owner, or sign in as somebody else after: postern access logout ${app.origin}`,
      );
    }
    const location = response.headers.location;
    if (response.status < 300 || response.status > 399 || location === undefined) return undefined;
    url = follow(url, location);
  }
  return undefined;
}

async function ask(context: Context, url: URL, cookie: string | undefined) {
  try {
    return await send(context, {
      method: "HEAD",
      url,
      timeout,
      ...(cookie === undefined ? {} : { headers: { Cookie: cookie } }),
    });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new CliError("unreachable", `${url.origin} does not answer; try again later`);
  }
}

function isBelowLogin(pathname: string): boolean {
  return pathname === endpoints.login || pathname.startsWith(`${endpoints.login}/`);
}

/**
 * Only ever to http or https, and never from https to http (case C16; `send` refuses http that
 * leaves this machine).
 */
function follow(from: URL, location: string): URL {
  const target = URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const allowed =
    target !== undefined &&
    (target.protocol === "https:" || (target.protocol === "http:" && from.protocol === "http:"));
  if (!allowed) {
    throw new CliError(
      "unverified",
      `${from.origin} redirects to ${printable(withoutSecrets(location).slice(0, 100))}, which is no page to sign in at; not followed`,
    );
  }
  return target;
}

function readCookie(lines: string[], name: string): string | undefined {
  const line = lines.find((each) => each.startsWith(`${name}=`));
  const value = line
    ?.slice(name.length + 1)
    .split(";", 1)[0]
    ?.trim();
  return value === undefined || value === "" ? undefined : value;
}
