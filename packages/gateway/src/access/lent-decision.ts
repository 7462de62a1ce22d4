// How a proxy is told of a decision (wire-protocol 12): all that the origin gets in the gateway's
// name stands in the headers of a 200, and every name stands there, empty where there is no value,
// so that the proxy overwrites whatever the client sent (case H2).
import { chooseService } from "../catalog/choose-service.ts";
import { withoutOwnCookies } from "../http/cookies.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import type { ReadRequest } from "./read-request.ts";
import { assertionCookie, type IdentityHeaders } from "./sanitize-headers.ts";

/** Where people sign in, on answers to proxies. */
const loginHeader = "X-Access-Login";

/** The headers of a 200: names and values in turn. */
export function allowedHeaders(
  { facts, headers }: ReadRequest,
  identity: IdentityHeaders | undefined,
): string[] {
  const rule = chooseService(facts.catalog.ingress, facts.host, facts.path);
  const own = identity?.asCookie === true ? [assertionCookie(identity.assertion)] : [];
  const cookies = [...own, ...headers.cookie.map(withoutOwnCookies).filter((line) => line !== "")];
  return [
    ...["Cf-Access-Jwt-Assertion", identity?.assertion ?? ""],
    ...["Cf-Access-Authenticated-User-Email", identity?.email ?? ""],
    ...["X-Forwarded-For", facts.clientIp],
    ...["X-Forwarded-Proto", facts.scheme],
    ...["X-Forwarded-Host", facts.authority],
    ...["Cookie", cookies.join("; ")],
    ...["X-Access-Host", rule?.originRequest.httpHostHeader ?? facts.authority],
    ...["X-Access-Service", rule?.serviceName ?? ""],
    ...[loginHeader, ""],
    ...["Cache-Control", "private, no-store"],
    ...["Content-Length", "0"],
    ...["Cf-Ray", facts.rayId],
  ];
}

/**
 * A refusal, as proxies take it: the way to the sign-in page is a 401, and the redirect that it is
 * to a browser where the proxy passes answers on.
 */
export function refusedAnswer(answer: LocalAnswer, asksForRedirect: boolean): LocalAnswer {
  const { Location: location } = answer.headers;
  if (location === undefined) return answer;
  const headers = { ...answer.headers, [loginHeader]: location };
  return { ...answer, headers, status: asksForRedirect ? answer.status : 401 };
}
