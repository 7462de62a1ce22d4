// What is wrong, in words: for each reason why a request does not reach its origin, the status, a
// stable code for programs, and what a person can do about it. General towards the outside; the log
// has the rest.
import { endpoints, headers as names } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application } from "../model/model.ts";
import type { CredentialFault } from "./authenticate.ts";
import type { DeniedAsker, TokenEnding } from "./authorize.ts";
import type { ForwardFault } from "./forward-http.ts";
import type { RequestFault } from "./read-request.ts";
import { shellWord } from "./shell-word.ts";

/** What is wrong with a request, in the words of the answer. */
export interface Problem {
  status: number;
  error: string;
  heading: string;
  message: string;
  /** where a page leads from here */
  next?: { href: string; label: string } | undefined;
  headers?: Record<string, string | string[]>;
  /** for programs alone */
  pageless?: boolean;
}

const deniedMessages: Record<DeniedAsker, string> = {
  person: "You are signed in, but not allowed to use this application from here.",
  service: "The service token is valid, but no policy lets it use this application.",
  nobody: "This application cannot be used from where you are, or not without a service token.",
};

const badRequest = (error: string, message: string): Problem => ({
  status: 400,
  error,
  heading: "This request cannot be read",
  message,
});

/** The request could not be read: nothing else of it was looked at. */
export const unreadable: Record<RequestFault, Problem> = {
  bad_host: badRequest(
    "bad_host",
    "The request names no host, or more than one, or something that is no host.",
  ),
  bad_port: {
    ...badRequest("bad_port", "The gateway does not serve the port that the request names."),
    status: 421,
  },
  bad_target: badRequest(
    "bad_target",
    "The address is not a path with an optional query, or names another host than the Host header.",
  ),
  bad_path: badRequest(
    "bad_path",
    "The path holds a control character, a raw # or backslash, a broken escape, or bytes that are no UTF-8.",
  ),
  path_too_long: {
    ...badRequest(
      "path_too_long",
      "The path is longer than 8000 characters and holds capitals, escapes, parameters or dot segments.",
    ),
    status: 414,
  },
  ambiguous_path: badRequest(
    "ambiguous_path",
    "The path can be read in two ways that mean different applications. Write it plainly.",
  ),
  encoded_slash: badRequest(
    "encoded_slash",
    "The path holds an encoded slash or backslash, which this application does not allow.",
  ),
  two_tokens: badRequest("two_tokens", "The query holds more than one access token."),
  bad_forwarding: badRequest(
    "bad_forwarding",
    "The headers of the proxy in front of the gateway contradict each other or cannot be read.",
  ),
  no_forwarded_for: badRequest(
    "no_forwarded_for",
    "The proxy in front of the gateway sends no X-Forwarded-For. It must say there who the client is.",
  ),
  bad_method: {
    status: 405,
    error: "bad_method",
    heading: "This is not possible here",
    message: "The gateway does not answer TRACE and CONNECT.",
  },
  unknown_coding: badRequest(
    "unknown_coding",
    "The body has a transfer coding other than chunked, so nobody can tell where it ends.",
  ),
  coding_in_http_1_0: badRequest(
    "coding_in_http_1_0",
    "HTTP/1.0 has no transfer codings, so nobody can tell where the body ends. Send a Content-Length, or use HTTP/1.1.",
  ),
  too_many_headers: {
    status: 431,
    error: "too_many_headers",
    heading: "This request cannot be read",
    message: "The request has more than 256 headers.",
  },
};

const badCredentials: Record<CredentialFault, Problem> = {
  half_service_token: {
    status: 401,
    error: "half_service_token",
    pageless: true,
    heading: "",
    message:
      "Send both CF-Access-Client-Id and CF-Access-Client-Secret, or the one header that the application names.",
  },
  two_service_tokens: {
    status: 401,
    error: "two_service_tokens",
    pageless: true,
    heading: "",
    message: "The request has more than one service token. Send one.",
  },
  bad_service_token: {
    status: 401,
    error: "bad_service_token",
    pageless: true,
    heading: "",
    message: "The service token is unknown, wrong, disabled or expired.",
  },
  two_access_tokens: {
    status: 400,
    error: "two_access_tokens",
    pageless: true,
    heading: "",
    message: "The header cf-access-token is there twice. Send it once.",
  },
  two_persons: {
    status: 403,
    error: "two_persons",
    heading: "You are signed in twice",
    message:
      "This browser sends the sessions of two different people. Sign out, or clear this site's cookies, and sign in again.",
    next: { href: endpoints.logout, label: "Sign out" },
  },
};

/** The request may pass, and has no answer. */
export const originFailed: Record<ForwardFault, Problem> = {
  unreachable: {
    status: 502,
    error: "origin_unreachable",
    heading: "The application cannot be reached",
    message:
      "It is behind this gateway, but does not take connections right now. Try again in a moment.",
  },
  closed: {
    status: 502,
    error: "origin_closed",
    heading: "The application did not answer",
    message: "It ended the connection without an answer. Try again in a moment.",
  },
  malformed: {
    status: 502,
    error: "origin_malformed",
    heading: "The application's answer cannot be read",
    message:
      "It is not proper HTTP, so it was not passed on. Give the ray ID to the people who run the application.",
  },
  connect_timeout: {
    status: 504,
    error: "origin_connect_timeout",
    heading: "The application cannot be reached",
    message:
      "It is behind this gateway, but did not take the connection in time. Try again in a moment.",
  },
  response_timeout: {
    status: 504,
    error: "origin_timeout",
    heading: "The application did not answer in time",
    message:
      "The request was passed on, and may have had its effect. Look before you send it again.",
  },
  busy: {
    status: 503,
    error: "origin_busy",
    heading: "The application is busy",
    message: "It has as many requests as it may have at once. Try again in a moment.",
    headers: { "Retry-After": "1" },
  },
  stalled_body: {
    status: 408,
    error: "stalled_body",
    heading: "The request never ended",
    message: "Its body stopped in the middle, and was not waited for any longer.",
  },
};

/**
 * No application covers host and path. The same answer everywhere: it says nothing of those that
 * exist.
 */
export const noApplication: Problem = {
  status: 403,
  error: "no_application",
  heading: "There is nothing here for you",
  message: "No application has this address. Check it, or ask the people who run the gateway.",
};

/** Not implemented yet. */
export const noWebSocket: Problem = {
  status: 501,
  error: "no_websocket",
  heading: "WebSocket is not available",
  message: "This gateway does not forward WebSocket connections yet.",
};

/** A fault of ours; the log has it under the same ray id. */
export const internal: Problem = {
  status: 500,
  error: "internal",
  heading: "Something went wrong",
  message:
    "The fault is ours. Try again in a moment; if it stays, give the ray ID to the people who run this.",
};

/** The store is locked or gone: who is asking cannot be found out at the moment. */
export const storeUnavailable: Problem = {
  status: 503,
  error: "busy",
  heading: "The gateway is busy",
  message: "It cannot find out at the moment who may come in. Try again in a few seconds.",
  headers: { "Retry-After": "5" },
};

/** For programs, which cannot follow a redirect to the sign-in page. */
export function notSignedIn(facts: RequestFacts): Problem {
  const here = shellWord(`${facts.scheme}://${facts.authority}${facts.path}`);
  return {
    status: 401,
    error: "not_signed_in",
    pageless: true,
    heading: "",
    message: `Sign in first, in a browser or with: postern access login ${here}`,
    headers: challenge(facts),
  };
}

const endings: Record<TokenEnding, string> = {
  session_ended: "The session of this token has ended.",
  expired: "This token has expired.",
  revoked: "This token is not one of ours, or not any more.",
};

/** A program's token is no longer good. */
export function tokenDead(facts: RequestFacts, ending: TokenEnding): Problem {
  const problem = notSignedIn(facts);
  return {
    ...problem,
    error: ending,
    message: `${endings[ending]} ${problem.message}`,
    headers: { ...problem.headers, [names.error]: ending },
  };
}

/**
 * A pass fails without a way to sign in: the tools that it is for follow none (wire-protocol 8).
 */
export function passFailed(facts: RequestFacts): Problem {
  return {
    ...notSignedIn(facts),
    error: "bad_pass",
    message:
      "The pass in the URL does not hold: it has run out, or belongs to another address. Run the command again for a new one.",
  };
}

/** The credentials contradict themselves, or are no service token that holds. */
export function credentialsFailed(facts: RequestFacts, fault: CredentialFault): Problem {
  const problem = badCredentials[fault];
  return problem.status === 401 ? { ...problem, headers: challenge(facts) } : problem;
}

/** Policy does not let this person, program or address in. */
export function denied(application: Application, who: DeniedAsker): Problem {
  const reason = application.custom_deny_message ?? deniedMessages[who];
  return {
    status: 403,
    error: "denied",
    pageless: who === "service",
    heading: "You don't have access",
    message: `${reason} If this should be otherwise, ask the people who run ${application.name}, and give them the ray ID.`,
  };
}

/** `http_status:` of an ingress rule, and an address without a rule. */
export function fixedStatus(status: number): Problem {
  return {
    status,
    error: "fixed_status",
    heading: status === 404 ? "There is nothing here" : "This is not available",
    message:
      "The gateway has no service for this address. Check it, or ask the people who run the gateway.",
  };
}

function challenge({ host }: RequestFacts): Record<string, string> {
  return { "WWW-Authenticate": `Cloudflare-Access realm="${host}"` };
}
