// Policies: who may use an application. One of its own stands inside its application; a reusable
// one stands for itself, and applications link to it.
import { z } from "zod";
import { defined } from "../defined.ts";
import { group, groupsIn } from "./group.ts";
import type { Workload } from "./identity.ts";
import { identityProvider, mailsPins } from "./identity-provider.ts";
import { defineKind, type World } from "./kind.ts";
import { checkMfaConfig, mfaConfig } from "./mfa-config.ts";
import { objectsIn } from "./object-lookup.ts";
import type { Report } from "./problem.ts";
import type { CompiledRuleSet } from "./rules/compiled-rules.ts";
import { linkedAppToken } from "./rules/linked-app-token.ts";
import type { OidcTokenRule } from "./rules/oidc-token.ts";
import type { Matcher, Rule, RuleKind, RuleSubject } from "./rules/rule.ts";
import { knownRule } from "./rules/rule-kinds.ts";
import {
  checkRules,
  type RuleSet,
  ruleReferences,
  ruleSetFields,
  storedRuleSetFields,
} from "./rules/rule-set.ts";
import { identifier, notYet, objectName, sessionDuration, withoutEffect } from "./values.ts";
import { storedWithoutEffect, warnWithoutEffect, withoutEffectIn } from "./without-effect.ts";

const decision = z.enum(["allow", "deny", "bypass", "non_identity"]);

/** What a policy does for whom it fits (access-features 4.1). */
export type PolicyAction = z.infer<typeof decision>;

const fields = z.strictObject({
  id: identifier,
  name: objectName,
  decision,
  ...ruleSetFields,
  session_duration: z.preprocess(
    (value) => (value === "" || value === null ? undefined : value),
    sessionDuration.optional(),
  ),
  purpose_justification_required: notYet,
  purpose_justification_prompt: withoutEffect,
  approval_required: notYet,
  approval_groups: notYet,
  isolation_required: withoutEffect,
  mfa_config: mfaConfig,
  connection_rules: withoutEffect,
});

/** Where several policies of one application are ordered by it; lower runs first. */
export const precedence = z.int().min(1).optional();

/** A policy inside its application. */
export const inlinePolicy = fields.extend({ precedence });

/** A policy as it is stored, by itself or inside an application. */
export const storedPolicy = z
  .strictObject({
    id: identifier,
    name: objectName,
    decision,
    ...storedRuleSetFields,
    session_duration: sessionDuration.optional(),
    mfa_config: mfaConfig,
    ...storedWithoutEffect,
  })
  .transform(defined);

/** A policy as it is stored. */
export type Policy = z.infer<typeof storedPolicy>;

/** A policy in force. */
export interface CompiledPolicy extends Policy {
  rules: CompiledRuleSet;
  /** of all its rules together */
  matches: Matcher;
  /** the rules by which it includes programs with tokens of other issuers; few or none */
  workloads: readonly WorkloadRule[];
  /** ids of the applications whose tokens it takes by `include`; few or none */
  linkedApplications: readonly string[];
}

/** Whose tokens count, and whether a verified one is meant. */
export interface WorkloadRule {
  rule: OidcTokenRule;
  holds: (workload: Workload) => boolean;
}

const reusablePolicy = fields.extend({ reusable: z.literal(true).optional() });

/** Everything that makes a reusable policy valid. */
export const policy = defineKind({
  name: "policy",
  noun: "policy",
  section: "policies",
  naming: "unique",
  schema: reusablePolicy,
  fields: reusablePolicy,
  stored: storedPolicy,
  references: ruleReferences,
  check: checkPolicy,
  toObject: toPolicy,
});

/** A policy in the form in which it is stored. */
export function toPolicy(input: z.infer<typeof fields>): Policy {
  const { id, name, decision, include, require, exclude, session_duration, mfa_config } = input;
  const without_effect = withoutEffectIn(fields, input);
  return defined({
    ...{ id, name, decision, include, require, exclude },
    ...{ session_duration, mfa_config },
    without_effect,
  });
}

/** Warns of policies that are hardly meant: that never hold, or let in the world. */
export function checkPolicy(input: z.infer<typeof fields>, world: World, report: Report): void {
  warnWithoutEffect(fields, input, report);
  checkMfaConfig(input, report);
  checkRules(input, objectsIn(world), report);
  warnOfIdleRules(input, world, report);
  if (input.decision === "allow") warnOfOpenDoors(input, world, report);
}

function warnOfIdleRules(
  input: RuleSet & { decision: PolicyAction },
  world: World,
  report: Report,
): void {
  const reasons = { ...idleRules[input.decision] };
  // Another application acts for a person, of whom rules about people hold.
  const kinds = input.include.flatMap((rule) => leavesOf(rule, world, new Set()));
  if (kinds.some(({ name }) => name === linkedAppToken.name)) delete reasons.people;
  for (const list of ["include", "require"] as const) {
    input[list].forEach((rule, index) => {
      const why = whyIdle(rule, reasons, world);
      if (why !== undefined) report.warning([list, index], why);
    });
  }
}

/** Of a group: when that is so of everything that it includes. */
function whyIdle(rule: Rule, reasons: IdleReasons, world: World): string | undefined {
  const ofKinds = leavesOf(rule, world, new Set()).map(({ about }) => reasons[about]);
  const [first] = ofKinds;
  return ofKinds.every((each) => each !== undefined) ? first : undefined;
}

/**
 * The kinds of what a rule includes, through groups.
 * @param seen the groups that were looked into
 */
function leavesOf(rule: Rule, world: World, seen: Set<string>): RuleKind[] {
  const { kind } = knownRule(rule) ?? {};
  if (kind === undefined) return [];
  const [id] = groupsIn({ include: [rule], require: [], exclude: [] });
  if (id === undefined) return [kind];
  const inner = seen.has(id) ? undefined : world.find(group, id);
  seen.add(id);
  return inner?.include.flatMap((each) => leavesOf(each, world, seen)) ?? [];
}

const admitsNoProgram =
  "lets no service token in: an allow policy asks for a sign-in; write decision: non_identity";
const stopsNoProgram =
  "stops no service token: non_identity policies run first; put it into their exclude";

type IdleReasons = Partial<Record<RuleSubject, string>>;

/** Rules that can never hold under a decision (access-features 4.2). */
const idleRules: Record<PolicyAction, IdleReasons> = {
  allow: { programs: admitsNoProgram, workloads: admitsNoProgram },
  deny: { programs: stopsNoProgram, workloads: stopsNoProgram },
  bypass: {
    people: "never holds: a bypass policy does not ask who it is; write decision: allow",
    workloads: "never holds in a bypass policy; write decision: non_identity",
  },
  non_identity: {
    people:
      "never holds: a non_identity policy is for service tokens; write decision: allow for people",
  },
};

function warnOfOpenDoors({ include }: RuleSet, world: World, report: Report): void {
  include.forEach((rule, index) => {
    const why = whyWorldEnters(rule, world, new Set());
    if (why !== undefined) report.warning(["include", index], why);
  });
}

/** Also through groups. @param seen the groups that were looked into */
function whyWorldEnters(rule: Rule, world: World, seen: Set<string>): string | undefined {
  const { kind, value } = knownRule(rule) ?? {};
  return kind?.admitsWorld?.(value, {
    mailsPins: (id) => mailsPins(world.find(identityProvider, id)?.type),
    group(id) {
      const inner = world.find(group, id);
      if (inner === undefined || seen.has(id)) return undefined;
      seen.add(id);
      for (const each of inner.include) {
        const why = whyWorldEnters(each, world, seen);
        if (why !== undefined) return why;
      }
      return undefined;
    },
  });
}
