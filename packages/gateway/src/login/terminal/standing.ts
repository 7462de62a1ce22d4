// How a terminal's login stands: whether a person may answer it now, and if not, why.
import type { Organization } from "../../model/model.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
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
