// Whose credentials these are, where a browser sends several: cookies of one name, of different
// paths or tossed from a sibling host (case T11). What verifies counts; credentials of two persons
// count as nobody's (wire-protocol 3.3).
import type { StoredSession } from "../storage/store.ts";

/** More cookies of one name than any browser has reason to send. */
export const candidateLimit = 8;

/** Nobody, one person, or two at once. */
export type OnlyPerson<Credential> =
  | { persons: "none" }
  /** `credential` is the first that verified */
  | { persons: "one"; credential: Credential }
  | { persons: "two" };

/**
 * The one person whose credentials are among the candidates.
 * @param verify returns undefined for a candidate that does not hold
 */
export async function onlyPerson<Credential extends { session: StoredSession }>(
  candidates: readonly string[],
  verify: (candidate: string) => Credential | undefined | Promise<Credential | undefined>,
): Promise<OnlyPerson<Credential>> {
  let first: Credential | undefined;
  for (const candidate of candidates.slice(0, candidateLimit)) {
    const credential = await verify(candidate);
    if (credential === undefined) continue;
    first ??= credential;
    if (credential.session.user_id !== first.session.user_id) return { persons: "two" };
  }
  return first === undefined ? { persons: "none" } : { persons: "one", credential: first };
}
