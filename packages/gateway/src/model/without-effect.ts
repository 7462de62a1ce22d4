// Fields that mean something at Cloudflare and nothing here: whoever writes them is told so, and
// gets them back as they were written, but for the secrets in them.
import { z } from "zod";
import type { Report } from "./problem.ts";
import { warnOfSecrets, withoutSecrets } from "./unkept-secrets.ts";
import { isEmptyList, withoutEffect } from "./values.ts";

/** Where a stored object keeps them. */
export const storedWithoutEffect = {
  /** field → what was written */
  without_effect: z.record(z.string(), z.unknown()).optional(),
};

/** Those of an object, as it keeps them; undefined where it has none. */
export function withoutEffectIn(
  schema: z.ZodObject,
  input: object,
): Record<string, unknown> | undefined {
  const fields = fieldsWithoutEffect(schema, input);
  return fields.length === 0 ? undefined : Object.fromEntries(fields.map(withoutSecretsIn));
}

/** Warns of those that say anything. */
export function warnWithoutEffect(schema: z.ZodObject, input: object, report: Report): void {
  for (const [field, value] of fieldsWithoutEffect(schema, input)) {
    if (saysAnything(value)) report.warning([field], "has no effect in this gateway");
    warnOfSecrets(value, report, [field]);
  }
}

function withoutSecretsIn([field, value]: [string, unknown]): [string, unknown] {
  return [field, withoutSecrets(value)];
}

function fieldsWithoutEffect(schema: z.ZodObject, input: object): [string, unknown][] {
  return Object.entries(input).filter(
    ([field, value]) => schema.shape[field] === withoutEffect && value !== undefined,
  );
}

function saysAnything(value: unknown): boolean {
  return value !== false && value !== "" && !isEmptyList(value);
}
