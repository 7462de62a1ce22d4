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

type Fields = Readonly<Record<string, z.ZodType>>;
type Read<Shapes extends Fields> = { [Key in keyof Shapes]: z.infer<Shapes[Key]> };

/**
 * Reads each field of a map on its own, so that what is wrong with one hides nothing of the others.
 * @returns those that have their shape, and all of them together when they all do
 */
export function readFields<Shapes extends Fields>(
  shapes: Shapes,
  values: Readonly<Record<string, unknown>>,
  report: Report,
): { right: Partial<Read<Shapes>>; all: Read<Shapes> | undefined } {
  const right: Record<string, unknown> = {};
  let whole = true;
  for (const [field, shape] of Object.entries(shapes)) {
    const result = shape.safeParse(values[field]);
    if (result.success) right[field] = result.data;
    else {
      reportIssues(report, [field], result.error.issues.map(inOurWords));
      whole = false;
    }
  }
  return {
    right: right as Partial<Read<Shapes>>,
    all: whole ? (right as Read<Shapes>) : undefined,
  };
}

/**
 * The items of a list as they were written; none where no list stands, which the shape around it
 * says.
 */
export function itemsOf(value: unknown, field: string): unknown[] {
  const items = isMap(value) ? value[field] : undefined;
  return Array.isArray(items) ? items : [];
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
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
  if (
    !/^(Invalid input|Too small|Too big)/.test(issue.message) ||
    issue.message.endsWith("received undefined")
  )
    return issue;
  return { ...issue, message: instruction(issue) };
}

function instruction(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${nouns[issue.expected] ?? issue.expected}`;
    case "too_small":
      if (issue.origin === "array") return "is empty; write at least one, or remove the field";
      return issue.origin === "string"
        ? "is empty; write a value, or remove it"
        : `must be ${issue.minimum} or more`;
    case "too_big":
      return `must be ${issue.maximum} or less`;
    case "invalid_union":
      // `workers` is the only field that may be of two kinds.
      return "must be a whole number from 1, or auto";
    default:
      return issue.message;
  }
}
