// What is stored for minutes, and was dated by a clock that was ahead: it does not live until the
// day that it bears.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";
import { startTerminalFixture } from "./terminal-fixture.ts";

const hour = 60 * 60_000;
const aheads = { "two hours": 2 * hour, "a day": 24 * hour, "400 days": 400 * 24 * hour };

for (const [name, ahead] of Object.entries(aheads)) {
  test(`a mailbox of a clock ${name} ahead is over when the clock is right, and the next terminal signs in`, async (context) => {
    const fixture = await startTerminalFixture(context);
    const browser = await fixture.browser();
    const early = fixture.terminal();
    fixture.clock.stepped = ahead;
    const hangUp = new AbortController();
    const poll = early.poll({ signal: hangUp.signal }).catch(() => undefined);
    await fixture.held(early);
    hangUp.abort();
    await poll;

    fixture.clock.stepped = 0;
    const answer = await early.poll();
    assert.deepEqual([answer.status, JSON.parse(answer.body)], [410, { error: "expired" }]);

    const terminal = fixture.terminal();
    const delivery = terminal.poll();
    await fixture.held(terminal);
    await browser.press(await browser.open(terminal.url), "approve");
    assert.equal((await delivery).status, 200);
  });

  test(`a hand-over of a clock ${name} ahead lets nobody in when the clock is right`, async (context) => {
    const fixture = await startLoginFixture(context);
    const { handovers } = fixture.parts.store;
    const { add } = handovers;
    // The clock was ahead for the moment in which the hand-over was made.
    handovers.add = (handover) => add({ ...handover, expires_at: handover.expires_at + ahead });
    const visitor = new Person();
    await visitor.open(fixture.app("app"));
    await visitor.press("Send me a code", { email: "bob@example.com" });
    await visitor.press("Sign in", { code: fixture.pins.get("bob@example.com") ?? "" });
    assert.equal(visitor.page.status, 400, visitor.page.text);
    assert.equal(fixture.upstream.requests.length, 0, "the origin saw nobody");

    handovers.add = add;
    await visitor.open(fixture.app("app"));
    assert.equal(visitor.page.status, 200, visitor.page.text);
  });
}
