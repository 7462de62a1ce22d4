import type { RequestFacts } from "../../catalog/request-facts.ts";
import { defined } from "../../defined.ts";
import type { SecretBox } from "../../secrets/secret-box.ts";
import { pathOnHost } from "../application-host.ts";
import type { TargetAddress } from "../sign-in-target.ts";

/**
 * What the `state` argument of `authorized` holds, sealed: where to go is never taken from the
 * query.
 */
export type HandoverState = Pick<TargetAddress, "aud" | "authority" | "redirect_url" | "fragment">;

const sealContext = "hand-over state";

/** Seals where the hand-over leads. */
export function sealHandoverState(
  { secretBox }: { secretBox: SecretBox },
  { aud, authority, redirect_url, fragment }: HandoverState,
): string {
  const state: HandoverState = defined({ aud, authority, redirect_url, fragment });
  return secretBox.seal(JSON.stringify(state), sealContext);
}

/**
 * Opens the `state` of a hand-over.
 * @returns undefined unless it was sealed for this host and its address still stays on it
 */
export function openHandoverState(
  { secretBox }: { secretBox: SecretBox },
  { scheme, authority }: RequestFacts,
  sealed: string,
): HandoverState | undefined {
  const text = secretBox.open(sealed, sealContext);
  if (text === undefined) return undefined;
  const state = JSON.parse(text) as HandoverState;
  const redirect_url = pathOnHost(scheme, authority, state.redirect_url);
  if (state.authority !== authority || redirect_url === undefined) return undefined;
  return { ...state, redirect_url };
}
