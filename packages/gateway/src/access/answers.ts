// What the gateway says itself on the data path (wire-protocol 4): one function for each kind of
// answer, plain data in and out. A page for browsers, one line of JSON or text for programs;
// precise in the log, vague here.
import { cookies, endpoints, headers as names } from "@postern/protocol";
import type { Catalog } from "../catalog/catalog.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { type AnswerForm, answerForm, wantedTypes } from "../http/answer-form.ts";
import { bindingOf, browserCookie } from "../http/browser-binding.ts";
import { cookieValues, ownCookieAttributes, setCookieLine } from "../http/cookies.ts";
import type { LocalAnswer } from "../http/local-answer.ts";
import { privateHeaders } from "../http/private-headers.ts";
import type { RequestHeaders } from "../http/request-headers.ts";
import type { FixedAnswer } from "../model/fixed-answer.ts";
import type { Application, Organization } from "../model/model.ts";
import type { RandomBytes } from "../random.ts";
import type { PossessionFault } from "../tokens/possession.ts";
import { writeSignInLink } from "../tokens/sign-in-link.ts";
import type { Tokens } from "../tokens/tokens.ts";
import type { DeadToken, DeniedAsker } from "./authorize.ts";
import { corsHeaders } from "./cors.ts";
import { denied, fixedStatus, noCredential, notSignedIn, type Problem } from "./problems.ts";
import { shellWord } from "./shell-word.ts";
import { tokenDead, unproven } from "./token-problems.ts";

/** Draws a page with the organization's name and design. */
export type RenderErrorPage = (page: {
  organization: Organization;
  heading: string;
  message: string;
  /** whether somebody was kept out, and nothing broke */
  isRefusal: boolean;
  rayId: string;
  next?: { href: string; label: string } | undefined;
  mayBeFramed?: boolean;
}) => { body: string; headers: Record<string, string> };

/** What answers are made with. */
export interface AnswerParts {
  renderErrorPage: RenderErrorPage;
  tokens: Pick<Tokens, "sealMeta">;
  randomBytes: RandomBytes;
}

/** Who gets an answer. */
export interface Recipient {
  catalog: Catalog;
  headers: RequestHeaders;
  rayId: string;
}

/** Who asked for something of an application. */
export interface ApplicationRecipient extends Recipient {
  facts: RequestFacts;
  application: Application;
}

/** A client asked whether its token holds (wire-protocol 6.9). */
export const tokenHoldsAnswer: LocalAnswer = {
  status: 204,
  headers: { "Cache-Control": "private, no-store" },
  body: "",
};

/** Says what is wrong in the form that the client reads: a page, JSON, or one line of text. */
export function problemAnswer(
  { renderErrorPage }: Pick<AnswerParts, "renderErrorPage">,
  to: Recipient | ApplicationRecipient,
  problem: Problem,
): LocalAnswer {
  const { status, error, heading, message, isRefusal = false, next } = problem;
  const { headers: requestHeaders, catalog, rayId } = to;
  const ofApplication = "application" in to ? applicationHeaders(to) : {};
  const more = { ...problem.headers, ...ofApplication };
  switch (formFor(requestHeaders, problem)) {
    case "page": {
      const { organization } = catalog;
      const mayBeFramed = "application" in to && to.application.allow_iframe === true;
      const text = { heading, message, isRefusal, rayId, next };
      const page = renderErrorPage({ organization, ...text, mayBeFramed });
      return { status, headers: { ...page.headers, ...more }, body: page.body };
    }
    case "json": {
      const body = `${JSON.stringify({ error, message, ray_id: rayId })}\n`;
      const type = { "Content-Type": "application/json" };
      return { status, headers: { ...privateHeaders, ...type, ...more }, body };
    }
    case "text": {
      const body = `${heading}: ${message.replace(/\s+/g, " ")} Ray ID: ${rayId}\n`;
      const type = { "Content-Type": "text/plain; charset=utf-8" };
      return { status, headers: { ...privateHeaders, ...type, ...more }, body };
    }
  }
}

function formFor(headers: RequestHeaders, { pageless }: Problem): AnswerForm {
  return pageless === true || !looksAtPages(headers) ? "json" : answerForm(headers);
}

/** Nobody is signed in, or not any more: the way to the sign-in page. */
export function signInAnswer(parts: AnswerParts, to: ApplicationRecipient): LocalAnswer {
  const { facts, application } = to;
  if (!isLedToSignIn(to)) return problemAnswer(parts, to, notSignedIn(facts));
  const link = signInLink(parts, to);
  const here = shellWord(`${facts.scheme}://${facts.authority}${facts.path}`);
  return {
    status: 302,
    headers: {
      ...privateHeaders,
      Location: link.url,
      ...link.headers,
      "Content-Type": "text/plain; charset=utf-8",
      ...applicationHeaders(to),
    },
    body: `${application.name} asks you to sign in. From a terminal: ${terminalCommands(facts.catalog, here)} or in a browser: ${facts.catalog.issuer}${endpoints.login}\n`,
  };
}

/**
 * Browsers, and other programs unless the application wants to tell them so (access-features 13).
 */
function isLedToSignIn({ headers, application }: ApplicationRecipient): boolean {
  if (!looksAtPages(headers)) return false;
  return !tellsPrograms(application) || headers.fetchMode === "navigate" || takesHtml(headers);
}

/** Whether programs that say nothing of themselves hear so by a 401. */
function tellsPrograms({ service_auth_401_redirect, policies }: Application): boolean {
  if (service_auth_401_redirect !== true) return false;
  return policies.some(({ decision }) => decision === "non_identity");
}

function takesHtml({ accept }: RequestHeaders): boolean {
  return wantedTypes(accept).includes("text/html");
}

/** Names the official client only where its current release works (docs/cloudflared.md). */
function terminalCommands(catalog: Catalog, here: string): string {
  const own = `postern access curl ${here}`;
  return isOfficialClientServed(catalog) ? `${own} (or cloudflared access curl ${here})` : own;
}

/** Whether the official client takes this gateway for its own service. */
export function isOfficialClientServed({ teamHost, relayHosts }: Catalog): boolean {
  const isOfficialDomain = teamHost.endsWith(".cloudflareaccess.com");
  return isOfficialDomain && relayHosts.has("login.cloudflareaccess.org");
}

/**
 * A program's token or grant that is no longer good: it must fail, and say why (wire-protocol 3).
 */
export function deadTokenAnswer(
  parts: AnswerParts,
  to: ApplicationRecipient,
  dead: DeadToken,
): LocalAnswer {
  return programAnswer(parts, to, tokenDead(to.facts, dead));
}

/** A terminal's token without the proof that the application demands. */
export function unprovenAnswer(
  parts: AnswerParts,
  to: ApplicationRecipient,
  fault: PossessionFault,
): LocalAnswer {
  return programAnswer(parts, to, unproven(fault));
}

/** One line, or JSON where that is asked for: no page, whatever the program says it takes. */
function programAnswer(
  parts: AnswerParts,
  to: ApplicationRecipient,
  problem: Problem,
): LocalAnswer {
  if (!looksAtPages(to.headers)) return problemAnswer(parts, to, problem);
  const type = { "Content-Type": "text/plain; charset=utf-8" };
  return {
    status: problem.status,
    headers: { ...privateHeaders, ...type, ...problem.headers, ...applicationHeaders(to) },
    body: `${problem.message} Ray ID: ${to.rayId}\n`,
  };
}

/** Nobody is signed in who asks for an upgrade: no client follows a redirect with one. */
export function upgradeSignInAnswer(parts: AnswerParts, to: ApplicationRecipient): LocalAnswer {
  const problem = { ...notSignedIn(to.facts), heading: "You are not signed in", pageless: false };
  return problemAnswer(parts, to, problem);
}

/** Somebody, or an address, that policy does not let in. */
export function deniedAnswer(
  parts: AnswerParts,
  to: ApplicationRecipient,
  who: DeniedAsker,
): LocalAnswer {
  const { application, facts } = to;
  if (who === "nobody" && tellsPrograms(application))
    return problemAnswer(parts, to, noCredential(facts));
  const problem = denied(application, who);
  if (formFor(to.headers, problem) !== "page") return problemAnswer(parts, to, problem);
  switch (who) {
    case "service":
    case "workload":
    case "linked":
      return problemAnswer(parts, to, problem);
    case "nobody": {
      const next = elsewhere(application.custom_non_identity_deny_url);
      return problemAnswer(parts, to, { ...problem, next });
    }
    case "person": {
      const link = signInLink(parts, to);
      const again = { href: link.url, label: "Sign in as someone else" };
      const next = elsewhere(application.custom_deny_url) ?? again;
      return problemAnswer(parts, to, { ...problem, next, headers: link.headers });
    }
  }
}

/** What an ingress rule with `http_status:` says. */
export interface FixedStatus {
  status: number;
  answer?: FixedAnswer | undefined;
}

/** `http_status:` of an ingress rule. */
export function fixedStatusAnswer(
  parts: AnswerParts,
  to: ApplicationRecipient,
  { status, answer }: FixedStatus,
): LocalAnswer {
  if (answer !== undefined) {
    const type = { "Content-Type": answer.contentType };
    return { status, headers: { ...privateHeaders, ...type }, body: answer.body };
  }
  if (status < 400) return { status, headers: { ...privateHeaders }, body: "" };
  return problemAnswer(parts, to, fixedStatus(status));
}

/**
 * Whether the client looks at pages and follows redirects. Browsers, plain curl and the official
 * client do; scripts of pages, API clients and gRPC clients do not. To the last, 401 means
 * UNAUTHENTICATED, 403 PERMISSION_DENIED, and 502 to 504 UNAVAILABLE.
 */
function looksAtPages({ fetchMode, requestedWith, accept, isGrpc }: RequestHeaders): boolean {
  if (isGrpc) return false;
  const isNavigation =
    fetchMode === undefined || fetchMode === "navigate" || fetchMode === "websocket";
  if (!isNavigation) return false;
  if (requestedWith?.toLowerCase() === "xmlhttprequest") return false;
  if (accept === undefined) return true;
  const types = wantedTypes(accept);
  return types.includes("text/html") || types.includes("*/*");
}

function applicationHeaders(to: ApplicationRecipient): Record<string, string> {
  const { facts, application, headers } = to;
  return {
    [names.aud]: application.aud,
    [names.domain]: facts.host,
    ...corsHeaders(application.cors_headers, headers.origin),
  };
}

function elsewhere(href: string | undefined): Problem["next"] {
  return href === undefined ? undefined : { href, label: "What to do now" };
}

const noncePattern = /^[A-Za-z0-9_-]{22,64}$/;

/**
 * The way to the sign-in page, with what it must know of this request sealed in it (wire-protocol 4
 * and 5), and the headers of the answer that leads there.
 */
function signInLink(
  { tokens, randomBytes }: AnswerParts,
  { facts, application, headers }: ApplicationRecipient,
): { url: string; headers: LocalAnswer["headers"] } {
  // The nonces that this browser has already: two tabs begin with the same ones (wire-protocol 4).
  const newCookies: string[] = [];
  const nonceIn = (name: string): string => {
    const existing = cookieValues(headers.cookie, name).find((each) => noncePattern.test(each));
    if (existing !== undefined) return existing;
    const value = randomBytes(24).toString("base64url");
    newCookies.push(setCookieLine({ name, value }, ownCookieAttributes(facts.scheme)));
    return value;
  };
  const appSession = nonceIn(cookies.appSession);
  const browser = facts.scheme === "https" ? nonceIn(browserCookie) : undefined;
  const url = writeSignInLink(tokens, facts.catalog.issuer, {
    aud: application.aud,
    authority: facts.authority,
    redirectUrl: returnTo(facts),
    appSession: bindingOf({ appSession, browser }),
  });
  if (newCookies.length === 0) return { url, headers: {} };
  return { url, headers: { "Set-Cookie": newCookies } };
}

const redirectLength = 2_200;

/**
 * What was asked for, without our own tokens. From a very long address people come back to the path
 * alone, or to the front page.
 */
function returnTo({ path, query }: RequestFacts): string {
  // `//evil.test/` as an address is another host.
  const here = path.replace(/^\/+/, "/");
  const address = query === "" ? here : `${here}?${query}`;
  if (address.length <= redirectLength) return address;
  return here.length <= redirectLength ? here : "/";
}
