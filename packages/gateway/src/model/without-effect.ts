import type { z } from "zod";
import type { Report } from "./problem.ts";
import { isEmptyList, withoutEffect } from "./values.ts";

/** Warns of fields that mean something at Cloudflare and nothing here, where they say anything. */
export function warnWithoutEffect(schema: z.ZodObject, input: object, report: Report): void {
  for (const [field, value] of Object.entries(input)) {
    if (schema.shape[field] === withoutEffect && saysAnything(value))
      report.warning([field], "has no effect in this gateway");
  }
}

function saysAnything(value: unknown): boolean {
  return value !== undefined && value !== false && value !== "" && !isEmptyList(value);
}
