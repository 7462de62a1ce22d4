// The login page on the team domain (step 2 of a browser's login, wire-protocol 5): who is signed
// in already goes on at once, everybody else chooses how to sign in.

import { headers } from "@postern/protocol";
import type { Application } from "../../model/model.ts";
import { isAllowedProvider } from "../../policy/allowed-providers.ts";
import type { StoredSession } from "../../storage/store.ts";
import { StoreOutOfReachError } from "../../store-unavailable.ts";
import { hostOf } from "../application-host.ts";
import { proofFaultOf, refuseUnproven } from "../demanded-proof.ts";
import { isFromBrowser } from "../fetch-metadata.ts";
import { csrfHolds, readForm } from "../forms.ts";
import { fragmentField, readFragment } from "../fragment.ts";
import type { LoginContext } from "../login-context.ts";
import { someoneElsePurpose } from "../no-access.ts";
import { errorPage, sendStartAgain } from "../pages/error.ts";
import { homeLink } from "../pages/html.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import { mustAsk } from "../provider-wishes.ts";
import { sendEmpty } from "../responses.ts";
import { openTarget, type SignInTarget, startOf } from "../sign-in-target.ts";
import {
  browserSession,
  clearSessionCookie,
  type TerminalSession,
  terminalSession,
} from "../team-session.ts";
import { handOver } from "./hand-over.ts";
import { readLoginRequest, withFragment } from "./login-request.ts";
import { findOffer, offersFor, showOffers } from "./offers.ts";
import type { SignInParts } from "./sign-in-parts.ts";
import { startAttempt } from "./start-attempt.ts";

/** `GET` and `HEAD` of the login page. */
export async function showLogin(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { facts } = c.var;

  // 1. The link says what somebody signs in for.
  const request = readLoginRequest(parts, facts);
  if (!request.ok && request.fault === "unknown_application")
    return sendPage(c, unknownApplicationPage(c));
  if (!request.ok) return sendStartAgain(c, request.freshStart, staleLink);
  const { application, target } = request;
  if (application !== undefined) nameApplication(c, application, target);

  // 2. Whoever is signed in already goes on, unless the link wants the provider to ask. A terminal
  // proves that it is the one which was given the token.
  const terminal = await terminalFor(c, parts, target);
  const fault = terminal && proofFaultOf(c, parts, terminal.token, terminal.claims);
  if (fault !== undefined) return refuseUnproven(c, fault);
  const session = terminal?.session ?? (await browserSession(c, parts));
  const mayGoOn = terminal !== undefined || isOfProvider(session, application);
  if (session !== undefined && mayGoOn && !mustAsk(target))
    return handOver(c, parts, target, { session, hasSession: true });
  if (facts.method === "HEAD") return sendEmpty(c, 200);

  // 3. Nobody is asked to begin what could not be finished.
  if (parts.tokens.storeContact !== "kept")
    throw new StoreOutOfReachError("nobody can sign in: the database cannot be reached");

  // 4. Everybody else signs in: at the only provider at once, if the application wants that.
  const offers = offersFor(parts, facts, application);
  const [only] = offers;
  const isOnlyChoice = offers.length === 1 && only?.provider.offer === "button";
  if (application?.auto_redirect_to_identity === true && isOnlyChoice)
    return startAttempt(c, parts, { target, offer: only, fields: new Map() });
  return showOffers(c, parts, target);
}

/** The forms of the login page, and of the pages that lead back to it. */
export async function submitLogin(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { facts } = c.var;
  const fields = await readForm(c);
  const field = openTarget(parts, fields?.get("target") ?? "");
  if (fields === undefined || field === undefined)
    return sendStartAgain(c, undefined, "The form could not be read.");
  const { expired } = field;
  const target = withFragment(field.target, readFragment(fields.get(fragmentField)));
  if (expired) return sendStartAgain(c, startOf(facts, target), "The page was open for too long.");
  if (fields.has("someone_else")) return signInAsSomeoneElse(c, parts, target, fields.get("csrf"));

  const offer = findOffer(parts, facts, target, fields.get("provider"));
  if (offer === undefined || fields.has("back")) return showOffers(c, parts, target);
  return startAttempt(c, parts, { target, offer, fields });
}

/** Whoever signed in with a provider that the application does not allow signs in anew. */
function isOfProvider(
  session: StoredSession | undefined,
  application: Application | undefined,
): boolean {
  if (session === undefined || application === undefined) return true;
  return isAllowedProvider(application, session.identity.idp.id);
}

/** Clients before 2026.8 read here which application asks for the login (wire-protocol 4). */
function nameApplication(c: LoginContext, application: Application, target: SignInTarget): void {
  c.header(headers.aud, application.aud);
  c.header(headers.domain, hostOf(target.application?.authority ?? "") ?? "");
}

/**
 * The terminal that exchanges its token here (wire-protocol 6.3); no browser does, and not for the
 * team domain.
 */
async function terminalFor(
  c: LoginContext,
  parts: SignInParts,
  target: SignInTarget,
): Promise<TerminalSession | undefined> {
  const mayBeTerminal = target.application !== undefined && !isFromBrowser(c);
  return mayBeTerminal ? terminalSession(c, parts) : undefined;
}

/**
 * Ends this browser's session first: it must not come back when the person turns away now (case
 * T10).
 */
async function signInAsSomeoneElse(
  c: LoginContext,
  parts: SignInParts,
  target: SignInTarget,
  csrf: string | undefined,
): Promise<Response> {
  const session = await browserSession(c, parts);
  if (session !== undefined) {
    if (!csrfHolds(c, parts, { session, purpose: someoneElsePurpose, value: csrf })) {
      const start = startOf(c.var.facts, target);
      return sendStartAgain(c, start, "The form did not come from a page of this session.");
    }
    await parts.sessions.end(session.id);
  }
  clearSessionCookie(c);
  return showOffers(c, parts, target);
}

const staleLink = "The link to this page has expired, or was changed on its way.";

function unknownApplicationPage(c: LoginContext): Page {
  return errorPage({
    status: 400,
    heading: "No application at this address",
    message:
      "The link names an application that this gateway does not have. Open the application's own address: it will bring you back here with a good link.",
    next: homeLink(c.var.facts.catalog),
  });
}
