// `diff --access` is right about everybody: of some changes everybody who might ask is tried, of
// others some at random. `npm run fuzz -- --askers 1000000` tries more.
import assert from "node:assert/strict";
import { test } from "node:test";
import { noTally, tryChange } from "../../fuzz/access/compare.ts";

const seed = Number(process.env["POSTERN_TEST_SEED"] ?? 1);

test("of a change of a small file nobody gains or loses who is not told", () => {
  const tally = noTally();
  for (let change = 0; change < 12; change++)
    tryChange({ seed: seed + change, size: "small", askers: 12_000 }, tally);
  assert.deepEqual(tally.disagreements, []);
  assert.ok(tally.complete > 0 && tally.differences > 100 && tally.nobody > 0);
});

test("of a change of a larger file nobody who is drawn at random gains or loses untold", () => {
  const tally = noTally();
  for (let change = 0; change < 40; change++)
    tryChange({ seed: seed + change, size: "large", askers: 400 }, tally);
  assert.deepEqual(tally.disagreements, []);
  assert.ok(tally.differences > 100 && tally.nobody > 5);
});
