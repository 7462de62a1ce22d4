// The page that says how a terminal's login stands. Going back, double-clicking and looking again
// all end here.
import { sameNetwork } from "../../network.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import { csrfValue } from "../forms.ts";
import type { LoginContext } from "../login-context.ts";
import { approvalPage } from "../pages/approval.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import {
  absentPage,
  approvedPage,
  overPage,
  refusedPage,
  tellingPage,
  tooManyLoginsPage,
} from "../pages/terminal-outcome.ts";
import { teamUrl } from "./cli-link.ts";
import type { CliRequest } from "./cli-request.ts";
import {
  awaitStanding,
  refusesClient,
  type Standing,
  showsNoCode,
  type TerminalLogin,
} from "./standing.ts";
import type { TerminalParts } from "./terminal-parts.ts";

const lookAgainSeconds = 3;

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
  const { application, closeWindow } = login.request;
  switch (standing.kind) {
    case "asking":
      return sendPage(c, askingPage(c, parts, login, { ...standing, ...options }));
    case "absent":
      return sendAbsent(c, parts, login);
    case "telling":
    case "answered":
      if (!(await hasApproved(parts, login.session, standing.transfer)))
        return sendPage(c, overPage("answered"));
      if (standing.kind === "telling") return sendTelling(c, parts, login);
      return sendPage(c, approvedPage(application.name, { closeWindow }));
    case "over":
      if (standing.reason === "refused") return sendPage(c, refusedPage());
      return sendPage(c, overPage(standing.reason));
  }
}

function askingPage(
  c: LoginContext,
  parts: TerminalParts,
  { request, session }: TerminalLogin,
  { transfer, confirmationMissing }: { transfer: StoredTransfer; confirmationMissing: boolean },
): Page {
  const { clientIp, catalog } = c.var.facts;
  return approvalPage({
    application: request.application,
    key: request.key,
    reachesAll: request.sendOrgToken,
    email: session.identity.email,
    transfer,
    otherAddress: sameNetwork(transfer.address, clientIp) ? undefined : clientIp,
    needsConfirmation: showsNoCode(transfer),
    isRefused: refusesClient(catalog.organization, transfer),
    confirmationMissing,
    // `meta` runs out long before a person has read everything.
    action: `${request.path}&${new URLSearchParams({ host: request.authority })}`,
    csrf: csrfValue(parts, session, csrfPurpose(request)),
    now: parts.now(),
  });
}

/** No terminal is on the line. The page looks again by itself, unless it was turned away. */
function sendAbsent(
  c: LoginContext,
  parts: TerminalParts,
  { request }: TerminalLogin,
): Promise<Response> {
  if (parts.relay.hasRefused(request.mailbox)) return sendPage(c, tooManyLoginsPage());
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
  c.header("Refresh", `${lookAgainSeconds}; url=${again}`);
  return again;
}

/**
 * Whether this browser session approved a terminal since the mailbox was opened: it may see that it
 * did.
 */
async function hasApproved(
  { store, now }: TerminalParts,
  session: StoredSession,
  transfer: StoredTransfer,
): Promise<boolean> {
  const sessions = await store.sessions.ofUser(session.user_id, now());
  return sessions
    .filter(({ kind, parent_id }) => kind === "terminal" && parent_id === session.id)
    .some(({ created_at }) => created_at >= transfer.created_at);
}
