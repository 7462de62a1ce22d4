// A token that is no longer good, in the hands of a program (wire-protocol 3): the program must
// fail and say why. Browsers, and the check of the official client, are led to the sign-in page.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ada,
  application,
  everybody,
  forged,
  hour,
  open,
  startAccessFixture,
} from "./access-fixture.ts";

test("a program whose token is no longer good fails with the reason, whatever it accepts", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { fixture } = access;
  const { tokens, sessions } = fixture.parts;
  const app = access.application("app");
  const session = await fixture.session("terminal");
  const ended = await tokens.issueApp(session, app, hour);
  await sessions.end(session.id);
  const live = await fixture.session("terminal");
  const late = await tokens.issueApp(live, app, 1);
  const foreign = forged(await tokens.issueApp(live, app, hour));
  const cases: [string, string][] = [
    [ended, "session_ended"],
    [late, "expired"],
    [foreign, "revoked"],
    ["no token at all", "revoked"],
  ];
  for (const [token, ending] of cases) {
    for (const lines of [
      [],
      ["Accept: */*"],
      ["Accept: text/html"],
      ["Accept: application/json"],
    ]) {
      const answer = await access.refused(401, "/x", [`cf-access-token: ${token}`, ...lines]);
      assert.equal(answer.headers["cf-access-error"], ending);
      assert.equal(answer.headers["location"], undefined);
      assert.ok(answer.headers["www-authenticate"]);
      assert.match(answer.body, /^[^\n]*\n$/, "one line");
    }
  }
  for (const [token, ending] of cases.slice(0, 3)) {
    for (const [path, lines] of [
      ["/x", [`Cookie: CF_Authorization=${token}`]],
      [`/x?token=${token}`, []],
    ] as const) {
      const answer = await access.refused(401, path, lines);
      assert.equal(
        answer.headers["cf-access-error"],
        ending,
        "a terminal's token in another place",
      );
    }
  }
  for (const [token] of cases)
    await access.refused(302, "/x?cloudflared_token_check=true", [`cf-access-token: ${token}`]);
});

test("a browser whose session ended is led to the sign-in page, and bypass lets everybody pass", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("open", [open]),
  ]);
  const session = await access.fixture.session("browser");
  const token = await access.token("app", ada, session);
  const dead = await access.token("open", ada, session);
  await access.fixture.parts.sessions.end(session.id);
  await access.refused(302, "/", [`Cookie: CF_Authorization=${token}`]);
  await access.refused(302, `/?token=${token}`);
  await access.passed("/", [`cf-access-token: ${dead}`], { host: "open.localhost" });
});
