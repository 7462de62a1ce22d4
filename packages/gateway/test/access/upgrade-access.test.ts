// Who may open a WebSocket: the same as may ask for anything else, but for pages of other sites
// (cases W1, W2). The origin of these tests goes on with nothing: an upgrade that reaches it has
// the answer 200.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  hour,
  identityIn,
  machines,
  only,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";
import { webSocketLines } from "./upgrade-fixture.ts";

const upgrade = (...lines: string[]) => [...webSocketLines, ...lines];

function openAccess(context: Parameters<typeof startAccessFixture>[0]): Promise<AccessFixture> {
  return startAccessFixture(context, [
    application("app", [everybody]),
    application("listed", [everybody], {
      websocket_origins: ["https://www.example.com", "HTTPS://Other.example.com:443"],
    }),
    application("bob", [only(bob)]),
    application("machines", [machines]),
    application("open", [open]),
  ]);
}

test("an upgrade without a session is refused with one line, and never led to the sign-in (W2)", async (context) => {
  const access = await openAccess(context);
  const { fixture } = access;
  const gone = await fixture.session("browser");
  const dead = await access.token("app", ada, gone);
  await fixture.parts.sessions.end(gone.id);
  const other = await access.token("bob", bob);
  const credentials: Record<string, string[]> = {
    nothing: [],
    "a cookie whose session has ended": [`Cookie: CF_Authorization=${dead}`],
    "a token whose session has ended": [`cf-access-token: ${dead}`],
    "a cookie of another application": [`Cookie: CF_Authorization=${other}`],
    junk: ["Cookie: CF_Authorization=x"],
  };
  const forms: Record<string, string[]> = {
    "any form": [],
    "a browser's": ["Sec-Fetch-Mode: websocket", "Origin: http://app.localhost"],
    JSON: ["Accept: application/json"],
    "a page": ["Accept: text/html"],
  };
  for (const [who, lines] of Object.entries(credentials)) {
    for (const [form, more] of Object.entries(forms)) {
      const answer = await access.refused(401, "/chat", upgrade(...lines, ...more));
      assert.equal(answer.headers["location"], undefined, `${who}, ${form}`);
      assert.equal(answer.headers["set-cookie"], undefined, `${who}, ${form}`);
      assert.ok(answer.headers["www-authenticate"] !== undefined, `${who}, ${form}`);
    }
  }
  const plain = await access.refused(401, "/chat", webSocketLines);
  assert.match(plain.body, /^You are not signed in: Sign in first, [^\n]+\n$/);
  const other403 = await access.refused(
    403,
    "/chat",
    upgrade(`cf-access-token: ${await access.token("bob")}`),
    { host: "bob.localhost" },
  );
  assert.equal(other403.headers["location"], undefined);
});

test("an upgrade passes with whatever credential any request passes with, and the origin is told who asks", async (context) => {
  const access = await openAccess(context);
  const { fixture } = access;
  const token = await access.token("app");
  const session = await fixture.session("browser");
  const host = `app.localhost:${fixture.port}`;
  const htu = `http://${host}/chat`;
  const pass = await fixture.parts.tokens.issuePass(
    session,
    access.application("app"),
    htu,
    hour / 10,
  );
  for (const lines of [[`Cookie: CF_Authorization=${token}`], [`cf-access-token: ${token}`]])
    assert.equal(identityIn(await access.passed("/chat", upgrade(...lines))), ada);
  const byPass = await access.passed(`/chat?token=${pass.token}&room=1`, webSocketLines, { host });
  assert.equal(identityIn(byPass), ada);
  assert.equal(byPass.url, "/chat?room=1");
  const robot = await access.passed("/chat", upgrade(...robotPair), { host: "machines.localhost" });
  assert.equal(identityIn(robot), "robot.access");
  const nobody = await access.passed("/chat", webSocketLines, { host: "open.localhost" });
  assert.equal(identityIn(nobody), undefined);
});

const foreign = [
  "https://evil.example",
  "http://evil.localhost",
  "http://app.localhost.evil.example",
  "http://xapp.localhost",
  "https://app.localhost",
  "http://app.localhost:8080",
  "http://app.localhost/",
  "http://user@app.localhost",
  "null",
  "",
  "file://",
  "https://www.example.com",
];

test("a page of another site opens no WebSocket with somebody's cookie, unless the application lists it (W1)", async (context) => {
  const access = await openAccess(context);
  const cookie = `Cookie: CF_Authorization=${await access.token("app")}`;
  for (const origin of foreign) {
    const answer = await access.refused(403, "/chat", upgrade(cookie, `Origin: ${origin}`));
    assert.match(answer.body, /foreign_page/, origin);
    const refusal = access.fixture.events.findLast(({ event }) => event === "request_refused");
    assert.ok(refusal?.event === "request_refused");
    assert.equal(refusal.origin, origin);
    assert.equal(refusal.email, ada);
  }
  const own = "Origin: http://app.localhost";
  await access.refused(403, "/chat", upgrade(cookie, own, "Origin: https://evil.example"));
  await access.refused(403, "/chat", upgrade(cookie, "Origin: https://evil.example", own));

  // Its own pages, and programs, which send no Origin.
  for (const lines of [[cookie, own], [cookie]]) await access.passed("/chat", upgrade(...lines));
  const host = `app.localhost:${access.fixture.port}`;
  await access.passed("/chat", upgrade(cookie, `Origin: http://${host}`), { host });
  await access.refused(403, "/chat", upgrade(cookie, own), { host });

  // The listed ones, and what no page can send.
  const listed = `Cookie: CF_Authorization=${await access.token("listed")}`;
  for (const origin of ["https://www.example.com", "https://other.example.com"])
    await access.passed("/chat", upgrade(listed, `Origin: ${origin}`), {
      host: "listed.localhost",
    });
  for (const origin of ["http://www.example.com", "https://www.example.com:8443", "null"])
    await access.refused(403, "/chat", upgrade(listed, `Origin: ${origin}`), {
      host: "listed.localhost",
    });
  const evil = "Origin: https://evil.example";
  await access.passed("/chat", upgrade(`cf-access-token: ${await access.token("app")}`, evil));
  await access.passed("/chat", upgrade(...robotPair, evil), { host: "machines.localhost" });
  await access.passed("/chat", upgrade(evil), { host: "open.localhost" });
});

test("other upgrades than WebSocket are held to the same", async (context) => {
  const access = await openAccess(context);
  const cookie = `Cookie: CF_Authorization=${await access.token("app")}`;
  const spdy = ["Connection: Upgrade", "Upgrade: SPDY/3.1"];
  await access.refused(401, "/exec", spdy);
  await access.refused(403, "/exec", [...spdy, cookie, "Origin: https://evil.example"]);
  await access.passed("/exec", [...spdy, cookie]);
});

test("no upgrade passes as a preflight, which nobody is asked for (P15)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { options_preflight_bypass: true }),
  ]);
  const lines = ["Origin: https://ui.test", "Access-Control-Request-Method: GET"];
  for (const protocol of ["x-shell", "SPDY/3.1", "websocket"])
    await access.refused(401, "/", [...lines, "Connection: Upgrade", `Upgrade: ${protocol}`], {
      method: "OPTIONS",
    });
});
