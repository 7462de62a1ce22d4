// Reads the URL of the login page (wire-protocol 5.2): which application, and where to go
// afterwards. Everything in it passed through a stranger's hands; what counts is what `meta` sealed
// and the catalog knows (cases L1, L4).
import { endpoints } from "@postern/protocol";
import type { Catalog } from "../../catalog/catalog.ts";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Application } from "../../model/model.ts";
import { readSignInLink } from "../../tokens/sign-in-link.ts";
import type { LoginDependencies } from "../dependencies.ts";
import { hostOf } from "../terminal/cli-request.ts";
import type { SignInTarget } from "./attempt.ts";

export type LoginRequest =
  | { ok: true; application: Application | undefined; target: SignInTarget }
  | { ok: false; reason: "unknown_application" }
  /**
   * expired or altered; `freshStart` is an address of the application, where it is sure to be one
   */
  | { ok: false; reason: "stale"; freshStart: string | undefined };

// The target travels in cookies of 4096 bytes; a longer address is cut, not refused.
const redirectLength = 2_200;

export function readLoginRequest(deps: LoginDependencies, facts: RequestFacts): LoginRequest {
  const authority = facts.path.slice(endpoints.login.length + 1);
  if (authority === "")
    return { ok: true, application: undefined, target: { application: undefined } };
  const link = readSignInLink(deps.tokens, {
    authority,
    query: facts.query,
    teamAuthority: facts.authority,
  });
  const application = facts.catalog.applicationByAud.get(link.aud ?? "");
  const host = hostOf(authority);
  if (
    application === undefined ||
    host === undefined ||
    !coversHost(facts.catalog, application, host)
  ) {
    return { ok: false, reason: "unknown_application" };
  }
  const { redirectUrl, appSession } = link;
  const path =
    redirectUrl === undefined ? undefined : pathOnHost(facts.scheme, authority, redirectUrl);
  if (path === undefined || appSession === undefined) {
    const samePort = portOf(authority) === portOf(facts.authority);
    return {
      ok: false,
      reason: "stale",
      freshStart: samePort ? `${facts.scheme}://${authority}${path ?? "/"}` : undefined,
    };
  }
  const target = {
    aud: application.aud,
    authority,
    redirect_url: shortened(path),
    app_session: appSession,
  };
  return { ok: true, application, target: { application: target } };
}

/**
 * A path and query that stay on the host whatever a browser makes of them, compared after parsing
 * (case L1).
 * @returns as the parser writes it; undefined when it leads elsewhere or holds what no address
 * holds
 */
export function pathOnHost(scheme: string, authority: string, text: string): string | undefined {
  if (text.length > 8_192 || !/^\/(?![/\\])/.test(text)) return undefined;
  // Browsers drop tabs and line feeds before they parse, and take a backslash for a slash.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  if (/[\u0000-\u0020\u007f]/.test(text) || /^[^?#]*\\/.test(text)) return undefined;
  const base = `${scheme}://${authority}`;
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  // Dot segments can leave two slashes in front: harmless behind our own origin, a host of its own
  // behind nothing.
  const stays =
    url.origin === new URL(base).origin &&
    url.username === "" &&
    url.password === "" &&
    !url.pathname.startsWith("//");
  return stays ? `${url.pathname}${url.search}` : undefined;
}

/**
 * Whether the target is a terminal's login: approved on the team domain, which evaluates policy
 * itself.
 */
export function isForTerminal(redirectUrl: string): boolean {
  return redirectUrl === endpoints.cli || redirectUrl.startsWith(`${endpoints.cli}?`);
}

export function coversHost(catalog: Catalog, application: Application, host: string): boolean {
  return catalog.patterns.some(
    (each) => each.application === application && each.pattern.matchesHost(host),
  );
}

function shortened(path: string): string {
  if (path.length <= redirectLength) return path;
  const [pathname = "/", query = ""] = path.split("?", 2);
  if (isForTerminal(path)) {
    // The page that the terminal wanted is a convenience; its key is not.
    const kept = new URLSearchParams(query);
    kept.delete("redirect_url");
    return `${pathname}?${kept}`;
  }
  return pathname.length <= redirectLength ? pathname : "/";
}

function portOf(authority: string): string {
  return /:(\d+)$/.exec(authority)?.[1] ?? "";
}
