// Whether a gateway still takes a token (wire-protocol 6.9), and whether a token that came over the
// wire is what it should be (6.8). The gateway is asked where a person asked to sign in, about a
// token that was just issued, and about a stored one that it was not asked about for a while.
import {
  type AppClaims,
  endpoints,
  type GrantClaims,
  headers,
  type OrgClaims,
  readClaims,
  tokenCheckArgument,
} from "@postern/protocol";
import { printable } from "@postern/protocol/printable";
import type { AppUrl } from "../app-url.ts";
import type { Context } from "../context.ts";
import { CliError, reasonOf } from "../exit-status.ts";
import { send } from "../net/http-client.ts";
import type { HttpResponse } from "../net/http-message.ts";
import type { Application } from "../store/known-hosts.ts";
import { proofFields, proofRefusal } from "./proof-of-possession.ts";
import { verifySignature } from "./team-keys.ts";

/** What the check needs to know of the application. */
export type CheckedApplication = Pick<Application, "team" | "relay" | "proof_of_possession">;

/** Milliseconds. */
const timeout = 4_000;

/**
 * `denied`: the token is good, and policy refuses the person. `dead`: it opens nothing any more.
 */
export type TokenState = "good" | "denied" | "dead";

/**
 * Asks the gateway. One that cannot be reached or verified says nothing against the token: `good`.
 * @throws {CliError} failure where the application demands a proof that is not to be had here
 */
export async function checkToken(
  context: Context,
  app: AppUrl,
  application: CheckedApplication,
  token: string,
): Promise<TokenState> {
  const url = new URL(app.bare);
  url.searchParams.set(tokenCheckArgument, "true");
  const isProven = application.proof_of_possession === true;
  const { team } = application;
  const proof = isProven ? proofFields(context, team, { method: "GET", url, token }) : {};
  const fields = { [headers.accessToken]: token, ...proof };
  const response = await ask(context, url, fields);
  if (response === undefined) return "good";
  const unproven = isProven ? proofRefusal(response, app.bare) : undefined;
  if (unproven !== undefined) throw unproven;
  return readState(application, response);
}

/** @returns undefined where nobody answers */
async function ask(
  context: Context,
  url: URL,
  fields: Record<string, string>,
): Promise<HttpResponse | undefined> {
  try {
    return await send(context, { method: "GET", url, headers: fields, timeout });
  } catch (error) {
    if (error instanceof CliError) return undefined;
    throw error;
  }
}

/** Gateway errors, and those of a proxy in front of it, are no word about the token. */
function readState(
  application: CheckedApplication,
  { status, headers: answer }: HttpResponse,
): TokenState {
  if (status >= 300 && status < 400 && (answer.location ?? "").includes(endpoints.login))
    return "dead";
  // Cloudflare passes the check on to the origin: there, only a redirect to the login says
  // anything.
  if (isCloudflares(application) || status < 300) return "good";
  if (status === 403) return "denied";
  return status === 429 || status >= 500 ? "good" : "dead";
}

/**
 * Whether Cloudflare itself runs the team. A gateway of ours may have such a name as well: it names
 * a relay on its own team domain, and Cloudflare does not.
 */
export function isCloudflares({ team, relay }: Pick<Application, "team" | "relay">): boolean {
  return team.endsWith(".cloudflareaccess.com") && !relay.startsWith(`${team}/`);
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
): Promise<OrgClaims>;
export async function verifyToken(
  context: Context,
  application: Application,
  token: string,
  type: "grant",
): Promise<GrantClaims>;
export async function verifyToken(
  context: Context,
  application: Application,
  token: string,
  type: keyof typeof readers,
): Promise<TokenClaims> {
  const verified = await verifySignature(context, application.team, token);
  const fail = (why: string) =>
    new CliError("unverified", `${application.team} sent a token that ${why}; it was not stored`);
  let claims: TokenClaims;
  try {
    claims = readers[type](verified);
  } catch (error) {
    throw fail(`cannot be used (${printable(reasonOf(error))})`);
  }
  const fault = faultOf(claims, application, context.now());
  if (fault !== undefined) throw fail(fault);
  return claims;
}

type TokenClaims = AppClaims | OrgClaims | GrantClaims;

const readers = {
  app: (claims: Record<string, unknown>) => readClaims(claims, "app"),
  org: (claims: Record<string, unknown>) => readClaims(claims, "org"),
  grant: (claims: Record<string, unknown>) => readClaims(claims, "grant"),
};

function faultOf(claims: TokenClaims, application: Application, now: number): string | undefined {
  if (claims.iss !== application.team) return "names another issuer";
  if (claims.type !== "org" && !claims.aud.includes(application.aud))
    return "is for another application";
  if (!Number.isFinite(claims.exp)) return "has no expiry";
  if (claims.exp * 1000 <= now) return "has expired; check this machine's clock";
  return undefined;
}
