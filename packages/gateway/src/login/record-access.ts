// What the access log hears of the sign-in: each one that let somebody in, kept somebody out or
// proved nobody, and each sign-out. Policy has decided by then: nothing is decided here.
import { circumstancesWithout } from "../catalog/circumstances.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import type { Application, Decision, IdentityProvider } from "../model/model.ts";
import type { AccessEvent, PolicyQuestion } from "../observe/access-event.ts";
import type { RecordEvent } from "../observe/events.ts";
import type { StoredSession } from "../storage/store.ts";
import { requestFields } from "./login-context.ts";

/** What a person's sign-in to an application came to. */
export interface LoginOutcome {
  /** undefined: to the team domain alone */
  application: Application | undefined;
  session: StoredSession;
  /** undefined where nothing was decided: the team domain takes whoever is proven */
  decision: Decision | undefined;
  /** whether the session was there before */
  hasSession: boolean;
}

/** Somebody is proven, and policy has said whether they may enter. */
export function recordLogin(
  { record }: { record: RecordEvent },
  facts: RequestFacts,
  { application, session, decision, hasSession }: LoginOutcome,
): void {
  const { outcome = "allow" } = decision ?? {};
  record({
    event: "access_decided",
    action: "login",
    ...requestFields(facts),
    ...personFields(session),
    outcome,
    application,
    hasSession,
    reason: decision !== undefined && "reason" in decision ? decision.reason : undefined,
    policy: decision !== undefined && "policy" in decision ? decision.policy : undefined,
    question: questionOf(facts, { application, session, decision }),
  });
}

/** What policy was asked about somebody who signs in. */
function questionOf(
  facts: RequestFacts,
  { application, session, decision }: Omit<LoginOutcome, "hasSession">,
): PolicyQuestion | undefined {
  if (application === undefined || decision === undefined) return undefined;
  const principal = { kind: "person" as const, identity: session.identity };
  const subject = () => ({
    principal,
    ...circumstancesWithout(facts, application, "awaited"),
  });
  return { application, subject, decision };
}

/** A terminal got what a person approved for it. */
export function recordTerminalLogin(
  parts: { record: RecordEvent },
  facts: RequestFacts,
  approval: { request: { application: Application }; session: StoredSession; admission: Decision },
): void {
  const { session, admission: decision } = approval;
  const { application } = approval.request;
  recordLogin(parts, facts, { application, session, decision, hasSession: true });
}

/** A sign-in that proved nobody. */
export interface FailedLogin {
  application: Application | undefined;
  /** id of the provider */
  provider: string;
  reason: string;
  /** the address that was claimed, where there is one */
  email?: string | undefined;
}

/** A sign-in proved nobody. Anybody can cause it. */
export function recordFailedLogin(
  { record }: { record: RecordEvent },
  facts: RequestFacts,
  { application, provider, reason, email }: FailedLogin,
): void {
  record({
    event: "access_decided",
    action: "login",
    ...requestFields(facts),
    outcome: "failed",
    reason,
    application,
    provider: providerOf(facts, provider),
    person: email === undefined ? undefined : { email },
    isAnybodys: true,
  });
}

/** Somebody signed out. */
export function recordLogout(
  { record }: { record: RecordEvent },
  facts: RequestFacts,
  session: StoredSession,
): void {
  record({
    event: "access_decided",
    action: "logout",
    ...requestFields(facts),
    ...personFields(session),
    outcome: "logout",
    application: facts.match?.application,
    hasSession: true,
  });
}

type PersonFields = Pick<AccessEvent, "person" | "provider" | "country" | "userAgent">;

function personFields({ identity, user_id, user_agent }: StoredSession): PersonFields {
  return {
    person: { email: identity.email, user: user_id },
    provider: identity.idp,
    country: identity.country,
    userAgent: user_agent,
  };
}

/** One that is configured no more has no type. */
function providerOf(
  { catalog }: RequestFacts,
  id: string,
): Pick<IdentityProvider, "id" | "type"> | undefined {
  return catalog.identityProviders.get(id);
}
