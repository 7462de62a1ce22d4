// What whoever is not let in is told: one answer for each kind of refusal, the same for a request
// that came here and for one that a proxy asks about.
import type { LocalAnswer } from "../http/local-answer.ts";
import { recipientOf } from "./answer-request.ts";
import {
  type AnswerParts,
  deadTokenAnswer,
  deniedAnswer,
  problemAnswer,
  signInAnswer,
  unprovenAnswer,
  upgradeSignInAnswer,
} from "./answers.ts";
import type { Refusal } from "./authorize.ts";
import { credentialsFailed } from "./credential-problems.ts";
import { dialsStream } from "./dials-stream.ts";
import type { ApplicationRequest } from "./forwarding.ts";
import { foreignPage } from "./problems.ts";
import { asksForUpgrade } from "./read-request.ts";
import { outsideLimits, passFailed } from "./token-problems.ts";

/** What a refusal is answered with: never a 2xx. */
export function refusalAnswer(
  parts: AnswerParts,
  request: Pick<ApplicationRequest, "reading" | "match">,
  refusal: Refusal,
): LocalAnswer {
  const { facts } = request.reading;
  const to = recipientOf(request);
  switch (refusal.kind) {
    case "sign_in":
      return challenge(parts, request);
    case "token_dead":
      return deadTokenAnswer(parts, to, refusal);
    case "unproven":
      return unprovenAnswer(parts, to, refusal.fault);
    case "pass_failed":
      return problemAnswer(parts, to, passFailed(facts));
    case "outside_limits":
      return problemAnswer(parts, to, outsideLimits(facts, refusal));
    case "bad_credentials":
      return problemAnswer(parts, to, credentialsFailed(facts, refusal.fault));
    case "foreign_page":
      return problemAnswer(parts, to, foreignPage);
    case "denied":
      return deniedAnswer(parts, to, refusal.who);
  }
}

/**
 * The way to the sign-in page, or only what to do about it: no client follows a redirect with an
 * upgrade, but the official one reads it for its streams (wire-protocol 3, case W2).
 */
function challenge(
  parts: AnswerParts,
  request: Pick<ApplicationRequest, "reading" | "match">,
): LocalAnswer {
  const { reading } = request;
  const takesRedirect = !asksForUpgrade(reading) || dialsStream(reading);
  const to = recipientOf(request);
  return takesRedirect ? signInAnswer(parts, to) : upgradeSignInAnswer(parts, to);
}
