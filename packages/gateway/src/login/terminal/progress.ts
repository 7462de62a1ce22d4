// What a terminal may be told of the browser while it waits (wire-protocol 6.6). It is kept in the
// mailbox, so that every process of the store can tell. Each step is noted once: strangers who open
// an address again and again cause one write for a mailbox that its network paid for.
import { headers } from "@postern/protocol";
import { z } from "zod";
import { sameNetwork } from "../../network.ts";
import type { StoredSession, StoredTransfer } from "../../storage/store.ts";
import { isOpenedByPerson } from "../fetch-metadata.ts";
import type { LoginContext } from "../login-context.ts";

/** In the order in which they happen. */
const steps = ["none", "opened", "signed_in"] as const;

const progress = z.object({
  step: z.enum(steps),
  /** who signed in, where the terminal may know */
  email: z.string().optional(),
});

/** How far the person at the browser has come. */
export type Progress = z.infer<typeof progress>;

/** How far the person has come, as the mailbox says. */
export function progressOf({ progress: text }: StoredTransfer): Progress {
  return text === null ? { step: "none" } : progress.parse(JSON.parse(text));
}

/** Whether `a` comes after `b`. */
export function isLater({ step: a }: Progress, { step: b }: Progress): boolean {
  return steps.indexOf(a) > steps.indexOf(b);
}

/**
 * What the terminal of a poll knows already.
 * @returns undefined where it does not want to be told, as the official client, or speaks of steps
 * that are not known here
 */
export function knownProgress(c: LoginContext): Progress | undefined {
  return progress.safeParse({ step: c.req.header(headers.transferProgress) }).data;
}

/**
 * Whether a terminal may know who signed in before anybody has approved it. Otherwise whoever sends
 * a link about would learn who opens it.
 */
function mayBeNamed(c: LoginContext, { address }: StoredTransfer): boolean {
  return sameNetwork(address, c.var.facts.clientIp) && isOpenedByPerson(c);
}

/** A person has signed in at the browser. */
export function signedIn(
  c: LoginContext,
  transfer: StoredTransfer,
  { identity: { email } }: StoredSession,
): Progress {
  if (!mayBeNamed(c, transfer)) return { step: "signed_in" };
  return { step: "signed_in", email };
}
