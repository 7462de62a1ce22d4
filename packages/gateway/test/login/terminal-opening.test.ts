// A terminal opens its mailbox before it shows an address (wire-protocol 6.4): what the opening may
// say, what it fixes, and how the short address leads to the same page as the long one.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { type TestContext, test } from "node:test";
import { decodeToken, loginCode } from "@postern/protocol";
import {
  ada,
  headingOf,
  startTerminalFixture,
  type Terminal,
  type TerminalFixture,
} from "./terminal-fixture.ts";

const approveHeading = "Approve sign-in from a terminal";
const unknownHeading = "No terminal is known at this address";

function mailboxOf({ pair }: Terminal): string {
  return createHash("sha256").update(pair.publicKey).digest("hex");
}

async function storedOpening(fixture: TerminalFixture, terminal: Terminal): Promise<unknown> {
  const transfer = await fixture.parts.store.transfers.find(mailboxOf(terminal));
  return transfer === undefined ? undefined : JSON.parse(transfer.opening ?? "null");
}

const start = (context: TestContext) =>
  startTerminalFixture(context, { settings: { settlingMs: 20 } });

test("the short address of an opened mailbox leads to the approval page, and the click delivers both tokens", async (context) => {
  const fixture = await startTerminalFixture(context);
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  assert.equal((await terminal.opens()).status, 201);
  const poll = terminal.poll();
  const page = await browser.open(terminal.shortUrl);
  assert.equal(headingOf(page), approveHeading);
  assert.ok(page.body.includes(loginCode(terminal.pair.publicKey)));
  await browser.press(page, "approve");
  const { app_token, org_token } = terminal.open(await poll);
  assert.equal(decodeToken(app_token).claims["email"], ada);
  assert.notEqual(org_token, "");
  assert.deepEqual(fixture.originSaw, []);
});

test("whoever is not signed in comes by the short address through the login, and back with the terminal's wishes", async (context) => {
  const fixture = await start(context);
  const terminal = fixture.terminal();
  await terminal.opens({ login_hint: "eve@example.com", prompt: "login" });
  const vouched = await fixture.send(terminal.shortUrl);
  assert.equal(vouched.status, 302);
  const team = new URL(String(vouched.headers.location));
  assert.equal(team.origin + team.pathname, `${fixture.team}/cdn-cgi/access/cli`);
  assert.equal(team.searchParams.get("token"), terminal.key);
  const toLogin = await fixture.send(team.href);
  const page = await fixture.send(String(toLogin.headers.location));
  assert.match(page.body, /eve@example\.com/);
});

test("the address is short enough for a phone to scan and a person to read", async (context) => {
  const fixture = await start(context);
  const terminal = fixture.terminal();
  const shown = terminal.shortUrl.replace(fixture.app("app"), "https://api.example.com");
  assert.ok(shown.length <= 90, `${shown.length} characters`);
});

test("an address without an opened mailbox is a 404, and so is one on another application's host or the team domain", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser();
  const never = fixture.terminal();
  const polled = fixture.terminal();
  await polled.poll({ signal: AbortSignal.timeout(200) }).catch(() => undefined);
  const opened = fixture.terminal();
  await opened.opens();
  const { pathname } = new URL(opened.shortUrl);
  for (const url of [
    never.shortUrl,
    polled.shortUrl,
    `${opened.shortUrl}=`,
    opened.shortUrl.slice(0, -1),
    `${opened.shortUrl}A`,
    `${fixture.app("app")}/cdn-cgi/access/cli/none`,
    `${fixture.app("bob")}${pathname}`,
  ]) {
    const page = await browser.get(url);
    assert.equal(page.status, 404, url);
    assert.equal(headingOf(page), unknownHeading, url);
  }
  assert.equal((await browser.get(`${fixture.team}${pathname}`)).status, 404);
  assert.deepEqual(fixture.originSaw, []);
});

test("an opening that says something else than it may is a 400, and no mailbox is opened", async (context) => {
  const fixture = await start(context);
  const app = fixture.app("app");
  const thumbprint = randomBytes(32).toString("base64url");
  for (const fields of [
    { aud: undefined },
    { aud: "no such thing" },
    { redirect_url: undefined },
    { redirect_url: "/relative" },
    { redirect_url: "javascript:alert(1)" },
    { redirect_url: "file:///etc/passwd" },
    { redirect_url: `${app}/${"a".repeat(2_048)}` },
    { jkt: "" },
    { jkt: `${thumbprint}=` },
    { jkt: thumbprint.slice(1) },
    { prompt: "none" },
    { login_hint: "a".repeat(255) },
    { login_hint: "two\nlines" },
    { send_org_token: "true" },
    { close_interstitial: 1 },
    { grant: { ttl: 60 } },
    { unknown: true },
  ]) {
    const terminal = fixture.terminal();
    const answer = await terminal.opens(fields);
    const { error, message } = JSON.parse(answer.body);
    assert.equal(answer.status, 400, JSON.stringify(fields).slice(0, 100));
    assert.equal(error, "bad_opening");
    assert.ok(message.length > 10 && message.length < 200, message);
    assert.equal(await storedOpening(fixture, terminal), undefined);
  }
});

test("a body that is no JSON object, or too long, opens nothing", async (context) => {
  const fixture = await start(context);
  for (const body of ["", "{", "[]", "null", '"text"', "\u00ff".repeat(10), "x".repeat(9_000)]) {
    const terminal = fixture.terminal();
    const { status } = await terminal.opens({}, { body });
    assert.equal(status, body.length > 8_192 ? 413 : 400, body.slice(0, 20));
    assert.equal(await storedOpening(fixture, terminal), undefined);
  }
});

test("an AUD that is no application's at the address it names is a 404, which the terminal takes for an old gateway", async (context) => {
  const fixture = await start(context);
  for (const fields of [
    { aud: "0".repeat(64) },
    { aud: fixture.aud("bob") },
    { redirect_url: `${fixture.app("bob")}/` },
    { redirect_url: "https://elsewhere.example/" },
    { redirect_url: `${fixture.team}/` },
  ]) {
    const terminal = fixture.terminal();
    assert.equal((await terminal.opens(fields)).status, 404, JSON.stringify(fields));
    assert.equal(await storedOpening(fixture, terminal), undefined);
  }
});

test("userinfo, query and fragment of the address are not kept, and the thumbprint of the terminal's key is", async (context) => {
  const fixture = await start(context);
  const terminal = fixture.terminal();
  const jkt = randomBytes(32).toString("base64url");
  const { host } = new URL(fixture.app("app"));
  const redirect_url = `http://ada:secret@${host}/orders?token=secret#secret`;
  assert.equal((await terminal.opens({ redirect_url, jkt })).status, 201);
  assert.deepEqual(await storedOpening(fixture, terminal), {
    aud: fixture.aud("app"),
    redirect_url: `http://${host}/orders`,
    jkt,
    send_org_token: true,
  });
});

test("what a terminal opened stays for the mailbox's life: a second opening is a 409, also after a poll and of twenty at once", async (context) => {
  const fixture = await start(context);
  const terminal = fixture.terminal();
  const first = { redirect_url: `${fixture.app("app")}/first` };
  await terminal.opens(first);
  assert.equal(
    (await terminal.opens({ redirect_url: `${fixture.app("app")}/second` })).status,
    409,
  );
  assert.equal((await terminal.opens(first)).status, 409);
  assert.equal((await terminal.opens({}, { from: "127.0.0.2" })).status, 409);
  const kept = (await storedOpening(fixture, terminal)) as { redirect_url: string };
  assert.equal(kept.redirect_url, first.redirect_url);

  const polled = fixture.terminal();
  const poll = polled.poll({ signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
  await fixture.held(polled);
  assert.equal((await polled.opens()).status, 409);
  assert.equal(await storedOpening(fixture, polled), null);
  await poll;

  const crowded = fixture.terminal();
  const answers = await Promise.all(Array.from({ length: 20 }, () => crowded.opens()));
  assert.equal(answers.filter(({ status }) => status === 201).length, 1);
  assert.equal(answers.filter(({ status }) => status === 409).length, 19);
});

test("the network that opened a mailbox is the only one that may poll it (C4)", async (context) => {
  const fixture = await start(context);
  const terminal = fixture.terminal();
  await terminal.opens();
  const thief = await terminal.poll({ from: "127.0.0.2" });
  assert.equal(thief.status, 410);
  assert.deepEqual(JSON.parse(thief.body), { error: "address" });
  assert.equal((await terminal.poll()).status, 410, "the attempt is over for both");
});

test("a browser opens no mailbox, and neither does a key of another length or spelling", async (context) => {
  const fixture = await start(context);
  for (const headers of [
    { origin: "https://evil.example" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-mode": "navigate" },
  ]) {
    const terminal = fixture.terminal();
    assert.equal((await terminal.opens({}, { headers })).status, 403);
    assert.equal(await storedOpening(fixture, terminal), undefined);
  }
  const terminal = fixture.terminal();
  const body = JSON.stringify({ aud: fixture.aud("app"), redirect_url: `${fixture.app("app")}/` });
  const post = (spelling: string) =>
    fixture.send(`${fixture.team}/transfer/${spelling}`, { method: "POST", body });
  const short = terminal.key.replace("=", "");
  for (const spelling of ["", "x", short.slice(1), `${short}==`, `${short}A`, "A".repeat(64)])
    assert.equal((await post(spelling)).status, 400, spelling);
  assert.equal((await post(short)).status, 201, "the key as it stands in the short address");
  const elsewhere = fixture.terminal();
  const url = `${fixture.app("app")}/transfer/${elsewhere.key}`;
  assert.notEqual((await fixture.send(url, { method: "POST", body })).status, 201);
});

test("a long address with the key of an opened mailbox cannot have another application or scope approved", async (context) => {
  const fixture = await start(context);
  const browser = await fixture.browser("bob@example.com");
  for (const opening of [{ aud: fixture.aud("bob"), host: "bob" }, { orgToken: false }]) {
    const terminal = fixture.terminal();
    const asked = fixture.terminal(opening);
    await fixture.send(`${fixture.team}/transfer/${terminal.key}`, {
      method: "POST",
      body: JSON.stringify({
        aud: fixture.aud(opening.host ?? "app"),
        redirect_url: `${fixture.app(opening.host ?? "app")}/`,
        send_org_token: opening.orgToken !== false,
      }),
    });
    const hangUp = new AbortController();
    const poll = terminal.poll({ signal: hangUp.signal }).catch(() => undefined);
    await fixture.held(terminal);
    assert.equal(headingOf(await browser.open(terminal.url)), "This sign-in is over");
    const honest = asked.url.replaceAll(asked.key.slice(0, -1), terminal.key.slice(0, -1));
    const page = await browser.open(honest);
    assert.equal(headingOf(page), approveHeading, "the address that says what was opened");
    const stored = await fixture.parts.store.transfers.find(mailboxOf(terminal));
    assert.equal(stored?.state, "waiting");
    hangUp.abort();
    await poll;
  }
});

test("a long address with the key of an opened mailbox cannot lead to another host of the application", async (context) => {
  const application = {
    domain: "app.localhost",
    self_hosted_domains: ["app.localhost", "two.localhost"],
  };
  const fixture = await startTerminalFixture(context, {
    settings: { settlingMs: 20 },
    application,
  });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  assert.equal((await terminal.opens()).status, 201);
  const hangUp = new AbortController();
  const poll = terminal.poll({ signal: hangUp.signal }).catch(() => undefined);
  await fixture.held(terminal);
  const altered = terminal.url.replaceAll("app.localhost", "two.localhost");
  assert.equal(headingOf(await browser.open(altered)), "This sign-in is over");
  assert.equal(headingOf(await browser.open(terminal.url)), approveHeading);
  hangUp.abort();
  await poll;
});

test("a network that opens too many mailboxes is turned away, whichever way it opens them", async (context) => {
  const settings = { settlingMs: 20, holdMs: 20, mailboxesPerNetwork: 3 };
  const fixture = await startTerminalFixture(context, { settings });
  assert.equal((await fixture.terminal().opens()).status, 201);
  assert.equal((await fixture.terminal().poll()).status, 204);
  assert.equal((await fixture.terminal().opens()).status, 201);
  const terminal = fixture.terminal();
  const refused = await terminal.opens();
  assert.equal(refused.status, 429);
  assert.equal(JSON.parse(refused.body).error, "too_many_logins");
  assert.equal(await storedOpening(fixture, terminal), undefined);
  assert.equal((await fixture.terminal().opens({}, { from: "127.0.0.2" })).status, 201);
});

test("an opened mailbox offers no approval before the terminal polls, or once it has hung up", async (context) => {
  const settings = { settlingMs: 20, hangUpMs: 60_000 };
  const fixture = await startTerminalFixture(context, { settings });
  const browser = await fixture.browser();
  const terminal = fixture.terminal();
  await terminal.opens();
  assert.equal(headingOf(await browser.open(terminal.shortUrl)), "No terminal is waiting");
  const poll = terminal.poll();
  await fixture.held(terminal);
  while (headingOf(await browser.open(terminal.shortUrl)) !== approveHeading)
    await new Promise((resolve) => setImmediate(resolve));
  await browser.press(await browser.open(terminal.shortUrl), "deny");
  assert.equal((await poll).status, 410);
});
