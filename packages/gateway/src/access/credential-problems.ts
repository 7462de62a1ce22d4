// What is said about credentials that contradict themselves, or are no program's that holds
// (wire-protocol 3), in words.
import { endpoints, headers as names } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { WorkloadFault } from "../tokens/workload-tokens.ts";
import type { CredentialFault } from "./authenticate.ts";
import { challenge, type Problem } from "./problems.ts";

/** A program's token of another issuer is no good. It may say why: it is the program's own. */
const badWorkload = (error: WorkloadFault, reason: string, message: string): Problem => ({
  status: 401,
  error,
  pageless: true,
  heading: "",
  message,
  headers: { [names.error]: reason },
});

const badCredentials: Record<CredentialFault, Problem> = {
  workload_token_malformed: badWorkload(
    "workload_token_malformed",
    "malformed",
    "The token in cf-access-token lacks a usable alg, kid, sub or exp. Send the platform's own ID token.",
  ),
  workload_token_expired: badWorkload(
    "workload_token_expired",
    "expired",
    "The token in cf-access-token has expired. Ask the platform for a new one.",
  ),
  workload_token_early: badWorkload(
    "workload_token_early",
    "not_yet_valid",
    "The token in cf-access-token is dated in the future. Check the clocks.",
  ),
  workload_wrong_audience: badWorkload(
    "workload_wrong_audience",
    "wrong_audience",
    "The token in cf-access-token is for another audience. Ask the platform for one with the audience that the people who run this gateway name.",
  ),
  workload_bad_signature: badWorkload(
    "workload_bad_signature",
    "bad_signature",
    "The token in cf-access-token is not signed with a key that its issuer publishes.",
  ),
  workload_keys_unavailable: {
    status: 503,
    error: "workload_keys_unavailable",
    pageless: true,
    heading: "",
    message:
      "The keys of the token's issuer cannot be fetched right now, so nobody can say whether the token is good. Try again in a few seconds.",
    headers: { "Retry-After": "10" },
  },
  half_service_token: {
    status: 401,
    error: "half_service_token",
    pageless: true,
    heading: "",
    message:
      "Send both CF-Access-Client-Id and CF-Access-Client-Secret, or the one header that the application names.",
  },
  two_service_tokens: {
    status: 401,
    error: "two_service_tokens",
    pageless: true,
    heading: "",
    message: "The request has more than one service token. Send one.",
  },
  bad_service_token: {
    status: 401,
    error: "bad_service_token",
    pageless: true,
    heading: "",
    message: "The service token is unknown, wrong, disabled or expired.",
  },
  two_access_tokens: {
    status: 400,
    error: "two_access_tokens",
    pageless: true,
    heading: "",
    message: "The header cf-access-token is there twice. Send it once.",
  },
  two_persons: {
    status: 403,
    error: "two_persons",
    heading: "You are signed in twice",
    message:
      "This browser sends the sessions of two different people. Sign out, or clear the cookies of this site, then sign in again.",
    isRefusal: true,
    next: { href: endpoints.logout, label: "Sign out" },
  },
};

/** The credentials contradict themselves, or are no service token that holds. */
export function credentialsFailed(facts: RequestFacts, fault: CredentialFault): Problem {
  const problem = badCredentials[fault];
  if (problem.status !== 401) return problem;
  return { ...problem, headers: { ...problem.headers, ...challenge(facts) } };
}
