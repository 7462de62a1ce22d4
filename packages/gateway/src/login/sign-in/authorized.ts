// Step 5 of a browser's login (wire-protocol 5), on the application's host: takes the hand-over,
// once and within a minute, from the browser that began, and gives it the application's own token.
import { isFromFuture, isOver } from "../../clock.ts";
import { presentedBinding } from "../../http/browser-binding.ts";
import { singleArgument } from "../../single-argument.ts";
import type { StoredHandover, StoredSession } from "../../storage/store.ts";
import { coversHost } from "../application-host.ts";
import { decideFor, tokenLifetime } from "../decide.ts";
import { isFromBrowser } from "../fetch-metadata.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { errorPage, sendStartAgain } from "../pages/error.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import { cookieLinesOf } from "../request-cookies.ts";
import { goTo } from "../responses.ts";
import { equalSecrets, sha256 } from "../secret-values.ts";
import { addressOn } from "../sign-in-target.ts";
import { setApplicationCookie } from "./application-cookie.ts";
import { handoverLifeMs } from "./hand-over.ts";
import { openHandoverState } from "./handover-state.ts";
import { countHandOver } from "./repeated-hand-over.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/** `GET /cdn-cgi/access/authorized` on an application's host. */
export async function authorized(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { facts } = c.var;

  // 1. The link must be one that we sealed for this host.
  const query = new URLSearchParams(facts.query);
  const nonce = singleArgument(query, "nonce");
  const stateArgument = singleArgument(query, "state") ?? "";
  const state = openHandoverState(parts, facts, stateArgument);
  if (nonce === undefined || state === undefined) return sendStartAgain(c, undefined, foreignLink);
  const start = `${facts.scheme}://${facts.authority}${addressOn(state)}`;

  // 2. The hand-over is taken: whoever comes later with the same link finds none.
  const handover = await parts.store.handovers.take(sha256(nonce));
  const application = facts.catalog.applicationByAud.get(state.aud);
  if (handover === undefined || application === undefined)
    return sendStartAgain(c, start, usedOrLate);

  const session = await parts.store.sessions.find(handover.session_id);
  if (session === undefined || !coversHost(facts.catalog, application, facts.host))
    return sendStartAgain(c, start, usedOrLate);

  // 3. It is for this application, this `state` and this browser.
  const link = { aud: state.aud, state: stateArgument };
  if (!isForBrowser(c, handover, session) || !holds(handover, session, link, parts.now())) {
    parts.record({ event: "hand_over_refused", ...requestFields(facts), aud: state.aud });
    return sendStartAgain(c, start, anotherBrowser);
  }

  // 4. Policy lets the person in, now and from here.
  const decision = decideFor(facts, application, session);
  if (decision.outcome !== "allow") {
    const message = `You are signed in as ${session.identity.email}, but you may not use ${application.name} from here. If you should have access, ask the people who run it and give them the ray ID.`;
    return sendPage(
      c,
      errorPage({ status: 403, heading: "You don't have access", outcome: "refused", message }),
    );
  }

  // 5. A browser keeps what it gets.
  if (session.kind === "browser" && !countHandOver(c, parts, start))
    return sendPage(c, keepsNothingPage(facts.host, start));
  await setApplicationCookie(c, parts, {
    application,
    session,
    lifetimeMs: tokenLifetime(application, decision),
  });
  await parts.store.sessions.noteApplication({ session_id: session.id, aud: application.aud });
  parts.record({
    event: "let_in",
    ...requestFields(facts),
    aud: application.aud,
    user: session.user_id,
  });
  return goTo(c, start);
}

/**
 * Whether this is the browser with which the login began: it holds the same nonces, and no others,
 * which a sibling host could have planted (case T11). A terminal's hand-over is bound to
 * `CF_AppSession` alone, and so is for no browser.
 */
function isForBrowser(
  c: LoginContext,
  handover: StoredHandover,
  { kind }: Pick<StoredSession, "kind">,
): boolean {
  const isTerminal = kind === "terminal";
  if (isTerminal && isFromBrowser(c)) return false;
  const isBrowserOverTls = !isTerminal && c.var.facts.scheme === "https";
  const binding = presentedBinding(cookieLinesOf(c), isBrowserOverTls);
  return binding !== undefined && equalSecrets(binding, handover.app_session_hash);
}

/** Whether the hand-over is for this link, in time, and its session still alive. */
function holds(
  handover: StoredHandover,
  session: StoredSession,
  link: { aud: string; state: string },
  now: number,
): boolean {
  const isForLink =
    handover.aud === link.aud && equalSecrets(handover.state_hash, sha256(link.state));
  const isAlive = session.revoked_at === null && session.expires_at > now;
  const isDatedWrong = isFromFuture(session.created_at, now);
  return isForLink && isAlive && !isDatedWrong && !isOver(handover.expires_at, handoverLifeMs, now);
}

const foreignLink = "This link was not made by this gateway, or was changed on its way.";
const usedOrLate = "This sign-in has been used already, or took too long.";
const anotherBrowser =
  "This sign-in began in another browser, took too long, or this browser keeps no cookies here.";

function keepsNothingPage(host: string, start: string): Page {
  return errorPage({
    status: 400,
    heading: "Your browser does not keep the sign-in",
    message: `You were signed in several times within a minute, and each time your browser came back without the cookie. Allow cookies for ${host}, delete those that are there, and try again.`,
    next: { href: start, label: "Try again" },
  });
}
