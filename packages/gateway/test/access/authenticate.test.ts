// Who asks (wire-protocol 3): the order of the kinds of credentials, cookies, the `token` argument,
// and what stays the application's own. Service tokens have a file of their own.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ada,
  application,
  bob,
  everybody,
  forged,
  hour,
  identityIn,
  machines,
  only,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

test("the first kind of credential that is there decides, and a bad one is never rescued by a later one", async (context) => {
  const { fixture, token, passed, refused } = await startAccessFixture(context, [
    application("app", [machines, everybody]),
  ]);
  const [header, cookie, argument] = [
    await token("app", ada),
    await token("app", bob),
    await token("app", "carl@example.com"),
  ];
  const [id = ""] = robotPair;
  const kinds = [
    {
      who: "robot.access",
      good: robotPair,
      bad: [id, "CF-Access-Client-Secret: wrong"],
      badQuery: "",
      goodQuery: "",
      status: 401,
    },
    {
      who: ada,
      good: [`cf-access-token: ${header}`],
      bad: [`cf-access-token: ${forged(header)}`],
      status: 401,
    },
    {
      who: bob,
      good: [`Cookie: CF_Authorization=${cookie}`],
      bad: [`Cookie: CF_Authorization=${forged(cookie)}`],
      status: 302,
    },
    {
      who: "carl@example.com",
      good: [],
      bad: [],
      goodQuery: `token=${argument}`,
      badQuery: `token=${forged(argument)}`,
      status: 302,
    },
  ];
  for (const [index, first] of kinds.entries()) {
    const alone = await passed(`/x?${first.goodQuery ?? ""}`, first.good);
    assert.equal(identityIn(alone), first.who);
    await refused(first.status, `/x?${first.badQuery ?? ""}`, first.bad);
    for (const later of kinds.slice(index + 1)) {
      await refused(first.status, `/x?${later.goodQuery ?? ""}`, [...later.good, ...first.bad]);
      for (const query of [later.goodQuery ?? "", later.badQuery ?? ""]) {
        for (const lines of [later.good, later.bad]) {
          const seen = await passed(`/x?${query}`, [...lines, ...first.good]);
          assert.equal(identityIn(seen), first.who);
          assert.equal(seen.url, "/x", "the argument is ours, used or not");
          for (const name of [
            "cookie",
            "cf-access-token",
            "cf-access-client-id",
            "cf-access-client-secret",
          ])
            assert.equal(seen.header(name), undefined, name);
        }
      }
    }
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("an empty credential is a bad one, and not none", async (context) => {
  const { token, refused } = await startAccessFixture(context, [application("app", [everybody])]);
  const good = await token("app");
  await refused(401, "/", ["cf-access-token: ", `Cookie: CF_Authorization=${good}`]);
  await refused(302, `/?token=${good}`, ["Cookie: CF_Authorization="]);
  await refused(401, "/", ["CF-Access-Client-Id: ", `cf-access-token: ${good}`]);
});

test("cf-access-token twice is a 400, be it the same", async (context) => {
  const { token, refused } = await startAccessFixture(context, [application("app", [everybody])]);
  const good = `cf-access-token: ${await token("app")}`;
  const answer = await refused(400, "/", [good, good]);
  assert.match(answer.body, /Send it once/);
  await refused(400, "/", ["CF-ACCESS-TOKEN: x", good, `Cookie: CF_Authorization=${good}`]);
});

test("of several CF_Authorization cookies the one counts that verifies for this application (T11)", async (context) => {
  const { fixture, token, passed, refused } = await startAccessFixture(context, [
    application("app", [everybody]),
    application("other", [everybody]),
  ]);
  const session = await fixture.session("browser");
  const good = await token("app", ada, session);
  const others = [
    "garbage",
    "",
    forged(good),
    await token("other", ada, session),
    await fixture.parts.tokens.issueOrg(session),
  ];
  for (const other of others) {
    for (const values of [
      [other, good],
      [good, other],
      [other, good, other],
    ]) {
      const line = values.map((value) => `CF_Authorization=${value}`);
      assert.equal(identityIn(await passed("/", [`Cookie: ${line.join("; ")}`])), ada);
      assert.equal(
        identityIn(
          await passed(
            "/",
            line.map((each) => `Cookie: ${each}`),
          ),
        ),
        ada,
        "as lines of their own",
      );
    }
    await refused(302, "/", [`Cookie: CF_Authorization=${other}; CF_Authorization=${other}`]);
  }
});

test("cookies that verify for two people let nobody in; two sessions of one person are one person", async (context) => {
  const { token, passed, refused } = await startAccessFixture(context, [
    application("app", [everybody]),
  ]);
  const [adas, adasOther, bobs] = [await token("app"), await token("app"), await token("app", bob)];
  const cookies = (...values: string[]) => [
    `Cookie: ${values.map((value) => `CF_Authorization=${value}`).join(";")}`,
  ];
  for (const values of [
    [adas, bobs],
    [bobs, adas],
    ["x", adas, "y", bobs],
    [adas, adasOther, bobs],
  ]) {
    const answer = await refused(403, "/", [...cookies(...values), "Accept: text/html"]);
    assert.match(answer.body, /signed in twice/);
    assert.match(answer.body, /href="\/cdn-cgi\/access\/logout"/, "with a way out");
  }
  assert.equal(identityIn(await passed("/", cookies(adas, adasOther))), ada);
});

test("cookies that only look like ours are the application's own, and reach it as they are", async (context) => {
  const { token, passed, refused } = await startAccessFixture(context, [
    application("app", [everybody]),
  ]);
  const good = await token("app");
  const foreign = `XCF_Authorization=${good}; a=CF_Authorization=${good}; cf_authorization=${good}; CF_AuthorizationX=1; theme="a b"`;
  await refused(302, "/", [`Cookie: ${foreign}`]);
  const seen = await passed("/", [
    `Cookie: ${foreign.replace("; a=", `; CF_Authorization=${good};CF_AppSession=x; a=`)}`,
  ]);
  assert.equal(seen.header("cookie"), foreign);
});

test("Authorization is the application's own: never read, never touched", async (context) => {
  const { token, passed, refused } = await startAccessFixture(context, [
    application("app", [machines, everybody]),
  ]);
  const good = await token("app");
  const basic = `Basic ${Buffer.from("user:password").toString("base64")}`;
  for (const value of [
    `Bearer ${good}`,
    good,
    basic,
    "Bearer the API's own",
    "",
    '{"cf-access-client-id":"robot.access","cf-access-client-secret":"x"}',
  ]) {
    await refused(302, "/", [`Authorization: ${value}`]);
    for (const lines of [
      [`Cookie: CF_Authorization=${good}`],
      [`cf-access-token: ${good}`],
      robotPair,
    ]) {
      const seen = await passed("/", [...lines, `Authorization: ${value}`]);
      assert.equal(seen.header("authorization"), value);
    }
  }
  const twice = await passed("/", [
    `cf-access-token: ${good}`,
    `authorization: ${basic}`,
    "AUTHORIZATION: Bearer x",
  ]);
  assert.equal(twice.header("authorization"), `${basic}, Bearer x`);
});

test("a token argument counts when it is ours, is then removed, and twice is a 400", async (context) => {
  const { fixture, token, passed, refused } = await startAccessFixture(context, [
    application("app", [everybody]),
  ]);
  const good = await token("app");
  const escaped = good.replaceAll(".", "%2E");
  for (const query of [`token=${good}&a=b`, `a=b&token=${good}`, `a=b&%74oken=${escaped}`]) {
    const seen = await passed(`/x?${query}`);
    assert.equal(seen.url, "/x?a=b", query);
    assert.equal(identityIn(seen), ada);
  }
  for (const query of [
    `token=${good}&token=${good}`,
    `token=${good}&token=${forged(good)}`,
    `token=${good}&%74oken=${escaped}`,
  ])
    await refused(400, `/x?${query}`);
  await refused(400, `/x?token=${good}&token=${good}`, [`cf-access-token: ${good}`]);
  const org = await fixture.parts.tokens.issueOrg(await fixture.session("browser"));
  const bad = await refused(302, `/x?keep=1&token=${org}`);
  assert.match(
    bad.headers["location"] ?? "",
    /redirect_url=%2Fx%3Fkeep%3D1$/,
    "nor does it come back in redirect_url",
  );
});

test("an application's own token argument is left alone", async (context) => {
  const { token, passed, refused } = await startAccessFixture(context, [
    application("app", [everybody]),
  ]);
  const cookie = [`Cookie: CF_Authorization=${await token("app")}`];
  const theirs = `eyJhbGciOiJub25lIn0.${Buffer.from('{"iss":"https://elsewhere.example"}').toString("base64url")}.x`;
  for (const query of [
    `token=${theirs}`,
    `token=${theirs}&token=${theirs}`,
    "token=",
    "token",
    "token=eyJ&token=eyJ",
    "token=%zz",
    "xtoken=1&Token=2",
  ]) {
    assert.equal((await passed(`/x?${query}`, cookie)).url, `/x?${query}`);
    await refused(302, `/x?${query}`);
  }
});

test("a token that has expired or whose session has ended is no credential", async (context) => {
  const { fixture, token, passed, refused } = await startAccessFixture(context, [
    application("app", [everybody]),
  ]);
  const session = await fixture.session("browser");
  const lines = [`cf-access-token: ${await token("app", ada, session)}`];
  await passed("/", lines);
  await fixture.parts.sessions.end(session.id);
  await refused(401, "/", lines);
  const later = [`Cookie: CF_Authorization=${await token("app")}`];
  await passed("/", later);
  fixture.clock.ahead = hour;
  await refused(302, "/", later);
});

test("a valid person whom policy does not let in gets a 403 with the ray id, as a page or as JSON", async (context) => {
  const { token, refused } = await startAccessFixture(context, [application("app", [only(bob)])]);
  for (const lines of [
    [`cf-access-token: ${await token("app")}`],
    [`Cookie: CF_Authorization=${await token("app")}`],
  ]) {
    const page = await refused(403, "/", [...lines, "Accept: text/html"]);
    assert.match(page.body, new RegExp(`<code>${page.headers["cf-ray"]}</code>`));
    assert.match(page.body, /Sign in as someone else/);
    assert.equal(page.headers["location"], undefined);
    const json = await refused(403, "/", [...lines, "Accept: application/json"]);
    assert.equal(JSON.parse(json.body).ray_id, json.headers["cf-ray"]);
    assert.equal(json.headers["set-cookie"], undefined);
  }
});
