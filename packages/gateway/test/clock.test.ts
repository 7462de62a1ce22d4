// Dates beside a clock that was ahead for a moment, or is set back by a little.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isOver } from "../src/clock.ts";

const minute = 60_000;
const now = Date.UTC(2026, 10, 28);

for (const life of [minute, 10 * minute, 60 * minute]) {
  for (const ahead of [6 * minute, 2 * 60 * minute, 24 * 60 * minute, 400 * 24 * 60 * minute])
    test(`what lives for ${life / minute} minutes is over when the clock that began it was ${ahead / minute} minutes ahead`, () => {
      assert.ok(isOver(now + ahead + life, life, now));
    });

  for (const back of [0, 2_000, minute, 5 * minute])
    test(`what lives for ${life / minute} minutes goes on when the clock is set back by ${back / 1000} seconds`, () => {
      assert.ok(!isOver(now + back + life, life, now));
      assert.ok(isOver(now, life, now));
    });
}
