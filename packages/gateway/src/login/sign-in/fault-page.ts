import type { RecordEvent } from "../../observe/events.ts";
import { type LoginContext, requestFields } from "../login-context.ts";
import { errorPage, startAgainPage } from "../pages/error.ts";
import { type Page, sendPage } from "../pages/layout.ts";
import { pinWindows } from "../providers/pin-limits.ts";
import type { SignInFailure, SignInFault } from "../providers/provider.ts";

/**
 * Tells the person in general words, and the log precisely: every way in which a provider proves
 * nobody ends here.
 * @param failed `start` is where the person begins anew
 */
export function sendFault(
  c: LoginContext,
  parts: { record: RecordEvent },
  failed: { provider: string; failure: SignInFailure; start: string },
): Promise<Response> {
  const { provider, failure, start } = failed;
  const { fault, detail, report } = failure;
  const fields = { ...requestFields(c.var.facts), provider, fault, detail };
  parts.record({ event: "sign_in_failed", ...fields, ...report });
  return sendPage(c, faultPage(fault, start));
}

/**
 * The page for a sign-in that failed: general words here, the precise reason in the log.
 * @param start where the person begins anew
 */
function faultPage(fault: SignInFault, start: string): Page {
  const next = { href: start, label: "Start again" };
  switch (fault) {
    case "provider_unreachable":
      return errorPage({
        status: 502,
        heading: "Signing in is not possible right now",
        message: "The identity provider does not answer. Try again in a moment.",
        next,
      });
    case "provider_slow":
      return errorPage({
        status: 504,
        heading: "Signing in is not possible right now",
        message: "The identity provider takes too long to answer. Try again in a moment.",
        next,
      });
    case "provider_misconfigured":
      return errorPage({
        status: 502,
        heading: "Signing in this way is not possible",
        message:
          "The identity provider and this gateway are not set up for each other. Trying again does not help: give the ray ID to the people who run this.",
        next: { href: start, label: "Sign in another way" },
      });
    case "provider_refused":
      return errorPage({
        status: 403,
        heading: "You were not signed in",
        message: "The identity provider did not sign you in, or you cancelled.",
        next,
      });
    case "answer_invalid":
      return errorPage({
        status: 400,
        heading: "Let's start again",
        message: "The identity provider's answer did not fit this sign-in.",
        next,
      });
    case "email_missing":
    case "email_unusable":
    case "email_unverified":
      return errorPage({
        status: 403,
        heading: "Your account cannot be used here",
        message:
          "The identity provider did not state a verified e-mail address of yours. Ask the people who run it, and give them the ray ID.",
        next: { href: start, label: "Sign in another way" },
      });
    case "code_over":
      return startAgainPage(
        start,
        "This code was used, has expired, or was typed wrongly too often.",
      );
    case "too_many_answers":
      return errorPage({
        status: 429,
        heading: "Too many tries",
        message:
          "Too many sign-ins came back from your network. Wait a minute, then open the application again.",
      });
    case "too_many_codes_requested":
      return tooManyPage("codes were asked for", pinWindows.requestsMs);
    case "too_many_codes_tried":
      return tooManyPage("codes were tried", pinWindows.triesMs);
  }
}

function tooManyPage(events: string, windowMs: number): Page {
  const minutes = Math.ceil(windowMs / 60_000);
  return errorPage({
    status: 429,
    heading: "Too many tries",
    message: `Too many ${events}. Wait ${minutes} minutes, then open the application again.`,
  });
}
