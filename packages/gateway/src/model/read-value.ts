// Values of unknown shape → values that a schema describes. The library's own words name types and
// bounds; ours say what to write.
import { nearestWord } from "@postern/protocol/nearest-word";
import type { z } from "zod";
import { fieldExamples } from "./field-examples.ts";
import { flowText } from "./flow-text.ts";
import type { FieldPath, ProblemDetails, Report } from "./problem.ts";

type Issue = z.core.$ZodIssue;

/**
 * @returns the value in its canonical form; undefined when the report says what is wrong with it
 */
export function readValue<Value>(
  schema: z.ZodType<Value>,
  value: unknown,
  report: Report,
): Value | undefined {
  const result = tryRead(schema, value);
  if (result.success) return result.data;
  for (const issue of result.error.issues) reportIssue(issue, report);
  return undefined;
}

/** Parses a value, so that `readValue` can tell what is wrong: inner schemas are read with this. */
export function tryRead<Value>(schema: z.ZodType<Value>, value: unknown) {
  return schema.safeParse(value, { error: nameFields, reportInput: true });
}

/** Begins the message of an issue that says which fields the map has. */
const fieldsMark = "fields: ";

/** An issue does not tell what a schema knows of its fields, but its message may. */
function nameFields(issue: z.core.$ZodRawIssue): string | undefined {
  const isAboutFields = issue.code === "unrecognized_keys" || issue.code === "invalid_type";
  const definition = issue.inst?._zod.def as { shape?: object } | undefined;
  if (!isAboutFields || definition?.shape === undefined || issue.input === undefined)
    return undefined;
  return fieldsMark + Object.keys(definition.shape).join(" ");
}

function fieldsIn({ message }: Issue): string[] | undefined {
  if (!message.startsWith(fieldsMark)) return undefined;
  return message.slice(fieldsMark.length).split(" ");
}

function reportIssue(issue: Issue, report: Report): void {
  const path: FieldPath = issue.path.map((part) =>
    typeof part === "symbol" ? String(part) : part,
  );
  if (issue.code === "unrecognized_keys") {
    const fields = fieldsIn(issue);
    for (const key of issue.keys) {
      if (fields === undefined) report.problem([...path, key], issue.message);
      else reportUnknownField([...path, key], fields, report);
    }
    return;
  }
  const { what, ...details } = complaintOf(issue, path);
  report.problem(path, what, details);
}

/** Reports a key that is no field. @param fields those that there are */
export function reportUnknownField(
  path: FieldPath,
  fields: readonly string[],
  report: Report,
): void {
  const key = String(path.at(-1));
  const meant = nearestWord(key, fields);
  if (meant === undefined) report.problem(path, unknownField(key));
  else report.problem(path, `unknown field; do you mean ${meant}?`, { meant });
}

/**
 * What to do about a key that is no field of ours. In `{a:b}` YAML reads `a:b` as a key without a
 * value.
 */
export function unknownField(key: string): string {
  const instruction = "unknown field; remove it, or correct its name";
  return key.includes(":") ? `${instruction}, or write a space after its colon` : instruction;
}

interface Complaint extends ProblemDetails {
  what: string;
}

function complaintOf(issue: Issue, path: FieldPath): Complaint {
  const { message } = issue;
  if (issue.code === "custom") return { what: message, ...(issue.params as ProblemDetails) };
  const fields = fieldsIn(issue);
  if (issue.code === "invalid_type" && fields !== undefined)
    return { what: noMap(issue.input, fields) };
  if (!/^(Invalid|Too small|Too big)/.test(message)) return { what: message };
  switch (issue.code) {
    case "invalid_type":
      if (issue.input === undefined) return { what: missing(path) };
      return wrongType(issue.expected, issue.input, path);
    case "invalid_value":
      if (issue.input === undefined) return { what: missing(path) };
      return noneOf(issue.values.map(String), issue.input);
    case "too_small":
      if (issue.origin === "array")
        return { what: "is empty; write at least one, or remove the field" };
      if (issue.origin === "string") return { what: "is empty; write a value, or remove it" };
      return { what: `must be ${issue.minimum} or more` };
    case "too_big":
      return { what: `must be ${issue.maximum} or less` };
    case "invalid_union":
      // `workers` is the only field that may be of two kinds.
      return { what: "must be a whole number from 1, or auto" };
    default:
      return { what: message };
  }
}

function missing(path: FieldPath): string {
  const field = String(path.at(-1));
  if (!Object.hasOwn(fieldExamples, field)) return "is missing";
  return `is missing; write it like ${field}: ${fieldExamples[field]}`;
}

function noneOf(values: readonly string[], input: unknown): Complaint {
  const what = `must be one of ${values.join(", ")}`;
  if (typeof input !== "string") return { what };
  const meant = nearestWord(input, values);
  return { what: meant === undefined ? what : `${what}; do you mean ${meant}?` };
}

function noMap(input: unknown, fields: readonly string[]): string {
  const some = fields.slice(0, 3).join(", ");
  const what = `must be a map of fields${some === "" ? "" : ` such as ${some}`}`;
  return Array.isArray(input) ? `${what}; this is a list: remove the dash or the brackets` : what;
}

function wrongType(expected: string, input: unknown, path: FieldPath): Complaint {
  switch (expected) {
    case "string":
      return { what: noText(input) };
    case "number":
    case "int":
      return noNumber(expected, input);
    case "boolean":
      return noSwitch(input);
    case "array":
      return noList(input, path);
    default:
      return { what: "must be a map of fields" };
  }
}

function noText(input: unknown): string {
  if (Array.isArray(input)) return "must be text, not a list; write one value";
  if (isMap(input)) return "must be text, not a map of fields; write one value";
  return "must be text; put it in quotes";
}

function noNumber(expected: string, input: unknown): Complaint {
  const what = expected === "int" ? "must be a whole number" : "must be a number";
  if (typeof input !== "string") return { what };
  const [, digits, unit] = /^\s*(\d{1,15})\s*(.*?)\s*$/s.exec(input) ?? [];
  if (digits === undefined) return { what };
  if (unit !== undefined && unit !== "") {
    const factor = unitFactors.find(([names]) => names.test(unit))?.[1];
    const own = factor && `write ${Number(digits) * factor}`;
    const example = "write the digits alone";
    return { what: `${what} without a unit`, remedy: { own: own || example, example } };
  }
  return { what, remedy: { own: `write ${digits} without quotes`, example: "remove the quotes" } };
}

const unitFactors: readonly (readonly [names: RegExp, factor: number])[] = [
  [/^(?:b|bytes?)$/i, 1],
  [/^(?:k|kb|kib)$/i, 1024],
  [/^(?:m|mb|mib)$/i, 1024 * 1024],
];

const wordsForTrue = /^(?:true|yes|y|on|1|enabled?)$/i;
const wordsForFalse = /^(?:false|no|n|off|0|disabled?)$/i;

function noSwitch(input: unknown): Complaint {
  const what = "must be true or false";
  const word = String(input);
  if (wordsForTrue.test(word)) return { what: `${what}; write true, without quotes` };
  if (wordsForFalse.test(word)) return { what: `${what}; write false, without quotes` };
  return { what };
}

function noList(input: unknown, path: FieldPath): Complaint {
  const what = "must be a list";
  const example = "put it in brackets, or begin each item with a dash";
  if (isMap(input)) return { what: `${what}; begin each item with a dash` };
  const text = flowText(itemsMeant(input, path));
  return { what, remedy: { own: text === undefined ? example : `write ${text}`, example } };
}

/** The items of a list that was written as one value: `openid email`, `a, b`, `"443"`. */
function itemsMeant(input: unknown, path: FieldPath): unknown[] {
  if (typeof input !== "string") return [input];
  const separator = path.at(-1) === "scopes" ? /[\s,]+/ : /\s*,\s*/;
  const items = input.split(separator).filter((item) => item !== "");
  return items.map((item) => (/^\d{1,9}$/.test(item) ? Number(item) : item));
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
