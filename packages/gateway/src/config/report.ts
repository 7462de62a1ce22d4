// Collects what is wrong, so that a person gets all of it at once.
import type { z } from "zod";
import type { FieldPath, Problem } from "./document.ts";

export interface Report {
  problem(path: FieldPath, what: string, value?: string): void;
  warning(path: FieldPath, what: string): void;
}

export interface CollectedReport extends Report {
  problems: Problem[];
  warnings: Problem[];
}

export function createReport(): CollectedReport {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  return {
    problems,
    warnings,
    problem: (path, what, value) =>
      problems.push(value === undefined ? { path, what } : { path, what, value }),
    warning: (path, what) => warnings.push({ path, what }),
  };
}

/**
 * What to do about a key that is no field of ours. In `{a:b}` YAML reads `a:b` as a key without a
 * value.
 */
export function unknownField(key: string): string {
  return `unknown field; remove it, or correct its name${key.includes(":") ? ", or write a space after its colon" : ""}`;
}

/** Puts a schema's complaints into our words, below `base`. */
export function reportIssues(
  report: Report,
  base: FieldPath,
  issues: readonly z.core.$ZodIssue[],
): void {
  for (const issue of issues) {
    const path = [
      ...base,
      ...issue.path.map((part) => (typeof part === "symbol" ? String(part) : part)),
    ];
    switch (issue.code) {
      case "unrecognized_keys":
        for (const key of issue.keys) report.problem([...path, key], unknownField(key));
        break;
      case "invalid_type":
        report.problem(
          path,
          issue.message.endsWith("received undefined")
            ? "is missing"
            : issue.message.replace("Invalid input: ", ""),
        );
        break;
      case "invalid_value":
        report.problem(
          path,
          issue.message.startsWith("Invalid")
            ? `must be one of ${issue.values.map(String).join(", ")}`
            : issue.message,
        );
        break;
      case "custom": {
        const value: unknown = issue.params?.["value"];
        report.problem(path, issue.message, typeof value === "string" ? value : undefined);
        break;
      }
      default:
        report.problem(path, issue.message);
    }
  }
}
