// The memory of proofs that were taken: what one person can take of it, and what is left for the
// others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeenProofs } from "../../src/tokens/seen-proofs.ts";

const minute = 60_000;

function startSeen() {
  const clock = { now: 0 };
  const seen = new SeenProofs(() => clock.now, 2 * minute);
  let nth = 0;
  /** @returns how many of so many new proofs were taken */
  const take = (person: string, keys: readonly string[], times: number) => {
    let count = 0;
    for (let time = 0; time < times; time++) {
      nth += 1;
      const jkt = keys[time % keys.length] ?? "";
      if (seen.add({ person, jkt, jti: String(nth) }) === undefined) count += 1;
    }
    return count;
  };
  return { seen, clock, take };
}

test("however many keys a person has, their proofs are one person's share", () => {
  const { take } = startSeen();
  const keys = ["one", "two", "three", "four"];
  assert.equal(take("ada", keys, 260_000), 100_000);
  assert.equal(take("bob", ["his"], 5_000), 5_000);
});

test("persons who fill the memory together leave room for everybody who sends few proofs", () => {
  const { seen, take } = startSeen();
  for (const person of ["ada", "bob", "cy"]) take(person, [`key of ${person}`], 110_000);
  assert.equal(take("ada", ["another"], 1), 0);
  assert.equal(seen.add({ person: "bob", jkt: "his", jti: "x" }), "proof_limit");
  for (let other = 0; other < 40; other++)
    assert.equal(take(`other ${other}`, ["theirs"], 1_000), 1_000);
  assert.equal(take("dan", ["his"], 2_000), 1_000);
});

test("a proof is known for as long as it could be sent again, and its share is free after that", () => {
  const { seen, clock, take } = startSeen();
  assert.equal(seen.add({ person: "ada", jkt: "hers", jti: "x" }), undefined);
  take("ada", ["hers"], 100_000);
  clock.now = 2 * minute - 1;
  assert.equal(seen.add({ person: "ada", jkt: "hers", jti: "x" }), "proof_replayed");
  assert.equal(take("ada", ["hers"], 1), 0);
  clock.now = 3 * minute;
  assert.equal(seen.add({ person: "ada", jkt: "hers", jti: "x" }), "proof_replayed");
  assert.equal(take("ada", ["hers"], 1), 1);
});
