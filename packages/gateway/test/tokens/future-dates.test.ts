// What a clock that was ahead has dated, once it is right again: it lets nobody in, today or when
// its day comes, and no key signs or is believed for longer than it should.
import assert from "node:assert/strict";
import { test } from "node:test";
import { FutureDates } from "../../src/future-dates.ts";
import type { GatewayEvent } from "../../src/observe/events.ts";
import {
  ada,
  day,
  hour,
  identityOf,
  minute,
  openTokenFixture,
  type TokenFixture,
} from "./token-fixture.ts";

function housekeeper(fixture: TokenFixture) {
  const { clock, sessions, tokens } = fixture;
  const events: GatewayEvent[] = [];
  const dates = new FutureDates({
    sessions,
    tokens,
    now: () => clock.now + clock.stepped,
    elapsed: () => clock.now,
    record: (event) => void events.push(event),
  });
  /** lets time pass, with a look every ten minutes */
  const pass = async (ms: number) => {
    for (let passed = 0; passed < ms; passed += 10 * minute) {
      clock.now += 10 * minute;
      await dates.mend();
    }
  };
  return { events, pass };
}

const aheads = {
  "three hours": 3 * hour,
  "a day": day,
  "a month": 30 * day,
  "400 days": 400 * day,
};

for (const [name, ahead] of Object.entries(aheads)) {
  test(`a session of a clock that was ${name} ahead lets nobody in, and is ended before its day comes`, async (context) => {
    const fixture = await openTokenFixture(context);
    const { clock, store, tokens, application } = fixture;
    const { events, pass } = housekeeper(fixture);
    clock.stepped = ahead;
    const early = await fixture.session();
    const earlyToken = await tokens.issueApp(early, application, 8 * hour);
    clock.stepped = 0;
    // Dated by the clock that is right, of the session that is not: it was set in between.
    const token = await tokens.issueApp(early, application, 8 * hour);
    const today = await fixture.session();
    for (const each of [earlyToken, token])
      assert.equal((await tokens.verifyApp(each, application.aud)).ok, false);

    await pass(2 * hour);
    assert.notEqual((await store.sessions.find(early.id))?.revoked_at, null);
    assert.equal((await store.sessions.find(today.id))?.revoked_at, null);
    assert.deepEqual(events, [{ event: "sessions_from_future", count: 1 }]);
    clock.now += ahead;
    assert.equal((await tokens.verifyApp(earlyToken, application.aud)).ok, false);
  });

  test(`a key that was made by a clock ${name} ahead signs and is believed for no longer than others`, async (context) => {
    const fixture = await openTokenFixture(context);
    const { clock, store, tokens } = fixture;
    const { pass } = housekeeper(fixture);
    clock.stepped = ahead;
    await tokens.rotateKeys();
    clock.stepped = 0;
    await pass(2 * hour);
    for (const { created_at, activated_at, retired_at } of await store.keys.all())
      for (const date of [created_at, activated_at, retired_at])
        assert.ok((date ?? 0) <= clock.now, `${date}`);
    const { keys } = JSON.parse(tokens.certs());
    assert.equal(keys.length, 3, "the retired key is published, as its tokens may be alive");
    clock.now += 8 * day;
    assert.equal(JSON.parse(tokens.certs()).keys.length, 2);
  });
}

test("a clock that is behind for less than an hour ends nobody's session, and dates no key anew", async (context) => {
  const fixture = await openTokenFixture(context);
  const { clock, store } = fixture;
  const session = await fixture.session();
  const keys = await store.keys.all();
  for (const behind of [2 * hour, day, 50 * 365 * day]) {
    clock.stepped = -behind;
    const { events, pass } = housekeeper(fixture);
    await pass(50 * minute);
    clock.stepped = 0;
    await pass(2 * hour);
    assert.deepEqual(events, []);
  }
  assert.deepEqual(await store.sessions.find(session.id), session);
  assert.deepEqual(await store.keys.all(), keys);
});

test("a clock that is set again and again is not believed", async (context) => {
  const fixture = await openTokenFixture(context);
  const { clock, store } = fixture;
  const { events, pass } = housekeeper(fixture);
  const session = await fixture.session();
  for (let nth = 0; nth < 10; nth++) {
    clock.stepped = nth % 2 === 0 ? -day : -2 * day;
    await pass(40 * minute);
  }
  assert.deepEqual(events, []);
  assert.deepEqual(await store.sessions.find(session.id), session);
});

test("a session of another machine, whose clock is ahead by minutes, stays", async (context) => {
  const fixture = await openTokenFixture(context);
  const { clock, store, sessions } = fixture;
  const { events, pass } = housekeeper(fixture);
  await pass(2 * hour);
  for (const ahead of [4 * minute, 20 * minute, 50 * minute]) {
    clock.stepped = ahead;
    const { id } = await sessions.start({
      kind: "browser",
      identity: identityOf(ada),
      userAgent: "test",
      lifetimeMs: hour,
    });
    clock.stepped = 0;
    await pass(10 * minute);
    assert.equal((await store.sessions.find(id))?.revoked_at, null);
  }
  assert.deepEqual(events, []);
});
