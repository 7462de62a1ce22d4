// Nothing that strangers' text reaches takes more time than in proportion to its length (case O7).
// No time is asserted, but how the time for a character grows with the text (fuzz/growth.ts).
import assert from "node:assert/strict";
import { test } from "node:test";
import { findGrowth, type Reached } from "../../fuzz/growth.ts";
import { everythingReached } from "../../fuzz/reached.ts";

for (const reached of everythingReached) {
  test(`${reached.name}: twice the text is no more than twice the work`, () => {
    assert.equal(findGrowth(reached), undefined);
  });
}

test("a search that begins anew at each place would be found", () => {
  const searches: Record<string, (text: string) => unknown> = {
    "blanks at the end": (text) => text.replace(/[ \t]+$/, ""),
    "a run before a colon": (text) => /a+:/.test(text),
  };
  for (const [name, run] of Object.entries(searches)) {
    const reached: Reached = { name, run, prefixes: [""], units: ["a", " "], ends: ["!"] };
    // A busy machine may hide it.
    const isFound = Array.from({ length: 6 }).some(() => findGrowth(reached) !== undefined);
    assert.ok(isFound, name);
  }
});
