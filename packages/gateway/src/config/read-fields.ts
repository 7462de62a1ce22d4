import { z } from "zod";
import type { Report } from "../model/problem.ts";
import { readValue } from "../model/read-value.ts";

type Schemas = Readonly<Record<string, z.ZodType>>;
type Values<All extends Schemas> = { [Field in keyof All]: z.infer<All[Field]> };

/**
 * Reads each field of a map on its own, so that what is wrong with one hides nothing of the others.
 * @returns the fields that have their shape, and all of them together when they all do
 */
export function readFields<All extends Schemas>(
  schemas: All,
  fields: Readonly<Record<string, unknown>>,
  report: Report,
): { right: Partial<Values<All>>; all: Values<All> | undefined } {
  const right: Record<string, unknown> = {};
  let isWhole = true;
  for (const [field, schema] of Object.entries(schemas)) {
    const result = schema.safeParse(fields[field]);
    if (result.success) {
      right[field] = result.data;
      continue;
    }
    readValue(z.object({ [field]: schema }), fields, report);
    isWhole = false;
  }
  return {
    right: right as Partial<Values<All>>,
    all: isWhole ? (right as Values<All>) : undefined,
  };
}
