// The page that says how a terminal's login stands. Going back, double-clicking and looking again
// all end here.
import { sameNetwork } from "../../network.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import { type Admission, admits, decideFor } from "../decide.ts";
import { csrfValue } from "../forms.ts";
import type { LoginContext } from "../login-context.ts";
import { approvalPage } from "../pages/approval.ts";
import { grantApprovalPage } from "../pages/grant-approval.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import {
  absentPage,
  approvedPage,
  grantEndedPage,
  grantedPage,
  overPage,
  refusedPage,
  tellingPage,
  terminalEndedPage,
  tooManyLoginsPage,
} from "../pages/terminal-outcome.ts";
import { teamUrl } from "./cli-link.ts";
import type { CliRequest } from "./cli-request.ts";
import { grantEnd } from "./deliver-tokens.ts";
import { endOfGrant } from "./grant-wish.ts";
import { grantWishOf } from "./opening.ts";
import {
  awaitStanding,
  refusesClient,
  type Standing,
  showsNoCode,
  type TerminalLogin,
} from "./standing.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** The value that ties the form of the approval page to this session and this request. */
export function csrfPurpose(request: CliRequest): string {
  return `terminal ${request.authority} ${request.path}`;
}

/** Shows how the login stands, after giving the terminal a moment to do its part. */
export async function showAwaitedStanding(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
): Promise<Response> {
  return showStanding(c, parts, login, await awaitStanding(parts, login));
}

/**
 * Shows how the login stands.
 * @param options `confirmationMissing`: the form was sent without the confirmation
 */
export async function showStanding(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
  standing: Standing,
  options: { confirmationMissing: boolean } = { confirmationMissing: false },
): Promise<Response> {
  const { application } = login.request;
  switch (standing.kind) {
    case "asking":
      return sendPage(c, askingPage(c, parts, login, { ...standing, ...options }));
    case "absent":
      return sendAbsent(c, parts, login);
    case "telling":
    case "answered": {
      const terminal = await approvedTerminal(parts, login.session, standing.transfer);
      if (terminal === undefined) return sendPage(c, overPage("answered"));
      if (terminal.revoked_at !== null) return sendPage(c, endedPage(terminal, application.name));
      if (standing.kind === "telling") return sendTelling(c, parts, login);
      return sendPage(c, signedInPage(parts, login, terminal));
    }
    case "over":
      if (standing.reason === "refused") return sendPage(c, refusedPage());
      return sendPage(c, overPage(standing.reason));
  }
}

function askingPage(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
  { transfer, confirmationMissing }: { transfer: StoredTransfer; confirmationMissing: boolean },
): Page {
  const { facts } = c.var;
  const { clientIp, catalog } = facts;
  const { request, session } = login;
  const now = parts.now();
  const admission = decideFor(facts, request.application, session);
  const orgToken = request.sendOrgToken;
  // Nobody is shown this page whom policy does not let in.
  const endFor = (end: (admission: Admission) => number) =>
    admits(admission) ? end(admission) : now;
  const view = {
    application: request.application,
    key: request.key,
    reachesAll: orgToken,
    email: session.identity.email,
    transfer,
    otherAddress: sameNetwork(transfer.address, clientIp) ? undefined : clientIp,
    needsConfirmation: showsNoCode(transfer),
    isRefused: refusesClient(catalog.organization, transfer),
    confirmationMissing,
    ...formOf(parts, login),
    now,
  };
  const wish = grantWishOf(transfer);
  if (wish === undefined) {
    const end = endFor((admission) => grantEnd({ request, session, admission, orgToken }, now));
    return approvalPage({ ...view, grantEnd: end });
  }
  const end = endFor((admission) => endOfGrant(wish, { request, session, admission }, now));
  const { authority } = request;
  return grantApprovalPage({ ...view, grantEnd: end, authority, limits: wish });
}

/** What the terminal had has ended. */
export function endedPage({ kind }: StoredSession, application: string): Page {
  return kind === "grant" ? grantEndedPage(application) : terminalEndedPage(application);
}

/** Where the forms of a terminal's pages go, and their hidden value. */
function formOf(
  parts: TerminalParts,
  { request, session }: TerminalLogin,
): { action: string; csrf: string } {
  return {
    // `meta` runs out long before a person has read everything.
    action: `${request.path}&${new URLSearchParams({ host: request.authority })}`,
    csrf: csrfValue(parts, session, csrfPurpose(request)),
  };
}

/** The terminal has its tokens, or its grant. @param terminal its session */
function signedInPage(parts: TerminalParts, login: TerminalLogin, terminal: StoredSession): Page {
  const { application, closeWindow } = login.request;
  const page = terminal.kind === "grant" ? grantedPage : approvedPage;
  return page({
    application: application.name,
    email: terminal.identity.email,
    approvedAt: terminal.created_at,
    grantEnd: terminal.expires_at,
    now: parts.now(),
    ...formOf(parts, login),
    closeWindow,
  });
}

/** No terminal is on the line. The page looks again by itself, unless it was turned away. */
async function sendAbsent(
  c: LoginContext,
  parts: TerminalParts,
  { request }: TerminalLogin,
): Promise<Response> {
  if (await parts.relay.hasRefused(request.mailbox)) return sendPage(c, tooManyLoginsPage());
  const again = lookAgain(c, parts, request);
  const { application, key } = request;
  return sendPage(c, absentPage({ application: application.name, key, again }));
}

/** The answer waits for the terminal to take it. The page looks again by itself. */
function sendTelling(
  c: LoginContext,
  parts: TerminalParts,
  { request }: TerminalLogin,
): Promise<Response> {
  const again = lookAgain(c, parts, request);
  return sendPage(c, tellingPage({ application: request.application.name, again }));
}

/** Lets the page look again by itself, without a script. @returns where */
function lookAgain(c: LoginContext, parts: TerminalParts, request: CliRequest): string {
  const again = teamUrl(parts, c.var.facts.catalog.issuer, request);
  c.header("Refresh", `${parts.relaySettings.refreshSeconds}; url=${again}`);
  return again;
}

/**
 * The session of the terminal that came of a mailbox, if this browser session approved it: nobody
 * else is told of it.
 */
export async function approvedTerminal(
  { store }: TerminalParts,
  session: StoredSession,
  { session_id }: StoredTransfer,
): Promise<StoredSession | undefined> {
  const terminal = session_id === null ? undefined : await store.sessions.find(session_id);
  return terminal?.parent_id === session.id ? terminal : undefined;
}
