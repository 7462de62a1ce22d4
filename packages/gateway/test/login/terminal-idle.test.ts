// What idle and restless strangers cost: counted in reads and writes of the store and in answers,
// never in time.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type Answer,
  headingOf,
  startTerminalFixture,
  type Terminal,
  type TerminalFixture,
} from "./terminal-fixture.ts";

/** What the relay asks of the store from now on. */
function countCalls({ parts }: TerminalFixture): { reads: number; writes: number } {
  const calls = { reads: 0, writes: 0 };
  const { transfers, counters } = parts.store;
  const { find, open, hold, move } = transfers;
  const { count } = counters;
  const counted = <Args extends unknown[], Result>(
    kind: keyof typeof calls,
    method: (...args: Args) => Result,
  ) => {
    return (...args: Args) => {
      calls[kind]++;
      return method(...args);
    };
  };
  transfers.find = counted("reads", find);
  transfers.open = counted("writes", open);
  transfers.hold = counted("writes", hold);
  transfers.move = counted("writes", move);
  counters.count = counted("writes", count);
  return calls;
}

/** Polls that are held, each of a terminal of its own, until the test ends. */
async function holdPolls(
  context: TestContext,
  fixture: TerminalFixture,
  { count, from }: { count: number; from: (nth: number) => string },
): Promise<Terminal[]> {
  const end = new AbortController();
  const terminals = Array.from({ length: count }, () => fixture.terminal());
  const polls = terminals.map((terminal, nth) =>
    terminal.poll({ from: from(nth), signal: end.signal }).catch(() => undefined),
  );
  context.after(async () => {
    end.abort();
    await Promise.all(polls);
  });
  for (const terminal of terminals) await fixture.held(terminal);
  return terminals;
}

/** Polls and hangs up as soon as the poll is held. */
async function pollAndHangUp(fixture: TerminalFixture, terminal: Terminal): Promise<void> {
  const hangUp = new AbortController();
  const poll = terminal.poll({ signal: hangUp.signal }).catch(() => undefined);
  await fixture.held(terminal);
  hangUp.abort();
  await poll;
}

const statusesOf = (answers: Answer[]) => answers.map(({ status }) => status);

test("polls that are held read and write nothing, however many wait and for however long", async (context) => {
  const fixture = await startTerminalFixture(context);
  const calls = countCalls(fixture);
  const from = (nth: number) => `127.0.0.${2 + (nth % 20)}`;
  await holdPolls(context, fixture, { count: 200, from });
  assert.equal(calls.writes, 200, "each mailbox is opened once");

  const before = { ...calls };
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.deepEqual(calls, before);
});

test("a change wakes the polls of its mailbox, and none of the others", async (context) => {
  const fixture = await startTerminalFixture(context);
  const from = (nth: number) => `127.0.0.${2 + (nth % 20)}`;
  await holdPolls(context, fixture, { count: 100, from });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const calls = countCalls(fixture);
  await browser.press(await browser.open(terminal.url), "approve");
  assert.equal((await poll).status, 200);
  assert.ok(calls.reads <= 12, `${calls.reads} reads`);
});

test("a terminal that polls again and again, as terminals do, is read once a poll", async (context) => {
  const settings = { holdMs: 20, leaseMs: 50_000, hangUpMs: 60_000 };
  const fixture = await startTerminalFixture(context, { settings });
  const terminal = fixture.terminal();
  await terminal.poll();
  const calls = countCalls(fixture);
  for (let nth = 0; nth < 10; nth++) assert.equal((await terminal.poll()).status, 204);
  assert.deepEqual(calls, { reads: 10, writes: 0 });
});

test("a stranger who polls and hangs up without end causes no writes", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { hangUpMs: 60_000 } });
  const terminal = fixture.terminal();
  const calls = countCalls(fixture);
  for (let nth = 0; nth < 40; nth++) {
    const { reads } = calls;
    const hangUp = new AbortController();
    const poll = terminal.poll({ signal: hangUp.signal }).catch(() => undefined);
    while (calls.reads === reads) await new Promise((resolve) => setImmediate(resolve));
    hangUp.abort();
    await poll;
  }
  assert.equal(calls.writes, 1, "the mailbox was opened");
});

test("a terminal that hung up is gone for the page at once, and for other processes after a moment", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { hangUpMs: 60_000, settlingMs: 20 },
  });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  await pollAndHangUp(fixture, terminal);
  // The gateway learns of it a moment later than the client.
  while (headingOf(await browser.open(terminal.url)) !== "No terminal is waiting")
    await new Promise((resolve) => setImmediate(resolve));
  assert.equal(await fixture.isHeld(terminal), true, "the store is told later");

  const short = await startTerminalFixture(context, { settings: { hangUpMs: 20 } });
  const other = short.terminal();
  await pollAndHangUp(short, other);
  while (await short.isHeld(other)) await new Promise((resolve) => setImmediate(resolve));
});

test("terminals that are turned away cause no writes, and are told why", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { holdMs: 20, settlingMs: 20, mailboxesPerNetwork: 2 },
  });
  for (let nth = 0; nth < 2; nth++) assert.equal((await fixture.terminal().poll()).status, 204);
  const calls = countCalls(fixture);
  const browser = await fixture.browser();
  for (let nth = 0; nth < 20; nth++) {
    const answer = await fixture.terminal().poll();
    assert.equal(answer.status, 429);
    const { error, message } = JSON.parse(answer.body);
    assert.equal(error, "too_many_logins");
    assert.match(message, /Too many terminals/);
  }
  assert.equal(calls.writes, 0);

  const terminal = fixture.terminal();
  await terminal.poll();
  const { reads } = calls;
  for (let nth = 0; nth < 5; nth++) assert.equal((await terminal.poll()).status, 429);
  assert.equal(calls.reads, reads, "who asks again is turned away from memory");
  const page = await browser.open(terminal.url);
  assert.equal(page.status, 429);
  assert.equal(headingOf(page), "Too many terminals are signing in");
  assert.equal(page.headers["refresh"], undefined);
  const elsewhere = fixture.terminal();
  assert.equal((await elsewhere.poll({ from: "127.0.0.2" })).status, 204, "another network");
  const events = fixture.events.filter((event) => event.event === "poll_refused");
  assert.ok(events.length > 0 && events.every(({ error }) => error === "too_many_logins"));
});

test("a terminal that was turned away signs in once there is room again", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { holdMs: 20, settlingMs: 20, mailboxesPerNetwork: 2 },
  });
  for (let nth = 0; nth < 2; nth++) await fixture.terminal().poll();
  const terminal = fixture.terminal();
  assert.equal((await terminal.poll()).status, 429);
  fixture.clock.ahead = 5 * 60_000 + 1_000;
  assert.equal((await terminal.poll()).status, 204);
  const browser = await fixture.browser();
  assert.equal(headingOf(await browser.open(terminal.url)), "No terminal is waiting");
});

test("the number of terminals that a network may sign in is a setting", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { holdMs: 20 },
    sections: { limits: { terminal_logins: 4 } },
  });
  const answers: Answer[] = [];
  for (let nth = 0; nth < 6; nth++) answers.push(await fixture.terminal().poll());
  assert.deepEqual(statusesOf(answers), [204, 204, 204, 204, 429, 429]);
});

test("one network's flood of polls takes nobody else's place", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { pollsPerNetwork: 10, pollsInAll: 20 },
  });
  await holdPolls(context, fixture, { count: 10, from: () => "127.0.0.2" });
  assert.equal((await fixture.terminal().poll({ from: "127.0.0.2" })).status, 429);
  await holdPolls(context, fixture, { count: 5, from: () => "127.0.0.3" });
});

test("when many networks hold all polls that there are, a terminal from another one signs in all the same", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { pollsPerNetwork: 10, pollsInAll: 20 },
  });
  const from = (nth: number) => `127.0.0.${2 + (nth % 2)}`;
  await holdPolls(context, fixture, { count: 20, from });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll({ from: "127.0.0.9" });
  await fixture.held(terminal);
  await browser.press(await browser.open(terminal.url), "approve");
  assert.equal((await poll).status, 200);

  // The reserve ends as well.
  const rest = (nth: number) => `127.0.1.${1 + nth}`;
  await holdPolls(context, fixture, { count: 5, from: rest });
  assert.equal((await fixture.terminal().poll({ from: "127.0.2.1" })).status, 429);
});
