// Attacks on a terminal's login: stolen mailboxes, phishing links, forged answers, hostile strings.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { request as httpRequest } from "node:http";
import { test } from "node:test";
import { encodeTransferKey, loginCode } from "@postern/protocol";
import {
  ada,
  bob,
  formOf,
  headingOf,
  officialClient,
  startTerminalFixture,
  type TerminalFixture,
} from "../../packages/gateway/test/login/terminal-fixture.ts";

const approveHeading = "Approve sign-in from a terminal";

async function terminalsOf(fixture: TerminalFixture, userId: string) {
  return (await fixture.parts.store.sessions.ofUser(userId, fixture.parts.now())).filter(
    (each) => each.kind === "terminal",
  );
}

test("a second machine that polls the same mailbox ends the login for both (C4)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  const thief = await terminal.poll({ from: "127.0.0.2" });
  assert.equal(thief.status, 410);
  assert.deepEqual(JSON.parse(thief.body), { error: "address" });
  assert.deepEqual(JSON.parse((await poll).body), { error: "address" });
  assert.match((await browser.press(page, "approve")).body, /A second machine asked/);
  assert.deepEqual(await terminalsOf(fixture, browser.session.user_id), []);
});

test("a mailbox polled before its owner gives the owner's login to nobody (C4)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const early = terminal.poll({ from: "127.0.0.2" });
  await fixture.held(terminal);
  assert.deepEqual(JSON.parse((await terminal.poll()).body), { error: "address" });
  assert.equal((await early).status, 410);
  assert.equal(headingOf(await browser.open(terminal.url)), "This sign-in is over");
});

test("after delivery the mailbox is empty, for the owner and for a thief (C4, C8)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  await browser.press(await browser.open(terminal.url), "approve");
  const delivered = await poll;
  for (const again of [await terminal.poll(), await terminal.poll({ from: "127.0.0.2" })]) {
    assert.equal(again.status, 410);
    assert.ok(!again.body.includes(delivered.body));
  }
  const id = createHash("sha256").update(terminal.pair.publicKey).digest("hex");
  assert.ok(
    !JSON.stringify(await fixture.parts.store.transfers.find(id)).includes(delivered.body),
    "nor in the store",
  );
  assert.throws(
    () => fixture.terminal().open(delivered),
    /does not decrypt/,
    "worth nothing without the private key",
  );
});

test("a browser is no terminal: polls with Origin or Sec-Fetch headers are refused (C4)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { key } = fixture.terminal();
  for (const headers of [
    { origin: "https://evil.test" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-mode": "no-cors" },
    { "Sec-Fetch-Dest": "image" },
  ]) {
    const answer = await fixture.send(`${fixture.team}/transfer/${key}`, {
      headers: headers as unknown as Record<string, string>,
    });
    assert.equal(answer.status, 403);
  }
  const id = createHash("sha256").update(Buffer.from(key, "base64url")).digest("hex");
  assert.equal(await fixture.parts.store.transfers.find(id), undefined, "no mailbox was opened");
});

test("a phisher's link shows the phisher's address and code, and a live session alone approves nothing (C5)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const phisher = fixture.terminal();
  const poll = phisher.poll({ from: "127.0.0.2" });
  await fixture.held(phisher);
  const page = await browser.open(phisher.url);
  assert.equal(headingOf(page), approveHeading);
  assert.ok(page.body.includes(loginCode(phisher.pair.publicKey)));
  assert.match(page.body, /<div class="warning"><p><strong>Warning/);
  assert.ok(page.body.includes("127.0.0.2"));
  assert.deepEqual(
    await terminalsOf(fixture, browser.session.user_id),
    [],
    "looking at the page gives nothing",
  );
  await browser.press(page, "deny");
  assert.equal((await poll).status, 410);
});

test("a POST that is not a click on our own page approves nothing (C5)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const other = await fixture.browser(bob);
  const terminal = fixture.terminal();
  const poll = terminal.poll();
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  const { action, csrf, askedAt } = formOf(page);
  const elsewhere = fixture.terminal();
  const elsewherePoll = elsewhere.poll();
  await fixture.held(elsewhere);
  const elsewhereCsrf = formOf(await browser.open(elsewhere.url)).csrf;
  const othersCsrf = formOf(await other.open(terminal.url)).csrf;

  const post = (
    body: string,
    headers: Record<string, string> = {},
    url = `${fixture.team}${action}`,
  ) =>
    browser.get(url, {
      method: "POST",
      body,
      headers: {
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
        ...headers,
      },
    });
  const asked_at = askedAt;
  const good = new URLSearchParams({ csrf, asked_at, answer: "approve" }).toString();
  const forged: [string, Promise<{ status: number; body: string }>][] = [
    ["cross-site", post(good, { "sec-fetch-site": "cross-site" })],
    ["same-site", post(good, { "sec-fetch-site": "same-site" })],
    ["no Sec-Fetch-Site", post(good, { "sec-fetch-site": "" })],
    ["no value", post("answer=approve")],
    ["wrong value", post(`csrf=${"0".repeat(csrf.length)}&answer=approve`)],
    ["another terminal's value", post(`csrf=${elsewhereCsrf}&answer=approve`)],
    ["another person's value", post(`csrf=${othersCsrf}&answer=approve`)],
    ["two values", post(`${good}&csrf=x`)],
    [
      "JSON",
      post(JSON.stringify({ csrf, answer: "approve" }), { "content-type": "application/json" }),
    ],
    ["an endless body", post(`${good}&more=${"x".repeat(70_000)}`)],
    ["no session", post(good, { cookie: "" })],
  ];
  for (const [what, answer] of forged) {
    const { status, body } = await answer;
    assert.equal(status, 403, what);
    assert.doesNotMatch(body, /You are signed in/, what);
  }
  assert.equal(
    (await post(good, {}, `${fixture.app("app")}${action}`)).status,
    404,
    "the application's own host has no approval",
  );
  assert.equal(
    headingOf({ ...(await post(`csrf=${csrf}`)), headers: {} }),
    approveHeading,
    "no answer chosen: it stays at the step (L15)",
  );
  assert.deepEqual(await terminalsOf(fixture, browser.session.user_id), []);
  await browser.press(page, "deny");
  await browser.press(await browser.open(elsewhere.url), "deny");
  await Promise.all([poll, elsewherePoll]);
});

test("a person whom policy does not let in cannot approve, not even with a page from before (C6)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const denied = fixture.terminal({ host: "bob" });
  const deniedPoll = denied.poll();
  await fixture.held(denied);
  const page = await browser.open(denied.url);
  assert.equal(page.status, 403);
  assert.equal(headingOf(page), "You don't have access");
  assert.match(page.body, /Sign in as someone else/);
  assert.match(page.body, /Your terminal is still waiting\. Press Ctrl-C/);

  const rightful = await fixture.browser(bob);
  const bobsPage = await rightful.open(denied.url);
  assert.equal(
    headingOf(bobsPage),
    approveHeading,
    "looking did not end it: the right person may sign in",
  );
  const { action } = formOf(bobsPage);
  const purpose = csrfOf(fixture, browser.session, action);
  const forced = await browser.get(`${fixture.team}${action}`, {
    method: "POST",
    body: new URLSearchParams({ csrf: purpose, answer: "approve" }).toString(),
    headers: {
      "content-type": "application/x-www-form-urlencoded",
      "sec-fetch-site": "same-origin",
    },
  });
  assert.equal(forced.status, 403);
  assert.equal(headingOf(forced), "You don't have access");
  assert.doesNotMatch(forced.body, /still waiting/);
  assert.deepEqual(JSON.parse((await deniedPoll).body), { error: "policy" });
  assert.deepEqual(await terminalsOf(fixture, browser.session.user_id), []);
  assert.deepEqual(fixture.originSaw, []);
});

test("every argument of the link that was altered breaks it, and so does its age (L4)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  const vouched = String((await browser.get(terminal.url)).headers.location);
  const alter = (change: (query: URLSearchParams) => void) => {
    const url = new URL(vouched);
    change(url.searchParams);
    return url.href;
  };
  const altered = {
    aud: alter((query) => query.set("aud", fixture.aud("bob"))),
    token: alter((query) => query.set("token", fixture.terminal().key)),
    redirect_url: alter((query) => query.set("redirect_url", `${fixture.app("app")}/other`)),
    send_org_token: alter((query) => query.delete("send_org_token")),
    close_interstitial: alter((query) => query.set("close_interstitial", "true")),
    host: alter((query) => query.set("host", `bob.localhost:${fixture.port}`)),
    "host without port": alter((query) => query.set("host", "app.localhost")),
    "host elsewhere": alter((query) => query.set("host", "evil.test")),
    meta: alter((query) => query.set("meta", `${query.get("meta")}x`)),
    "no meta": alter((query) => query.delete("meta")),
    "two metas": alter((query) => query.append("meta", "x")),
    "two tokens": alter((query) => query.append("token", fixture.terminal().key)),
  };
  for (const [what, url] of Object.entries(altered)) {
    const page = await browser.get(url);
    assert.equal(page.status, 400, what);
    assert.ok(!page.body.includes("evil.test"), what);
    assert.doesNotMatch(page.body, /<form/, what);
  }
  fixture.clock.ahead = 5 * 60_000 + 61_000;
  const old = await browser.get(vouched);
  assert.equal(old.status, 400);
  assert.match(old.body, />Start again<\/a>/, "a slow person starts afresh with one click");
});

test("a link with a hostile redirect_url or key goes nowhere (L3)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const { key } = fixture.terminal();
  const cli = (args: Record<string, string>) =>
    `${fixture.app("app")}/cdn-cgi/access/cli?${new URLSearchParams({ aud: fixture.aud("app"), token: key, ...args })}`;
  const hostile = [
    "https://evil.test/",
    "http://127.0.0.1.evil.test/",
    "http://localhost:80@evil.test",
    `http://app.localhost.evil.test/`,
    "http://app.localhost@evil.test/",
    "https:evil.test",
    "//evil.test",
    "javascript:alert(1)",
    "http://user:pw@app.localhost/",
    "data:text/html,x",
  ];
  for (const redirect_url of hostile) {
    const answer = await fixture.send(cli({ redirect_url }));
    assert.equal(answer.status, 400, redirect_url);
    assert.equal(answer.headers.location, undefined);
  }
  for (const token of ["", "x", key.slice(1), `${key}=`, key.replace("=", ""), "A".repeat(5000)]) {
    assert.equal((await fixture.send(cli({ token }))).status, 400, token.slice(0, 50));
  }
  for (const aud of ["", "0".repeat(64), "__proto__", fixture.aud("bob")])
    assert.equal((await fixture.send(cli({ aud }))).status, 400, aud);
});

test("a key that everybody can open what is sealed to gets nothing (C4)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const key = encodeTransferKey(new Uint8Array(32));
  const poll = fixture.send(`${fixture.team}/transfer/${key}`, { headers: { "user-agent": "x" } });
  const id = createHash("sha256").update(new Uint8Array(32)).digest("hex");
  while (((await fixture.parts.store.transfers.find(id))?.held_until ?? 0) === 0)
    await new Promise((resolve) => setImmediate(resolve));
  const page = await browser.open(
    `${fixture.app("app")}/cdn-cgi/access/cli?${new URLSearchParams({ aud: fixture.aud("app"), token: key })}`,
  );
  assert.notEqual(headingOf(await browser.press(page, "approve")), "You are signed in");
  assert.deepEqual(await terminalsOf(fixture, browser.session.user_id), []);
  await browser.press(page, "deny");
  assert.equal((await poll).status, 410);
});

test("what a terminal calls itself is shown as text, whatever it holds (L13)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const hostile = `postern/1 <script>alert(1)</script>"'><img src=x onerror=alert(2)>\u009b31m`;
  const terminal = fixture.terminal();
  const poll = rawPoll(fixture, terminal.key, `${hostile}${"A".repeat(2000)}`);
  await fixture.held(terminal);
  const page = await browser.open(terminal.url);
  assert.equal(headingOf(page), approveHeading);
  assert.ok(page.body.includes("&lt;script&gt;alert(1)&lt;/script&gt;"));
  assert.ok(!page.body.includes("<script") && !page.body.includes("<img"));
  assert.ok(!page.body.includes("<b>API</b>"), "the application's name neither");
  assert.ok(!page.body.includes("\u009b"), "no control characters");
  assert.ok(!page.body.includes("A".repeat(200)), "bounded");
  await browser.press(page, "deny");
  await poll;
});

test("the pages of a terminal's login cannot be framed, scripted or cached (L14, L20)", async (context) => {
  const fixture = await startTerminalFixture(context, { settings: { settlingMs: 20 } });
  const browser = await fixture.browser();
  const terminal = fixture.terminal({ userAgent: officialClient });
  const absent = await browser.open(terminal.url);
  const poll = terminal.poll();
  await fixture.held(terminal);
  const asking = await browser.open(terminal.url);
  const refused = await browser.press(asking, "deny");
  await poll;
  for (const page of [absent, asking, refused]) {
    const policy = String(page.headers["content-security-policy"]);
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /frame-ancestors 'none'/);
    assert.match(policy, /form-action 'self'/);
    assert.doesNotMatch(policy, /unsafe|script-src/);
    assert.match(String(page.headers["cache-control"]), /no-store/);
    assert.equal(page.headers["referrer-policy"], "no-referrer");
  }
});

test("a terminal's own token approves nothing and shows no page (T2)", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const first = fixture.terminal();
  const firstPoll = first.poll();
  await fixture.held(first);
  await browser.press(await browser.open(first.url), "approve");
  const { org_token, app_token } = first.open(await firstPoll);

  const second = fixture.terminal();
  const poll = second.poll();
  await fixture.held(second);
  const page = await browser.open(second.url);
  const vouched = String((await browser.get(second.url)).headers.location);
  const { action, csrf, askedAt } = formOf(page);
  for (const token of [org_token, app_token]) {
    const cookie = `CF_Authorization=${token}`;
    const shown = await fixture.send(vouched, { headers: { cookie } });
    assert.equal(shown.status, 302, "to login, as for a stranger");
    const pressed = await fixture.send(`${fixture.team}${action}`, {
      method: "POST",
      body: new URLSearchParams({ csrf, asked_at: askedAt, answer: "approve" }).toString(),
      headers: {
        cookie,
        "content-type": "application/x-www-form-urlencoded",
        "sec-fetch-site": "same-origin",
      },
    });
    assert.equal(pressed.status, 403);
  }
  assert.equal((await terminalsOf(fixture, browser.session.user_id)).length, 1);
  await browser.press(page, "deny");
  await poll;
  assert.equal(browser.session.identity.email, ada);
});

/** The value that this session's own page would hold: the strongest forgery there is. */
function csrfOf(fixture: TerminalFixture, session: { id: string }, action: string): string {
  const url = new URL(action, fixture.team);
  const host = url.searchParams.get("host") ?? "";
  const path = action.slice(0, action.indexOf("&host="));
  return fixture.parts.secretBox.mac(`csrf terminal ${host} ${path}`, session.id);
}

/** Bytes that `node:http` checks are sent as they are. */
function rawPoll(fixture: TerminalFixture, key: string, userAgent: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      {
        host: "127.0.0.1",
        port: fixture.port,
        path: `/transfer/${key}`,
        headers: { host: `login.localhost:${fixture.port}`, "user-agent": userAgent },
        agent: false,
      },
      (response) => {
        response.resume();
        response.on("end", () => resolve(response.statusCode ?? 0));
      },
    );
    request.on("error", reject);
    request.end();
  });
}
