import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";

/** Options for a test that runs these programs. */
export function needs(...programs: string[]): { skip?: string } {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const missing = programs.filter(
    (program) => !folders.some((folder) => existsSync(join(folder, program))),
  );
  return leaveOut(missing.length === 0 ? undefined : missing.join(", "));
}

/**
 * Options for a test that needs something which not every machine has: left out with a sentence
 * that `npm test` repeats at its end. Where everything must run (CI), a missing thing is a failure
 * instead.
 * @param missing what is missing, in words; undefined when nothing is
 */
export function leaveOut(missing: string | undefined): { skip?: string } {
  if (missing === undefined) return {};
  if (process.env["POSTERN_REQUIRE_ALL"] === "1") return {};
  return { skip: `${missing} is missing: npm run setup brings it` };
}
