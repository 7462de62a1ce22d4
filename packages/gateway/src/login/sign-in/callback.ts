import type { LoginContext } from "../login-context.ts";
import { sendStartAgain } from "../pages/error.ts";
import { equalSecrets } from "../secret-values.ts";
import { startOf } from "../sign-in-target.ts";
import { addressesBefore } from "../signed-in-before.ts";
import { attemptsOf, isLive, keepAttempt } from "./attempt.ts";
import { sendFault } from "./fault-page.ts";
import { finishSignIn } from "./finish-sign-in.ts";
import { findOffer } from "./offers.ts";
import type { SignInParts } from "./sign-in-parts.ts";
import { callbackUrl } from "./start-attempt.ts";

const decisiveArguments = ["state", "code", "iss", "error"];

/** The provider's answer. One attempt takes one answer (case L5). */
export async function callback(c: LoginContext, parts: SignInParts): Promise<Response> {
  const { facts } = c.var;
  const parameters = new URLSearchParams(facts.query);

  // 1. A doubled argument means one thing to us and another to somebody else (case H10).
  if (decisiveArguments.some((name) => parameters.getAll(name).length > 1))
    return sendStartAgain(c, undefined, doubledArgument);

  // 2. The answer belongs to a live attempt of this browser, which it uses up.
  const state = parameters.get("state") ?? "";
  const attempt = attemptsOf(c, parts).find((each) => equalSecrets(each.state, state));
  if (attempt === undefined) return sendStartAgain(c, undefined, foreignAnswer);
  const { target, secrets } = attempt;
  const start = startOf(facts, target);
  if (!isLive(attempt, parts.now())) return sendStartAgain(c, start, usedOrLate);
  keepAttempt(c, parts, { ...attempt, used: true });

  // 3. The provider says whom the answer proves.
  const offer = findOffer(parts, facts, target, attempt.provider);
  if (offer === undefined) return sendStartAgain(c, start, providerGone);
  const { settings, provider } = offer;
  const redirectUri = callbackUrl(facts);
  const result = await provider.finish({
    facts,
    target,
    state,
    redirectUri,
    addressesBefore: addressesBefore(c, parts),
    secrets,
    parameters,
  });
  if (result.ok) return finishSignIn(c, parts, { target, settings, person: result.identity });
  if (result.fault === "form_refused") return sendStartAgain(c, start, result.message);
  return sendFault(c, parts, { provider: settings.id, failure: result, target, start });
}

const doubledArgument = "The identity provider's answer says the same thing twice.";
const foreignAnswer = "This browser has no sign-in under way that this answer belongs to.";
const usedOrLate = "This sign-in has been used already, or took too long.";
const providerGone = "This way to sign in has changed in the meantime.";
