// Programs (wire-protocol 3.1 and 4, access-features 14): one service token, whole, valid and
// allowed, or a plain no. Never a redirect, never a cookie.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../login/login-fixture.ts";
import {
  type AccessFixture,
  ada,
  application,
  everybody,
  identityIn,
  machines,
  only,
  open,
  robotJson,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const [id = "", secret = ""] = robotPair;

/** 401 or 403 as a program can read it, whatever it accepts. */
async function no(
  fixture: AccessFixture,
  status: 401 | 403,
  error: string,
  lines: readonly string[],
  path = "/",
): Promise<void> {
  for (const accept of [[], ["Accept: text/html"], ["Sec-Fetch-Mode: navigate", "Accept: */*"]]) {
    const { headers, body } = await fixture.refused(status, path, [...lines, ...accept]);
    assert.equal(JSON.parse(body).error, error);
    assert.equal(headers["location"], undefined);
    assert.equal(headers["set-cookie"], undefined);
    assert.equal(headers["www-authenticate"] === undefined, status === 403);
    assert.match(headers["cf-access-aud"] ?? "", /^[0-9a-f]{64}$/);
    assert.equal(headers["cf-access-domain"], "app.localhost");
  }
}

test("a program with a valid pair passes with an assertion of its own, without a cookie and without its secret", async (context) => {
  const fixture = await startAccessFixture(context, [application("app", [machines, everybody])]);
  const answer = await fixture.ask("/x", robotPair);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["set-cookie"], undefined);
  fixture.fixture.upstream.reset();
  const seen = await fixture.passed("/x", robotPair);
  assert.equal(identityIn(seen), "robot.access");
  assert.ok(!JSON.stringify(seen.rawHeaders).includes("long secret"));
  const claims = JSON.parse(
    Buffer.from(
      (seen.header("cf-access-jwt-assertion") ?? "").split(".")[1] ?? "",
      "base64url",
    ).toString(),
  );
  assert.equal(claims.sub, "");
  assert.deepEqual(claims.aud, [fixture.application("app").aud]);
  assert.equal(claims.exp - claims.iat, 600);
  assert.equal(
    (await fixture.passed("/x", robotPair)).header("cf-access-jwt-assertion"),
    seen.header("cf-access-jwt-assertion"),
    "from cache",
  );
});

test("half a pair, two pairs and both forms at once are a 401", async (context) => {
  const settings = { read_service_tokens_from_header: "X-Robot" };
  const fixture = await startAccessFixture(context, [application("app", [machines], settings)]);
  const single = `X-Robot: ${robotJson}`;
  await fixture.passed("/", robotPair);
  await fixture.passed("/", [single]);
  for (const half of [[id], [secret], [`${id}x`]])
    await no(fixture, 401, "half_service_token", half);
  for (const two of [
    [id, id, secret],
    [id, secret, secret],
    [id, secret, id, secret],
    [...robotPair, single],
    [id, single],
    [secret, single],
    [single, single],
    [single, "X-ROBOT: x"],
  ]) {
    await no(fixture, 401, "two_service_tokens", two);
  }
});

test("a wrong, unknown, disabled or expired token is a 401, and the same for all of them", async (context) => {
  const expires = new Date(Date.now() + 36e5).toISOString();
  const service_tokens = [
    { name: "robot", client_id: "robot.access", client_secret_hash: sha256("s") },
    { name: "off", client_id: "off.access", client_secret: "s", enabled: false },
    { name: "old", client_id: "old.access", client_secret: "s", expires_at: expires },
  ];
  const fixture = await startAccessFixture(context, [application("app", [machines, everybody])], {
    service_tokens,
  });
  const pair = (client: string, secret: string) => [
    `CF-Access-Client-Id: ${client}`,
    `CF-Access-Client-Secret: ${secret}`,
  ];
  await fixture.passed("/", pair("robot.access", "s"));
  await fixture.passed("/", pair("old.access", "s"));
  fixture.fixture.clock.ahead = 36e5;
  const bodies = new Set<string>();
  for (const [client, secret] of [
    ["robot.access", "S"],
    ["robot.access", "s s"],
    ["robot.access", ""],
    ["robot.access", sha256("s")],
    ["ROBOT.ACCESS", "s"],
    ["robot", "s"],
    ["nobody", "s"],
    ["__proto__", "s"],
    ["", ""],
    ["off.access", "s"],
    ["old.access", "s"],
  ] as const) {
    await no(fixture, 401, "bad_service_token", pair(client, secret));
    const { body } = await fixture.ask("/", pair(client, secret));
    bodies.add(JSON.stringify({ ...JSON.parse(body), ray_id: "" }));
  }
  assert.equal(bodies.size, 1, "nobody learns which ids there are");
});

test("a valid token that no Service Auth policy names is a 403, also where everybody may sign in, also beside a person's cookie", async (context) => {
  const named = {
    name: "named",
    decision: "non_identity",
    include: [{ service_token: { name: "other" } }],
  };
  const service_tokens = ["robot", "other"].map((name) => ({
    name,
    client_id: `${name}.access`,
    client_secret: "s",
  }));
  const fixture = await startAccessFixture(
    context,
    [application("app", [named, everybody]), application("app/ada", [only(ada)])],
    {
      service_tokens,
    },
  );
  const pair = (name: string) => [
    `CF-Access-Client-Id: ${name}.access`,
    "CF-Access-Client-Secret: s",
  ];
  assert.equal(identityIn(await fixture.passed("/", pair("other"))), "other.access");
  await no(fixture, 403, "denied", pair("robot"));
  await no(fixture, 403, "denied", pair("robot"), "/ada");
  await no(
    fixture,
    403,
    "denied",
    [...pair("robot"), `Cookie: CF_Authorization=${await fixture.token("app/ada")}`],
    "/ada",
  );
});

test("on bypass a program needs no token; what it sends is not the origin's", async (context) => {
  const fixture = await startAccessFixture(context, [
    application("app", [open], { read_service_tokens_from_header: "X-Robot" }),
  ]);
  for (const lines of [
    robotPair,
    [id],
    ["CF-Access-Client-Id: x", "CF-Access-Client-Secret: y"],
    [`X-Robot: ${robotJson}`],
  ]) {
    const seen = await fixture.passed("/", lines);
    assert.equal(identityIn(seen), undefined);
    for (const name of ["cf-access-client-id", "cf-access-client-secret", "x-robot"])
      assert.equal(seen.header(name), undefined, name);
  }
});

test("one header may hold the token as JSON, in the application that names it and in no other", async (context) => {
  const settings = { read_service_tokens_from_header: "X-Robot" };
  const fixture = await startAccessFixture(context, [
    application("app", [machines, everybody], settings),
    application("app/other", [machines, everybody]),
  ]);
  for (const name of ["X-Robot", "x-robot", "X-ROBOT"]) {
    const seen = await fixture.passed("/", [`${name}: ${robotJson}`]);
    assert.equal(identityIn(seen), "robot.access");
    assert.equal(seen.header("x-robot"), undefined, "used up");
  }
  const spaced = JSON.stringify(JSON.parse(robotJson), null, 1).replaceAll("\n", " ");
  await fixture.passed("/", [`X-Robot: ${spaced}`]);
  await fixture.refused(302, "/other", [`X-Robot: ${robotJson}`]);
  const elsewhere = await fixture.passed("/other", [
    `X-Robot: ${robotJson}`,
    `cf-access-token: ${await fixture.token("app/other")}`,
  ]);
  assert.equal(elsewhere.header("x-robot"), robotJson);
});

test("a header of its own that holds anything else is a broken token", async (context) => {
  const fixture = await startAccessFixture(context, [
    application("app", [machines, everybody], { read_service_tokens_from_header: "X-Robot" }),
  ]);
  const good = `cf-access-token: ${await fixture.token("app")}`;
  for (const value of notTheToken)
    await no(fixture, 401, "half_service_token", [`X-Robot: ${value}`, good]);
  await no(fixture, 401, "bad_service_token", [
    `X-Robot: ${robotJson.replace("long", "short")}`,
    good,
  ]);
});

test("Authorization counts only when it holds exactly that JSON, and is then removed; else it is the application's", async (context) => {
  const settings = { read_service_tokens_from_header: "Authorization" };
  const fixture = await startAccessFixture(context, [
    application("app", [machines, everybody], settings),
  ]);
  const good = `cf-access-token: ${await fixture.token("app")}`;
  const seen = await fixture.passed("/", [`authorization: ${robotJson}`]);
  assert.equal(identityIn(seen), "robot.access");
  assert.equal(seen.header("authorization"), undefined);
  for (const value of [
    ...notTheToken,
    "Basic dXNlcjpwYXNzd29yZA==",
    "Bearer x",
    `Bearer ${robotJson}`,
  ]) {
    await fixture.refused(302, "/", [`Authorization: ${value}`]);
    const person = await fixture.passed("/", [`Authorization: ${value}`, good]);
    assert.equal(identityIn(person), ada);
    assert.equal(person.header("authorization"), value);
    assert.equal(
      identityIn(await fixture.passed("/", [`Authorization: ${value}`, ...robotPair])),
      "robot.access",
    );
  }
  await no(fixture, 401, "bad_service_token", [
    `Authorization: ${robotJson.replace("long", "short")}`,
    good,
  ]);
  await no(fixture, 401, "two_service_tokens", [`Authorization: ${robotJson}`, ...robotPair]);
  await no(fixture, 401, "two_service_tokens", [
    `Authorization: ${robotJson}`,
    "Authorization: Basic dXNlcjpwYXNzd29yZA==",
  ]);
});

const notTheToken = [
  "",
  "robot.access",
  "{}",
  "[]",
  "null",
  "1",
  '"robot.access"',
  robotJson.slice(0, -1),
  `${robotJson}x`,
  robotJson.toUpperCase(),
  '{"cf-access-client-id":"robot.access"}',
  '{"cf-access-client-id":"robot.access","cf-access-client-secret":1}',
  '["robot.access","secret"]',
  robotJson.replace("}", ',"more":""}'),
  `[${robotJson}]`,
];
