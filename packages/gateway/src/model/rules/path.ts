// Which paths a policy is about. An origin may read a path in several ways (ADR 0013); the rule
// holds where every one of them is covered, and cannot be judged where only some are: then it lets
// nobody in, and counts as an exclude.
import { readScopePath } from "@postern/protocol";
import { z } from "zod";
import { type PathTraits, type ReadPath, readPath, traitsOf } from "../../path-readings.ts";
import { joinTraits, type PatternForm, ReadPattern } from "../../read-pattern.ts";
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
    const traits = joinTraits(readPatterns.map((each) => each.traits));
    return ofRequest((request) => judge(readPatterns, readingsOf(request.path, traits)));
  },
  atom: ({ path }) => ({ of: "path", patterns: [path].flat() }),
});

function patternOf(source: string): ReadPattern {
  return new ReadPattern(source === "/" ? "" : source);
}

/** The readings of the path that was asked for last, by the traits that rules bring along. */
let recent: { path: string; traits: PathTraits; byTraits: (readonly ReadPath[])[] } | undefined;

/**
 * A path is read once for all rules of a policy, of which there may be thousands (case O7).
 * @param traits of the patterns that it is compared with
 */
function readingsOf(path: string, traits: PathTraits): readonly ReadPath[] {
  if (recent?.path !== path) recent = { path, traits: traitsOf(path), byTraits: [] };
  const joined = joinTraits([recent.traits, traits]);
  const { hasEscapes, hasParameters, hasNameEndings } = joined;
  const place = Number(hasEscapes) + 2 * Number(hasParameters) + 4 * Number(hasNameEndings);
  const known = recent.byTraits[place];
  if (known !== undefined) return known;
  // Readings of one text beside each other: of a plain path there are two texts.
  const byText = Map.groupBy(readPath(path, joined), ({ text }) => text);
  const readings = [...byText.values()].flat();
  recent.byTraits[place] = readings;
  return readings;
}

/** The answer that all readings of the path share. */
function judge(patterns: readonly ReadPattern[], readings: readonly ReadPath[]): Match {
  const [first, ...others] = patterns;
  if (first === undefined) return "no";
  return others.length === 0 ? judgeOne(first, readings) : judgeAny(patterns, readings);
}

/** The same of one pattern, as most rules have: what it said of a text it is not asked again. */
function judgeOne(pattern: ReadPattern, readings: readonly ReadPath[]): Match {
  let shared: boolean | undefined;
  let asked: { form: PatternForm; text: string } | undefined;
  for (const { reading, text } of readings) {
    const form = pattern.under(reading);
    if (asked?.form === form && asked.text === text) continue;
    asked = { form, text };
    const isCovered = form.covers(text);
    shared ??= isCovered;
    if (isCovered !== shared) return "unknown";
  }
  return shared === undefined ? "unknown" : matchOf(shared);
}

function judgeAny(patterns: readonly ReadPattern[], readings: readonly ReadPath[]): Match {
  let shared: boolean | undefined;
  for (const { reading, text } of readings) {
    const isCovered = patterns.some((each) => each.under(reading).covers(text));
    shared ??= isCovered;
    if (isCovered !== shared) return "unknown";
  }
  return shared === undefined ? "unknown" : matchOf(shared);
}

function matchOf(isCovered: boolean): Match {
  return isCovered ? "yes" : "no";
}
