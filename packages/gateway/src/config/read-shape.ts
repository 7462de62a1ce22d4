import type { z } from "zod";
import type { FieldPath } from "./document.ts";
import { type Report, reportIssues } from "./report.ts";

type Issue = z.core.$ZodIssue;

/** What stands at `path`, when it has this shape; undefined when not, and the report says why. */
export function readShape<Shape extends z.ZodType>(
  shape: Shape,
  value: unknown,
  path: FieldPath,
  report: Report,
): z.infer<Shape> | undefined {
  const result = shape.safeParse(value);
  if (result.success) return result.data;
  reportIssues(report, path, result.error.issues.map(inOurWords));
  return undefined;
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

/** The library's own words name types and bounds; ours say what to write. */
function inOurWords(issue: Issue): Issue {
  if (!/^(Invalid input|Too small|Too big)/.test(issue.message) || issue.message.endsWith("received undefined")) return issue;
  return { ...issue, message: instruction(issue) };
}

function instruction(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${nouns[issue.expected] ?? issue.expected}`;
    case "too_small":
      if (issue.origin === "array") return "is empty; write at least one, or remove the field";
      return issue.origin === "string" ? "is empty; write a value, or remove it" : `must be ${issue.minimum} or more`;
    case "too_big":
      return `must be ${issue.maximum} or less`;
    case "invalid_union":
      // `workers` is the only field that may be of two kinds.
      return "must be a whole number from 1, or auto";
    default:
      return issue.message;
  }
}
