// Reads the URL of the login page (wire-protocol 5.2): which application, and where to go
// afterwards. Everything in it passed through a stranger's hands; what counts is what `meta` sealed
// and the catalog knows (cases L1, L4).
import { endpoints } from "@postern/protocol";
import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { Application } from "../../model/model.ts";
import { readSignInLink } from "../../tokens/sign-in-link.ts";
import type { Tokens } from "../../tokens/tokens.ts";
import { coversHost, freshStart, hostOf, pathOnHost } from "../application-host.ts";
import { type ProviderWishes, readProviderWishes, withoutWishes } from "../provider-wishes.ts";
import type { SignInTarget } from "../sign-in-target.ts";

/** What the URL of the login page says. */
export type LoginRequest =
  | { ok: true; application: Application | undefined; target: SignInTarget }
  | { ok: false; fault: "unknown_application" }
  /**
   * expired or altered; `freshStart` is an address of the application, where it is sure to be one
   */
  | { ok: false; fault: "stale"; freshStart: string | undefined };

// The target travels in cookies of 4096 bytes; a longer address is cut, not refused.
const redirectLength = 2_200;

/** What somebody who opened the login page signs in for. */
export function readLoginRequest(parts: { tokens: Tokens }, facts: RequestFacts): LoginRequest {
  const authority = facts.path.slice(endpoints.login.length + 1);
  if (authority === "")
    return {
      ok: true,
      application: undefined,
      target: { application: undefined, ...wishesOf(facts, "") },
    };

  // 1. The application must be one of that host's.
  const link = readSignInLink(parts.tokens, {
    authority,
    query: facts.query,
    teamAuthority: facts.authority,
  });
  const application = facts.catalog.applicationByAud.get(link.aud ?? "");
  const host = hostOf(authority);
  if (application === undefined || host === undefined)
    return { ok: false, fault: "unknown_application" };
  if (!coversHost(facts.catalog, application, host))
    return { ok: false, fault: "unknown_application" };

  // 2. The address must stay on the host, and be the one that the host vouched for.
  const path = pathOnHost(facts.scheme, authority, link.redirectUrl ?? "");
  const { appSession } = link;
  if (path === undefined || appSession === undefined) {
    return { ok: false, fault: "stale", freshStart: freshStart(facts, authority, path ?? "/") };
  }
  const wishes = wishesOf(facts, path);
  const redirect_url = shortened(isForTerminal(path) ? withoutWishes(path) : path);
  const address = { aud: application.aud, authority, redirect_url, app_session: appSession };
  return { ok: true, application, target: { application: address, ...wishes } };
}

/**
 * What is wished of the provider: by the terminal's link, which the application's host read, or by
 * the login page's own arguments. Wishes that cannot be carried out are left out.
 */
function wishesOf(facts: RequestFacts, path: string): ProviderWishes {
  const [, terminalQuery = ""] = isForTerminal(path) ? path.split("?", 2) : [];
  const ofTerminal = readProviderWishes(new URLSearchParams(terminalQuery));
  const ofPage = readProviderWishes(new URLSearchParams(facts.query));
  const pageWishes = ofPage.ok ? ofPage.wishes : {};
  return ofTerminal.ok ? { ...pageWishes, ...ofTerminal.wishes } : pageWishes;
}

/** The same target with the fragment of its address, where there is room for it. */
export function withFragment(target: SignInTarget, fragment: string | undefined): SignInTarget {
  const { application } = target;
  if (application === undefined || fragment === undefined) return target;
  const { redirect_url } = application;
  const isTooLong = redirect_url.length + fragment.length > redirectLength;
  if (isTooLong || isForTerminal(redirect_url)) return target;
  return { ...target, application: { ...application, fragment } };
}

/**
 * Whether the target is a terminal's login: approved on the team domain, which evaluates policy
 * itself.
 */
export function isForTerminal(redirectUrl: string): boolean {
  return redirectUrl === endpoints.cli || redirectUrl.startsWith(`${endpoints.cli}?`);
}

function shortened(path: string): string {
  if (path.length <= redirectLength) return path;
  const [pathname = "/", query = ""] = path.split("?", 2);
  if (isForTerminal(path)) {
    // The page that the terminal wanted is a convenience; its key is not.
    const remaining = new URLSearchParams(query);
    remaining.delete("redirect_url");
    return `${pathname}?${remaining}`;
  }
  return pathname.length <= redirectLength ? pathname : "/";
}
