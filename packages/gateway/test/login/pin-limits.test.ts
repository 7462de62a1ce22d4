// What strangers from many networks may request together, and who is served all the same.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { strangerRates } from "../../src/compose.ts";
import { type PinAsker, PinLimits } from "../../src/login/providers/pin-limits.ts";
import { openStore } from "../../src/storage/open-store.ts";
import { OwnStrangerLimits } from "../../src/stranger-limits.ts";

async function startLimits(context: TestContext) {
  const store = await openStore(":memory:", randomBytes);
  context.after(() => store.close());
  const limits = new PinLimits({
    counters: store.counters,
    now: () => 1_000_000,
    elapsed: () => 0,
    strangers: new OwnStrangerLimits(() => 0, strangerRates(60)),
  });
  const request = (asker: Partial<PinAsker>) =>
    limits.countRequest({ network: "192.0.2.1", email: "a@b.c", isKnown: false, ...asker });
  const attempt = (asker: Partial<PinAsker>) =>
    limits.countTry({ network: "192.0.2.1", email: "a@b.c", isKnown: false, ...asker });
  return { request, attempt };
}

test("codes for strangers end in all, and browsers that signed in before still get theirs", async (context) => {
  const { request } = await startLimits(context);
  let codes = 0;
  for (let nth = 0; nth < 9_000; nth++) {
    const network = `10.${nth >> 12}.${(nth >> 4) & 255}.1`;
    if (await request({ network, email: `p${nth}@example.com` })) codes++;
  }
  assert.ok(codes > 5_000 && codes <= 7_000, `${codes} codes`);
  const knownBrowser = { network: "198.51.100.1", email: "ada@example.com", isKnown: true };
  assert.equal(await request(knownBrowser), true);
});

test("a flood from some networks leaves a reserve for the others", async (context) => {
  const { request } = await startLimits(context);
  for (let nth = 0; nth < 8_000; nth++)
    await request({ network: `10.0.${nth >> 5}.1`, email: `p${nth}@example.com` });
  const late = { network: "198.51.100.1", email: "ada@example.com" };
  assert.equal(await request(late), true);
});

test("the networks of one IPv6 site use up neither an address nor what all strangers share", async (context) => {
  const { request, attempt } = await startLimits(context);
  const network = (nth: number) => `2001:db8:1:${nth.toString(16)}::/64`;
  let codes = 0;
  let tries = 0;
  for (let nth = 0; nth < 400; nth++) {
    if (await request({ network: network(nth) })) codes++;
    if (await attempt({ network: network(nth) })) tries++;
  }
  assert.ok(codes <= 6 && tries <= 12, `${codes} codes, ${tries} tries`);
  for (const elsewhere of ["192.0.2.9", "2001:db8:2::/64", "2001:db9:1:1::/64"]) {
    assert.equal(await request({ network: elsewhere }), true, elsewhere);
    assert.equal(await attempt({ network: elsewhere }), true, elsewhere);
  }
});

test("one IPv6 site tries no more codes of all addresses than four networks do", async (context) => {
  const { attempt } = await startLimits(context);
  let tries = 0;
  for (let nth = 0; nth < 600; nth++) {
    const network = `2001:db8:1:${nth.toString(16)}::/64`;
    if (await attempt({ network, email: `p${nth}@example.com` })) tries++;
  }
  assert.equal(tries, 240);
});
