import { type LoginContext, requestFields } from "../login-context.ts";
import { errorPage, startAgainPage } from "../pages/error.ts";
import type { Link } from "../pages/html.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import { plural } from "../pages/words.ts";
import { pinWindows } from "../providers/pin-limits.ts";
import type { SignInFailure, SignInFault } from "../providers/provider.ts";
import { recordFailedLogin } from "../record-access.ts";
import { applicationOf, type SignInTarget } from "../sign-in-target.ts";
import { offersFor } from "./offers.ts";
import type { SignInParts } from "./sign-in-parts.ts";

/**
 * Tells the person in general words, and the log precisely: every way in which a provider proves
 * nobody ends here.
 * @param failed `start` is where the person begins anew
 */
export function sendFault(
  c: LoginContext,
  parts: SignInParts,
  failed: { provider: string; failure: SignInFailure; target: SignInTarget; start: string },
): Promise<Response> {
  const { facts } = c.var;
  const { provider, failure, target, start } = failed;
  const { fault, detail, report } = failure;
  const fields = { ...requestFields(facts), provider, fault, detail };
  parts.record({ event: "sign_in_failed", ...fields, ...report });
  const application = applicationOf(facts, target);
  if (!hasRecorded(fault))
    recordFailedLogin(parts, facts, { application, provider, reason: fault });
  const offers = offersFor(parts, facts, application);
  const hasOtherWay = offers.some(({ settings }) => settings.id !== provider);
  return sendPage(c, faultPage(fault, start, hasOtherWay));
}

/** Whether one-time-pin.ts, which knows the address, has told the access log. */
function hasRecorded(fault: SignInFault): boolean {
  return fault === "code_over" || fault === "too_many_codes_tried";
}

/**
 * The page for a sign-in that failed: general words here, the precise reason in the log.
 * @param start where the person begins anew
 * @param hasOtherWay whether another provider is offered there
 */
function faultPage(fault: SignInFault, start: string, hasOtherWay: boolean): Page {
  const next = { href: start, label: "Start again" };
  const anotherWay = hasOtherWay ? { href: start, label: "Sign in another way" } : undefined;
  switch (fault) {
    case "provider_unreachable":
      return errorPage({
        status: 502,
        heading: "Sign-in is unavailable right now",
        message: "The identity provider is not answering. Try again in a minute.",
        next,
      });
    case "provider_slow":
      return errorPage({
        status: 504,
        heading: "Sign-in is unavailable right now",
        message: "The identity provider took too long to answer. Try again in a minute.",
        next,
      });
    case "provider_misconfigured":
      return errorPage({
        status: 502,
        heading: "This sign-in method isn't working",
        message:
          "The identity provider and this gateway are not configured to work together, so trying again will not help. Give the ray ID to the people who run this gateway.",
        next: anotherWay,
      });
    case "provider_refused":
      return errorPage({
        status: 403,
        heading: "You were not signed in",
        outcome: "refused",
        message: "The identity provider did not sign you in, or you cancelled.",
        next,
      });
    case "answer_invalid":
      return startAgainPage(start, "The identity provider's answer did not fit this sign-in.");
    case "email_missing":
    case "email_unusable":
    case "email_unverified":
      return errorPage({
        status: 403,
        heading: "Your account cannot be used here",
        outcome: "refused",
        message:
          "The identity provider did not confirm an email address of yours. Ask the people who run it, and give them the ray ID.",
        next: anotherWay ?? next,
      });
    case "code_over":
      return startAgainPage(
        start,
        "This code has been used, has expired, or was mistyped too often.",
      );
    case "too_many_answers":
      return tooManyPage("sign-ins came back from your network", answerWaitMs, next);
    case "too_many_codes_requested":
      return tooManyPage("codes were asked for", pinWindows.requestsMs, next);
    case "too_many_codes_tried":
      return tooManyPage("wrong codes were typed", pinWindows.triesMs, next);
  }
}

/** For how long somebody waits whose network sent too many answers, milliseconds. */
const answerWaitMs = 60_000;

function tooManyPage(events: string, windowMs: number, next: Link): Page {
  const minutes = plural(Math.ceil(windowMs / 60_000), "minute");
  return errorPage({
    status: 429,
    heading: "Too many tries",
    message: `Too many ${events}. Wait ${minutes}, then start again.`,
    next,
  });
}
