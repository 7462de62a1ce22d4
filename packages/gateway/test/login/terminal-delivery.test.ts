// How a terminal gets its tokens over connections that break, and when the page may say so: the box
// stays until the terminal has it, and "You are signed in" is said no earlier.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { openStore } from "../../src/storage/open-store.ts";
import {
  type Answer,
  type Browser,
  bob,
  headingOf,
  startTerminalFixture,
  type Terminal,
  type TerminalFixture,
} from "./terminal-fixture.ts";

const confirming = { headers: { "cf-access-transfer-confirm": "1" } };
const telling = "Telling your terminal";
const signedIn = "You are signed in";
/** What a page says when the terminal does nothing. */
const atOnce = { settlingMs: 20 };
/** What it says when the terminal does its part. */
const whenSettled = { settings: { settlingMs: 30_000 } };

interface Login {
  fixture: TerminalFixture;
  browser: Browser;
  terminal: Terminal;
  /** presses Approve on a page that shows a terminal on the line */
  approve(): Promise<Answer>;
}

async function startLogin(
  context: TestContext,
  options: Parameters<typeof startTerminalFixture>[1] = {},
  extra = "",
): Promise<Login> {
  const settings = { ...atOnce, ...options.settings };
  const fixture = await startTerminalFixture(context, { ...options, settings });
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ extra });
  const approve = async () => browser.press(await browser.open(terminal.url), "approve");
  return { fixture, browser, terminal, approve };
}

function confirm({ fixture, terminal }: Login, from?: string): Promise<Answer> {
  const source = from === undefined ? {} : { from };
  return fixture.send(`${fixture.team}/transfer/${terminal.key}`, { method: "DELETE", ...source });
}

/** Approves while a poll of this kind is held, and hangs that poll up before it is answered. */
async function answerLostPoll(login: Login, ask: { headers?: Record<string, string> } = {}) {
  const { fixture, terminal, browser } = login;
  const hangUp = new AbortController();
  const lost = terminal.poll({ ...ask, signal: hangUp.signal }).catch(() => undefined);
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  // Between the click and the answer, the connection is gone.
  const { move } = fixture.parts.store.transfers;
  fixture.parts.store.transfers.move = async (id, step) => {
    fixture.parts.store.transfers.move = move;
    hangUp.abort();
    await lost;
    // The gateway learns of it a moment later than the client.
    while (await fixture.isHeld(terminal)) await new Promise((resolve) => setImmediate(resolve));
    return move(id, step);
  };
  return browser.press(page, "approve");
}

function mailboxOf(terminal: Terminal): string {
  return createHash("sha256").update(terminal.pair.publicKey).digest("hex");
}

test("a terminal that confirms gets its box as often as it asks, until it says that it has it", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, browser, approve } = login;
  const poll = terminal.poll(confirming);
  await fixture.held(terminal);
  assert.equal(headingOf(await approve()), telling);

  const first = await poll;
  assert.equal(first.status, 200);
  for (let nth = 0; nth < 3; nth++) {
    const again = await terminal.poll(confirming);
    assert.deepEqual([again.status, again.body], [200, first.body]);
  }
  assert.equal(
    headingOf(await browser.open(terminal.url)),
    telling,
    "nobody has said that it is here",
  );

  assert.equal((await confirm(login)).status, 204);
  assert.equal((await confirm(login)).status, 204, "saying it twice does no harm");
  assert.equal(headingOf(await browser.open(terminal.url)), signedIn);
  for (const ask of [confirming, {}])
    assert.deepEqual(JSON.parse((await terminal.poll(ask)).body), { error: "expired" });
  const mailbox = await fixture.parts.store.transfers.find(mailboxOf(terminal));
  assert.deepEqual([mailbox?.state, mailbox?.body], ["delivered", null]);
  assert.ok(terminal.open(first).org_token !== "");
});

test("the page that tells the terminal looks again by itself, without a script, and ends with the good news", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, browser, approve } = login;
  const poll = terminal.poll(confirming);
  await fixture.held(terminal);
  const page = await approve();
  assert.equal(page.status, 200);
  assert.doesNotMatch(page.body, /<script|signed in/i);
  const again = /^\d+; url=(.*)$/.exec(String(page.headers["refresh"]))?.[1] ?? "";
  await poll;
  await confirm(login);
  assert.equal(headingOf(await browser.get(again)), signedIn);
});

test("a terminal that does not confirm gets its box once, and the page waits for that", async (context) => {
  const { fixture, terminal, approve } = await startLogin(context, whenSettled);
  const poll = terminal.poll();
  await fixture.held(terminal);
  assert.equal(headingOf(await approve()), signedIn);
  assert.equal((await poll).status, 200);
  assert.equal((await terminal.poll()).status, 410);
  assert.equal((await terminal.poll(confirming)).status, 410);
});

for (const [what, ask] of [
  ["does not confirm", {}],
  ["confirms", confirming],
] as const) {
  test(`a box whose poll broke off waits for the next one, and the page says so, of a terminal that ${what}`, async (context) => {
    const login = await startLogin(context);
    const { terminal, browser } = login;
    assert.equal(headingOf(await answerLostPoll(login, ask)), telling);
    const next = await terminal.poll(ask);
    assert.equal(next.status, 200);
    assert.ok(terminal.open(next).app_token !== "");
    if ("headers" in ask) assert.equal((await confirm(login)).status, 204);
    assert.equal(headingOf(await browser.open(terminal.url)), signedIn);
  });
}

test("a box that was written into a dead connection is there for the same terminal again", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, browser, approve } = login;
  // The gateway's write succeeds; what it wrote never reaches anybody.
  const asleep = terminal.poll(confirming);
  await fixture.held(terminal);
  await approve();
  await asleep;
  assert.equal(headingOf(await browser.open(terminal.url)), telling);
  const awake = await terminal.poll(confirming);
  assert.ok(terminal.open(awake).app_token !== "");
});

test("a gateway that was started again hands out the box that the one before could not", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-delivery-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = join(folder, "postern.db");
  const fixture = await startTerminalFixture(context, { store });
  const terminal = fixture.terminal();
  const id = mailboxOf(terminal);
  const now = fixture.parts.now();
  const other = await openStore(store, randomBytes);
  await other.transfers.open({
    id,
    address: "127.0.0.1",
    user_agent: "postern",
    created_at: now,
    expires_at: now + 600_000,
    // A gateway that was killed takes nothing back.
    held_until: now + 50_000,
    state: "waiting",
    body: null,
    service_public_key: null,
    session_id: null,
    opening: null,
    progress: null,
  });
  const sealed = { body: "c2VhbGVk", service_public_key: "key", session_id: "s" };
  await other.transfers.move(id, { from: "waiting", to: "sealed", now, sealed });
  await other.close();
  assert.equal((await terminal.poll()).body, "c2VhbGVk");
  assert.equal((await terminal.poll()).status, 410);
});

test("only the terminal's own network empties the box, and only a program", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, approve } = login;
  const { key } = terminal;
  assert.equal((await confirm(login)).status, 410, "before the first poll there is none");
  const poll = terminal.poll(confirming);
  await fixture.held(terminal);
  assert.equal((await confirm(login)).status, 409, "there is nothing in it yet");
  await approve();
  const { body } = await poll;

  assert.equal((await confirm(login, "127.0.0.2")).status, 410);
  const url = `${fixture.team}/transfer/${key}`;
  const fromPage = { origin: "https://evil.test", "sec-fetch-site": "cross-site" };
  assert.equal((await fixture.send(url, { method: "DELETE", headers: fromPage })).status, 403);
  assert.equal((await fixture.send(`${url}x`, { method: "DELETE" })).status, 400);
  const elsewhere = `${fixture.app("app")}/transfer/${key}`;
  assert.equal((await fixture.send(elsewhere, { method: "DELETE" })).status, 302);
  assert.equal((await terminal.poll(confirming)).body, body, "it is still there");
  const thief = await terminal.poll({ ...confirming, from: "127.0.0.2" });
  assert.deepEqual(JSON.parse(thief.body), { error: "address" });
  assert.equal((await terminal.poll(confirming)).status, 410, "and a second machine ends it");
});

test("a box that nobody takes is over after ten minutes, and the page says what happened", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, browser } = login;
  await answerLostPoll(login);
  fixture.clock.ahead = 10 * 60_000 + 1;
  const page = await browser.open(terminal.url);
  assert.equal(page.status, 410);
  assert.match(page.body, /did not come back for the answer/);
  assert.equal((await terminal.poll()).status, 410);
});

test("nobody else is shown how the terminal is being told", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, approve } = login;
  const poll = terminal.poll(confirming);
  await fixture.held(terminal);
  await approve();
  await poll;
  const other = await fixture.browser(bob);
  assert.equal(headingOf(await other.open(terminal.url)), "This sign-in is over");
});

test("a person may deny a terminal that confirms, which has nothing to confirm then", async (context) => {
  const login = await startLogin(context);
  const { fixture, terminal, browser } = login;
  const poll = terminal.poll(confirming);
  await fixture.held(terminal);
  await browser.press(await browser.open(terminal.url), "deny");
  assert.deepEqual(JSON.parse((await poll).body), { error: "refused" });
  assert.deepEqual(JSON.parse((await confirm(login)).body), { error: "refused" });
});

test("the window closes itself where the terminal asked for that, once the terminal has its tokens", async (context) => {
  const login = await startLogin(context, {}, "&close_interstitial=true");
  const { fixture, terminal, browser, approve } = login;
  const poll = terminal.poll(confirming);
  await fixture.held(terminal);
  const asking = await browser.open(terminal.url);
  assert.doesNotMatch(asking.body, /<script/);
  assert.doesNotMatch((await approve()).body, /<script/, "not before");
  await poll;
  await confirm(login);
  const page = await browser.open(terminal.url);
  assert.equal(headingOf(page), signedIn);
  const script = /<script>(.*?)<\/script>/.exec(page.body)?.[1] ?? "";
  assert.equal(script, "window.close()");
  const hash = createHash("sha256").update(script).digest("base64");
  const policy = String(page.headers["content-security-policy"]);
  assert.ok(policy.includes(`script-src 'sha256-${hash}'`), policy);
});

for (const extra of ["", "&close_interstitial=false", "&close_interstitial=1"]) {
  test(`no page has a script unless the terminal asked to close the window (${extra})`, async (context) => {
    const { fixture, terminal, approve } = await startLogin(context, whenSettled, extra);
    const poll = terminal.poll();
    await fixture.held(terminal);
    const page = await approve();
    assert.equal(headingOf(page), signedIn);
    assert.doesNotMatch(page.body, /<script/);
    assert.doesNotMatch(String(page.headers["content-security-policy"]), /script-src/);
    await poll;
  });
}
