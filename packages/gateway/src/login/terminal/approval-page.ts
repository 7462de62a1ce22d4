// The approval page on the team domain (wire-protocol 7): shown always, unless the application
// leaves it out for one machine.
import { sameNetwork } from "../../network.ts";
import type { StoredTransfer } from "../../storage/store.ts";
import { freshStart } from "../application-host.ts";
import { admits, decideFor } from "../decide.ts";
import { isOpenedByPerson, isVisit } from "../fetch-metadata.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { sendNoAccess } from "../no-access.ts";
import { sendPage } from "../pages/layout.ts";
import { brokenLinkPage } from "../pages/terminal-outcome.ts";
import { mustAsk } from "../provider-wishes.ts";
import { recordTerminalLogin } from "../record-access.ts";
import { browserSession } from "../team-session.ts";
import { goToLogin, isVouched, readTeamRequest } from "./cli-link.ts";
import type { CliRequest } from "./cli-request.ts";
import { deliverTokens } from "./deliver-tokens.ts";
import { grantWishOf, isOpenedFor } from "./opening.ts";
import { signedIn } from "./progress.ts";
import { showAwaitedStanding, showStanding } from "./show-standing.ts";
import { awaitStanding, refusesClient, type TerminalLogin } from "./standing.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** `GET` on the team domain. */
export async function showApproval(c: LoginContext, parts: TerminalParts): Promise<Response> {
  const { facts } = c.var;

  // 1. The link must be whole, and the application's host have vouched for it.
  const reading = readTeamRequest(c);
  if (!reading.ok) return sendPage(c, brokenLinkPage(reading.message, undefined));
  const { request } = reading;
  if (!isVouched(c, parts, request)) {
    const start = freshStart(facts, request.authority, request.path);
    return sendPage(c, brokenLinkPage(staleLink, start));
  }

  // 2. Somebody must be signed in whom policy lets in. The login takes the wishes out of the link.
  const session = await browserSession(c, parts);
  if (session === undefined || mustAsk(request.wishes)) return goToLogin(c, parts, request);
  const login = { request, session };
  const decision = decideFor(facts, request.application, session);
  const opened = await tellOfSession(c, parts, login);
  if (!admits(decision) && opened !== undefined) return refuseByPolicy(c, parts, login);
  // The official client does not say what it asks for: it waits for another person.
  if (!admits(decision)) return sendTerminalNoAccess(c, parts, login, false);

  // 3. The person is asked, unless the page may be left out.
  const standing = await awaitStanding(parts, login);
  if (standing.kind !== "asking" || !mayLeavePageOut(c, request, standing.transfer))
    return showStanding(c, parts, login, standing);
  const { transfer } = standing;
  const approval = { ...login, transfer, admission: decision, orgToken: false };
  if (await deliverTokens(parts, approval)) recordTerminalLogin(parts, facts, approval);
  return showAwaitedStanding(c, parts, login);
}

/** Tells a terminal that opened its mailbox itself that somebody has signed in. */
async function tellOfSession(
  c: LoginContext,
  { mailboxes }: TerminalParts,
  { request, session }: TerminalLogin,
): Promise<StoredTransfer | undefined> {
  if (!isVisit(c)) return undefined;
  const transfer = await mailboxes.find(request.mailbox);
  if (transfer === undefined || transfer.opening === null) return undefined;
  if (!isOpenedFor(request, transfer)) return undefined;
  await mailboxes.note(transfer, signedIn(c, transfer, session));
  return transfer;
}

/** Ends the terminal's wait: policy does not let in whoever has signed in. */
export async function refuseByPolicy(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
): Promise<Response> {
  const { mailbox, application } = login.request;
  const isRefused = await parts.mailboxes.answer(mailbox, { state: "policy" });
  if (isRefused)
    parts.record({
      event: "terminal_refused_by_policy",
      ...requestFields(c.var.facts),
      aud: application.aud,
      application: application.name,
      email: login.session.identity.email,
    });
  return sendTerminalNoAccess(c, parts, login, true);
}

/**
 * Signed in, and not allowed: another person may sign in and answer.
 * @param isTerminalTold whether the terminal has its answer already
 */
function sendTerminalNoAccess(
  c: LoginContext,
  parts: TerminalParts,
  { request, session }: TerminalLogin,
  isTerminalTold: boolean,
): Promise<Response> {
  const { application, authority, path } = request;
  const address = { aud: application.aud, authority, redirect_url: path, app_session: "" };
  return sendNoAccess(c, parts, {
    application,
    target: { application: address },
    session,
    hasSession: true,
    terminal: isTerminalTold ? "told" : "waits",
  });
}

/**
 * `skip_interstitial`: one person, one address, a page that the browser says the person opened, and
 * no token for other applications. A link on somebody else's page is not enough.
 */
function mayLeavePageOut(
  c: LoginContext,
  { application }: CliRequest,
  transfer: StoredTransfer,
): boolean {
  const { clientIp, catalog } = c.var.facts;
  if (!application.skip_interstitial || !isOpenedByPerson(c)) return false;
  // What a grant is for, only a person can say.
  if (grantWishOf(transfer) !== undefined) return false;
  return sameNetwork(transfer.address, clientIp) && !refusesClient(catalog.organization, transfer);
}

const staleLink = "The link has expired, or was changed on its way.";
