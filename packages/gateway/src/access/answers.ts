// What the gateway says itself on the data path (wire-protocol 4): one function for each kind of
// answer, plain data in and out. A page for who looks at pages, one line of JSON for programs;
// precise in the log, vague here.
import { createHash, randomBytes } from "node:crypto";
import { cookies, endpoints, headers as names } from "@postern/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { cookieValues, ownCookieAttributes, setCookieLine } from "../http/cookies.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import { privateHeaders } from "../http/private-headers.ts";
import type { RequestHeaders } from "../http/request-headers.ts";
import type { Application, Organization } from "../model/model.ts";
import { writeSignInLink } from "../tokens/sign-in-link.ts";
import type { Tokens } from "../tokens/tokens.ts";
import type { CredentialFault } from "./authenticate.ts";
import { corsHeaders } from "./cors.ts";
import type { ForwardFault } from "./forward-http.ts";
import {
  badCredentials,
  deniedMessage,
  originFailed,
  type Problem,
  unreadable,
} from "./problems.ts";
import type { RequestFault } from "./read-request.ts";

/** Draws a page with the organization's name and design. */
export type RenderErrorPage = (page: {
  organization: Organization;
  heading: string;
  message: string;
  rayId: string;
  next?: { href: string; label: string } | undefined;
}) => { body: string; headers: Record<string, string> };

/** Where an answer is going. */
export interface Recipient {
  catalog: Catalog;
  rayId: string;
  headers: RequestHeaders;
  /** undefined when the request could not even be read, or belongs to no application */
  application?: { facts: RequestFacts; application: Application };
}

/**
 * Browsers, plain curl and the official client look at pages and follow redirects; scripts of pages
 * and API clients do not.
 */
export function looksAtPages(headers: RequestHeaders): boolean {
  if (
    headers.fetchMode !== undefined &&
    headers.fetchMode !== "navigate" &&
    headers.fetchMode !== "websocket"
  )
    return false;
  if (headers.requestedWith?.toLowerCase() === "xmlhttprequest") return false;
  const accept = headers.accept?.toLowerCase();
  return accept === undefined || accept.includes("text/html") || accept.includes("*/*");
}

export function createAnswers({
  tokens,
  renderErrorPage,
}: {
  tokens: Tokens;
  renderErrorPage: RenderErrorPage;
}) {
  function say(to: Recipient, problem: Problem): LocalAnswer {
    const { status, heading, message, error, next } = problem;
    const more = {
      ...problem.headers,
      ...(to.application === undefined ? {} : applicationHeaders(to.application, to.headers)),
    };
    if (looksAtPages(to.headers) && problem.pageless !== true) {
      const page = renderErrorPage({
        organization: to.catalog.organization,
        heading,
        message,
        rayId: to.rayId,
        next,
      });
      return { status, headers: { ...page.headers, ...more }, body: page.body };
    }
    const body = `${JSON.stringify({ error, message, ray_id: to.rayId })}\n`;
    return {
      status,
      headers: { ...privateHeaders, "Content-Type": "application/json", ...more },
      body,
    };
  }

  /**
   * The way to the sign-in page, with what it must know of this request sealed in it (wire-protocol
   * 4 and 5).
   */
  function loginLink(
    facts: RequestFacts,
    application: Application,
    headers: RequestHeaders,
  ): { url: string; cookie: string | undefined } {
    const kept = keptAppSession(headers.cookie);
    const appSession = kept ?? randomBytes(24).toString("base64url");
    const url = writeSignInLink(tokens, facts.catalog.issuer, {
      aud: application.aud,
      authority: facts.authority,
      redirectUrl: returnTo(facts),
      appSession: createHash("sha256").update(appSession).digest("hex"),
    });
    const setCookie = setCookieLine(
      { name: cookies.appSession, value: appSession },
      ownCookieAttributes(facts.scheme),
    );
    return { url, cookie: kept === undefined ? setCookie : undefined };
  }

  return {
    /** The request could not be read: nothing of it was looked at. */
    unreadable: (to: Recipient, fault: RequestFault) => say(to, unreadable[fault]),

    noApplication: (to: Recipient) =>
      say(to, {
        status: 403,
        error: "no_application",
        heading: "There is nothing here for you",
        message:
          "No application has this address. Check it, or ask the people who run the gateway.",
      }),

    /** Nobody is signed in, or not any more. */
    signIn(to: Recipient, facts: RequestFacts, application: Application): LocalAnswer {
      if (!looksAtPages(to.headers)) return say(to, notSignedIn(facts));
      const { url, cookie } = loginLink(facts, application, to.headers);
      const here = `${facts.scheme}://${facts.authority}${facts.path}`;
      return {
        status: 302,
        headers: {
          ...privateHeaders,
          Location: url,
          ...(cookie === undefined ? {} : { "Set-Cookie": cookie }),
          "Content-Type": "text/plain; charset=utf-8",
          ...applicationHeaders({ facts, application }, to.headers),
        },
        body: `${application.name} asks you to sign in. From a terminal: postern access curl ${here} (or cloudflared access curl ${here}). In a browser: ${facts.catalog.issuer}${endpoints.login}\n`,
      };
    },

    passFailed: (to: Recipient, facts: RequestFacts) =>
      say(to, {
        ...notSignedIn(facts),
        error: "bad_pass",
        message:
          "The pass in the URL does not hold: it has run out, or belongs to another address. Run the command again for a new one.",
      }),

    badCredentials: (to: Recipient, facts: RequestFacts, fault: CredentialFault) =>
      say(to, {
        ...badCredentials[fault],
        ...(badCredentials[fault].status === 401 ? { headers: challenge(facts) } : {}),
      }),

    /** Somebody, or an address, that policy does not let in. */
    denied(
      to: Recipient,
      facts: RequestFacts,
      application: Application,
      who: "person" | "service" | "nobody",
    ): LocalAnswer {
      const pages = looksAtPages(to.headers) && who !== "service";
      const elsewhere =
        who === "person" ? application.custom_deny_url : application.custom_non_identity_deny_url;
      const link =
        pages && who === "person" ? loginLink(facts, application, to.headers) : undefined;
      const answer = say(to, {
        status: 403,
        error: "denied",
        pageless: who === "service",
        heading: "You don't have access",
        message: `${application.custom_deny_message ?? deniedMessage[who]} If this should be otherwise, ask the people who run ${application.name}, and give them the ray ID.`,
        next:
          pages && elsewhere !== undefined
            ? { href: elsewhere, label: "What to do now" }
            : link === undefined
              ? undefined
              : { href: link.url, label: "Sign in as someone else" },
      });
      return link?.cookie === undefined
        ? answer
        : { ...answer, headers: { ...answer.headers, "Set-Cookie": link.cookie } };
    },

    originFailed: (to: Recipient, fault: ForwardFault) => say(to, originFailed[fault]),

    /** `http_status:` of an ingress rule. */
    fixedStatus: (to: Recipient, status: number): LocalAnswer =>
      status < 400
        ? { status, headers: { ...privateHeaders }, body: "" }
        : say(to, {
            status,
            error: "fixed_status",
            heading: status === 404 ? "There is nothing here" : "This is not available",
            message:
              "The gateway has no service for this address. Check it, or ask the people who run the gateway.",
          }),

    internal: (to: Recipient) =>
      say(to, {
        status: 500,
        error: "internal",
        heading: "Something went wrong",
        message:
          "The fault is ours. Try again in a moment; if it stays, give the ray ID to the people who run this.",
      }),

    webSocket: (to: Recipient) =>
      say(to, {
        status: 501,
        error: "no_websocket",
        heading: "WebSocket is not available",
        message: "This gateway does not forward WebSocket connections yet.",
      }),
  };
}

export type Answers = ReturnType<typeof createAnswers>;

function applicationHeaders(
  { facts, application }: NonNullable<Recipient["application"]>,
  headers: RequestHeaders,
): Record<string, string> {
  return {
    [names.aud]: application.aud,
    [names.domain]: facts.host,
    ...corsHeaders(application.cors_headers, headers.origin),
  };
}

function challenge(facts: RequestFacts): Record<string, string> {
  return { "WWW-Authenticate": `Cloudflare-Access realm="${facts.host}"` };
}

function notSignedIn(facts: RequestFacts): Problem {
  return {
    status: 401,
    error: "not_signed_in",
    pageless: true,
    heading: "",
    message: `Sign in first, in a browser or with: postern access login ${facts.scheme}://${facts.authority}${facts.path}`,
    headers: challenge(facts),
  };
}

const redirectLength = 2_200;
const appSessionPattern = /^[A-Za-z0-9_-]{22,64}$/;

/**
 * What was asked for, without our own tokens; a very long address comes back to the path alone, or
 * to the front page.
 */
function returnTo({ path, query }: RequestFacts): string {
  const whole = query === "" ? path : `${path}?${query}`;
  if (whole.length <= redirectLength) return whole;
  return path.length <= redirectLength ? path : "/";
}

/** The nonce that this browser has already: two tabs begin with the same one (wire-protocol 4). */
function keptAppSession(lines: readonly string[]): string | undefined {
  return cookieValues(lines, cookies.appSession).find((value) => appSessionPattern.test(value));
}
