// What a terminal is told of the browser while it waits (wire-protocol 6.6), what it is not told,
// and what strangers can cause by it.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openStore } from "../../src/storage/open-store.ts";
import {
  ada,
  bob,
  headingOf,
  startTerminalFixture,
  type Terminal,
  type TerminalFixture,
} from "./terminal-fixture.ts";

const header = "cf-access-transfer-progress";
const knowing = (step: string) => ({ headers: { [header]: step } });

function mailboxOf({ pair }: Terminal): string {
  return createHash("sha256").update(pair.publicKey).digest("hex");
}

/** A terminal that has opened its mailbox, and its first poll. */
async function waitingTerminal(fixture: TerminalFixture, host = "app") {
  const terminal = fixture.terminal({ host });
  assert.equal((await terminal.opens()).status, 201);
  const poll = terminal.poll(knowing("none"));
  await fixture.held(terminal);
  return { terminal, poll };
}

/** Counts what is noted from now on. */
function countNotes({ parts }: TerminalFixture): { notes: number; moves: number } {
  const calls = { notes: 0, moves: 0 };
  const { transfers } = parts.store;
  const { note, move } = transfers;
  transfers.note = (...args) => {
    calls.notes++;
    return note(...args);
  };
  transfers.move = (...args) => {
    calls.moves++;
    return move(...args);
  };
  return calls;
}

test("the terminal is told that the page was opened and who signed in, while it happens", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const { terminal, poll } = await waitingTerminal(fixture);
  const toTeam = await browser.get(terminal.shortUrl);
  const opened = await poll;
  assert.equal(opened.status, 202);
  assert.deepEqual(JSON.parse(opened.body), { step: "opened" });

  const second = terminal.poll(knowing("opened"));
  await fixture.held(terminal);
  const page = await browser.get(String(toTeam.headers.location));
  const signedIn = await second;
  assert.equal(signedIn.status, 202);
  assert.deepEqual(JSON.parse(signedIn.body), { step: "signed_in", email: ada });

  const third = terminal.poll(knowing("signed_in"));
  await browser.press(page, "approve");
  assert.equal((await third).status, 200);
});

test("a terminal that asks late is told the last step at once", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const { terminal, poll } = await waitingTerminal(fixture);
  await browser.open(terminal.shortUrl);
  await poll;
  const late = await terminal.poll(knowing("none"));
  assert.deepEqual(JSON.parse(late.body), { step: "signed_in", email: ada });
});

test("a client that does not ask for it, or speaks of other steps, polls as the official one does", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { holdMs: 300 } });
  const browser = await fixture.browser();
  for (const more of [{}, knowing("packed"), knowing("")]) {
    const terminal = fixture.terminal();
    await terminal.opens();
    const poll = terminal.poll(more);
    await fixture.held(terminal);
    await browser.get(terminal.shortUrl);
    assert.equal((await poll).status, 204, JSON.stringify(more));
  }
});

test("who signed in is told only to the network where the person opened the page (C5)", async (context) => {
  // Nobody polls while a page is open here.
  const fixture = await startTerminalFixture(context, { settings: { settlingMs: 100 } });
  const browser = await fixture.browser();
  const visits = [
    { from: "127.0.0.2", headers: {} },
    { headers: { "sec-fetch-site": "cross-site" } },
    { headers: { "sec-fetch-site": "same-site" } },
    { headers: { "sec-fetch-dest": "iframe" } },
    { headers: { "sec-fetch-site": "" } },
  ];
  for (const host of ["app", "bob"]) {
    for (const { from, headers } of visits) {
      const terminal = fixture.terminal({ host });
      const where = from === undefined ? {} : { from };
      await terminal.opens({}, where);
      await browser.open(terminal.shortUrl, { headers });
      const answer = await terminal.poll({ ...where, ...knowing("opened") });
      assert.equal(answer.status, host === "app" ? 202 : 410);
      assert.doesNotMatch(answer.body, /@/, `${host} ${from} ${JSON.stringify(headers)}`);
    }
  }
});

test("a person whom policy does not let in ends the terminal's wait, and the page says so", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const { terminal, poll } = await waitingTerminal(fixture, "bob");
  const toTeam = await browser.get(terminal.shortUrl);
  await poll;
  const second = terminal.poll(knowing("opened"));
  const page = await browser.get(String(toTeam.headers.location));
  assert.equal(headingOf(page), "You don't have access");
  assert.match(page.body, /Your terminal was told, and has stopped waiting/);
  let answer = await second;
  // It may have been told first that somebody has signed in.
  if (answer.status === 202) answer = await terminal.poll(knowing("signed_in"));
  assert.equal(answer.status, 410);
  assert.deepEqual(JSON.parse(answer.body), { error: "policy", email: ada });

  const again = await browser.open(terminal.shortUrl);
  assert.match(again.body, /Your terminal was told/, "looking again changes nothing");
  const rightful = await fixture.browser(bob);
  assert.equal(headingOf(await rightful.open(terminal.shortUrl)), "This sign-in is over");
  const events = fixture.events.filter(({ event }) => event === "terminal_refused_by_policy");
  assert.equal(events.length, 1);
  assert.deepEqual(fixture.originSaw, []);
});

test("a page that is only fetched ahead, or asked for its headers, tells the terminal nothing", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ host: "bob" });
  await terminal.opens();
  await browser.open(terminal.shortUrl, { headers: { "sec-purpose": "prefetch" } });
  await browser.open(terminal.shortUrl, { method: "HEAD" });
  const transfer = await fixture.parts.store.transfers.find(mailboxOf(terminal));
  assert.deepEqual([transfer?.state, transfer?.progress], ["waiting", null]);
});

test("strangers who open an address without end cause one write for an opened mailbox, and none without", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { terminal, poll } = await waitingTerminal(fixture);
  const calls = countNotes(fixture);
  const visit = (url: string) => fixture.send(url);
  await Promise.all(Array.from({ length: 50 }, () => visit(terminal.shortUrl)));
  for (let nth = 0; nth < 20; nth++) await visit(terminal.shortUrl);
  for (let nth = 0; nth < 20; nth++) {
    const stranger = fixture.terminal();
    await visit(stranger.shortUrl);
    await visit(stranger.url);
    await visit(String((await visit(terminal.shortUrl)).headers.location));
  }
  assert.deepEqual(calls, { notes: 1, moves: 0 });
  assert.equal((await poll).status, 202);
});

test("what another process notes reaches a poll that is held here", async (context) => {
  const { fixture, other } = await twoProcesses(context);
  const { terminal, poll } = await waitingTerminal(fixture);
  const to = JSON.stringify({ step: "opened" });
  await other.transfers.note(mailboxOf(terminal), { from: null, to });
  assert.deepEqual(JSON.parse((await poll).body), { step: "opened" });
});

test("of two processes that note at once one counts, and nothing is noted once there is an answer", async (context) => {
  const { fixture, other } = await twoProcesses(context);
  const terminal = fixture.terminal();
  await terminal.opens();
  const id = mailboxOf(terminal);
  const note = (step: string, from: string | null) =>
    other.transfers.note(id, { from, to: JSON.stringify({ step }) });
  await note("opened", null);
  await note("signed_in", null);
  const noted = (await other.transfers.find(id))?.progress ?? null;
  assert.equal(noted, JSON.stringify({ step: "opened" }));
  const now = fixture.parts.now();
  await other.transfers.move(id, { from: "waiting", to: "refused", now });
  await note("signed_in", noted);
  assert.equal((await other.transfers.find(id))?.progress, noted);
});

async function twoProcesses(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "postern-progress-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = join(folder, "postern.db");
  const fixture = await startTerminalFixture(context, { store });
  const other = await openStore(store, randomBytes);
  context.after(() => other.close());
  return { fixture, other };
}
