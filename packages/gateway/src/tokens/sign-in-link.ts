// The link to the sign-in page (wire-protocol 4 and 5.2): what a request asked for, on its way from
// the application's host to the team domain. The link passes through a stranger's hands, so `meta`
// seals what it says, for a few minutes; an altered argument breaks it (case L4).
import { endpoints, parseAuthority } from "@postern/protocol";
import { singleArgument } from "../single-argument.ts";
import type { Tokens } from "./tokens.ts";

/** What the application's host says of a request. */
export interface SignInLink {
  /** the application's */
  aud: string;
  /** the application's host, with the port that the client used */
  authority: string;
  /** path and query on that host */
  redirectUrl: string;
  /** hash of the browser's `CF_AppSession`; "" for a terminal, which needs no hand-over */
  appSession: string;
}

/** The link's arguments as they stand in it. */
export interface SignInLinkReading {
  aud: string | undefined;
  redirectUrl: string | undefined;
  /** undefined when `meta` has expired, or does not vouch for the other arguments */
  appSession: string | undefined;
}

/** The address of the sign-in page for this request. */
export function writeSignInLink(
  tokens: Pick<Tokens, "sealMeta">,
  issuer: string,
  link: SignInLink,
): string {
  const query = new URLSearchParams({
    kid: link.aud,
    meta: sealLink(tokens, link),
    redirect_url: link.redirectUrl,
  });
  return `${issuer}${endpoints.login}/${link.authority}?${query}`;
}

/**
 * Reads the query of the sign-in page.
 * @param authority what follows `/login/` in the path
 * @param teamAuthority the team domain's own, with the port that the client used
 */
export function readSignInLink(
  tokens: Pick<Tokens, "openMeta">,
  { authority, query, teamAuthority }: { authority: string; query: string; teamAuthority: string },
): SignInLinkReading {
  const search = new URLSearchParams(query);
  const aud = singleArgument(search, "kid");
  const redirectUrl = singleArgument(search, "redirect_url");
  const meta = singleArgument(search, "meta");
  const open = (hostname: string) =>
    openLink(tokens, meta, { aud, authority: hostname, redirectUrl });
  const { host, port } = parseAuthority(authority) ?? {};
  const hasTeamPort = port === parseAuthority(teamAuthority)?.port;
  // A link may name the port where its `meta` does not, if it is the team domain's own.
  const link = open(authority) ?? (hasTeamPort && host !== undefined ? open(host) : undefined);
  return { aud, redirectUrl, appSession: link?.appSession };
}

/** Seals what the application's host says: the `meta` argument. */
export function sealLink(tokens: Pick<Tokens, "sealMeta">, link: SignInLink): string {
  return tokens.sealMeta({
    aud: link.aud,
    hostname: link.authority,
    redirect_url: link.redirectUrl,
    app_session: link.appSession,
  });
}

/**
 * Opens a `meta` argument.
 * @param stated what the arguments beside it say
 * @returns undefined when it is absent, has expired, or says anything else than they do
 */
export function openLink(
  tokens: Pick<Tokens, "openMeta">,
  meta: string | undefined,
  stated: { [Name in "aud" | "authority" | "redirectUrl"]: string | undefined },
): SignInLink | undefined {
  const claims = meta === undefined ? undefined : tokens.openMeta(meta);
  if (claims === undefined) return undefined;
  const { aud, hostname, redirect_url, app_session } = claims;
  if (aud !== stated.aud || hostname !== stated.authority || redirect_url !== stated.redirectUrl)
    return undefined;
  return { aud, authority: hostname, redirectUrl: redirect_url, appSession: app_session };
}
