import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../test/support/properties.ts";
import { pathGlob } from "../src/index.ts";

/** The same, said as a regular expression: clear, and of no use where anybody may send the path. */
function asExpression(pattern: string, open: boolean): RegExp {
  const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`^${pattern.split("*").map(literal).join(".*")}${open ? "" : "(?:/|$)"}`);
}

test("a path without wildcards covers itself and what lies below it", () => {
  const eng = pathGlob("/eng");
  assert.deepEqual(["/eng", "/eng/", "/eng/x", "/engine", "/en", "/x/eng"].map(eng), [
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
  const below = pathGlob("/eng/", { open: true });
  assert.deepEqual(["/eng/", "/eng/x", "/eng", "/engine"].map(below), [true, true, false, false]);
});

test("whatever pattern and path: a wildcard stands for anything, slashes included", () => {
  const text = fc.array(fc.constantFrom("/", "a", "b", "ab", ".", "*"), { maxLength: 8 });
  fc.assert(
    fc.property(text, text, fc.boolean(), (pattern, path, open) => {
      const written = `/${pattern.join("").replace(/\*+/g, "*")}`;
      const asked = `/${path.join("").replaceAll("*", "")}`;
      assert.equal(
        pathGlob(written, { open })(asked),
        asExpression(written, open).test(asked),
        `${written} ${asked} ${open}`,
      );
    }),
    { numRuns: 5_000 },
  );
});

test("a long path costs one pass, however many wildcards there are (O7)", () => {
  // As a regular expression this would not end within a lifetime.
  const hostile = `/a${"/b/c/d/e".repeat(8_000)}`;
  for (const pattern of ["/a*/b*/c*/d*/e*/x", "/*b*c*d*e*b*c*d*e*!", "/a*/b*/b*/b*/b*/b*/b/x"])
    assert.equal(pathGlob(pattern)(hostile), false, pattern);
  assert.equal(pathGlob("/a*/b*/c*/d*/e")(hostile), true);
});
