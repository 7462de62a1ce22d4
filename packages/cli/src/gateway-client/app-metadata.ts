// Finds out which application covers a URL, and makes sure of it: the answer must be signed by the
// team domain that it names, be about the host that was asked, and the host must not have changed
// its team domain (wire-protocol 6.1). A server that names somebody else's application gets nothing
// (case C1).
import {
  type CompiledPattern,
  compilePattern,
  endpoints,
  headers,
  isLoopbackHost,
  type MatchClaims,
  ProtocolError,
  readMatchClaims,
} from "@postern/protocol";
import { type AppUrl, namesHost, teamOrigin } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { type HttpResponse, send, TimeoutError } from "../net/http-client.ts";
import { printable } from "../printable.ts";
import {
  type Application,
  isBelow,
  longestFreshness,
  remember,
  rememberedApplication,
  rememberedTeam,
} from "../store/known-hosts.ts";
import { verifySignature } from "./team-keys.ts";

const timeout = 7_000;
const defaultFreshness = 5 * 60_000;
const oldest = 24 * 3600;
const furthestAhead = 5 * 60;
/** Cloudflare's own relay; its teams name none. */
const cloudflareRelay = "https://login.cloudflareaccess.org";

/**
 * The application that covers the URL, from memory while that is fresh.
 * @throws {CliError} not_behind_access | unreachable | unverified
 */
export async function findApplication(context: Context, app: AppUrl): Promise<Application> {
  const remembered = rememberedApplication(context, app);
  if (remembered !== undefined) return remembered;
  const token = await askForMetadata(context, app);
  const team = claimedTeam(app, token);
  const known = rememberedTeam(context, app);
  // Before anything is fetched from the new one.
  if (known !== undefined && known !== team.authDomain) {
    throw new CliError(
      "unverified",
      `${app.host} now names ${printable(team.authDomain)} as its team domain; until now it was ${known}. Nothing was sent. If this change is intended: postern access forget ${app.host}`,
    );
  }
  const claims = await verifySignature(context, team.origin, token);
  const application = readApplication(app, team, claims, context.now());
  if (known === undefined)
    context.say(
      `${app.host} belongs to the team domain ${team.authDomain}; remembered from now on.`,
    );
  remember(context, app, application);
  return application;
}

async function askForMetadata(context: Context, app: AppUrl): Promise<string> {
  let response: HttpResponse;
  try {
    response = await send(context, {
      method: "HEAD",
      url: new URL(app.bare),
      headers: { [headers.metadataRequest]: "true" },
      timeout,
    });
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    throw new CliError(
      "unreachable",
      `${app.origin} does not answer; check the address and the network`,
    );
  }
  const token = response.headers[headers.metadata];
  if (typeof token === "string" && token !== "") return token;
  const { status } = response;
  if (status === 429 || status >= 500)
    throw new CliError(
      "unreachable",
      `${app.origin} cannot answer just now (status ${status}); try again in a moment`,
    );
  const looksOld =
    response.headers[headers.aud] !== undefined ||
    (response.headers.location ?? "").includes(endpoints.login);
  if (looksOld) {
    throw new CliError(
      "unverified",
      `the gateway of ${app.origin} does not say who it is (no ${headers.metadata}); it is too old for this client`,
    );
  }
  throw new CliError(
    "not_behind_access",
    `${app.bare} is not behind Access; reach it without signing in, or check the URL`,
  );
}

interface Team {
  authDomain: string;
  origin: string;
}

const unverified = (app: AppUrl, why: string) =>
  new CliError(
    "unverified",
    `the gateway of ${app.origin} cannot be verified: ${why}. Nothing was sent`,
  );

/** The team domain that the still unverified answer names, if it can be one at all. */
function claimedTeam(app: AppUrl, token: string): Team {
  let named: unknown;
  try {
    named = (
      JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as Record<
        string,
        unknown
      >
    )["auth_domain"];
  } catch {
    throw unverified(app, "its description of the application cannot be read");
  }
  const url =
    typeof named === "string" && URL.canParse(`https://${named}`)
      ? new URL(`https://${named}`)
      : undefined;
  // Spelled exactly as a host is, so that it can hold no path, no userinfo and no second meaning.
  if (url === undefined || url.host !== named || !namesHost(url))
    throw unverified(app, "it names no usable team domain");
  // A remote host must not lead us to services of this machine.
  if (isLoopbackHost(url.hostname) && !isLoopbackHost(app.hostname))
    throw unverified(app, "it names a team domain on this machine");
  return { authDomain: url.host, origin: teamOrigin(app, url.host) };
}

/** Reads the verified claims and checks what the signature cannot say. */
function readApplication(
  app: AppUrl,
  team: Team,
  verified: Record<string, unknown>,
  now: number,
): Application {
  let claims: MatchClaims;
  let pattern: CompiledPattern;
  try {
    claims = readMatchClaims(verified);
    pattern = compilePattern(String(claims.app_hostname || claims.hostname));
  } catch (error) {
    if (error instanceof ProtocolError) throw unverified(app, printable(error.message));
    throw error;
  }
  const seconds = now / 1000;
  if (claims.hostname !== app.hostname)
    throw unverified(app, `its description is about ${printable(claims.hostname.slice(0, 100))}`);
  if (claims.auth_domain !== team.authDomain)
    throw unverified(app, "its description names another team domain");
  if (claims.iat < seconds - oldest)
    throw unverified(app, "its description is more than a day old");
  if (claims.iat > seconds + furthestAhead)
    throw unverified(app, "its description is from the future; check this machine's clock");
  if (!pattern.matchesHost(app.hostname))
    throw unverified(app, `its application ${pattern.text} does not cover this host`);
  if (!/^[0-9A-Za-z_-]{1,128}$/.test(claims.aud))
    throw unverified(app, "its application has no usable AUD");
  return {
    auth_domain: team.authDomain,
    team: team.origin,
    app_hostname: pattern.text,
    aud: claims.aud,
    relay: relayOf(app, team, claims.transfer_url),
    login: claims.login !== false,
    ...scopeOf(app, claims, now),
  };
}

/** Where to poll: on the team domain and nowhere else, but for Cloudflare's own teams. */
function relayOf(app: AppUrl, team: Team, transferUrl: unknown): string {
  if (transferUrl === undefined) {
    const relay = team.origin.endsWith(".cloudflareaccess.com") ? cloudflareRelay : team.origin;
    return relay + endpoints.transfer;
  }
  const url =
    typeof transferUrl === "string" && URL.canParse(transferUrl) ? new URL(transferUrl) : undefined;
  if (url?.origin !== team.origin)
    throw unverified(app, "it names a relay that is not on its team domain");
  const path = url.pathname.endsWith("/") ? url.pathname : `${url.pathname}/`;
  return url.origin + (path === "/" ? endpoints.transfer : path);
}

function scopeOf(
  app: AppUrl,
  claims: MatchClaims,
  now: number,
): Pick<Application, "scope" | "exact" | "fresh_until"> {
  const { path_scope: scope, max_age: maxAge } = claims;
  if (
    typeof scope === "string" &&
    scope.startsWith("/") &&
    isBelow(app.pathname, scope) &&
    typeof maxAge === "number" &&
    maxAge > 0
  ) {
    return { scope, exact: false, fresh_until: now + Math.min(maxAge * 1000, longestFreshness) };
  }
  return { scope: app.pathname, exact: true, fresh_until: now + defaultFreshness };
}
