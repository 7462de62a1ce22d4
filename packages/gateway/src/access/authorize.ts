// What becomes of a request that belongs to an application: described, checked, let through or
// refused, and why. The same for every way in, be it HTTP, a WebSocket, TCP or a proxy that asks on
// somebody's behalf: nothing here answers, forwards or writes down.
import { tokenCheckArgument } from "@postern/protocol";
import { circumstancesOf } from "../catalog/circumstances.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { defined } from "../defined.ts";
import type { Application, CorsHeaders, Decision } from "../model/model.ts";
import type { AskerFields, RefusalFields } from "../observe/events.ts";
import { policiesWithoutAnswer } from "../policy/evaluate.ts";
import type { Store } from "../storage/store.ts";
import { StoreOutOfReachError } from "../store-unavailable.ts";
import { generationOf } from "../tokens/generations.ts";
import { isPossessionFault, type PossessionFault } from "../tokens/possession.ts";
import type { TokenFault, Tokens } from "../tokens/tokens.ts";
import {
  type Authentication,
  type AuthenticationParts,
  authenticate,
  type CredentialFault,
  type CredentialKind,
} from "./authenticate.ts";
import { isPreflight } from "./cors.ts";
import type { CredentialLimits, LimitFault } from "./credential-limits.ts";
import { type DecisionCache, principalOf } from "./decision-cache.ts";
import { dialsStream } from "./dials-stream.ts";
import { foreignOrigin } from "./foreign-origin.ts";
import { plainIdentity } from "./plain-identity.ts";
import { asksForUpgrade, type ReadRequest } from "./read-request.ts";
import type { IdentityHeaders } from "./sanitize-headers.ts";
import { type Asker, askerFields } from "./still-passes.ts";

/** Everything that can become of a request that belongs to an application. */
export type Verdict =
  /** policy lets the request through; without an identity where it asks nobody who they are */
  | ({ kind: "forward"; identity: IdentityHeaders | undefined; asker: Asker } & VerdictBasis)
  /** a client asks only whether its token holds, and it does (wire-protocol 6.9) */
  | { kind: "token_holds" }
  /** a client asks who guards this address (wire-protocol 6.1) */
  | { kind: "describe"; asksForLogin: boolean }
  /** a preflight that the gateway answers in the application's place */
  | { kind: "preflight"; cors: CorsHeaders }
  | Refusal;

/** A verdict that lets nobody in, with its grounds: for the log and nobody else. */
export type Refusal = (
  | { kind: "sign_in" }
  | ({ kind: "token_dead" } & DeadToken)
  /** a terminal's token comes from elsewhere than it was given to, for all that can be seen */
  | { kind: "unproven"; fault: PossessionFault }
  | { kind: "pass_failed" }
  /** a pass or a grant holds, and does not cover this request, or has no use left */
  | ({ kind: "outside_limits" } & BeyondLimits)
  | { kind: "bad_credentials"; fault: CredentialFault }
  /** a page of another site wants to open a WebSocket in somebody's name (case W1) */
  | { kind: "foreign_page" }
  | { kind: "denied"; who: DeniedAsker }
) & { grounds: RefusalGrounds } & VerdictBasis;

/** A verdict that policy or a credential decided. */
export type DecidedVerdict = Exclude<Verdict, { kind: "token_holds" | "describe" | "preflight" }>;

/** What a verdict follows from, for whoever writes it down. */
export interface VerdictBasis {
  /** undefined: nobody was asked who they are */
  authentication: Authentication | undefined;
  /** undefined: policy was not asked */
  decision: Decision | undefined;
}

/** A program's token that is no longer good. */
export interface DeadToken {
  ending: TokenEnding;
  /** it says that it is a grant, or was one */
  isGrant: boolean;
}

/** What a pass or a grant does not cover, or that it has no use left. */
export interface BeyondLimits {
  limits: CredentialLimits;
  fault: LimitFault | "count";
}

/** Why a program's token is no longer good, as `Cf-Access-Error` says it (wire-protocol 3). */
export type TokenEnding = "session_ended" | "expired" | "revoked";

/** Who is known and still not let in; `nobody` cannot get in by signing in either. */
export type DeniedAsker = "person" | "service" | "workload" | "linked" | "nobody";

/** What led to a refusal, as precisely as is known. No answer repeats it. */
export type RefusalGrounds = Omit<RefusalFields, "outcome">;

/** What a verdict is made with. */
export interface AuthorizationParts extends AuthenticationParts {
  tokens: Tokens;
  decisions: DecisionCache;
  useCounts: Pick<Store["useCounts"], "take">;
}

const anyone: Asker = { kind: "anyone" };
const unasked: VerdictBasis = { authentication: undefined, decision: undefined };

/** Decides. The verdict is a promise only where something has to be waited for. */
export function authorize(
  parts: AuthorizationParts,
  reading: ReadRequest,
  application: Application,
): Verdict | Promise<Verdict> {
  const { facts, headers } = reading;

  // 1. Questions about the application, which anybody may ask.
  if (headers.metadataRequest === "true") {
    return { kind: "describe", asksForLogin: !parts.decisions.isOpen(facts, application) };
  }
  if (isPreflight(facts.method, headers) && !headers.hasBody && !asksForUpgrade(reading)) {
    const { cors_headers: cors, options_preflight_bypass: bypass } = application;
    if (cors !== undefined) return { kind: "preflight", cors };
    if (bypass) return { kind: "forward", identity: undefined, asker: anyone, ...unasked };
  }

  // 2. Who asks, and 3. whether they may.
  const authentication = authenticate(parts, reading, application);
  if (!(authentication instanceof Promise))
    return judge(parts, reading, application, authentication);
  return authentication.then((late) => judge(parts, reading, application, late));
}

function judge(
  parts: AuthorizationParts,
  reading: ReadRequest,
  application: Application,
  authentication: Authentication,
): Verdict | Promise<Verdict> {
  const { facts } = reading;
  // Whoever uses a pass or a grant asked for no more, also where everybody may go.
  if (authentication.kind === "outside") {
    const { limits, fault } = authentication;
    return outsideLimits(authentication, limits, fault);
  }
  const decision = parts.decisions.decide(facts, application, authentication);
  if (!passes(authentication, decision)) {
    const unjudged = unjudgedPolicies(facts, application, authentication);
    const refusal = refuse(authentication, decision, unjudged);
    if (refusal.kind !== "sign_in") return refusal;
    // The official client reads a dead token from the way to the sign-in page.
    if (asksOnlyForCheck(facts) || dialsStream(reading)) return refusal;
    return refuseProgram(authentication, refusal);
  }
  if (asksOnlyForCheck(facts)) return { kind: "token_holds" };
  const origin = foreignOrigin(reading, application, authentication);
  if (origin !== undefined && decision.outcome !== "bypass")
    return {
      kind: "foreign_page",
      grounds: { ...groundsOf(authentication, decision), origin },
      authentication,
      decision,
    };

  // The last step: a use that was taken is gone.
  const letPass = () => passage(parts.tokens, application, authentication, decision);
  const limits = authentication.kind === "person" ? authentication.limits : undefined;
  if (limits?.countId === undefined) return letPass();
  return parts.useCounts
    .take(limits.countId, parts.now())
    .then((isTaken) => (isTaken ? letPass() : outsideLimits(authentication, limits, "count")));
}

/** The way to the origin, and what it is told. */
function passage(
  tokens: Tokens,
  application: Application,
  authentication: Authentication,
  decision: Decision,
): Verdict | Promise<Verdict> {
  const asker = askerOf(authentication);
  // Where policy asks nobody who they are, the origin is told of nobody.
  if (decision.outcome === "bypass") {
    const passer = decision.byCredential === true ? asker : anyone;
    return { kind: "forward", identity: undefined, asker: passer, authentication, decision };
  }
  if (tokens.storeContact === "lost_too_long") return Promise.reject(outOfTouch());
  const forwardAs = (assertion: string | undefined): Verdict => {
    const identity = identityOf(assertion, asker, application);
    return { kind: "forward", identity, asker, authentication, decision };
  };
  const assertion = assertionFor(authentication, application, tokens);
  return assertion instanceof Promise ? assertion.then(forwardAs) : forwardAs(assertion);
}

/** Whoever is known here may have been shut out elsewhere (`limits.store_grace`). */
function outOfTouch(): StoreOutOfReachError {
  return new StoreOutOfReachError("the database has been out of reach for too long");
}

function outsideLimits(
  authentication: Authentication,
  limits: CredentialLimits,
  fault: LimitFault | "count",
): Refusal {
  const grounds = { ...nameOf(authentication), fault, reason: undefined, policy: undefined };
  return { kind: "outside_limits", limits, fault, grounds, authentication, decision: undefined };
}

function identityOf(
  assertion: string | undefined,
  asker: Asker,
  application: Application,
): IdentityHeaders | undefined {
  if (assertion === undefined) return undefined;
  const email = "session" in asker ? asker.session.identity.email : undefined;
  const more = plainIdentity(application, asker);
  return { assertion, email, more, asCookie: application.origin_cookie === true };
}

/** Who somebody that may pass is, for as long as the answer takes. */
function askerOf(authentication: Authentication): Asker {
  switch (authentication.kind) {
    case "person": {
      const { session, proof, limits } = authentication;
      const expiresAt = Math.min(session.expires_at, proof.claims.exp * 1000);
      const generation = generationOf(proof.claims);
      return { kind: "person", session, expiresAt, grant: limits?.grant, generation };
    }
    case "service":
    case "workload":
    case "linked":
      return authentication;
    default:
      return anyone;
  }
}

function passes(authentication: Authentication, decision: Decision): boolean {
  // Bypass is for whoever asks, also for those whose credentials do not hold.
  if (decision.outcome === "bypass") return true;
  return decision.outcome === "allow" && isKnown(authentication);
}

function isKnown({ kind }: Authentication): boolean {
  return kind === "person" || kind === "service" || kind === "workload" || kind === "linked";
}

/** Names of the policies that cannot be judged for the person who asks; undefined: none. */
function unjudgedPolicies(
  facts: RequestFacts,
  application: Application,
  authentication: Authentication,
): string[] | undefined {
  if (authentication.kind !== "person") return undefined;
  const principal = principalOf(authentication);
  const circumstances = circumstancesOf(facts, application);
  const names = policiesWithoutAnswer({ application, principal, ...circumstances });
  return names.length === 0 ? undefined : names;
}

function refuse(
  authentication: Authentication,
  decision: Decision,
  unjudged: string[] | undefined,
): Refusal {
  const grounds = {
    ...groundsOf(authentication, decision),
    ...defined({ unjudged_policies: unjudged }),
  };
  const basis = { grounds, authentication, decision };
  switch (authentication.kind) {
    case "refused":
      return { kind: "bad_credentials", fault: authentication.fault, ...basis };
    case "person":
    case "service":
    case "workload":
    case "linked":
      return { kind: "denied", who: authentication.kind, ...basis };
    case "unauthenticated":
      if (isPossessionFault(authentication.fault))
        return { kind: "unproven", fault: authentication.fault, ...basis };
      if (authentication.via === "pass") return { kind: "pass_failed", ...basis };
      return refuseStranger(basis);
    case "anonymous":
      return refuseStranger(basis);
    case "outside":
      return outsideLimits(authentication, authentication.limits, authentication.fault);
  }
}

/** A program does not sign in: it must fail where a browser is led to the sign-in page. */
function refuseProgram(authentication: Authentication, refusal: Refusal): Refusal {
  if (authentication.kind !== "unauthenticated" || !authentication.byProgram) return refusal;
  const { grounds, decision } = refusal;
  const isGrant = authentication.via === "grant";
  const ending = endingOf(authentication);
  return { kind: "token_dead", ending, isGrant, grounds, authentication, decision };
}

/** A grant is ended for itself: who uses it has no session. */
function endingOf({ via, fault }: { via: CredentialKind; fault: TokenFault }): TokenEnding {
  if (via === "grant") return fault === "expired" ? "expired" : "revoked";
  switch (fault) {
    case "revoked":
      return "session_ended";
    case "expired":
      return "expired";
    default:
      return "revoked";
  }
}

function refuseStranger(basis: Pick<Refusal, "grounds" | keyof VerdictBasis>): Refusal {
  if (basis.decision?.outcome === "login") return { kind: "sign_in", ...basis };
  return { kind: "denied", who: "nobody", ...basis };
}

function groundsOf(authentication: Authentication, decision: Decision): RefusalGrounds {
  return {
    ...nameOf(authentication),
    fault: "fault" in authentication ? authentication.fault : undefined,
    ...causeOf(authentication),
    reason: decision.outcome === "deny" ? decision.reason : undefined,
    policy: "policy" in decision ? decision.policy.name : undefined,
  };
}

/** What is wrong with a service token, more precisely than anybody is told. */
function causeOf(authentication: Authentication): Pick<RefusalGrounds, "cause"> {
  if (authentication.kind !== "refused") return {};
  return defined({ cause: authentication.cause });
}

/** The name of who is known, or was meant, for the log. */
function nameOf(authentication: Authentication): AskerFields {
  switch (authentication.kind) {
    case "person":
    case "outside": {
      const { session, limits } = authentication;
      return askerFields({ kind: "person", session, grant: limits?.grant });
    }
    case "service":
    case "workload":
    case "linked":
      return askerFields(authentication);
    case "refused":
      return defined({ client_id: authentication.clientId });
    default:
      return {};
  }
}

/** Who the origin is told that asks; a promise only where it must be signed first. */
function assertionFor(
  authentication: Authentication,
  application: Application,
  tokens: Tokens,
): string | undefined | Promise<string> {
  switch (authentication.kind) {
    case "person": {
      const { proof } = authentication;
      if ("assertion" in proof) return tokens.personAssertion(proof);
      return tokens.passAssertion(proof, application);
    }
    case "workload":
      return tokens.workloadAssertion(application, authentication.workload);
    case "linked":
      return tokens.linkedAssertion(authentication, application);
    case "service":
      return tokens.serviceAssertion(application, authentication.serviceToken.client_id);
    default:
      return undefined;
  }
}

function asksOnlyForCheck({ query }: RequestFacts): boolean {
  if (!query.includes(tokenCheckArgument)) return false;
  return query.split("&").includes(`${tokenCheckArgument}=true`);
}
