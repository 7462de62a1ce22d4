import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { send } from "../net/http-client.ts";
import type { Opening } from "./approval-address.ts";
import type { Mailbox } from "./relay-poll.ts";

/**
 * Opens the mailbox, so that a short address leads to what the terminal asks for (wire-protocol
 * 6.4).
 * @returns false where the long address is to be shown: at a gateway that has no such thing, or
 * does not answer. Its polls tell the person why.
 */
export async function openMailbox(
  context: Context,
  { application, url }: Mailbox,
  opening: Opening,
): Promise<boolean> {
  // Cloudflare's relay is not on the team domain, and knows no such request.
  if (url.origin !== application.team) return false;
  try {
    const body = JSON.stringify(opening);
    const { status } = await send(context, { method: "POST", url, body });
    return status === 201;
  } catch (error) {
    if (error instanceof CliError) return false;
    throw error;
  }
}
