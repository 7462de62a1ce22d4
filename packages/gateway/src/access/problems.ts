// What is wrong, in words: for each reason why a request does not reach its origin, the status, a
// stable code for programs, and what a person can do about it. General towards the outside; the log
// has the rest.
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application } from "../model/model.ts";
import type { DeniedAsker } from "./authorize.ts";
import type { ForwardFault } from "./forwarding.ts";
import type { RequestFault } from "./read-request.ts";
import { shellWord } from "./shell-word.ts";

/** What is wrong with a request, in the words of the answer. */
export interface Problem {
  status: number;
  error: string;
  heading: string;
  message: string;
  /** whether somebody is kept out, and nothing broke */
  isRefusal?: boolean;
  /** where a page leads from here */
  next?: { href: string; label: string } | undefined;
  headers?: Record<string, string | string[]>;
  /** for programs alone */
  pageless?: boolean;
}

const deniedMessages: Record<DeniedAsker, string> = {
  person: "You are signed in, but you may not use this application from here.",
  service: "The service token is valid, but no policy lets it use this application.",
  linked: "The token of the other application is valid, but no policy lets it use this one.",
  workload: "The token is valid, but no policy lets this program use this application.",
  nobody: "This application cannot be used from where you are, or needs a service token.",
};

const badRequest = (error: string, message: string): Problem => ({
  status: 400,
  error,
  heading: "This request cannot be read",
  message,
});

const askWhoRunsIt = "give the ray ID to the people who run this gateway.";

/** The request could not be read: nothing else of it was looked at. */
export const unreadable: Record<RequestFault, Problem> = {
  bad_host: badRequest(
    "bad_host",
    "The request names no host, more than one, or something that is not a host. Check the address, or the Host header that your client sends.",
  ),
  bad_port: {
    ...badRequest(
      "bad_port",
      "The gateway does not serve the port that the request names. Check the port in the address.",
    ),
    status: 421,
  },
  bad_target: badRequest(
    "bad_target",
    "The address is not a path with an optional query, or names another host than the Host header. Check the address that your client asks for.",
  ),
  bad_path: badRequest(
    "bad_path",
    "The path has a control character, a raw # or backslash, a broken escape, or bytes that are not UTF-8. Percent-encode such characters.",
  ),
  path_too_long: {
    ...badRequest(
      "path_too_long",
      "The path is longer than 8000 characters and has capitals, escapes, parameters or dot segments, or longer than 1000 and has names that end in a dot or a blank. Shorten it, or put the long part into the query.",
    ),
    status: 414,
  },
  ambiguous_path: badRequest(
    "ambiguous_path",
    "The path can be read in two ways that mean different applications. Write it without escapes, double slashes and dot segments.",
  ),
  encoded_slash: badRequest(
    "encoded_slash",
    "The path has an encoded slash or backslash, which this application does not allow. Write the path without it, or ask the people who run the application to allow it (allow_encoded_slashes).",
  ),
  two_tokens: badRequest("two_tokens", "The query has more than one access token. Send one."),
  bad_forwarding: badRequest(
    "bad_forwarding",
    `The headers of the proxy in front of the gateway contradict each other or cannot be read. You can do nothing about it: ${askWhoRunsIt}`,
  ),
  no_forwarded_for: badRequest(
    "no_forwarded_for",
    `The proxy in front of the gateway sends no X-Forwarded-For. It must say there who the client is. You can do nothing about it: ${askWhoRunsIt}`,
  ),
  bad_method: {
    status: 405,
    error: "bad_method",
    heading: "This is not possible here",
    message: "The gateway does not answer requests with this method. Use another one.",
  },
  unknown_coding: badRequest(
    "unknown_coding",
    "The body has a transfer coding other than chunked, so nobody can tell where it ends. Send it chunked or with a Content-Length.",
  ),
  bad_version: {
    ...badRequest(
      "bad_version",
      "The gateway speaks HTTP/1.1 and HTTP/1.0, and no other version here. Use one of them.",
    ),
    status: 505,
  },
  unknown_expectation: {
    ...badRequest(
      "unknown_expectation",
      "The request expects something that the gateway does not know. The only value of Expect is 100-continue. Send that, or no Expect.",
    ),
    status: 417,
  },
  coding_in_http_1_0: badRequest(
    "coding_in_http_1_0",
    "HTTP/1.0 has no transfer codings, so nobody can tell where the body ends. Send a Content-Length, or use HTTP/1.1.",
  ),
  too_many_headers: {
    status: 431,
    error: "too_many_headers",
    heading: "This request cannot be read",
    message:
      "The request has more than 256 headers. Send fewer; in a browser, clear the cookies of this site.",
  },
};

/** A proxy asks about a request and does not say which one. */
export const badQuestion: Problem = badRequest(
  "bad_forward_auth",
  `The proxy in front of the application does not say in its own headers which request it asks about, or says it twice. You can do nothing about it: ${askWhoRunsIt}`,
);

/** The request may pass, and has no answer. */
export const originFailed: Record<ForwardFault, Problem> = {
  unreachable: {
    status: 502,
    error: "origin_unreachable",
    heading: "The application cannot be reached",
    message:
      "The application is behind this gateway, but is not taking connections right now. Try again in a minute. If this keeps happening, tell the people who run the application.",
  },
  closed: {
    status: 502,
    error: "origin_closed",
    heading: "The application did not answer",
    message:
      "The application closed the connection without an answer. Try again in a minute. If this keeps happening, give the ray ID to the people who run the application.",
  },
  malformed: {
    status: 502,
    error: "origin_malformed",
    heading: "The application's answer cannot be read",
    message:
      "The application's answer is not valid HTTP, so it was not passed on. Give the ray ID to the people who run the application.",
  },
  connect_timeout: {
    status: 504,
    error: "origin_connect_timeout",
    heading: "The application cannot be reached",
    message:
      "The application is behind this gateway, but did not take the connection in time. Try again in a minute. If this keeps happening, tell the people who run the application.",
  },
  response_timeout: {
    status: 504,
    error: "origin_timeout",
    heading: "The application did not answer in time",
    message:
      "The request was passed on, and may have taken effect. Check before you send it again.",
  },
  busy: {
    status: 503,
    error: "origin_busy",
    heading: "The application is busy",
    message:
      "The application is answering as many requests as it can take at once. Try again in a few seconds.",
    headers: { "Retry-After": "1" },
  },
  stalled_body: {
    status: 408,
    error: "stalled_body",
    heading: "The request never ended",
    message:
      "The body of the request stopped in the middle, and the gateway stopped waiting. Send it again.",
  },
};

/**
 * No application covers host and path. The same answer everywhere: it says nothing of those that
 * exist.
 */
export const noApplication: Problem = {
  status: 403,
  error: "no_application",
  heading: "No application at this address",
  message:
    "No application has this address. Check it for typing mistakes, or ask the people who run this gateway where the application is.",
};

/** A page of another site asks in the name of who looks at it (case W1). */
export const foreignPage: Problem = {
  status: 403,
  error: "foreign_page",
  heading: "This page may not use the application",
  message:
    "A page of another site asked for a WebSocket of this application in your name. Ask the people who run the application to allow that site, if it is one of theirs.",
  isRefusal: true,
  pageless: true,
};

/** A fault of ours; the log has it under the same ray id. */
export const internal: Problem = {
  status: 500,
  error: "internal",
  heading: "The gateway made a mistake",
  message: `The fault is the gateway's, not yours. Try again in a minute. If it happens again, ${askWhoRunsIt}`,
};

/** The store is locked or gone: who is asking cannot be found out at the moment. */
export const storeUnavailable: Problem = {
  status: 503,
  error: "busy",
  heading: "The gateway is busy",
  message: "The gateway cannot check right now who may come in. Try again in a few seconds.",
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

/** Nobody can sign in here, and no program said who it is. */
export function noCredential(facts: RequestFacts): Problem {
  return {
    status: 401,
    error: "no_credential",
    pageless: true,
    heading: "",
    message: "This application is for programs with a service token. Send one that holds.",
    headers: challenge(facts),
  };
}

/** Policy does not let this person, program or address in. */
export function denied(application: Application, who: DeniedAsker): Problem {
  const reason = application.custom_deny_message ?? deniedMessages[who];
  return {
    status: 403,
    error: "denied",
    pageless: who === "service" || who === "workload" || who === "linked",
    heading: "You don't have access",
    isRefusal: true,
    message: `${reason} If you should have access, ask the people who run ${application.name} and give them the ray ID.`,
  };
}

/** `http_status:` of an ingress rule, and an address without a rule. */
export function fixedStatus(status: number): Problem {
  return {
    status,
    error: "fixed_status",
    heading: status === 404 ? "Nothing at this address" : "This is not available",
    message:
      "The gateway has no service for this address. Check the address for a typing mistake, or ask the people who run this gateway.",
  };
}

/** How whoever has no credential, or a bad one, may get in (RFC 9110 11.6.1). */
export function challenge({ host }: RequestFacts): Record<string, string> {
  return { "WWW-Authenticate": `Cloudflare-Access realm="${host}"` };
}
