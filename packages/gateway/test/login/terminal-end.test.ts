// What the page of an approved terminal says afterwards, and its button that ends the session.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type Answer,
  ada,
  type Browser,
  bob,
  formOf,
  headingOf,
  startTerminalFixture,
  type Terminal,
  type TerminalFixture,
} from "./terminal-fixture.ts";

const ended = "The terminal is signed out";
const signedIn = "You are signed in";

/** Approves a terminal. @returns its app token and the page that says so */
async function approve(
  fixture: TerminalFixture,
  browser: Browser,
  terminal: Terminal,
): Promise<{ token: string; page: Answer }> {
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.press(await browser.open(terminal.url), "approve");
  assert.equal(headingOf(page), signedIn);
  return { token: terminal.open(await poll).app_token, page };
}

async function holds(fixture: TerminalFixture, token: string): Promise<boolean> {
  return (await fixture.parts.tokens.verifyApp(token, fixture.aud("app"))).ok;
}

/** Presses "End this terminal's session", with these in place of the page's own. */
function end(
  fixture: TerminalFixture,
  page: Answer,
  { csrf = formOf(page).csrf, cookie = "", site = "same-origin" } = {},
): Promise<Answer> {
  return fixture.send(new URL(formOf(page).action, fixture.team).href, {
    method: "POST",
    headers: {
      accept: "text/html",
      cookie,
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": site,
    },
    body: new URLSearchParams({ csrf, answer: "end" }).toString(),
  });
}

async function cookieOf(fixture: TerminalFixture, { session }: Browser): Promise<string> {
  return `CF_Authorization=${await fixture.parts.tokens.issueOrg(session)}`;
}

async function start(context: TestContext) {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  return { fixture, browser, cookie: await cookieOf(fixture, browser) };
}

test("a person ends the session of the terminal that they approved, and its tokens are dead at once", async (context) => {
  const { fixture, browser, cookie } = await start(context);
  const terminal = fixture.terminal();
  const { token, page } = await approve(fixture, browser, terminal);
  assert.match(page.body, />End this terminal(?:'|&#39;)s session</);
  assert.equal(await holds(fixture, token), true);
  assert.equal(headingOf(await end(fixture, page, { cookie })), ended);
  assert.equal(await holds(fixture, token), false);
  assert.equal(
    headingOf(await browser.open(terminal.url)),
    ended,
    "and the page goes on saying so",
  );
  assert.equal(headingOf(await end(fixture, page, { cookie })), ended, "twice does no harm");
  assert.equal(headingOf(await browser.press(page, "approve")), ended);
  const events = fixture.events.filter(({ event }) => event === "terminal_ended");
  assert.ok(events.length >= 1);
  assert.deepEqual(fixture.originSaw, []);
});

test("of two terminals that one browser approved together, the button ends its own", async (context) => {
  const { fixture, browser, cookie } = await start(context);
  const terminals = [fixture.terminal(), fixture.terminal()];
  const [first, second] = await Promise.all(
    terminals.map((terminal) => approve(fixture, browser, terminal)),
  );
  assert.ok(first !== undefined && second !== undefined);
  assert.equal(headingOf(await end(fixture, second.page, { cookie })), ended);
  assert.deepEqual(
    [await holds(fixture, first.token), await holds(fixture, second.token)],
    [true, false],
  );
});

test("nobody else ends it: another person, another browser, another site, another form, a stranger", async (context) => {
  const { fixture, browser, cookie } = await start(context);
  const terminal = fixture.terminal();
  const { token, page } = await approve(fixture, browser, terminal);
  const bobs = await fixture.browser(bob);
  const anotherOfAda = await fixture.browser(ada);
  const waiting = fixture.terminal();
  const poll = waiting.poll();
  await fixture.held(waiting);
  const { csrf: ofAnotherTerminal } = formOf(await browser.open(waiting.url));
  for (const [who, options] of [
    ["another person", { cookie: await cookieOf(fixture, bobs) }],
    ["another browser of the same person", { cookie: await cookieOf(fixture, anotherOfAda) }],
    ["a page of another site", { cookie, site: "cross-site" }],
    ["a page of a sibling host", { cookie, site: "same-site" }],
    ["a form without its value", { cookie, csrf: "" }],
    ["the form of another terminal", { cookie, csrf: ofAnotherTerminal }],
    ["a stranger", {}],
  ] as const) {
    const answer = await end(fixture, page, options);
    assert.equal(answer.status, 403, who);
    assert.equal(await holds(fixture, token), true, who);
  }
  await browser.press(await browser.open(waiting.url), "deny");
  await poll;
});

test("another browser of the same person, with a form of its own, ends nothing of this one", async (context) => {
  const { fixture, browser } = await start(context);
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const other = await fixture.browser(ada);
  const othersPage = await other.open(terminal.url);
  await browser.press(await browser.open(terminal.url), "approve");
  const { app_token } = terminal.open(await poll);
  const answer = await end(fixture, othersPage, { cookie: await cookieOf(fixture, other) });
  assert.equal(headingOf(answer), "This sign-in is over");
  assert.equal(await holds(fixture, app_token), true);
});

test("a page that is older than what is known of its terminal says that it ended nothing, and what does", async (context) => {
  const { fixture, browser, cookie } = await start(context);
  const { token, page } = await approve(fixture, browser, fixture.terminal());
  fixture.clock.ahead = 2 * 60 * 60_000;
  await fixture.parts.store.sweep(fixture.parts.now());
  const answer = await end(fixture, page, { cookie });
  assert.deepEqual([answer.status, headingOf(answer)], [410, "This page is too old"]);
  assert.match(answer.body, /Nothing was ended/);
  assert.match(answer.body, /href="\/cdn-cgi\/access\/logout"/);
  assert.equal(await holds(fixture, token), true);
});

test("a terminal that nobody has approved yet has no session to end", async (context) => {
  const { fixture, browser, cookie } = await start(context);
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  const answer = await end(fixture, page, { cookie });
  assert.equal(headingOf(answer), "Approve sign-in from a terminal", "it is asked about, still");
  await browser.press(page, "deny");
  await poll;
});

test("the page says how long the terminal may go on, before and after the approval", async (context) => {
  const { fixture, browser } = await start(context);
  for (const [orgToken, lasts] of [
    [true, "24 hours"],
    [false, "8 hours"],
  ] as const) {
    const terminal = fixture.terminal({ orgToken });
    const poll = terminal.poll();
    await fixture.held(terminal);
    const asking = await browser.open(terminal.url);
    assert.match(asking.body, new RegExp(`Access lasts</dt><dd>${lasts} `));
    const page = await browser.press(asking, "approve");
    const untilOf = ({ body }: Answer) => /until <time[^>]*>([^<]*)</.exec(body)?.[1];
    assert.match(untilOf(page) ?? "", /UTC$/);
    await poll;
  }
});

test("somebody who opens the link again is told that they approved it already, and not that nobody waits", async (context) => {
  const { fixture, browser } = await start(context);
  const terminal = fixture.terminal();
  const { page } = await approve(fixture, browser, terminal);
  assert.doesNotMatch(page.body, /already/, "not at once");
  for (const minutes of [2, 9, 11, 60]) {
    fixture.clock.ahead = minutes * 60_000;
    const again = await browser.open(terminal.url);
    assert.equal(headingOf(again), signedIn);
    assert.match(
      again.body,
      new RegExp(`You have approved this already, (?:${minutes} minutes|1 hour) ago`),
    );
    await fixture.parts.store.sweep(fixture.parts.now());
  }
});

test("a sign-in that nobody answered is said to have expired for an hour, also after a sweep", async (context) => {
  const { fixture, browser } = await start(context);
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  assert.equal(headingOf(await browser.open(terminal.url)), "Approve sign-in from a terminal");
  for (const minutes of [11, 30, 65]) {
    fixture.clock.ahead = minutes * 60_000;
    await fixture.parts.store.sweep(fixture.parts.now());
    const page = await browser.open(terminal.url);
    assert.equal(headingOf(page), "This sign-in has expired", `${minutes} minutes`);
    assert.match(page.body, /nobody answered|Nobody answered/);
  }
  await fixture.parts.sessions.end(browser.session.id);
  await poll;
});
