import type { RequestFacts } from "../catalog/request-facts.ts";
import { isForTerminal } from "./sign-in/login-request.ts";
import { applicationOf, type SignInTarget } from "./sign-in-target.ts";

/**
 * Whether pages of other sites may show this sign-in in a frame (`allow_iframe`): never one that
 * leads to the approval of a terminal.
 */
export function mayBeFramed(facts: RequestFacts, target: SignInTarget): boolean {
  if (isForTerminal(target.application?.redirect_url ?? "")) return false;
  return applicationOf(facts, target)?.allow_iframe === true;
}
