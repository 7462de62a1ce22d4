// A terminal's login as the person and the terminal live it: polls are held over real sockets, the
// page is fetched as a browser fetches it, and the click is what delivers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeToken, loginCode } from "@postern/protocol";
import { ada, bob, headingOf, officialClient, startTerminalFixture } from "./terminal-fixture.ts";

const approveHeading = "Approve sign-in from a terminal";

test("a person approves their terminal and it gets both tokens, once", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);

  const page = await browser.open(terminal.url);
  assert.equal(page.status, 200, page.body);
  assert.equal(headingOf(page), approveHeading);
  const approved = await browser.press(page, "approve");
  assert.equal(approved.status, 200);
  assert.equal(headingOf(approved), "You are signed in");

  const answer = await poll;
  assert.equal(answer.status, 200);
  assert.match(String(answer.headers["service-public-key"]), /^[\w-]{43}=$/);
  const { app_token, org_token } = terminal.open(answer);
  const app = decodeToken(app_token).claims;
  assert.deepEqual(app["aud"], [fixture.aud("app")]);
  assert.equal(app["email"], ada);
  assert.equal(app["terminal"], true);
  assert.equal(Number(app["exp"]) - Number(app["iat"]), 8 * 3600);
  const org = decodeToken(org_token).claims;
  assert.equal(org["terminal"], true);
  assert.notEqual(org["identity_nonce"], browser.session.id, "the terminal's session is its own");
  assert.ok((await fixture.parts.tokens.verifyApp(app_token, fixture.aud("app"))).ok);

  const [own] = (
    await fixture.parts.store.sessions.ofUser(browser.session.user_id, fixture.parts.now())
  ).filter((each) => each.kind === "terminal");
  assert.equal(own?.parent_id, browser.session.id);
  assert.ok((own?.expires_at ?? 0) <= browser.session.expires_at);
  assert.match(own?.user_agent ?? "", /^postern\//);
  assert.equal((await terminal.poll()).status, 410, "it was read once");
  assert.deepEqual(fixture.originSaw, []);
});

test("the page says who, what, from where, and the code that the terminal shows", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const { body } = await browser.open(terminal.url);
  for (const expected of [
    loginCode(terminal.pair.publicKey),
    ada,
    "every other application",
    "127.0.0.1",
    "postern/0.1.0 (linux; x64)",
    "UTC",
  ]) {
    assert.ok(body.includes(expected), expected);
  }
  assert.match(
    body,
    /<p class="label" id="code-label">Code<\/p>\s*<div class="code" role="group" aria-labelledby="code-label">/,
  );
  assert.doesNotMatch(body, /class="warning"/, "one machine, no warning");
  await browser.press(await browser.open(terminal.url), "deny");
  await poll;
});

test("Deny ends the login in the terminal at once, for as long as the mailbox lives", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  assert.equal(headingOf(await browser.press(page, "deny")), "Sign-in refused");
  const answer = await poll;
  assert.equal(answer.status, 410);
  assert.deepEqual(JSON.parse(answer.body), { error: "refused" });
  assert.deepEqual(JSON.parse((await terminal.poll()).body), { error: "refused" });
  const late = await browser.press(page, "approve");
  assert.equal(headingOf(late), "Sign-in refused", "an approval after that changes nothing");
  assert.deepEqual(await terminalSessions(fixture, browser.session.user_id), []);
});

test("without a live session the person goes through login first, and login comes back to the application's host", async (context) => {
  const fixture = await startTerminalFixture(context);
  const terminal = fixture.terminal();
  const vouched = await fixture.send(terminal.url);
  assert.equal(vouched.status, 302);
  const team = new URL(String(vouched.headers.location));
  assert.equal(team.origin + team.pathname, `${fixture.team}/cdn-cgi/access/cli`);
  assert.equal(team.searchParams.get("host"), `app.localhost:${fixture.port}`);
  const toLogin = await fixture.send(team.href);
  assert.equal(toLogin.status, 302);
  const login = new URL(String(toLogin.headers.location));
  assert.equal(
    login.origin + login.pathname,
    `${fixture.team}/cdn-cgi/access/login/app.localhost:${fixture.port}`,
  );
  assert.equal(login.searchParams.get("kid"), fixture.aud("app"));
  assert.match(login.searchParams.get("redirect_url") ?? "", /^\/cdn-cgi\/access\/cli\?aud=/);
  assert.ok(fixture.parts.tokens.openMeta(login.searchParams.get("meta") ?? ""));
});

test("a page that nobody's terminal waits for offers no Approve, and looks again by itself", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { settlingMs: 20 } });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const page = await browser.open(terminal.url);
  assert.equal(headingOf(page), "No terminal is waiting");
  assert.doesNotMatch(page.body, /<form/);
  const again = /^\d+; url=(.*)$/.exec(String(page.headers["refresh"]))?.[1] ?? "";
  const poll = terminal.poll();
  await fixture.held(terminal);
  const second = await browser.get(again);
  assert.equal(headingOf(second), approveHeading);
  await browser.press(second, "approve");
  assert.equal((await poll).status, 200);
});

test("an approval while no poll is held delivers nothing and says so", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { settlingMs: 20 } });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const hangUp = new AbortController();
  const poll = terminal.poll({ signal: hangUp.signal }).catch(() => undefined);
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  hangUp.abort();
  await poll;
  await heldEnds(fixture, terminal);
  assert.equal(headingOf(await browser.press(page, "approve")), "No terminal is waiting");
  assert.deepEqual(await terminalSessions(fixture, browser.session.user_id), []);
  const again = terminal.poll();
  await fixture.held(terminal);
  await browser.press(page, "approve");
  assert.equal((await again).status, 200, "the terminal that came back gets it");
});

test("pressing Approve twice, at once and later, and going back do no harm", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  const presses = await Promise.all([
    browser.press(page, "approve"),
    browser.press(page, "approve"),
  ]);
  assert.deepEqual(presses.map(headingOf), ["You are signed in", "You are signed in"]);
  assert.equal((await poll).status, 200);
  assert.equal(headingOf(await browser.press(page, "approve")), "You are signed in");
  assert.equal(headingOf(await browser.open(terminal.url)), "You are signed in");
  assert.equal((await terminalSessions(fixture, browser.session.user_id)).length, 1);
  const other = await fixture.browser(bob);
  assert.equal(
    headingOf(await other.open(terminal.url)),
    "This sign-in is over",
    "nobody else is told that they are signed in",
  );
});

test("the official client, which shows no code, costs one more confirmation", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ userAgent: officialClient });
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  assert.match(page.body, /type="checkbox" name="no_code" value="yes" required/);
  const unticked = await browser.press(page, "approve");
  assert.equal(unticked.status, 400);
  assert.equal(headingOf(unticked), approveHeading);
  const ticked = await browser.press(unticked, "approve", { fields: { no_code: "yes" } });
  assert.equal(headingOf(ticked), "You are signed in");
  assert.equal((await poll).status, 200);
});

test("an organization that requires the code refuses clients that show none", async (context) => {
  const fixture = await startTerminalFixture(context, {
    organization: { require_login_code: true },
  });
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ userAgent: officialClient });
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  assert.equal(page.status, 403);
  assert.doesNotMatch(page.body, />Approve</);
  assert.equal((await browser.press(page, "approve", { fields: { no_code: "yes" } })).status, 403);
  await browser.press(page, "deny");
  assert.deepEqual(JSON.parse((await poll).body), { error: "refused" });
});

test("a terminal at another address gets a warning", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll({ from: "127.0.0.2" });
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  assert.match(page.body, /<div class="warning">/);
  assert.ok(page.body.includes("127.0.0.2") && page.body.includes("127.0.0.1"));
  await browser.press(page, "approve");
  assert.equal((await poll).status, 200);
});

test("skip_interstitial leaves the page out for one machine, and gives no token for other applications", async (context) => {
  const fixture = await startTerminalFixture(context, { application: { skip_interstitial: true } });
  const browser = await fixture.browser();
  const far = fixture.terminal();
  const farPoll = far.poll({ from: "127.0.0.2" });
  await fixture.held(far);
  const page = await browser.open(far.url);
  assert.equal(headingOf(page), approveHeading, "another address: the page is shown");
  await browser.press(page, "deny");
  await farPoll;

  const near = fixture.terminal();
  const poll = near.poll();
  await fixture.held(near);
  assert.equal(headingOf(await browser.open(near.url)), "You are signed in");
  const { app_token, org_token } = near.open(await poll);
  assert.equal(org_token, "");
  assert.ok((await fixture.parts.tokens.verifyApp(app_token, fixture.aud("app"))).ok);
});

test("skip_interstitial asks all the same where the browser does not say that the person opened the page", async (context) => {
  const fixture = await startTerminalFixture(context, { application: { skip_interstitial: true } });
  const browser = await fixture.browser();
  for (const headers of [
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" },
    { "sec-fetch-site": "same-origin" },
    { "sec-fetch-site": "" },
    { "sec-fetch-dest": "iframe" },
    { "sec-fetch-dest": "empty" },
    { "sec-fetch-dest": "" },
    { "sec-purpose": "prefetch" },
  ]) {
    const terminal = fixture.terminal();
    const poll = terminal.poll();
    await fixture.held(terminal);
    const page = await browser.open(terminal.url, { headers });
    assert.equal(headingOf(page), approveHeading, JSON.stringify(headers));
    await browser.press(page, "deny");
    await poll;
  }
});

test("a terminal that did not ask for the second token gets an empty one", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ orgToken: false });
  const poll = terminal.poll();
  await fixture.held(terminal);
  await browser.press(await browser.open(terminal.url), "approve");
  assert.equal(terminal.open(await poll).org_token, "");
});

test("ending the browser's session ends the terminal that it approved", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  await browser.press(await browser.open(terminal.url), "approve");
  const { app_token } = terminal.open(await poll);
  await fixture.parts.sessions.end(browser.session.id);
  assert.equal((await fixture.parts.tokens.verifyApp(app_token, fixture.aud("app"))).ok, false);
});

async function terminalSessions(
  fixture: Awaited<ReturnType<typeof startTerminalFixture>>,
  userId: string,
) {
  return (await fixture.parts.store.sessions.ofUser(userId, fixture.parts.now())).filter(
    (each) => each.kind === "terminal",
  );
}

async function heldEnds(
  fixture: Awaited<ReturnType<typeof startTerminalFixture>>,
  terminal: Parameters<typeof fixture.held>[0],
) {
  while (await fixture.isHeld(terminal)) await new Promise((resolve) => setImmediate(resolve));
}
