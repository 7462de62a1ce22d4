// Who asks (wire-protocol 3). In a fixed order the first kind of credential that is there decides,
// and a bad one is never rescued by a later one. Waits for nothing when the token was verified
// before.
import { createHash, timingSafeEqual } from "node:crypto";
import { type AppClaims, cookies, decodeToken, type PassClaims } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Clock } from "../clock.ts";
import { canonicalize, canonicalPath } from "../http/canonical-path.ts";
import { cookieValues } from "../http/cookies.ts";
import { valuesOf } from "../http/request-headers.ts";
import type { Application, ServiceToken } from "../model/model.ts";
import type { StoredSession } from "../storage/store.ts";
import { onlyPerson } from "../tokens/only-person.ts";
import type { TokenFault, Tokens, Verified } from "../tokens/tokens.ts";
import type { ReadRequest } from "./read-request.ts";

export type Authentication =
  | { kind: "anonymous" }
  /** a credential was sent and does not hold */
  | { kind: "unauthenticated"; via: "token" | "cookie" | "pass"; fault: TokenFault }
  | { kind: "person"; session: StoredSession; assertion: string }
  | { kind: "service"; serviceToken: ServiceToken }
  | { kind: "refused"; fault: CredentialFault };

/** Credentials that contradict themselves, or a service token that does not hold. */
export type CredentialFault =
  | "half_service_token"
  | "two_service_tokens"
  | "bad_service_token"
  | "two_access_tokens"
  | "two_persons";

const dummyHash = Buffer.alloc(32);
const anonymous: Authentication = { kind: "anonymous" };

export function createAuthenticator({ tokens, now }: { tokens: Tokens; now: Clock }) {
  /** @returns the answer itself where nothing has to be waited for */
  return (
    request: ReadRequest,
    application: Application,
    rawHeaders: readonly string[],
  ): Authentication | Promise<Authentication> => {
    const { headers, facts, queryToken } = request;
    const service = serviceCredentials(request, application, rawHeaders);
    if (service !== undefined) return authenticateService(service, facts, now());
    const [accessToken] = headers.accessToken;
    if (headers.accessToken.length > 1) return { kind: "refused", fault: "two_access_tokens" };
    if (accessToken !== undefined)
      return authenticateToken(tokens, accessToken, application, "token");
    const values = cookieValues(headers.cookie, cookies.authorization);
    const [value] = values;
    if (value !== undefined) {
      return values.length === 1
        ? authenticateToken(tokens, value, application, "cookie")
        : authenticateCookies(tokens, values, application);
    }
    if (queryToken !== undefined) return authenticateQuery(tokens, queryToken, application, facts);
    return anonymous;
  };
}

export type Authenticate = ReturnType<typeof createAuthenticator>;

type ServiceCredentials = { clientId: string; secret: string } | "half" | "two";

/**
 * The pair of headers, or the one header that the application names (access-features 14); undefined
 * when none is there.
 */
function serviceCredentials(
  { headers }: ReadRequest,
  application: Application,
  rawHeaders: readonly string[],
): ServiceCredentials | undefined {
  const { clientId, clientSecret } = headers;
  const single = application.read_service_tokens_from_header;
  const inHeader =
    single === undefined ? undefined : readSingleHeader(valuesOf(rawHeaders, single), single);
  const pair = clientId.length + clientSecret.length > 0;
  if (!pair) return inHeader;
  if (inHeader !== undefined || clientId.length > 1 || clientSecret.length > 1) return "two";
  const [id, secret] = [clientId[0], clientSecret[0]];
  return id === undefined || secret === undefined ? "half" : { clientId: id, secret };
}

/**
 * `Authorization` counts only when it holds exactly that JSON: else it is the application's own.
 */
export function readSingleHeader(
  values: readonly string[],
  name: string,
): ServiceCredentials | undefined {
  const [value] = values;
  if (value === undefined) return undefined;
  const mayBeForeign = name.toLowerCase() === "authorization";
  const wrong = mayBeForeign ? undefined : "half";
  if (values.length > 1)
    return mayBeForeign && !values.some((each) => readSingleHeader([each], name) !== undefined)
      ? undefined
      : "two";
  let parsed: unknown;
  try {
    parsed = JSON.parse(value);
  } catch {
    return wrong;
  }
  if (typeof parsed !== "object" || parsed === null || Object.keys(parsed).length !== 2)
    return wrong;
  const { "cf-access-client-id": clientId, "cf-access-client-secret": secret } = parsed as Record<
    string,
    unknown
  >;
  return typeof clientId === "string" && typeof secret === "string" ? { clientId, secret } : wrong;
}

function authenticateService(
  sent: ServiceCredentials,
  facts: RequestFacts,
  now: number,
): Authentication {
  if (sent === "half") return { kind: "refused", fault: "half_service_token" };
  if (sent === "two") return { kind: "refused", fault: "two_service_tokens" };
  const serviceToken = facts.catalog.serviceTokenByClientId.get(sent.clientId);
  // An unknown id costs the same work as a wrong secret (case T14).
  const wanted =
    serviceToken === undefined ? dummyHash : Buffer.from(serviceToken.client_secret_hash, "hex");
  const given = createHash("sha256").update(sent.secret).digest();
  const same = wanted.length === given.length && timingSafeEqual(given, wanted);
  const usable =
    serviceToken?.enabled === true &&
    (serviceToken.expires_at === undefined || serviceToken.expires_at > now);
  return same && serviceToken !== undefined && usable
    ? { kind: "service", serviceToken }
    : { kind: "refused", fault: "bad_service_token" };
}

function authenticateToken(
  tokens: Tokens,
  token: string,
  application: Application,
  via: "token" | "cookie",
): Authentication | Promise<Authentication> {
  const cached = tokens.cachedApp(token, application.aud);
  if (cached !== undefined) return person(cached, token, via);
  return tokens.verifyApp(token, application.aud).then((verified) => person(verified, token, via));
}

function person(
  verified: Verified<AppClaims>,
  token: string,
  via: "token" | "cookie",
): Authentication {
  if (!verified.ok) return { kind: "unauthenticated", via, fault: verified.fault };
  return { kind: "person", session: verified.session, assertion: token };
}

/** Cookies of one name tossed from a sibling host, or of other paths (case T11). */
async function authenticateCookies(
  tokens: Tokens,
  values: readonly string[],
  application: Application,
): Promise<Authentication> {
  const answer = await onlyPerson(values, async (value) => {
    const authentication = await authenticateToken(tokens, value, application, "cookie");
    return authentication.kind === "person" ? authentication : undefined;
  });
  switch (answer.persons) {
    case "none":
      return { kind: "unauthenticated", via: "cookie", fault: "malformed" };
    case "one":
      return answer.credential;
    case "two":
      return { kind: "refused", fault: "two_persons" };
  }
}

/**
 * The `token` argument: an application token as the first release had it, or a pass for this very
 * prefix.
 */
function authenticateQuery(
  tokens: Tokens,
  token: string,
  application: Application,
  facts: RequestFacts,
): Authentication | Promise<Authentication> {
  // Which of the two it would be is its own word; whether it is one, its signature's.
  if (decodeToken(token).claims["type"] !== "pass")
    return authenticateToken(tokens, token, application, "token");
  return authenticatePass(tokens, token, application, facts);
}

async function authenticatePass(
  tokens: Tokens,
  token: string,
  application: Application,
  facts: RequestFacts,
): Promise<Authentication> {
  const verified = await tokens.verifyPass(token, application.aud);
  if (!verified.ok) return { kind: "unauthenticated", via: "pass", fault: verified.fault };
  if (!isBelow(verified.claims, facts))
    return { kind: "unauthenticated", via: "pass", fault: "wrong_audience" };
  return {
    kind: "person",
    session: verified.session,
    assertion: tokens.personAssertion(verified.session, application),
  };
}

/**
 * Same scheme, host and port, and below the path on a segment boundary (wire-protocol 8), in
 * whatever way the origin reads it.
 */
function isBelow({ htu }: PassClaims, facts: RequestFacts): boolean {
  const origin = `${facts.scheme}://${facts.authority}`;
  if (!htu.startsWith(`${origin}/`)) return false;
  const prefix = htu.slice(origin.length);
  const covers = (path: string) =>
    path.startsWith(prefix) &&
    (prefix.endsWith("/") || path.length === prefix.length || path[prefix.length] === "/");
  // `/v1/..;/admin` belongs to the application in both readings, but only in one of them below
  // `/v1/` (case P3).
  const otherReadings = canonicalize(facts.path)?.otherReadings ?? [];
  return prefix === canonicalPath(prefix) && [facts.path, ...otherReadings].every(covers);
}
