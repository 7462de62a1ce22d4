// What the access log is told of a sign-in, a sign-out or a request: references to what is known
// anyway. Whoever writes it down turns it into a row later (access-rows.ts).
import type { Application, Decision, Policy } from "../model/model.ts";
import type { Subject } from "../model/rules/rule.ts";

/** A sign-in, a sign-out or a request, and what became of it. */
export interface AccessEvent {
  /** 16 hex characters, as on the page and in `cf-ray` */
  ray: string;
  /** the client's address, canonical text */
  ip: string;
  action: "login" | "logout" | "request";
  outcome: AccessOutcome;
  /** why it was not allowed, in a word */
  reason?: string | undefined;
  /** undefined: the team domain, or an application that is not known yet */
  application?: Pick<Application, "id" | "name" | "type" | "domains"> | undefined;
  /** who, as far as that is known; the `user` of somebody who proved an address */
  person?: { email: string; user?: string | undefined } | undefined;
  provider?: { id: string; type: string } | undefined;
  /** of a person's session: two letters, or "" */
  country?: string | undefined;
  /** whether they came with a session that they had already */
  hasSession?: boolean;
  /** a program asked; `serviceToken` is the id of its service token */
  isProgram?: boolean;
  serviceToken?: string | undefined;
  /** the one that decided */
  policy?: Pick<Policy, "id" | "name"> | undefined;
  /** of a request; the path without the query */
  request?: { method: string; host: string; path: string } | undefined;
  status?: number | undefined;
  userAgent?: string | undefined;
  /** what policy was asked: looked at when the row is written, and not before */
  question?: PolicyQuestion | undefined;
  /** whether anybody can cause it: then how many are kept is limited, by network */
  isAnybodys?: boolean;
  /** a request that is kept only because it was refused: as a failed sign-in is */
  isAttempt?: boolean;
}

/** `failed`: nobody was proven; `login`: a sign-in is needed first. */
export type AccessOutcome = "allow" | "bypass" | "deny" | "login" | "failed" | "logout";

/** What policy was asked, and its answer. */
export interface PolicyQuestion {
  application: Pick<Application, "policies">;
  subject(): Subject;
  decision: Decision;
}

/** Whether somebody got what they came for. */
export function isAllowed({ outcome }: AccessEvent): boolean {
  return outcome === "allow" || outcome === "bypass" || outcome === "logout";
}
