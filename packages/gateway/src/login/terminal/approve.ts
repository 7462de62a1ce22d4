// What a person's answer to a terminal does (wire-protocol 7). A session of its own, sealed to the
// terminal's key and put into the mailbox: the one place where tokens leave for a terminal.
import {
  encodeTransferKey,
  generateTransferKeyPair,
  ProtocolError,
  parseDuration,
  sealTokens,
} from "@postern/protocol";
import type { Decision, Organization } from "../../model/model.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import type { LoginDependencies } from "../dependencies.ts";
import type { CliRequest } from "./cli-request.ts";
import { isHeld, type Relay } from "./relay.ts";

/**
 * How a login stands. `asking`: a terminal is on the line. `absent`: none is, now. The others are
 * final.
 */
export type Standing =
  | { kind: "asking"; transfer: StoredTransfer }
  | { kind: "absent" }
  | { kind: "answered"; transfer: StoredTransfer }
  | { kind: "over"; reason: "refused" | "policy" | "expired" | "address" };

export function standingOf(transfer: StoredTransfer | undefined, now: number): Standing {
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

/** Deny by default: whatever is not plainly allowed is not (case C6). */
export function mayEnter(
  decision: Decision,
): decision is Extract<Decision, { outcome: "allow" | "bypass" }> {
  return decision.outcome === "allow" || decision.outcome === "bypass";
}

/**
 * The official client says who it is and shows no code: nothing ties this page to that terminal.
 */
export function showsNoCode(transfer: StoredTransfer): boolean {
  return /^\s*cloudflared\//i.test(transfer.user_agent);
}

export function refusesClient(organization: Organization, transfer: StoredTransfer): boolean {
  return organization.require_login_code === true && showsNoCode(transfer);
}

/**
 * Seals a new terminal's tokens into the mailbox.
 * @param orgToken whether the terminal gets the token that reaches the person's other applications
 * @returns false when the mailbox was answered by somebody else meanwhile; nothing is left behind
 * then
 */
export async function deliver(
  deps: LoginDependencies,
  relay: Relay,
  approval: {
    request: CliRequest;
    session: StoredSession;
    transfer: StoredTransfer;
    decision: Decision;
    orgToken: boolean;
  },
): Promise<boolean> {
  const { request, session, transfer, decision, orgToken } = approval;
  if (!mayEnter(decision)) return false;
  const lifetimeMs = parseDuration(
    decision.policy.session_duration ?? request.application.session_duration,
  );
  // Without an org token the session is worth nothing once the app token has run out.
  const terminal = await deps.sessions.start({
    kind: "terminal",
    identity: session.identity,
    parent: session,
    userAgent: transfer.user_agent,
    lifetimeMs: orgToken ? Math.max(0, session.expires_at - deps.now()) : lifetimeMs,
  });
  // A logout ends the terminals that it finds; this one began just now, and may have been missed.
  const parent = await deps.store.sessions.find(session.id);
  const sealed =
    parent?.revoked_at === null
      ? seal(deps, request, terminal, { lifetimeMs, orgToken })
      : undefined;
  const delivered =
    sealed !== undefined && (await relay.answer(request.key, { state: "sealed", ...sealed }));
  if (!delivered) await deps.sessions.end(terminal.id);
  return delivered;
}

function seal(
  deps: LoginDependencies,
  request: CliRequest,
  terminal: StoredSession,
  tokens: { lifetimeMs: number; orgToken: boolean },
): { body: string; servicePublicKey: string } | undefined {
  const sender = generateTransferKeyPair();
  const plain = {
    app_token: deps.tokens.issueApp(terminal, request.application, tokens.lifetimeMs),
    org_token: tokens.orgToken ? deps.tokens.issueOrg(terminal) : "",
  };
  try {
    return {
      body: sealTokens(plain, sender, request.key),
      servicePublicKey: encodeTransferKey(sender.publicKey),
    };
  } catch (error) {
    // A key of low order: everybody could open what is sealed to it.
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}

/**
 * Whether this browser session approved a terminal since the mailbox was opened: it may see that it
 * did.
 */
export async function hasApproved(
  deps: LoginDependencies,
  session: StoredSession,
  transfer: StoredTransfer,
): Promise<boolean> {
  const sessions = await deps.store.sessions.ofUser(session.user_id, deps.now());
  return sessions.some(
    (each) =>
      each.kind === "terminal" &&
      each.parent_id === session.id &&
      each.created_at >= transfer.created_at,
  );
}
