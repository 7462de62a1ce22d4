// What an approval gives to a terminal (wire-protocol 7): a session of its own, whose tokens are
// sealed to the terminal's key and put into its mailbox. With deliver-grant.ts this is where tokens
// leave for a terminal.
import {
  encodeTransferKey,
  generateTransferKeyPair,
  ProtocolError,
  sealTokens,
  type TransferredTokens,
} from "@postern/protocol";
import type { SealedAnswer, StoredSession, StoredTransfer } from "../../storage/store.ts";
import { type Admission, tokenLifetime } from "../decide.ts";
import type { CliRequest } from "./cli-request.ts";
import { openingOf } from "./opening.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** What a person approved. */
export interface Approval {
  request: CliRequest;
  /** the person's browser session */
  session: StoredSession;
  transfer: StoredTransfer;
  admission: Admission;
  /** whether the terminal gets the token that reaches the person's other applications */
  orgToken: boolean;
}

/**
 * Seals a new terminal's tokens into the mailbox.
 * @returns false when somebody else answered meanwhile, or the terminal's key is not usable;
 * nothing is left behind then
 */
export async function deliverTokens(parts: TerminalParts, approval: Approval): Promise<boolean> {
  const { request, session, transfer, admission } = approval;

  // 1. A session of the terminal's own.
  const appTokenMs = tokenLifetime(request.application, admission);
  const terminal = await parts.sessions.start({
    kind: "terminal",
    identity: session.identity,
    parent: session,
    userAgent: transfer.user_agent,
    lifetimeMs: grantEnd(approval, parts.now()) - parts.now(),
    jkt: openingOf(transfer)?.jkt,
  });

  // 2. A logout ends the terminals that it finds. This one began just now, and may have been
  // missed.
  const isAlive = await isStillSignedIn(parts, session);

  // 3. The mailbox takes one answer: the first.
  const isDelivered = isAlive && (await sealInto(parts, approval, { terminal, appTokenMs }));
  if (!isDelivered) await parts.sessions.end(terminal.id);
  return isDelivered;
}

/**
 * When a terminal that is approved now loses what it was given, milliseconds since the epoch. An
 * org token gets new app tokens while the person's own session lives. Without one, the terminal's
 * session is worth nothing once its app token has run out.
 */
export function grantEnd(
  { request, session, admission, orgToken }: Omit<Approval, "transfer">,
  now: number,
): number {
  if (orgToken) return Math.max(now, session.expires_at);
  return Math.min(session.expires_at, now + tokenLifetime(request.application, admission));
}

async function sealInto(
  parts: TerminalParts,
  { request, orgToken }: Approval,
  { terminal, appTokenMs }: { terminal: StoredSession; appTokenMs: number },
): Promise<boolean> {
  const { tokens, store } = parts;
  const { aud } = request.application;
  await store.sessions.noteApplication({ session_id: terminal.id, aud });
  const content = {
    app_token: await tokens.issueApp(terminal, request.application, appTokenMs),
    org_token: orgToken ? await tokens.issueOrg(terminal) : "",
  };
  return putIntoMailbox(parts, request, content, terminal);
}

/**
 * Seals what the person approved to the terminal's key, and puts it into its mailbox.
 * @param terminal the session behind it
 * @returns false when somebody else answered meanwhile, or the key is not usable
 */
export async function putIntoMailbox(
  { mailboxes }: Pick<TerminalParts, "mailboxes">,
  { key, mailbox }: CliRequest,
  content: TransferredTokens,
  terminal: StoredSession,
): Promise<boolean> {
  const box = seal(key, content);
  if (box === undefined) return false;
  return mailboxes.answer(mailbox, { state: "sealed", box: { ...box, session_id: terminal.id } });
}

/**
 * Whether a session that somebody answers from is alive, by the store. A logout ends what it finds:
 * what begins at the same moment may be missed.
 */
export async function isStillSignedIn(
  { store }: Pick<TerminalParts, "store">,
  session: StoredSession,
): Promise<boolean> {
  const stored = await store.sessions.find(session.id);
  return stored?.revoked_at === null;
}

/** @returns undefined for a key of low order: everybody could open what is sealed to it */
function seal(
  key: Uint8Array,
  content: TransferredTokens,
): Omit<SealedAnswer, "session_id"> | undefined {
  const sender = generateTransferKeyPair();
  try {
    const body = sealTokens(content, sender, key);
    return { body, service_public_key: encodeTransferKey(sender.publicKey) };
  } catch (error) {
    if (error instanceof ProtocolError) return undefined;
    throw error;
  }
}
