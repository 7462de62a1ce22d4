// Which paths a policy is about. An origin may read a path in several ways (ADR 0013); the rule
// holds where every one of them is covered, and cannot be judged where only some are: then it lets
// nobody in, and counts as an exclude.
import { readScopePath } from "@postern/protocol";
import { z } from "zod";
import { readPath } from "../../path-readings.ts";
import { commonTraits, ReadPattern } from "../../read-pattern.ts";
import { choice, patternFault, refuse, text } from "../values.ts";
import { defineRule, type Match, ofRequest } from "./rule.ts";

/** As the paths of a grant are written (wire-protocol 8). */
const pattern = text((source) => {
  try {
    return readScopePath(source);
  } catch (error) {
    return refuse(patternFault(error));
  }
});

const patternList = z.array(pattern).min(1, {
  message: "is an empty list, which nothing fits; name a path",
});

const patterns = choice<string | string[]>((value) =>
  Array.isArray(value) ? patternList : pattern,
);

/**
 * [ext] Holds for requests to one of these paths and what lies below it, with wildcards as in the
 * domain of an application.
 */
export const path = defineRule({
  name: "path",
  schema: z.strictObject({ path: patterns }),
  about: "request",
  example: { path: "/v1/reports" },
  mainField: "path",
  compile(value) {
    const readPatterns = [value.path].flat().map(patternOf);
    return ofRequest((request) => judge(readPatterns, request.path));
  },
  atom: ({ path }) => ({ of: "path", patterns: [path].flat() }),
});

function patternOf(source: string): ReadPattern {
  return new ReadPattern(source === "/" ? "" : source);
}

/** The answer that all readings of the path share. */
function judge(patterns: readonly ReadPattern[], requestPath: string): Match {
  let shared: Match | undefined;
  for (const { reading, text } of readPath(requestPath, commonTraits(requestPath, patterns))) {
    const isCovered = patterns.some((each) => each.under(reading).covers(text));
    const answer = isCovered ? "yes" : "no";
    shared ??= answer;
    if (answer !== shared) return "unknown";
  }
  return shared ?? "unknown";
}
