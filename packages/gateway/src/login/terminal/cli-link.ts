// A terminal's link on its way (wire-protocol 6.4 and 6.5): the application's host says with `meta`
// that the request came through it, and the team domain looks for that before it asks anybody.
import { decodeShortTransferKey, endpoints, ProtocolError } from "@postern/protocol";
import { singleArgument } from "../../single-argument.ts";
import { openLink, type SignInLink, sealLink, writeSignInLink } from "../../tokens/sign-in-link.ts";
import type { Tokens } from "../../tokens/tokens.ts";
import { isVisit } from "../fetch-metadata.ts";
import type { LoginContext } from "../login-context.ts";
import { sendPage } from "../pages/layout.ts";
import { brokenLinkPage, unknownAddressPage } from "../pages/terminal-outcome.ts";
import { goTo } from "../responses.ts";
import { type CliRequest, type CliRequestReading, readCliRequest } from "./cli-request.ts";
import { type Mailboxes, mailboxId } from "./mailboxes.ts";
import { openedRequest } from "./opening.ts";

/** `GET` on the application's host: vouches for the request, and decides nothing. */
export async function vouch(c: LoginContext, parts: { tokens: Tokens }): Promise<Response> {
  const { facts } = c.var;
  const reading = readCliRequest(facts.catalog, facts.authority, facts.query);
  if (!reading.ok) return sendPage(c, brokenLinkPage(reading.message, undefined));
  return goTo(c, teamUrl(parts, facts.catalog.issuer, reading.request));
}

/**
 * `GET` of the short address on the application's host: vouches for what the terminal asked for
 * when it opened its mailbox (wire-protocol 6.4).
 */
export async function vouchForOpening(
  c: LoginContext,
  parts: { tokens: Tokens; mailboxes: Mailboxes },
): Promise<Response> {
  const { facts } = c.var;
  const key = readShortKey(facts.path);
  const transfer = key === undefined ? undefined : await parts.mailboxes.find(mailboxId(key));
  if (key === undefined || transfer === undefined) return sendPage(c, unknownAddressPage());
  const reading = openedRequest(facts, key, transfer);
  if (!reading.ok) return sendPage(c, unknownAddressPage());
  if (isVisit(c)) await parts.mailboxes.note(transfer, { step: "opened" });
  return goTo(c, teamUrl(parts, facts.catalog.issuer, reading.request));
}

function readShortKey(path: string): Uint8Array | undefined {
  try {
    return decodeShortTransferKey(path.slice(endpoints.cli.length + 1));
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/** The same request on the team domain; `meta` says that the application's host sent it. */
export function teamUrl(parts: { tokens: Tokens }, issuer: string, request: CliRequest): string {
  const meta = sealLink(parts.tokens, linkOf(request));
  return `${issuer}${request.path}&${new URLSearchParams({ host: request.authority, meta })}`;
}

/** The request on the team domain. */
export function readTeamRequest(c: LoginContext): CliRequestReading {
  const { facts } = c.var;
  const authority = singleArgument(new URLSearchParams(facts.query), "host");
  if (authority === undefined)
    return { ok: false, message: "The link does not say which application it is for." };
  return readCliRequest(facts.catalog, authority, facts.query);
}

/**
 * Whether the application's host vouches for the request. Every argument counts: one that was
 * altered afterwards breaks the link (case L4).
 */
export function isVouched(
  c: LoginContext,
  { tokens }: { tokens: Tokens },
  request: CliRequest,
): boolean {
  const meta = singleArgument(new URLSearchParams(c.var.facts.query), "meta");
  return openLink(tokens, meta, linkOf(request)) !== undefined;
}

/**
 * Through the login and back to the application's host, which vouches anew: a slow login outlives
 * `meta`.
 */
export function goToLogin(
  c: LoginContext,
  { tokens }: { tokens: Tokens },
  request: CliRequest,
): Response {
  return goTo(c, writeSignInLink(tokens, c.var.facts.catalog.issuer, linkOf(request)));
}

function linkOf({ application, authority, path }: CliRequest): SignInLink {
  return { aud: application.aud, authority, redirectUrl: path, appSession: "" };
}
