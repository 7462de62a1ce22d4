// Who a request on an application's host is from, for the reserved endpoints there. They belong to
// the host and not to one application, so a token of any application of that host counts
// (wire-protocol 11).
import { cookies, headers } from "@postern/protocol";
import type { Application, Workload } from "../../model/model.ts";
import type { StoredSession } from "../../storage/store.ts";
import { type Carrier, isAppOf, ownTokens } from "../../tokens/bound-browser.ts";
import { onlyPerson } from "../../tokens/only-person.ts";
import type { PossessionFault } from "../../tokens/possession.ts";
import {
  onlyCredentials,
  readHeaderPair,
  readOwnHeader,
} from "../../tokens/service-credentials.ts";
import type { ServiceCredentials } from "../../tokens/service-token.ts";
import type { Tokens } from "../../tokens/tokens.ts";
import { coversHost } from "../application-host.ts";
import { browserFor, presentedNonce } from "../browser-nonce.ts";
import { claimedAudience } from "../claimed-audience.ts";
import { demandedProofFaultOf } from "../demanded-proof.ts";
import { hasFetchMetadata } from "../fetch-metadata.ts";
import type { LoginContext } from "../login-context.ts";
import { cookieValuesOf } from "../request-cookies.ts";
import { browserSession } from "../team-session.ts";

/** Where a credential came from decides what a browser could have been tricked into sending. */
export interface Presented {
  by: "header" | "cookie" | "nothing";
  /** undefined when the credential does not hold, or is not proven */
  session: StoredSession | undefined;
  /** why a token that holds is not proven, at an application that demands it */
  unproven?: PossessionFault | undefined;
}

/** What a token of a terminal is asked for. */
export interface Demands {
  /** whether an application with `proof_of_possession` is to be obeyed */
  proof: boolean;
}

/**
 * The live session behind `cf-access-token`, else behind the cookie; a bad header is not rescued by
 * a good cookie (wire-protocol 3). On the team domain only the global session's cookie counts.
 */
export async function presentedSession(
  c: LoginContext,
  parts: { tokens: Tokens },
  demands: Demands = { proof: true },
): Promise<Presented> {
  const { host, catalog } = c.var.facts;
  const isTeam = host === catalog.teamHost;
  const token = c.req.header(headers.accessToken);
  if (token !== undefined) {
    if (isTeam) return { by: "header", session: undefined };
    return { by: "header", ...(await applicationSession(c, parts, token, "header", demands)) };
  }
  const values = cookieValuesOf(c, cookies.authorization);
  if (values.length === 0) return { by: "nothing", session: undefined };
  const session = isTeam ? browserSession(c, parts) : cookieSession(c, parts, values, demands);
  return { by: "cookie", session: await session };
}

/**
 * Cookies that verify for two persons count as none (wire-protocol 3.3), and so does in a browser
 * over https one that was handed to another (ADR 0015).
 */
async function cookieSession(
  c: LoginContext,
  parts: { tokens: Tokens },
  values: readonly string[],
  demands: Demands,
): Promise<StoredSession | undefined> {
  const isBrowser = c.var.facts.scheme === "https" && hasFetchMetadata(c);
  const browser = isBrowser ? { nonce: presentedNonce(c) } : undefined;
  const result = await onlyPerson(ownTokens(values, browser), async (value) => {
    const { session } = await applicationSession(c, parts, value, "cookie", demands);
    return session === undefined ? undefined : { session };
  });
  return result.persons === "one" ? result.credential.session : undefined;
}

async function applicationSession(
  c: LoginContext,
  parts: { tokens: Tokens },
  token: string,
  carrier: Carrier,
  demands: Demands,
): Promise<Pick<Presented, "session" | "unproven">> {
  const application = applicationOf(c, token);
  if (application === undefined) return nobody;
  const verification = await parts.tokens.verifyApp(token, application.aud);
  if (!verification.ok) return nobody;
  const browser = browserFor(c, application, carrier);
  if (browser !== undefined && !isAppOf(browser, carrier, verification)) return nobody;
  const { session, claims } = verification;
  if (!demands.proof) return { session };
  const unproven = demandedProofFaultOf(c, parts, application, token, claims);
  return unproven === undefined ? { session } : { session: undefined, unproven };
}

const nobody = { session: undefined };

/**
 * The live session behind an origin's assertion, where its application lets the origin ask for the
 * identity. No credential: for `get-identity` alone (wire-protocol 2).
 */
export async function assertedSession(
  c: LoginContext,
  { tokens }: { tokens: Tokens },
): Promise<StoredSession | undefined> {
  const inHeader = c.req.header(headers.accessToken);
  const [inCookie = ""] = cookieValuesOf(c, cookies.authorization);
  const token = inHeader ?? inCookie;
  const application = applicationOf(c, token);
  if (application?.origin_identity !== true) return undefined;
  // No browser was handed an assertion: a sibling host planted it (case T11).
  if (inHeader === undefined && browserFor(c, application, "cookie") !== undefined)
    return undefined;
  const verification = await tokens.verifyAssertion(token, application.aud);
  return verification.ok ? verification.session : undefined;
}

/**
 * The program whose token of another issuer is in `cf-access-token`, where an application of this
 * host takes it; undefined where none does. The first application that it is good for counts.
 */
export async function presentedWorkload(
  c: LoginContext,
  { tokens }: { tokens: Tokens },
): Promise<Workload | undefined> {
  const { catalog, host } = c.var.facts;
  const token = c.req.header(headers.accessToken);
  if (token === undefined || tokens.isOurs(token)) return undefined;
  for (const application of catalog.applications) {
    if (!coversHost(catalog, application, host)) continue;
    const verification = await tokens.verifyWorkload(token, application);
    if (verification?.ok === true) return verification.workload;
  }
  return undefined;
}

/**
 * The credentials of a program in the two headers, or in the header that an application of this
 * host names; undefined when there are none. Headers of one name arrive joined: as one value that
 * is nobody's.
 */
export function presentedCredentials(c: LoginContext): ServiceCredentials | undefined {
  const valuesOf = (name: string) => [c.req.header(name)].filter((value) => value !== undefined);
  const pair = readHeaderPair(valuesOf(headers.clientId), valuesOf(headers.clientSecret));
  return ownHeaderNames(c)
    .map((name) => readOwnHeader(name, valuesOf(name)))
    .reduce(onlyCredentials, pair);
}

/** The headers, in lower case, that applications of this host name for service tokens. */
function ownHeaderNames(c: LoginContext): string[] {
  const { catalog, host } = c.var.facts;
  const names = catalog.applications
    .filter((application) => coversHost(catalog, application, host))
    .map((application) => application.read_service_tokens_from_header?.toLowerCase())
    .filter((name) => name !== undefined);
  return [...new Set(names)];
}

/** The application of this host that the token says it is for. */
export function applicationOf(c: LoginContext, token: string): Application | undefined {
  const { catalog, host } = c.var.facts;
  const application = catalog.applicationByAud.get(claimedAudience(token) ?? "");
  if (application === undefined || !coversHost(catalog, application, host)) return undefined;
  return application;
}
