// Events that strangers cause at will: so many are written down, and the rest is counted.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { GatewayEvent } from "../../src/observe/events.ts";
import { limitEvents } from "../../src/observe/limit-events.ts";

function startRecord() {
  const events: GatewayEvent[] = [];
  const record = limitEvents((event) => events.push(event), Date.now);
  const endMailbox = (ip: string) => record({ event: "transfer_ended", ray: "0", ip });
  const refusePoll = (ip: string) =>
    record({ event: "poll_refused", ray: "0", ip, status: 429, error: "busy" });
  const countOf = (name: string) => events.filter(({ event }) => event === name).length;
  return { events, record, endMailbox, refusePoll, countOf };
}

test("a flood of one event is written down in part, and the number left out is told", (context) => {
  context.mock.timers.enable({ apis: ["setTimeout", "Date"] });
  const { events, endMailbox, countOf } = startRecord();
  for (let nth = 0; nth < 1_000; nth++) endMailbox("192.0.2.1");
  const passed = countOf("transfer_ended");
  assert.ok(passed >= 10 && passed <= 50, `${passed} events`);

  context.mock.timers.tick(5_000);
  const summaries = events.filter(({ event }) => event === "events_left_out");
  assert.deepEqual(summaries, [
    { event: "events_left_out", of: "transfer_ended", count: 1_000 - passed },
  ]);
  endMailbox("192.0.2.1");
  assert.equal(countOf("transfer_ended"), passed + 1, "later ones are written down again");
});

test("a flood of one network or of one event hides nothing of the others", () => {
  const { endMailbox, refusePoll, countOf } = startRecord();
  for (let nth = 0; nth < 1_000; nth++) endMailbox("192.0.2.1");
  const passed = countOf("transfer_ended");
  endMailbox("192.0.2.2");
  assert.equal(countOf("transfer_ended"), passed + 1);
  refusePoll("192.0.2.1");
  assert.equal(countOf("poll_refused"), 1);
});

test("a flood from many networks is bounded, too", () => {
  const { endMailbox, countOf } = startRecord();
  for (let nth = 0; nth < 20_000; nth++) endMailbox(`10.0.${(nth >> 8) & 255}.${nth & 255}`);
  assert.ok(countOf("transfer_ended") <= 300, `${countOf("transfer_ended")} events`);
});

test("what strangers cannot cause at will is always written down", () => {
  const { events, record } = startRecord();
  for (let nth = 0; nth < 1_000; nth++) record({ event: "signed_in", ...signIn });
  assert.equal(events.length, 1_000);
});

const signIn = { ray: "0", ip: "192.0.2.1", provider: "pin", user: "u" };
