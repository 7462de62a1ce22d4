// What policy decides, written as plainly as access-features 4.1 and 4.2 say it: slow, without
// anything made ready beforehand, and sharing no code with policy/.
import type { Policy, Rule, RuleSet } from "../../src/model/model.ts";
import type { Match, Subject } from "../../src/model/rules/rule.ts";

/** What one rule says. */
export type Judge = (rule: Rule, subject: Subject) => Match;

const order: readonly Match[] = ["no", "unknown", "pending", "yes"];
const opposite: Record<Match, Match> = {
  yes: "no",
  no: "yes",
  pending: "pending",
  unknown: "unknown",
};
const best = (answers: Match[]) => order.findLast((each) => answers.includes(each)) ?? "no";
const worst = (answers: Match[]) => order.find((each) => answers.includes(each)) ?? "yes";

/** @returns allow, bypass, deny or login */
export function referenceOutcome(policies: readonly Policy[], subject: Subject, judge: Judge) {
  const says = (set: RuleSet, of: Subject): Match =>
    worst([
      best(set.include.map((rule) => judge(rule, of))),
      ...set.require.map((rule) => judge(rule, of)),
      ...set.exclude.map((rule) => opposite[judge(rule, of)]),
    ]);
  const { kind } = subject.principal;
  const isProgram = ["service", "workload", "linked"].includes(kind);
  for (const policy of policies.filter(({ decision }) => /bypass|non_identity/.test(decision))) {
    const isBypass = policy.decision === "bypass";
    const anybody: Subject = { ...subject, principal: { kind: "anonymous" } };
    if (isBypass && says(policy, anybody) === "yes") return "bypass";
    const isTaken = kind === "service" || names(policy, subject, judge);
    if (isProgram && isTaken && says(policy, subject) === "yes")
      return isBypass ? "bypass" : "allow";
  }
  if (isProgram) return "deny";
  for (const policy of policies.filter(({ decision }) => /allow|deny/.test(decision))) {
    const answer = says(policy, subject);
    if (policy.decision === "deny" && (answer === "yes" || answer === "unknown")) return "deny";
    if (policy.decision === "allow" && (answer === "yes" || answer === "pending"))
      return kind === "person" ? "allow" : "login";
  }
  return "deny";
}

/** Such a program is let in where a rule about its kind of token includes it, and by no other. */
function names({ decision, include }: Policy, subject: Subject, judge: Judge): boolean {
  const isWorkload = subject.principal.kind === "workload";
  if (isWorkload && decision === "bypass") return false;
  const kind = isWorkload ? "oidc_token" : "linked_app_token";
  return include.some((rule) => kind in rule && judge(rule, subject) === "yes");
}
