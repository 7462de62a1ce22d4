// A provider's clock against ours. Minutes are tolerated and written down; beyond that the times in
// its tokens say nothing.
import type { SignInWarning } from "../../observe/events.ts";
import { differenceText } from "./failure-words.ts";
import { clockTolerance } from "./oidc-client.ts";
import type { SignInFailure } from "./provider.ts";
import { failure } from "./provider-failure.ts";

/** Seconds that a slow network explains. */
const unremarkable = 30;

/** Why a verified ID token is not taken: its provider lives in the future. */
export function clockFault(
  idToken: Record<string, unknown>,
  now: number,
): SignInFailure | undefined {
  const ahead = secondsAhead(idToken, now);
  if (ahead <= clockTolerance) return undefined;
  const report = { claim: "iat", expected: String(Math.floor(now / 1000)) };
  return failure("provider_misconfigured", differenceText(ahead), report);
}

/** What somebody should know of a clock that is tolerated. */
export function clockWarning(
  idToken: Record<string, unknown>,
  now: number,
): SignInWarning | undefined {
  const ahead = secondsAhead(idToken, now);
  if (Math.abs(ahead) <= unremarkable) return undefined;
  return { warning: "clock_differs", detail: differenceText(ahead), seconds: ahead };
}

/** The ID token is made for the exchange that brings it, so `iat` is the provider's time of now. */
function secondsAhead({ iat, nbf }: Record<string, unknown>, now: number): number {
  const seconds = Math.floor(now / 1000);
  const issued = typeof iat === "number" ? iat - seconds : 0;
  const valid = typeof nbf === "number" ? nbf - seconds : 0;
  return valid > 0 ? Math.max(issued, valid) : issued;
}
