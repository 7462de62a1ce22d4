// A pass on the data path (wire-protocol 8): it opens what lies below its prefix, read in any way,
// and nothing else. How one is made is tested with the login.
import assert from "node:assert/strict";
import { test } from "node:test";
import { claimsOf } from "../tokens/token-fixture.ts";
import {
  ada,
  application,
  bob,
  everybody,
  forged,
  hour,
  identityIn,
  only,
  open,
  startAccessFixture,
} from "./access-fixture.ts";

const prefix = "http://app.localhost/v1/";

test("a pass opens what lies below its prefix, as its person, and the origin gets an ordinary assertion instead", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { tokens } = access.fixture.parts;
  const session = await access.fixture.session("browser");
  const { token } = await tokens.issuePass(session, access.application("app"), prefix, 6e5);
  const seen = await access.passed(`/v1/x?a=b&token=${token}`);
  assert.equal(seen.url, "/v1/x?a=b");
  assert.equal(identityIn(seen), ada);
  const assertion = seen.header("cf-access-jwt-assertion") ?? "";
  const claims = claimsOf(assertion);
  assert.deepEqual(
    [claims["use"], claims["htu"], claims["exp"]],
    ["assertion", prefix, claimsOf(token)["exp"]],
    "no wider than the pass",
  );
  const { aud } = access.application("app");
  assert.equal((await tokens.verifyApp(assertion, aud)).ok, false);
  assert.equal((await tokens.verifyAssertion(assertion, aud)).ok, false);
  await access.passed(`/v1/?token=${token}`);
  await access.passed(`/v1/y?token=${token}`, [], { method: "POST" });
  const whole = (
    await tokens.issuePass(session, access.application("app"), "http://app.localhost/v2", 6e5)
  ).token;
  for (const path of ["/v2", "/v2/", "/v2/x"]) await access.passed(`${path}?token=${whole}`);
  await access.refused(401, `/v20?token=${whole}`);
});

test("a pass opens nothing above, beside or around its prefix, and no other address", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { allow_encoded_slashes: true }),
    application("other", [everybody]),
  ]);
  const { token } = await access.fixture.parts.tokens.issuePass(
    await access.fixture.session("browser"),
    access.application("app"),
    prefix,
    6e5,
  );
  for (const path of [
    "/",
    "/v1",
    "/v10/x",
    "/V1/x",
    "/v1/../admin",
    "/v1/%2e%2e/admin",
    "/v1/..;/admin",
    "/v1/..%2fadmin",
    "/v1/..%5Cadmin",
    "/x;/v1/x",
  ]) {
    const answer = await access.refused(401, `${path}?token=${token}`);
    assert.equal(answer.headers["location"], undefined);
    assert.equal(JSON.parse(answer.body).error, "bad_pass");
    assert.ok(answer.headers["www-authenticate"]);
    assert.equal(answer.headers["set-cookie"], undefined);
  }
  await access.refused(401, `/v1/x?token=${token}`, [], { host: "other.localhost" });
  await access.refused(401, `/v1/x?token=${token}`, [], {
    host: `app.localhost:${access.fixture.port}`,
  });
  await access.passed(`/v1/a;x=1/b?token=${token}`);
});

test("a pass works as the argument alone, and is refused without a redirect when it fails", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const session = await access.fixture.session("browser");
  const { token } = await access.fixture.parts.tokens.issuePass(
    session,
    access.application("app"),
    prefix,
    6e5,
  );
  await access.refused(401, "/v1/x", [`cf-access-token: ${token}`]);
  await access.refused(302, "/v1/x", [`Cookie: CF_Authorization=${token}`]);
  await access.refused(302, "/v1/x", [`Authorization: Bearer ${token}`]);
  const answer = await access.refused(401, `/v1/x?token=${forged(token)}`);
  assert.equal(JSON.parse(answer.body).error, "bad_pass");
  await access.refused(302, `/v1/x?token=${token}`, ["Cookie: CF_Authorization=x"]);
  access.fixture.clock.ahead = 6e5;
  await access.refused(401, `/v1/x?token=${token}`);
});

test("a pass dies with its session, and is worth no more than policy lets its person do", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [only(ada)]),
    application("app/open", [open]),
  ]);
  const { tokens, sessions } = access.fixture.parts;
  const session = await access.fixture.session("browser");
  const adas = (await tokens.issuePass(session, access.application("app"), prefix, hour)).token;
  const bobs = (
    await tokens.issuePass(
      await access.fixture.session("browser", bob),
      access.application("app"),
      prefix,
      hour,
    )
  ).token;
  await access.passed(`/v1/x?token=${adas}`);
  await access.refused(403, `/v1/x?token=${bobs}`);
  assert.equal(
    identityIn(await access.passed(`/open?token=${adas}`)),
    undefined,
    "where everybody may go, nobody is named",
  );
  await sessions.end(session.id);
  await access.refused(401, `/v1/x?token=${adas}`);
});
