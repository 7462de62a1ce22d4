// What strangers' text reaches keeps its properties over inputs that coverage leads to new places
// (cases P2, T3, T11, H7, H10). `npm run fuzz -- --target NAME --seconds 600` looks further.
import assert from "node:assert/strict";
import { test } from "node:test";
import { drive } from "../../fuzz/coverage/run-target.ts";
import { targets } from "../../fuzz/coverage/targets.ts";

for (const [name, target] of Object.entries(targets)) {
  test(`the properties of ${name} hold over inputs that are led by coverage`, (context) => {
    const deadline = performance.now() + 2_000;
    const { inputs, failure } = drive(target, 1, () => performance.now() < deadline);
    context.diagnostic(`${inputs} inputs`);
    assert.equal(failure, undefined);
  });
}

test("a property that does not hold is found", () => {
  const target = {
    check: (input: Buffer) => assert.ok(!input.includes(";;")),
    words: [";"],
    seeds: ["a"],
  };
  let batches = 0;
  const { failure } = drive(target, 1, () => batches++ < 50);
  assert.notEqual(failure, undefined);
});
