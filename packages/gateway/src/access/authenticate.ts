// Who asks (wire-protocol 3). In a fixed order the first kind of credential that is there decides,
// and a bad one is never rescued by a later one. Waits for nothing when the token was verified
// before.
import { type AppClaims, cookies, decodeToken, type PassClaims } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock } from "../clock.ts";
import { browserNonce } from "../http/browser-binding.ts";
import { cookieValues } from "../http/cookies.ts";
import type { Application, ServiceToken, Workload } from "../model/model.ts";
import type { StoredSession } from "../storage/store.ts";
import {
  type Browser,
  type Carrier,
  isAppOf,
  needsBrowser,
  ownTokens,
} from "../tokens/bound-browser.ts";
import { generationOf } from "../tokens/generations.ts";
import { candidateLimit, onlyPerson } from "../tokens/only-person.ts";
import type { PossessionFault } from "../tokens/possession.ts";
import {
  checkServiceToken,
  type ServiceCredentials,
  type ServiceTokenFault,
} from "../tokens/service-token.ts";
import type { ServiceTokenUses } from "../tokens/service-token-uses.ts";
import type {
  AppProof,
  LinkedProof,
  PassProof,
  TokenFault,
  Tokens,
  Verified,
  VerifiedApp,
} from "../tokens/tokens.ts";
import type { WorkloadFault, WorkloadVerification } from "../tokens/workload-tokens.ts";
import { bearerToken } from "./bearer-token.ts";
import {
  type CredentialLimits,
  grantHolder,
  type OutsideLimits,
  passHolder,
} from "./credential-limits.ts";
import { grantFaultOf, possessionFaultOf } from "./demanded-proof.ts";
import type { ReadRequest } from "./read-request.ts";
import { serviceCredentials } from "./service-credentials.ts";

/** Who asks, or why nobody is known to. */
export type Authentication =
  | { kind: "anonymous" }
  /** a credential was sent and does not hold; only programs send those of a `byProgram` */
  | {
      kind: "unauthenticated";
      via: CredentialKind;
      fault: TokenFault;
      byProgram: boolean;
    }
  | Person
  | OutsideLimits
  /** @property secretHash of the secret that was shown: SHA-256, hex */
  | { kind: "service"; serviceToken: ServiceToken; secretHash: string }
  | { kind: "workload"; workload: Workload }
  /** the origin of another application, in a person's name */
  | ({ kind: "linked" } & LinkedProof)
  | RefusedCredentials;

/** A person, by a credential that covers the request. */
export interface Person {
  kind: "person";
  session: StoredSession;
  proof: AppProof | PassProof;
  via: CredentialKind;
  /** undefined where all that the person may do is allowed */
  limits: CredentialLimits | undefined;
}

/** What is beside the fault is for the log alone. */
export interface RefusedCredentials {
  kind: "refused";
  fault: CredentialFault;
  /** of the service token that was meant, where there is one */
  clientId?: string;
  cause?: string;
}

/** `cookie`: also a token in the address, which a page can make a browser send as well. */
export type CredentialKind = "token" | "cookie" | "pass" | "grant";

/** Credentials that contradict themselves, or a program's that do not hold. */
export type CredentialFault =
  | ServiceTokenFault
  | WorkloadFault
  | "two_access_tokens"
  | "two_persons";

/** What credentials are checked with. */
export interface AuthenticationParts {
  tokens: Tokens;
  uses: Pick<ServiceTokenUses, "note">;
  now: Clock;
}

/** How a token came along. */
interface Arrival {
  carrier: Carrier;
  /** the browser that it must have been handed to; undefined: it is good for whoever has it */
  browser: Browser | undefined;
  /** nothing says that a browser sent it */
  byProgram: boolean;
  /** what is wrong with its proof; undefined where the application demands none */
  possessionFault: ((token: string, claims: AppClaims) => PossessionFault | undefined) | undefined;
}

const anonymous: Authentication = { kind: "anonymous" };

/** Says who asks. The answer is a promise only where something has to be waited for. */
export function authenticate(
  parts: AuthenticationParts,
  reading: ReadRequest,
  application: Application,
): Authentication | Promise<Authentication> {
  const { tokens } = parts;
  const { headers, facts, queryToken } = reading;

  // 1. A service token.
  const credentials = serviceCredentials(reading, application);
  if (credentials !== undefined) return authenticateService(parts, credentials, facts);

  // 2. The header of terminals, and of programs with a token of the platform they run on.
  const [accessToken] = headers.accessToken;
  if (headers.accessToken.length > 1) return { kind: "refused", fault: "two_access_tokens" };
  if (accessToken !== undefined) {
    const linked = authenticateLinked(tokens, accessToken, application, facts);
    return linked ?? authenticateHeader(tokens, accessToken, application, reading);
  }
  const bearer = bearerToken(tokens, reading.rawHeaders, application);
  if (bearer.count > 1) return { kind: "refused", fault: "two_access_tokens" };
  if (bearer.token !== undefined)
    return authenticateHeader(tokens, bearer.token, application, reading);

  // 3. The cookie of browsers.
  const values = cookieValues(headers.cookie, cookies.authorization);
  const [value] = values;
  const arrival = readArrival(tokens, reading, application, "cookie");
  if (values.length > 1) return authenticateCookies(tokens, values, application, arrival);
  if (value !== undefined) return authenticateToken(tokens, value, application, arrival);

  // 4. The `token` argument: a pass, or an application token as the first release had it. It says
  // itself which of the two it would be; its signature says whether it is one.
  if (queryToken === undefined) return anonymous;
  if (decodeToken(queryToken).claims["type"] === "pass")
    return tokens
      .verifyPass(queryToken, application.aud)
      .then((verification) => passHolder(ofUnbound(verification, application), facts));
  return authenticateToken(tokens, queryToken, application, arrival);
}

function readArrival(
  tokens: Tokens,
  reading: ReadRequest,
  application: Application,
  carrier: Carrier,
): Arrival {
  const { facts, headers } = reading;
  const { scheme } = facts;
  const { fromBrowser } = headers;
  const isBound = needsBrowser(application, carrier, { scheme, fromBrowser });
  const browser = isBound ? { nonce: browserNonce(headers.cookie) } : undefined;
  const byProgram = scheme !== "https" || !fromBrowser;
  const arrival: Arrival = { carrier, browser, byProgram, possessionFault: undefined };
  if (application.proof_of_possession === true)
    arrival.possessionFault = (token, claims) => possessionFaultOf(tokens, reading, token, claims);
  return arrival;
}

function authenticateService(
  { uses, now }: AuthenticationParts,
  credentials: ServiceCredentials,
  { catalog }: RequestFacts,
): Authentication {
  const check = checkServiceToken(credentials, catalog, now());
  if (!check.ok) {
    const { ok: _ok, ...refusal } = check;
    return { kind: "refused", ...refusal };
  }
  const { serviceToken, secretHash } = check;
  uses.note(serviceToken.id);
  return { kind: "service", serviceToken, secretHash };
}

/**
 * An application token, a grant, which a header alone may hold, or a token of an issuer that a
 * policy of the application names.
 */
function authenticateHeader(
  tokens: Tokens,
  token: string,
  application: Application,
  reading: ReadRequest,
): Authentication | Promise<Authentication> {
  const { aud } = application;
  const arrival = readArrival(tokens, reading, application, "header");
  const app = tokens.cachedApp(token, aud);
  if (app !== undefined) return personOf(app, token, arrival);
  const holderOf = (verification: VerifiedApp) =>
    provenHolder(tokens, reading, application, { token, verification });
  const grant = tokens.cachedGrant(token, aud);
  if (grant !== undefined) return holderOf(grant);

  const workload = tokens.isOurs(token) ? undefined : tokens.verifyWorkload(token, application);
  if (workload instanceof Promise) return workload.then(workloadOf);
  if (workload !== undefined) return workloadOf(workload);
  if (claimsOf(token)?.["type"] !== "grant")
    return authenticateToken(tokens, token, application, arrival);
  return tokens.verifyGrant(token, aud).then(holderOf);
}

/**
 * The origin of another application that shows what it was told of a person, where a policy of this
 * one names it. Bound to no key: an application that demands that takes none.
 * @returns undefined for every other token
 */
function authenticateLinked(
  tokens: Tokens,
  token: string,
  { linkedApplications, proof_of_possession }: Application,
  { catalog }: RequestFacts,
): Promise<Authentication> | undefined {
  if (linkedApplications.length === 0 || proof_of_possession === true) return undefined;
  const claims = tokens.isOurs(token) ? claimsOf(token) : undefined;
  if (claims?.["use"] !== "assertion") return undefined;
  const shown = [claims["aud"]].flat().filter((aud) => typeof aud === "string");
  const linked = shown.map((aud) => catalog.applicationByAud.get(aud)).find(isDefined);
  if (linked === undefined || !linkedApplications.includes(linked.id)) return undefined;
  return tokens.verifyAssertion(token, linked.aud).then((verification) => {
    if (!verification.ok)
      return { kind: "unauthenticated", via: "token", fault: verification.fault, byProgram: true };
    const { session, claims: verified } = verification;
    const { id, name, aud: linkedAud } = linked;
    const linkedGeneration = generationOf(verified);
    const { exp } = verified;
    return { kind: "linked", session, linked: { id, name }, linkedAud, linkedGeneration, exp };
  });
}

function isDefined<Value>(value: Value | undefined): value is Value {
  return value !== undefined;
}

/** The person whose grant it is, where whoever uses it holds the key that it is bound to. */
function provenHolder(
  tokens: Tokens,
  reading: ReadRequest,
  application: Application,
  { token, verification }: { token: string; verification: VerifiedApp },
): Authentication {
  if (!verification.ok) return grantHolder(verification, reading.facts);
  const fault = grantFaultOf(tokens, reading, application, token, verification.claims);
  if (fault !== undefined) return grantHolder({ ok: false, fault }, reading.facts);
  return grantHolder(verification, reading.facts);
}

function workloadOf(verification: WorkloadVerification): Authentication {
  if (!verification.ok) return { kind: "refused", fault: verification.fault };
  return { kind: "workload", workload: verification.workload };
}

function authenticateToken(
  tokens: Tokens,
  token: string,
  application: Application,
  arrival: Arrival,
): Authentication | Promise<Authentication> {
  const cached = tokens.cachedApp(token, application.aud);
  if (cached !== undefined) return personOf(cached, token, arrival);
  return tokens
    .verifyApp(token, application.aud)
    .then((verification) => personOf(verification, token, arrival));
}

function personOf(verification: VerifiedApp, token: string, arrival: Arrival): Authentication {
  if (!verification.ok) return failedToken(verification.fault, [token], arrival);
  const { browser, carrier } = arrival;
  if (browser !== undefined && !isAppOf(browser, carrier, verification))
    return failedToken("wrong_browser", [token], arrival);
  const fault = arrival.possessionFault?.(token, verification.claims);
  if (fault !== undefined) return failedToken(fault, [token], arrival);
  const { session } = verification;
  const via = kindOf(carrier);
  return { kind: "person", session, proof: verification, via, limits: undefined };
}

function kindOf(carrier: Carrier): CredentialKind {
  return carrier === "header" ? "token" : "cookie";
}

function failedToken(
  fault: TokenFault,
  values: readonly string[],
  { carrier, byProgram }: Arrival,
): Authentication {
  const isHeader = carrier === "header";
  const isTerminal = () => values.slice(0, candidateLimit).some(isOfTerminal);
  return {
    kind: "unauthenticated",
    via: kindOf(carrier),
    fault,
    byProgram: isHeader || (byProgram && isTerminal()),
  };
}

/** Cookies of one name: of other paths, or tossed from a sibling host (case T11). */
async function authenticateCookies(
  tokens: Tokens,
  values: readonly string[],
  application: Application,
  arrival: Arrival,
): Promise<Authentication> {
  const answer = await onlyPerson(ownTokens(values, arrival.browser), async (value) => {
    const authentication = await authenticateToken(tokens, value, application, arrival);
    return authentication.kind === "person" ? authentication : undefined;
  });
  switch (answer.persons) {
    case "none":
      return failedToken("malformed", values, arrival);
    case "one":
      return answer.credential;
    case "two":
      return { kind: "refused", fault: "two_persons" };
  }
}

/** A pass is bound to no key: it is made to stand in a URL. */
function ofUnbound(
  verification: Verified<PassClaims>,
  { proof_of_possession }: Application,
): Verified<PassClaims> {
  if (!verification.ok || proof_of_possession !== true) return verification;
  return { ok: false, fault: "token_not_bound" };
}

/** Whether a token that does not hold says that a terminal has it, and so no browser. */
function isOfTerminal(token: string): boolean {
  return claimsOf(token)?.["terminal"] === true;
}

/** What a token says, verified or not; undefined for what is none. */
function claimsOf(token: string): Record<string, unknown> | undefined {
  try {
    return decodeToken(token).claims;
  } catch {
    return undefined;
  }
}
