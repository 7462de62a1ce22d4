// Budgets by network: one network's flood, many networks' flood, and who is served all the same.
import assert from "node:assert/strict";
import { test } from "node:test";
import { NetworkBudget } from "../src/network-budget.ts";

const rates = {
  perNetwork: { burst: 10, perSecond: 1 },
  inAll: { burst: 50, perSecond: 5 },
  reserve: { burst: 20, perSecond: 2 },
};

/** A budget with a clock that the test moves. */
function startBudget() {
  const clock = { now: 1_000_000 };
  const budget = new NetworkBudget(() => clock.now, rates);
  const take = (network: string, times: number) =>
    Array.from({ length: times }, () => budget.take(network)).filter(Boolean).length;
  return { clock, take };
}

test("a flood from one network gets its own burst, and every other network its own", () => {
  const { take } = startBudget();
  assert.equal(take("192.0.2.1", 1_000), 10);
  assert.equal(take("192.0.2.2", 4), 4);
  assert.equal(take("2001:db8::/64", 4), 4);
});

test("a flood from many networks leaves a reserve for those that use little", () => {
  const { take } = startBudget();
  for (let host = 0; host < 5; host++) assert.equal(take(`192.0.2.${host}`, 100), 10);
  assert.equal(take("192.0.2.0", 100), 0);
  assert.equal(take("198.51.100.1", 3), 3, "somebody who has asked for nothing yet");
  assert.equal(take("198.51.100.2", 100), 6, "down to half of its own burst");
});

test("the reserve ends as well: no number of networks gets more than both together", () => {
  const { take } = startBudget();
  let total = 0;
  for (let host = 0; host < 1_000; host++) total += take(`10.0.${host >> 8}.${host & 255}`, 10);
  assert.equal(total, 70);
});

test("budgets refill with time, and not when the clock steps back", () => {
  const { clock, take } = startBudget();
  take("192.0.2.1", 100);
  clock.now -= 3_600_000;
  assert.equal(take("192.0.2.1", 100), 0);
  clock.now += 3_000;
  assert.equal(take("192.0.2.1", 100), 3);
});

test("somebody with a thousand IPv6 networks gets what a few have, and starves nobody", () => {
  const { take } = startBudget();
  let total = 0;
  for (let nth = 0; nth < 1_000; nth++) total += take(`2001:db8:1:${nth.toString(16)}::/64`, 10);
  assert.equal(total, 40);
  assert.equal(take("2001:db8:2::/64", 3), 3, "another site");
  assert.equal(take("192.0.2.1", 3), 3);
});
