// What the relay answers, on the wire (wire-protocol 6.6).
import { headers } from "@postern/protocol";
import { defined } from "../../defined.ts";
import type { StoredTransfer } from "../../storage/store.ts";
import type { Progress } from "./progress.ts";

/** HEAD is none of them: it would take the one delivery and show nothing of it. */
export const relayMethods: ReadonlySet<string> = new Set(["GET", "POST", "DELETE"]);

/** What a terminal can show, beside the code. */
const messages: Partial<Record<string, string>> = {
  too_many_logins:
    "Too many terminals started to sign in from your network. Wait a few minutes, then run the command again.",
  busy: "The gateway has as many open polls as it can hold. Try again in a moment.",
  already_open: "This sign-in was opened before. Run the command again.",
};

const noStore = { "cache-control": "no-store" };

/**
 * Refuses with JSON.
 * @param details `message` stands in the place of the usual one; `email` is whom policy refused
 */
export function refusal(
  status: number,
  error: string,
  { message = messages[error], email }: { message?: string; email?: string | undefined } = {},
): Response {
  const fixed = { ...noStore, "x-content-type-options": "nosniff" };
  const body = defined({ error, message, email });
  return Response.json(body, { status, headers: { ...fixed, ...headersOf(status) } });
}

function headersOf(status: number): Record<string, string> {
  switch (status) {
    case 405:
      return { allow: [...relayMethods].join(", ") };
    case 429:
      return { "retry-after": "5" };
    default:
      return {};
  }
}

/** The sealed tokens. */
export function delivery(transfer: StoredTransfer): Response {
  return new Response(transfer.body, {
    headers: {
      "content-type": "text/plain; charset=utf-8",
      ...noStore,
      [headers.servicePublicKey]: transfer.service_public_key ?? "",
    },
  });
}

/** Something has happened at the browser, and nobody has answered yet. */
export function progressAnswer(progress: Progress): Response {
  return Response.json(progress, { status: 202, headers: noStore });
}

/** Nothing has happened. */
export function empty(status: 201 | 204 = 204): Response {
  return new Response(null, { status, headers: noStore });
}
