// What is said about a token, a pass or a grant of a program that holds no more, or not for this
// request (wire-protocol 3.6 and 8), in words. Whoever sends one cannot sign in: it must fail, and
// say why.
import { headers as names } from "@postern/protocol";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { type PossessionFault, possessionFaults } from "../tokens/possession.ts";
import type { BeyondLimits, DeadToken, TokenEnding } from "./authorize.ts";
import { notSignedIn, type Problem } from "./problems.ts";

const endings: Record<TokenEnding, string> = {
  session_ended: "The session of this token has ended.",
  expired: "This token has expired.",
  revoked: "This token was not issued by this gateway, or is no longer valid.",
};

/** A program's token or grant is no longer good. */
export function tokenDead(facts: RequestFacts, { ending, isGrant }: DeadToken): Problem {
  const problem = notSignedIn(facts);
  const message = isGrant ? grantEnding(ending) : `${endings[ending]} ${problem.message}`;
  return {
    ...problem,
    error: ending,
    message,
    headers: { ...problem.headers, [names.error]: ending },
  };
}

/** Whoever uses a grant cannot sign in: the person who made it makes another. */
function grantEnding(ending: TokenEnding): string {
  const what = ending === "expired" ? "has expired" : "has ended, or is for another application";
  return `This grant ${what}. Ask for a new one with: postern access grant`;
}

/** A terminal's token without a proof of its key. */
export function unproven(fault: PossessionFault): Problem {
  return {
    status: 401,
    error: fault,
    pageless: true,
    heading: "",
    message: possessionFaults[fault],
    headers: { [names.error]: fault },
  };
}

/** A pass or a grant covers something else, or has no use left. */
export function outsideLimits(facts: RequestFacts, { limits, fault }: BeyondLimits): Problem {
  const { via, htu, scope } = limits;
  const problem = {
    status: 403,
    error: `outside_${via}`,
    heading: `Not covered by the ${via}`,
    isRefusal: true,
  };
  const covers = (what: string, request: string) =>
    `The ${via} covers ${what}, and this request is ${request}. Ask for a ${via} that covers it.`;
  switch (fault) {
    case "host":
      return { ...problem, message: covers(htu, "for another host") };
    case "method":
      return { ...problem, message: covers(listOf(scope.methods), facts.method) };
    case "path":
      return { ...problem, message: covers(listOf(scope.paths), "for another path") };
    case "count":
      return {
        ...problem,
        error: "used_up",
        heading: `The ${via} is used up`,
        message: `${usesMade(scope.count)} been made. Ask for a new ${via}.`,
      };
  }
}

function usesMade(count = 0): string {
  return count === 1 ? "Its one request has" : `Its ${count} requests have`;
}

function listOf(names: readonly string[] = []): string {
  return new Intl.ListFormat("en").format(names);
}

/**
 * A pass fails without a way to sign in: the tools that it is for follow none (wire-protocol 8).
 */
export function passFailed(facts: RequestFacts): Problem {
  return {
    ...notSignedIn(facts),
    error: "bad_pass",
    message:
      "The pass in the URL is not valid: it has expired, or is for another address. Run the command again for a new one.",
  };
}
