// Reads the token by which a gateway describes an application (wire-protocol 6.1): first, still
// unverified, the team domain that it names; then, verified, what the signature cannot say.
import {
  type CompiledPattern,
  compilePattern,
  decodeToken,
  endpoints,
  isLoopbackHost,
  type MatchClaims,
  ProtocolError,
  readMatchClaims,
} from "@postern/protocol";
import { withoutBrackets, withoutFinalDot } from "@postern/protocol/host";
import { printable } from "@postern/protocol/printable";
import { type AppUrl, namesHost, parseUrl, portOf, teamOrigin } from "../app-url.ts";
import { CliError } from "../exit-status.ts";
import { type Application, isBelow, longestFreshness } from "../store/known-hosts.ts";

/** A team domain. */
export interface Team {
  /** `host[:port]`, as tokens name it */
  authDomain: string;
  origin: string;
}

/** Milliseconds for which an answer is remembered where it does not say. */
const defaultFreshness = 5 * 60_000;
/** Seconds. */
const oldest = 24 * 3600;
const furthestAhead = 5 * 60;
/** Cloudflare's own relay; its teams name none. */
const cloudflareRelay = "https://login.cloudflareaccess.org";

function unverified(app: AppUrl, why: string): CliError {
  return new CliError(
    "unverified",
    `the gateway of ${app.origin} cannot be verified: ${why}. Nothing was sent`,
  );
}

/**
 * The team domain that the token names, if it can be one at all. The token is not yet verified.
 * @throws {CliError} unverified
 */
export function claimedTeam(app: AppUrl, token: string): Team {
  const name = claimedAuthDomain(app, token);
  const url = parseUrl(`https://${name}`);
  // Spelled exactly as a host is, so that it can hold no path, no userinfo and no second meaning.
  if (url === undefined || url.host !== name || !namesHost(url))
    throw unverified(app, "it names no usable team domain");
  // A remote host must not lead us to services of this machine.
  if (isLoopbackHost(url.hostname) && !isLoopbackHost(app.hostname))
    throw unverified(app, "it names a team domain on this machine");
  return { authDomain: url.host, origin: teamOrigin(app, url.host) };
}

function claimedAuthDomain(app: AppUrl, token: string): unknown {
  try {
    return decodeToken(token).claims["auth_domain"];
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    throw unverified(app, "its description of the application cannot be read");
  }
}

/**
 * Reads the verified claims and checks what the signature cannot say: host, team domain, age, and
 * that the application covers the host.
 * @param now milliseconds since the epoch
 * @throws {CliError} unverified
 */
export function readApplication(
  app: AppUrl,
  team: Team,
  verified: Record<string, unknown>,
  now: number,
): Application {
  const { claims, pattern } = parseClaims(app, verified);
  const fault = faultOf(app, team, claims, pattern, now / 1000);
  if (fault !== undefined) throw unverified(app, fault);
  return {
    origin: app.origin,
    asked_at: now,
    auth_domain: team.authDomain,
    team: team.origin,
    app_hostname: pattern.text,
    aud: claims.aud,
    relay: relayOf(app, team, claims.transfer_url),
    login: claims.login !== false,
    accept_bearer: claims.accept_bearer === true,
    proof_of_possession: claims.proof_of_possession === true,
    ...scopeOf(app, claims, now),
  };
}

function parseClaims(
  app: AppUrl,
  verified: Record<string, unknown>,
): { claims: MatchClaims; pattern: CompiledPattern } {
  try {
    const claims = readMatchClaims(verified);
    const pattern = compilePattern(String(claims.app_hostname || claims.hostname));
    return { claims, pattern };
  } catch (error) {
    if (error instanceof ProtocolError) throw unverified(app, printable(error.message));
    throw error;
  }
}

function faultOf(
  app: AppUrl,
  team: Team,
  claims: MatchClaims,
  pattern: CompiledPattern,
  seconds: number,
): string | undefined {
  if (claims.hostname !== app.hostname)
    return `its description is for ${printable(claims.hostname.slice(0, 100))}`;
  if (!isAboutAuthority(app, claims.authority))
    return `its description is for ${printable(String(claims.authority).slice(0, 100))}`;
  if (claims.auth_domain !== team.authDomain) return "its description names another team domain";
  if (claims.iat < seconds - oldest) return "its description is more than a day old";
  if (claims.iat > seconds + furthestAhead)
    return `its description is dated in the future, ${aheadBy(claims.iat - seconds)}; check this machine's clock`;
  if (!pattern.matchesHost(app.hostname))
    return `its application ${pattern.text} does not cover this host`;
  if (!/^[0-9A-Za-z_-]{1,128}$/.test(claims.aud)) return "its application has no usable AUD";
  return undefined;
}

/** @param seconds how far the gateway's clock is ahead of ours */
function aheadBy(seconds: number): string {
  const minutes = Math.round(seconds / 60);
  const difference = minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`;
  return `${difference} ahead of this machine`;
}

/**
 * Whether the description is about the host and port asked, where it says (wire-protocol 2). The
 * server of another port of the host could otherwise show the genuine description as its own.
 */
function isAboutAuthority({ hostname, origin }: AppUrl, authority: unknown): boolean {
  if (authority === undefined) return true;
  if (typeof authority !== "string" || /[/?#@\\]/.test(authority)) return false;
  const asked = new URL(origin);
  const url = parseUrl(`${asked.protocol}//${authority}`);
  if (url === undefined || portOf(url) !== portOf(asked)) return false;
  return withoutFinalDot(withoutBrackets(url.hostname)) === hostname;
}

/** Where to poll: on the team domain and nowhere else, but for Cloudflare's own teams. */
function relayOf(app: AppUrl, team: Team, transferUrl: unknown): string {
  if (transferUrl === undefined) {
    const isCloudflare = team.origin.endsWith(".cloudflareaccess.com");
    return (isCloudflare ? cloudflareRelay : team.origin) + endpoints.transfer;
  }
  const url = parseUrl(transferUrl);
  if (url?.origin !== team.origin)
    throw unverified(app, "it names a relay that is not on its team domain");
  const path = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
  return url.origin + (path === "/" ? endpoints.transfer : path);
}

/** For which paths, and how long, the answer may be remembered. */
function scopeOf(
  app: AppUrl,
  { path_scope: scope, max_age: maxAge }: MatchClaims,
  now: number,
): Pick<Application, "scope" | "exact" | "fresh_until"> {
  const isScope =
    typeof scope === "string" && scope.startsWith("/") && isBelow(app.pathname, scope);
  if (isScope && typeof maxAge === "number" && maxAge > 0) {
    const freshness = Math.min(maxAge * 1000, longestFreshness);
    return { scope, exact: false, fresh_until: now + freshness };
  }
  return { scope: app.pathname, exact: true, fresh_until: now + defaultFreshness };
}
