// How a terminal's login stands: whether a person may answer it now, and if not, why.
import type { Organization } from "../../model/model.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import type { CliRequest } from "./cli-request.ts";
import { hasExpired } from "./mailboxes.ts";
import { isOpenedFor } from "./opening.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** A terminal's request, and the person who is asked about it. */
export interface TerminalLogin {
  request: CliRequest;
  session: StoredSession;
}

/**
 * `asking`: a terminal is on the line. `absent`: none is, now. `telling`: a person has answered,
 * and the terminal has not taken the answer yet. The others are final.
 */
export type Standing =
  | { kind: "asking"; transfer: StoredTransfer }
  | { kind: "absent" }
  | { kind: "telling"; transfer: StoredTransfer }
  | { kind: "answered"; transfer: StoredTransfer }
  | { kind: "over"; reason: OverReason };

type OverReason = "refused" | "policy" | "expired" | "untaken" | "address" | "altered";

/** How the login stands, after giving the terminal a moment to do its part. */
export async function awaitStanding(
  { mailboxes, now }: TerminalParts,
  { request }: TerminalLogin,
): Promise<Standing> {
  const transfer = await mailboxes.findSettled(request.mailbox);
  if (transfer === undefined) return { kind: "absent" };
  if (!isOpenedFor(request, transfer)) return { kind: "over", reason: "altered" };
  if (transfer.state === "waiting" && mailboxes.isHeld(transfer))
    return { kind: "asking", transfer };
  return standingOf(transfer, hasExpired(transfer, now()));
}

function standingOf(transfer: StoredTransfer, isExpired: boolean): Standing {
  switch (transfer.state) {
    case "waiting":
      return isExpired ? { kind: "over", reason: "expired" } : { kind: "absent" };
    case "sealed":
      return isExpired ? { kind: "over", reason: "untaken" } : { kind: "telling", transfer };
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
