// Whether an object is valid, wherever it comes from. The configuration reads all objects before it
// checks the first, since they name each other; an API has one object and a world that stands.
import { type Kind, type Reference, type World, withArticle } from "./kind.ts";
import { kinds } from "./kinds.ts";
import { type CollectedReport, createReport, type Problem, type Report } from "./problem.ts";
import { readValue } from "./read-value.ts";
import { valueAt } from "./value-at.ts";

/**
 * Reads an object by itself.
 * @returns undefined when nothing more can be said of it; else the object may lack its parts, where
 * the report has problems of theirs
 */
export function readObject<Input>(
  kind: Kind<Input>,
  value: unknown,
  report: Report,
): Input | undefined {
  const input = readValue(kind.schema, value, report);
  return input ?? kind.schema.safeParse(kind.withoutParts(value)).data;
}

/**
 * Judges one object, as an API receives it: every fault has the path of its field.
 * @param value plain JSON; references are ids
 * @returns the parsed object, or undefined when its shape is wrong; valid when no problem is
 * reported
 */
export function validate<Input>(
  kind: Kind<Input>,
  value: unknown,
  world: World,
): { input: Input | undefined } & Pick<CollectedReport, "problems" | "warnings"> {
  const report = createReport();
  const input = readObject(kind, value, report);
  checkReferences(kind.references(value), value, world, report);
  if (input !== undefined) kind.check(input, world, report);
  const problems = report.problems.map(withRemedy);
  return { input, problems, warnings: report.warnings.map(withRemedy) };
}

/** A problem in words for whoever sent the object, who may see its values. */
export function withRemedy({ remedy, ...problem }: Problem): Problem {
  if (remedy === undefined) return problem;
  return { ...problem, what: `${problem.what}; ${remedy.own}` };
}

/** Reports ids that lead to no object of the world. */
export function checkReferences(
  references: readonly Reference[],
  value: unknown,
  world: World,
  report: Report,
): void {
  for (const { kind: name, at } of references) {
    const kind = kinds.get(name);
    const id = valueAt(value, at);
    if (kind === undefined || typeof id !== "string") continue;
    if (world.find(kind, id) === undefined)
      report.problem(at, `is not the id of ${withArticle(kind.noun)}; correct it`, id);
  }
}
