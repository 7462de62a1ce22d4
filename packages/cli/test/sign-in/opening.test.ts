// The opening of the mailbox, and what is told while the terminal waits: what the terminal says and
// to whom, gateways that know nothing of it, and hostile ones.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { LoginScreen } from "../../src/sign-in/login-screen.ts";
import { abilitiesOf, type ColorMode, writtenLine } from "../../src/styled-line.ts";
import { surroundings } from "../support/context.ts";
import { end, json, type Peer, startPeer } from "../support/peer.ts";
import { machine } from "../support/terminal.ts";

const isOpening = ({ method, url }: { method: string; url: string }) =>
  method === "POST" && url.startsWith("/transfer/");
const isPoll = ({ method, url }: { method: string; url: string }) =>
  method === "GET" && url.startsWith("/transfer/");

/** A gateway that opens mailboxes, and answers polls with these statuses and bodies in turn. */
function answerPolls(peer: Peer, answers: [status: number, body: unknown][]): void {
  peer.answer = (seen, response) => {
    if (isOpening(seen)) {
      end(response, 201);
      return true;
    }
    const [status, body] = (isPoll(seen) ? answers.shift() : undefined) ?? [];
    if (status === undefined) return false;
    json(response, status, body);
    return true;
  };
}

test("a terminal tells the team domain what it asks for, without user, query and fragment, before it shows an address", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context, "exit 0");
  answerPolls(peer, [[410, { error: "refused" }]]);
  const { host } = new URL(peer.origin("app"));
  const flags = ["--auto-close", "--login-hint", "eve@example.com", "--prompt", "login"];
  const url = `http://ada:secret@${host}/orders?q=secret#secret`;
  const login = await person.run(["access", "login", ...flags, url]);
  assert.equal(login.status, 6, login.stderr);
  const openings = peer.requests.filter(isOpening);
  assert.equal(openings.length, 1);
  const [opening] = openings;
  assert.equal(`http://${opening?.host}`, peer.team);
  assert.deepEqual(JSON.parse(opening?.body ?? ""), {
    aud: peer.auds["app.localhost"],
    redirect_url: `http://${host}/orders`,
    send_org_token: true,
    close_interstitial: true,
    login_hint: "eve@example.com",
    prompt: "login",
  });
  const key = opening?.url.slice("/transfer/".length).replace("=", "");
  const address = `http://${host}/cdn-cgi/access/cli/${key}`;
  assert.ok(login.stderr.includes(`\n${address}\n`), login.stderr);
  assert.deepEqual(person.opened(), [address]);
  assert.doesNotMatch(login.stderr, /secret/);
});

test("a gateway that opens no mailbox, for whatever reason, costs no login and leaves no lock (C13)", async (context) => {
  for (const answer of [400, 404, 405, 409, 413, 429, 500, 503, 302, 200, "reset"] as const) {
    const peer = await startPeer(context);
    const person = machine(context);
    peer.answer = (seen, response) => {
      if (!isOpening(seen)) return false;
      if (answer === "reset") response.socket?.destroy();
      else end(response, answer, answer === 302 ? "file:///etc/passwd" : undefined);
      return true;
    };
    const login = await person.run(["access", "login", peer.origin("app")]);
    assert.equal(login.status, 0, `${answer}: ${login.stderr}`);
    assert.match(login.stderr, /\/cdn-cgi\/access\/cli\?aud=/, "the long address");
    const locks = readdirSync(join(person.home, "locks"));
    assert.deepEqual(
      locks.filter((name) => name.endsWith(".lock")),
      [],
    );
  }
});

test("what a hostile gateway says of the browser is shown and steers nothing (C15)", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context, "exit 0");
  const email = "eve\u001b]0;owned\u0007\u001b[2J\r\u202e\n✓ Signed in as root";
  answerPolls(peer, [
    [202, { step: "opened", email }],
    [202, { step: "signed_in", email }],
    [410, { error: "policy", email }],
  ]);
  const login = await person.run(["access", "login", peer.origin("app")]);
  assert.equal(login.status, 4);
  assert.match(login.stderr, /The page was opened in a browser\.\n/);
  assert.match(login.stderr, /\neve\\x1b\]0;owned\\x07.* is signed in at the page/);
  assert.match(login.stderr, /\npostern: eve.* may not reach app\.localhost/);
  assert.doesNotMatch(login.stderr, /^✓/m);
  for (const character of ["\u001b", "\u0007", "\r", "\u202e"])
    assert.ok(!login.stderr.includes(character));
});

test("answers that say nothing new are no reason to ask without end (C3)", async (context) => {
  const junk: unknown[] = ["", [], { step: "none" }, { step: "packed" }, { step: ["opened"] }];
  for (const body of junk) {
    const peer = await startPeer(context);
    const person = machine(context, "exit 0");
    answerPolls(
      peer,
      Array.from({ length: 50 }, () => [202, body]),
    );
    const login = await person.run(["access", "login", peer.origin("app")]);
    assert.equal(login.status, 6, login.stderr);
    assert.ok(peer.requests.filter(isPoll).length <= 10, JSON.stringify(body));
    assert.doesNotMatch(login.stderr, /opened in a browser|signed in at/);
  }
});

test("each step at the browser is told once, and a step back not at all", async (context) => {
  const peer = await startPeer(context);
  const person = machine(context, "exit 0");
  answerPolls(peer, [
    [202, { step: "signed_in" }],
    [202, { step: "opened" }],
    [202, { step: "signed_in" }],
    [410, { error: "refused" }],
  ]);
  const login = await person.run(["access", "login", peer.origin("app")]);
  assert.equal(login.status, 6);
  assert.equal(login.stderr.match(/Somebody is signed in at the page/g)?.length, 1);
  assert.doesNotMatch(login.stderr, /opened in a browser/);
  const known = peer.requests
    .filter(isPoll)
    .map(({ headers }) => headers["cf-access-transfer-progress"]);
  assert.deepEqual(known, ["none", "signed_in", "signed_in", "signed_in"]);
});

test("without a terminal a plain line each minute says how long the wait still lasts", async (context) => {
  context.mock.timers.enable({ apis: ["setInterval"] });
  const where = surroundings(context);
  const screen = await shownScreen(context, where);
  const before = where.told.length;
  context.mock.timers.tick(59_999);
  assert.equal(where.told.length, before);
  context.mock.timers.tick(1);
  screen.left = 60_000;
  context.mock.timers.tick(60_000);
  assert.deepEqual(where.told.slice(before), [
    "Still waiting for the approval: 8 minutes left.",
    "Still waiting for the approval: 1 minute left.",
  ]);
  screen.end();
  context.mock.timers.tick(300_000);
  assert.equal(where.told.length, before + 2, "the login has ended");
});

/** The screen of a login that has eight minutes. */
async function shownScreen(_context: TestContext, where: ReturnType<typeof surroundings>) {
  const view = {
    address: new URL("https://api.example.com/cdn-cgi/access/cli/key"),
    code: "ABCD-EFGH",
    timeLeft: () => shown.left,
  };
  const screen = new LoginScreen(where, view);
  const shown = { left: 480_000, end: () => screen.end() };
  await screen.show({ isBrowserOpen: false, qr: undefined });
  return shown;
}

test("colour and links are for terminals: NO_COLOR, --color and plain terminals are heard", () => {
  const xterm = { TERM: "xterm-256color" };
  const cases: [NodeJS.ProcessEnv, boolean, ColorMode, styles: boolean, links: boolean][] = [
    [xterm, true, "auto", true, true],
    [xterm, false, "auto", false, false],
    [xterm, true, "never", false, false],
    [xterm, false, "always", true, false],
    [{ ...xterm, NO_COLOR: "1" }, true, "auto", false, false],
    [{ ...xterm, NO_COLOR: "" }, true, "auto", true, true],
    [{ ...xterm, NO_COLOR: "1" }, true, "always", true, true],
    [{ TERM: "dumb" }, true, "auto", false, false],
    [{}, true, "auto", false, false],
    [{ TERM: "linux" }, true, "auto", true, false],
  ];
  for (const [environment, onTerminal, color, styles, links] of cases) {
    const found = abilitiesOf({ environment, onTerminal, platform: "linux" }, color);
    const what = JSON.stringify({ environment, onTerminal, color });
    assert.deepEqual([found.styles, found.links], [styles, links], what);
  }
  const windows = abilitiesOf({ environment: {}, onTerminal: true, platform: "win32" }, "auto");
  assert.equal(windows.styles, true, "Windows sets no TERM");
});

test("a text cannot leave its style or its link (C15)", () => {
  const abilities = { styles: true, links: true, redraws: true };
  const hostile = "x\u001b[0m\u001b]8;;http://evil.test\u001b\\y\u0007\n";
  const line = writtenLine([{ text: hostile, style: "bold", link: hostile }], abilities);
  const escapes = line.split("\u001b").length - 1;
  assert.equal(escapes, 6, "those of the link and the style alone");
  assert.ok(!line.includes("\u0007") && !line.includes("\n"));
  const plain = { styles: false, links: false, redraws: false };
  assert.ok(
    !writtenLine([{ text: hostile, style: "qr", link: hostile }], plain).includes("\u001b"),
  );
});
