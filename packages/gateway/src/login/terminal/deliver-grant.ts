// What an approval gives to a terminal that asked for a grant (wire-protocol 8): the grant's token,
// and no session to mint others from.

import type { RequestFacts } from "../../catalog/request-facts.ts";
import type { StoredGrant, StoredTransfer } from "../../storage/store.ts";
import { startGrant } from "../../tokens/start-grant.ts";
import type { Admission } from "../decide.ts";
import { isStillSignedIn, putIntoMailbox } from "./deliver-tokens.ts";
import { endOfGrant, type GrantWish } from "./grant-wish.ts";
import { openingOf } from "./opening.ts";
import { scopeOf } from "./scope-input.ts";
import type { TerminalLogin } from "./standing.ts";
import type { TerminalParts } from "./terminal-parts.ts";

/** What a person approved. */
interface GrantApproval extends TerminalLogin {
  wish: GrantWish;
  transfer: StoredTransfer;
  admission: Admission;
}

/**
 * Makes the grant and seals its token into the mailbox.
 * @returns undefined when somebody else answered meanwhile, or the terminal's key is not usable;
 * nothing holds then
 */
export async function deliverGrant(
  parts: TerminalParts,
  { scheme }: Pick<RequestFacts, "scheme">,
  approval: GrantApproval,
): Promise<StoredGrant | undefined> {
  const { request, session: parent, transfer, wish } = approval;
  const now = parts.now();
  const { grant, session, token } = await startGrant(parts, {
    application: request.application,
    htu: `${scheme}://${request.authority}/`,
    scope: scopeOf(wish),
    label: wish.label,
    lifetimeMs: endOfGrant(wish, approval, now) - now,
    parent,
    userAgent: transfer.user_agent,
    jkt: openingOf(transfer)?.jkt,
  });
  const content = { app_token: token, org_token: "" };
  const isDelivered =
    (await isStillSignedIn(parts, parent)) &&
    (await putIntoMailbox(parts, request, content, session));
  if (isDelivered) return grant;
  await parts.sessions.end(session.id);
  return undefined;
}
