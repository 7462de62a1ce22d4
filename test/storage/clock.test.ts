// Windows of counting beside a clock that is set: nobody is shut out for a day because a clock was
// a day ahead for a moment, and nobody gains tries because it goes back a little.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { backends, minute, time } from "./backends.ts";

const hour = 60 * minute;

for (const { name, make } of backends)
  describe(name, () => {
    for (const ahead of [2 * hour, 24 * hour, 400 * 24 * hour])
      test(`a window that a clock began ${ahead / hour} hours ahead is over when the clock is right again`, async (context) => {
        const store = await make(context)();
        for (let count = 0; count < 5; count++) await store.counters.count("k", hour, time + ahead);
        assert.equal(await store.counters.count("k", hour, time), 1);
        assert.equal(await store.counters.count("k", hour, time + minute), 2);
      });

    for (const back of [2_000, minute, 4 * minute])
      test(`a window goes on when the clock is set back by ${back / 1000} seconds`, async (context) => {
        const store = await make(context)();
        assert.equal(await store.counters.count("k", hour, time), 1);
        assert.equal(await store.counters.count("k", hour, time - back), 2);
        assert.equal(await store.counters.count("k", hour, time + hour), 1);
      });
  });
