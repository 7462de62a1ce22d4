// The relay alone: what a poll is answered, when, and how often.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { openStore } from "../../src/storage/open-store.ts";
import { headingOf, startTerminalFixture, type Terminal } from "./terminal-fixture.ts";

test("a poll is held open and then answered 204, as clients that do not sleep between polls need", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { holdMs: 150 } });
  const terminal = fixture.terminal();
  const before = performance.now();
  const answer = await terminal.poll();
  assert.equal(answer.status, 204);
  assert.ok(performance.now() - before >= 149, "not before its time");
  assert.equal(await fixture.isHeld(terminal), false);
  assert.equal((await terminal.poll()).status, 204, "and may be asked again");
});

test("the relay answers on the team domain and on relay hosts, and nowhere else", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { holdMs: 30 } });
  const { key } = fixture.terminal();
  assert.equal(
    (await fixture.send(`http://login.localhost:${fixture.port}/transfer/${key}`)).status,
    204,
  );
  assert.equal(
    (await fixture.send(`http://relay.localhost:${fixture.port}/transfer/${key}`)).status,
    204,
  );
  const elsewhere = await fixture.send(`http://app.localhost:${fixture.port}/transfer/${key}`);
  assert.equal(elsewhere.status, 302, "on an application's host the path is the application's");
});

test("a key that is not 32 bytes in the one spelling is a 400", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { holdMs: 30 } });
  const { key } = fixture.terminal();
  const spellings = [
    "",
    "x",
    key.slice(0, -1),
    `${key}=`,
    `${key}/`,
    key.slice(4),
    `${key}${key}`,
    "A".repeat(5000),
    "%E0%A4%A",
    `${key}%00`,
  ];
  for (const spelling of spellings) {
    const answer = await fixture.send(`${fixture.team}/transfer/${spelling}`);
    assert.ok(
      answer.status >= 400 && answer.status < 500,
      `${spelling.slice(0, 60)}: ${answer.status}`,
    );
  }
  assert.equal(
    (await fixture.send(`${fixture.team}/transfer/${key.replace("=", "%3D")}`)).status,
    204,
    "the same key, escaped",
  );
});

test("HEAD and POST take nothing out of a mailbox", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { holdMs: 30 } });
  const terminal = fixture.terminal();
  await terminal.poll();
  await fixture.parts.store.transfers.move(mailboxOf(terminal), {
    from: "waiting",
    to: "sealed",
    now: fixture.parts.now(),
    sealed: {
      body: "c2VhbGVk",
      service_public_key: "key",
      session_id: "s",
    },
  });
  assert.equal((await terminal.poll({ method: "HEAD" })).status, 405);
  assert.equal((await terminal.poll({ method: "POST" })).status, 400);
  assert.equal((await terminal.opens()).status, 409);
  assert.equal((await terminal.poll()).body, "c2VhbGVk");
});

test("what was sealed while the terminal was away waits for its next poll", async (context) => {
  const fixture = await startTerminalFixture(context);
  const terminal = fixture.terminal();
  const id = mailboxOf(terminal);
  const hangUp = new AbortController();
  const poll = terminal.poll({ signal: hangUp.signal }).catch(() => undefined);
  await fixture.held(terminal);
  hangUp.abort();
  await poll;
  while (await fixture.isHeld(terminal)) await new Promise((resolve) => setImmediate(resolve));
  // Another process of the same gateway answers: only the store knows.
  assert.ok(
    await fixture.parts.store.transfers.move(id, {
      from: "waiting",
      to: "sealed",
      now: fixture.parts.now(),
      sealed: {
        body: "c2VhbGVk",
        service_public_key: "key",
        session_id: "s",
      },
    }),
  );
  const [first, second] = await Promise.all([terminal.poll(), terminal.poll()]);
  assert.deepEqual([first.status, second.status].sort(), [200, 410], "one of two readers");
  const read = first.status === 200 ? first : second;
  assert.equal(read.body, "c2VhbGVk");
  assert.equal(read.headers["cache-control"], "no-store");
  assert.equal(
    (await fixture.parts.store.transfers.find(id))?.body ?? null,
    null,
    "nothing is kept",
  );
});

test("an answer from another process reaches a poll that is being held", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-relay-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = join(folder, "postern.db");
  const fixture = await startTerminalFixture(context, { store });
  const other = await openStore(store, randomBytes);
  context.after(() => other.close());
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  await other.transfers.move(mailboxOf(terminal), {
    from: "waiting",
    to: "sealed",
    now: fixture.parts.now(),
    sealed: {
      body: "c2VhbGVk",
      service_public_key: "key",
      session_id: "s",
    },
  });
  assert.equal((await poll).status, 200);
});

test("a poll that is held leaves the store alone while nothing changes", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { holdMs: 1_500 } });
  const { transfers } = fixture.parts.store;
  const { find } = transfers;
  let reads = 0;
  transfers.find = (id) => {
    reads++;
    return find(id);
  };
  assert.equal((await fixture.terminal().poll()).status, 204);
  assert.ok(reads <= 4, `before it is held, at its beginning and its end: ${reads} reads`);
});

test("a change that nobody was told of is seen after a while", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { lookAgainMs: 50 } });
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  await fixture.parts.store.transfers.move(mailboxOf(terminal), {
    from: "waiting",
    to: "refused",
    now: fixture.parts.now(),
  });
  assert.deepEqual(JSON.parse((await poll).body), { error: "refused" });
});

test("a mailbox lives ten minutes; the terminal and the page both say that it is over (C8)", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { lookAgainMs: 50 } });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  fixture.clock.ahead = 10 * 60_000 + 1;
  const answer = await poll;
  assert.equal(answer.status, 410);
  assert.deepEqual(JSON.parse(answer.body), { error: "expired" });
  assert.equal(headingOf(await browser.press(page, "approve")), "This sign-in has expired");
  assert.deepEqual(JSON.parse((await terminal.poll()).body), { error: "expired" });
});

test("one address opens only so many mailboxes, and a flood of polls is turned away (C8)", async (context) => {
  const fixture = await startTerminalFixture(context, {
    settings: { holdMs: 20, mailboxesPerNetwork: 3, pollsPerNetwork: 5, busyMs: 50 },
  });
  const statuses: number[] = [];
  for (let nth = 0; nth < 5; nth++) statuses.push((await fixture.terminal().poll()).status);
  assert.deepEqual(statuses, [204, 204, 204, 429, 429]);
  assert.equal(
    (await fixture.terminal().poll({ from: "127.0.0.2" })).status,
    204,
    "somebody else is not hindered",
  );
  const flood = await Promise.all(
    Array.from({ length: 30 }, () => fixture.terminal().poll({ from: "127.0.0.3" })),
  );
  assert.ok(flood.every((answer) => answer.status === 204 || answer.status === 429));
  assert.ok(flood.filter((answer) => answer.status === 204).length <= 3);
});

function mailboxOf(terminal: Terminal): string {
  return createHash("sha256").update(terminal.pair.publicKey).digest("hex");
}
