// How a terminal's login stands, and the page that says so. Going back, double-clicking and looking
// again all end here.

import type { Organization } from "../../model/model.ts";
import { sameNetwork } from "../../network.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import { csrfValue } from "../forms.ts";
import type { LoginContext } from "../login-context.ts";
import { approvalPage } from "../pages/approval.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import { absentPage, approvedPage, overPage, refusedPage } from "../pages/terminal-outcome.ts";
import { teamUrl } from "./cli-link.ts";
import type { CliRequest } from "./cli-request.ts";
import { isHeld } from "./mailboxes.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** A terminal's request, and the person who is asked about it. */
export interface TerminalLogin {
  request: CliRequest;
  session: StoredSession;
}

/**
 * `asking`: a terminal is on the line. `absent`: none is, now. The others are final.
 */
export type Standing =
  | { kind: "asking"; transfer: StoredTransfer }
  | { kind: "absent" }
  | { kind: "answered"; transfer: StoredTransfer }
  | { kind: "over"; reason: "refused" | "policy" | "expired" | "address" };

// The browser is often there before the terminal's first poll, and polls leave short gaps between
// them.
const waitForPollMs = 1_500;
const lookAgainSeconds = 4;

/** How the login stands, after waiting a moment for the terminal to be on the line. */
export async function awaitStanding(
  { mailboxes, now }: TerminalParts,
  { request }: TerminalLogin,
): Promise<Standing> {
  return standingOf(await mailboxes.findWithPoll(request.mailbox, waitForPollMs), now());
}

/** How the login stands now. */
export async function currentStanding(
  { mailboxes, now }: TerminalParts,
  { request }: TerminalLogin,
): Promise<Standing> {
  return standingOf(await mailboxes.find(request.mailbox), now());
}

function standingOf(transfer: StoredTransfer | undefined, now: number): Standing {
  if (transfer === undefined) return { kind: "absent" };
  if (transfer.expires_at <= now) return { kind: "over", reason: "expired" };
  switch (transfer.state) {
    case "waiting":
      return isHeld(transfer, now) ? { kind: "asking", transfer } : { kind: "absent" };
    case "sealed":
    case "delivered":
      return { kind: "answered", transfer };
    case "refused":
    case "policy":
    case "expired":
    case "address":
      return { kind: "over", reason: transfer.state };
  }
}

/**
 * Whether the terminal shows no code, as the official client: nothing ties its page to it then.
 */
export function showsNoCode(transfer: StoredTransfer): boolean {
  return /^\s*cloudflared\//i.test(transfer.user_agent);
}

/** Whether the organization refuses this kind of terminal. */
export function refusesClient(organization: Organization, transfer: StoredTransfer): boolean {
  return organization.require_login_code === true && showsNoCode(transfer);
}

/** The value that ties the form of the approval page to this session and this request. */
export function csrfPurpose(request: CliRequest): string {
  return `terminal ${request.authority} ${request.path}`;
}

/** @param options `confirmationMissing`: the form was sent without the confirmation */
export async function showStanding(
  c: LoginContext,
  parts: TerminalParts,
  login: TerminalLogin,
  standing: Standing,
  options: { confirmationMissing: boolean } = { confirmationMissing: false },
): Promise<Response> {
  switch (standing.kind) {
    case "asking":
      return sendPage(c, askingPage(c, parts, login, { ...standing, ...options }));
    case "absent":
      return sendAbsent(c, parts, login);
    case "answered": {
      const isApprover = await hasApproved(parts, login.session, standing.transfer);
      return sendPage(
        c,
        isApprover ? approvedPage(login.request.application.name) : overPage("answered"),
      );
    }
    case "over":
      return sendPage(c, standing.reason === "refused" ? refusedPage() : overPage(standing.reason));
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

/** No terminal is on the line. The page looks again by itself. */
function sendAbsent(
  c: LoginContext,
  parts: TerminalParts,
  { request }: TerminalLogin,
): Promise<Response> {
  const again = teamUrl(parts, c.var.facts.catalog.issuer, request);
  c.header("Refresh", `${lookAgainSeconds}; url=${again}`);
  const { application, key } = request;
  return sendPage(c, absentPage({ application: application.name, key, again }));
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
