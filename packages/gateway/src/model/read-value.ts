// Values of unknown shape → values that a schema describes. The library's own words name types and
// bounds; ours say what to write.
import type { z } from "zod";
import type { FieldPath, Report } from "./problem.ts";

type Issue = z.core.$ZodIssue;

/**
 * @returns the value in its canonical form; undefined when the report says what is wrong with it
 */
export function readValue<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
  report: Report,
): Value | undefined {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(issue, report);
  return undefined;
}

function reportIssue(issue: Issue, report: Report): void {
  const path: FieldPath = issue.path.map((part) =>
    typeof part === "symbol" ? String(part) : part,
  );
  if (issue.code === "unrecognized_keys") {
    const isOurs = !issue.message.startsWith("Unrecognized");
    for (const key of issue.keys)
      report.problem([...path, key], isOurs ? issue.message : unknownField(key));
    return;
  }
  report.problem(path, instruction(issue), quotable(issue));
}

/**
 * What to do about a key that is no field of ours. In `{a:b}` YAML reads `a:b` as a key without a
 * value.
 */
export function unknownField(key: string): string {
  const instruction = "unknown field; remove it, or correct its name";
  return key.includes(":") ? `${instruction}, or write a space after its colon` : instruction;
}

/** The text that a schema of ours hands out with its complaint. */
function quotable(issue: Issue): string | undefined {
  const value: unknown = issue.code === "custom" ? issue.params?.["value"] : undefined;
  return typeof value === "string" ? value : undefined;
}

const nouns: Record<string, string> = {
  string: "text; put it in quotes",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of fields",
  record: "a map of fields",
};

function instruction(issue: Issue): string {
  const { message } = issue;
  if (!/^(Invalid|Too small|Too big)/.test(message)) return message;
  switch (issue.code) {
    case "invalid_type":
      if (message.endsWith("received undefined")) return "is missing";
      return `must be ${nouns[issue.expected] ?? issue.expected}`;
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`;
    case "too_small":
      if (issue.origin === "array") return "is empty; write at least one, or remove the field";
      if (issue.origin === "string") return "is empty; write a value, or remove it";
      return `must be ${issue.minimum} or more`;
    case "too_big":
      return `must be ${issue.maximum} or less`;
    case "invalid_union":
      // `workers` is the only field that may be of two kinds.
      return "must be a whole number from 1, or auto";
    default:
      return message;
  }
}

/** The items of a list in a map; none where no list stands, which the schema says. */
export function itemsOf(value: unknown, field: string): unknown[] {
  const items = isMap(value) ? value[field] : undefined;
  return Array.isArray(items) ? items : [];
}

/** Whether the value is a map of fields: no list, no null. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
