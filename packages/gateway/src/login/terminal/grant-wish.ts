// The grant that a terminal asks for when it opens its mailbox (wire-protocol 8), and how long it
// would last. What stands here is what the person reads and approves, and no more.
import { isGrantLabel, scopeLimits } from "@postern/protocol";
import { z } from "zod";
import type { StoredSession } from "../../storage/store.ts";
import { type Admission, tokenLifetime } from "../decide.ts";
import type { CliRequest } from "./cli-request.ts";
import { scopeFields } from "./scope-input.ts";

/** A grant as a terminal asks for it. */
export const grantWish = z.strictObject({
  ...scopeFields,
  /** seconds */
  ttl: z.int().min(1).max(scopeLimits.grantSeconds),
  /** what the terminal calls it: nobody vouches for that */
  label: z.string().refine(isGrantLabel, "is not one short line of visible text").optional(),
});

export type GrantWish = z.infer<typeof grantWish>;

/** What decides how long a grant lasts, beside the wish. */
interface GrantGrounds {
  request: CliRequest;
  /** the browser session of whoever approves it */
  session: StoredSession;
  admission: Admission;
}

/**
 * When a grant that is approved now ends, milliseconds since the epoch: not after the session of
 * whoever approves it, and not later than a token of the application would.
 */
export function endOfGrant(
  { ttl }: GrantWish,
  { request, session, admission }: GrantGrounds,
  now: number,
): number {
  const lifetimeMs = Math.min(ttl * 1000, tokenLifetime(request.application, admission));
  return Math.min(session.expires_at, now + lifetimeMs);
}
