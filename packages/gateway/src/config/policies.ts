// Policies as written → as evaluated, with what is hardly meant said on the way.
import type { z } from "zod";
import { defined } from "../defined.ts";
import type { Policy } from "../model/model.ts";
import type { FieldPath } from "./document.ts";
import type { NamedObjects } from "./object-names.ts";
import { type PolicyWorld, warnAboutPolicy } from "./policy-warnings.ts";
import { type Names, readRuleSet } from "./read-rules.ts";
import { readShape } from "./read-shape.ts";
import type { Report } from "./report.ts";
import { type inlinePolicy, reusablePolicy } from "./shapes.ts";
import { warnWithoutEffect } from "./without-effect.ts";

export interface PolicyContext {
  names: Names;
  world: PolicyWorld;
  report: Report;
}

type WrittenPolicy = Omit<z.infer<typeof inlinePolicy>, "precedence">;

/** Those of the top level, which applications link to. */
export function readPolicies({ all }: NamedObjects, context: PolicyContext): Policy[] {
  return all.flatMap(({ id, item, path }) => {
    const written = readShape(reusablePolicy, item, path, context.report);
    return readPolicy(written, item, id, path, context) ?? [];
  });
}

/**
 * A policy with names resolved.
 * @param written undefined when its own fields are wrong: the rules in `item` are looked at all the
 * same
 */
export function readPolicy(
  written: WrittenPolicy | undefined,
  item: unknown,
  id: string,
  path: FieldPath,
  { names, world, report }: PolicyContext,
): Policy | undefined {
  const rules = readRuleSet(item, path, names, report);
  if (written === undefined) return undefined;
  const { name, decision, session_duration } = written;
  const policy: Policy = defined({ id, name, decision, ...rules, session_duration });
  warnWithoutEffect("policies", written, path, report);
  warnAboutPolicy(policy, path, world, report);
  return policy;
}
