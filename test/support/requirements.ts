/**
 * Options for a test that needs something which not every machine has: left out with a sentence that
 * `npm test` repeats at its end. Where everything must run (CI), a missing thing is a failure instead.
 * @param missing what is missing, in words; undefined when nothing is
 */
export function leaveOut(missing: string | undefined): { skip?: string } {
  if (missing === undefined) return {};
  if (process.env["POSTERN_REQUIRE_ALL"] === "1") return {};
  return { skip: `${missing} is missing: npm run setup brings it` };
}
