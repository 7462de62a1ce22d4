// Whether a gateway still takes a token (wire-protocol 6.9). Needed only where a person asked to
// sign in, and for a token that was just issued: everywhere else the answer to the real request
// says it.
import {
  type AppClaims,
  endpoints,
  headers,
  readClaims,
  tokenCheckArgument,
} from "@postern/protocol";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { send } from "../net/http-client.ts";
import { printable } from "../printable.ts";
import type { Application } from "../store/known-hosts.ts";
import { verifySignature } from "./team-keys.ts";

const timeout = 4_000;

/**
 * Asks the gateway.
 * @returns `good`, `denied` (a valid person whom policy refuses), or `dead`
 * @throws {CliError | TimeoutError} when there is no answer
 */
export async function checkToken(
  context: Context,
  app: AppUrl,
  application: Application,
  token: string,
): Promise<"good" | "denied" | "dead"> {
  const url = new URL(app.bare);
  url.searchParams.set(tokenCheckArgument, "true");
  const { status, headers: answer } = await send(context, {
    method: "GET",
    url,
    headers: { [headers.accessToken]: token },
    timeout,
  });
  if (status === 302 && (answer.location ?? "").includes(endpoints.login)) return "dead";
  // Cloudflare passes the check on to the origin, so that there only a redirect to login means
  // anything.
  if (application.team.endsWith(".cloudflareaccess.com") || status < 300) return "good";
  return status === 403 ? "denied" : "dead";
}

/**
 * Verifies a token that came over the wire: signature, issuer, type, AUD, expiry (wire-protocol
 * 6.8).
 * @throws {CliError} unverified
 */
export async function verifyToken(
  context: Context,
  application: Application,
  token: string,
  type: "app",
): Promise<AppClaims>;
export async function verifyToken(
  context: Context,
  application: Application,
  token: string,
  type: "org",
): Promise<{ email: string }>;
export async function verifyToken(
  context: Context,
  application: Application,
  token: string,
  type: "app" | "org",
): Promise<{ email?: string }> {
  const verified = await verifySignature(context, application.team, token);
  const fail = (why: string) =>
    new CliError("unverified", `${application.team} sent a token that ${why}; it was not stored`);
  try {
    const claims = type === "app" ? readClaims(verified, "app") : readClaims(verified, "org");
    if (claims.iss !== application.team) throw fail("names another issuer");
    if (type === "app" && !claims.aud.includes(application.aud))
      throw fail("is for another application");
    if (!Number.isFinite(claims.exp)) throw fail("says nothing of its end");
    if (!(claims.exp * 1000 > context.now())) throw fail("has expired; check this machine's clock");
    return claims;
  } catch (error) {
    if (error instanceof CliError) throw error;
    throw fail(`cannot be used (${printable(reasonOf(error))})`);
  }
}
