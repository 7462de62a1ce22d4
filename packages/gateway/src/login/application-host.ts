// The host of an application as a link to the team domain names it. Links pass through strangers'
// hands: a host counts when the catalog covers it, and a path when it stays on the host whatever a
// browser makes of it (cases L1, L4).
import { parseAuthority } from "@postern/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application } from "../model/model.ts";

const longestPath = 8_192;

/**
 * The host of `host[:port]`. It must stand there in lower case and without empty labels, as the
 * data path writes it.
 * @returns undefined when the text is anything else
 */
export function hostOf(authority: string): string | undefined {
  const host = parseAuthority(authority)?.host;
  if (host === undefined || !authority.startsWith(host)) return undefined;
  return host.split(".").includes("") ? undefined : host;
}

/** Whether a pattern of the application covers the host. */
export function coversHost(catalog: Catalog, application: Application, host: string): boolean {
  return catalog.patterns.some(
    (entry) => entry.application === application && entry.pattern.matchesHost(host),
  );
}

/**
 * A path and query that stay on the host, compared after parsing (case L1).
 * @returns the path as the parser writes it; undefined when it leads elsewhere or holds what no
 * address holds
 */
export function pathOnHost(scheme: string, authority: string, text: string): string | undefined {
  if (text.length > longestPath || !/^\/(?![/\\])/.test(text)) return undefined;
  // Browsers drop tabs and line feeds before they parse, and take a backslash for a slash.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: refusing them is the point
  if (/[\u0000-\u0020\u007f]/.test(text) || /^[^?#]*\\/.test(text)) return undefined;
  const base = `${scheme}://${authority}`;
  if (!URL.canParse(text, base)) return undefined;
  const url = new URL(text, base);
  // Dot segments can leave two slashes in front: a path behind our own origin, a host of its own
  // behind nothing.
  const stays =
    url.origin === new URL(base).origin && !hasUserInfo(url) && !url.pathname.startsWith("//");
  return stays ? `${url.pathname}${url.search}` : undefined;
}

/** Whether the URL names a user or a password, which a link of ours never does. */
export function hasUserInfo(url: URL): boolean {
  return url.username !== "" || url.password !== "";
}

/**
 * The address on the application's host where a sign-in begins anew.
 * @returns undefined when the host is not sure to be this gateway: its port is another than the
 * team domain's
 */
export function freshStart(
  { scheme, authority: teamAuthority }: RequestFacts,
  authority: string,
  path: string,
): string | undefined {
  const samePort = parseAuthority(authority)?.port === parseAuthority(teamAuthority)?.port;
  return samePort ? `${scheme}://${authority}${path}` : undefined;
}
