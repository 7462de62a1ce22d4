// How many polls are held, and whose: one network's, one site's, and what is kept for the others.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PollSeats } from "../../src/login/terminal/poll-seats.ts";
import { defaultRelaySettings } from "../../src/login/terminal/relay-settings.ts";

const settings = { ...defaultRelaySettings, pollsPerNetwork: 10, pollsInAll: 100 };

function startSeats() {
  const seats = new PollSeats(settings);
  const take = (network: string, times: number) =>
    Array.from({ length: times }, () => seats.take(network)).filter(Boolean).length;
  return { seats, take };
}

test("the networks of one IPv6 site hold no more polls than four networks do", () => {
  const { take } = startSeats();
  let total = 0;
  for (let nth = 0; nth < 500; nth++) total += take(`2001:db8:1:${nth.toString(16)}::/64`, 10);
  assert.equal(total, 40);
  for (const elsewhere of ["192.0.2.1", "2001:db8:2::/64", "2001:db9:1::/64"])
    assert.equal(take(elsewhere, 5), 5, elsewhere);
});

test("a site whose polls have ended has its seats back", () => {
  const { seats, take } = startSeats();
  for (let nth = 0; nth < 8; nth++) take(`2001:db8:1:${nth}::/64`, 10);
  assert.equal(take("2001:db8:1:9::/64", 1), 0);
  seats.leave("2001:db8:1:0::/64");
  assert.equal(take("2001:db8:1:9::/64", 2), 1);
});

test("once all seats are taken, networks with few polls have a reserve", () => {
  const { take } = startSeats();
  for (let host = 0; host < 10; host++) assert.equal(take(`192.0.2.${host}`, 10), 10);
  assert.equal(take("192.0.2.0", 1), 0);
  assert.equal(take("198.51.100.1", 9), 5);
});
