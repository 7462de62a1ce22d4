// What the access log holds of people and programs that come and go: each sign-in and sign-out
// always, each request where that is asked for, and never a credential or a query.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { Replay } from "../../src/analysis/replay.ts";
import type { StoredAccessEvent } from "../../src/storage/access-log.ts";
import type { Store } from "../../src/storage/store.ts";
import {
  ada,
  application,
  bob,
  everybody,
  machines,
  only,
  open,
  robotPair,
  startAccessFixture,
} from "../access/access-fixture.ts";
import { startLoginFixture } from "../login/login-fixture.ts";
import { Person } from "../login/person.ts";

/** The rows, oldest first, once there are so many. */
async function rowsOf(store: Store, count: number): Promise<StoredAccessEvent[]> {
  const read = () => store.accessLog.list({ direction: "asc", filters: [], limit: 1_000 });
  await until(async () => (await read()).length >= count);
  const rows = await read();
  assert.equal(rows.length, count, JSON.stringify(rows, null, 1));
  return rows;
}

const rayOf = (text: string) => /\b[0-9a-f]{16}\b/.exec(text)?.[0];

test("a sign-in is kept with the person, the application, the provider and the policy that let them in", async (context) => {
  const fixture = await startLoginFixture(context);
  await fixture.signIn(fixture.app("app"));
  const [row] = await rowsOf(fixture.parts.store, 1);
  const application = fixture.parts.catalogs.current().applicationByAud.get(fixture.aud("app"));
  assert.ok(row !== undefined && application !== undefined);
  const { id: _, created_at, ray_id, user_uid, user_agent, ...rest } = row;
  assert.match(ray_id, /^[0-9a-f]{16}$/);
  assert.match(user_uid ?? "", /^[0-9a-f-]{36}$/);
  assert.ok(Math.abs(created_at - Date.now()) < 60_000);
  assert.equal(typeof user_agent, "string");
  assert.deepEqual(rest, {
    action: "login",
    allowed: true,
    outcome: "allow",
    reason: null,
    ip_address: "127.0.0.1",
    country: null,
    user_email: ada,
    app_uid: application.id,
    app_name: "The API",
    app_domain: "app.localhost",
    app_type: "self_hosted",
    idp: "pin",
    connection: "onetimepin",
    has_existing_jwt: false,
    non_identity: false,
    service_token_id: null,
    policy_id: application.policies[0]?.id,
    policy_name: "people",
    rule: "{everyone: {}}",
    method: null,
    host: null,
    path: null,
    status: null,
    facts: '{"kind":"person"}',
  });
});

test("a second application finds the session, and one that is not for the person denies it with the ray of the page", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  await person.open(fixture.app("other"));
  await person.open(fixture.app("bob"));
  assert.equal(person.page.status, 403);
  const [, second, denied] = await rowsOf(fixture.parts.store, 3);
  assert.deepEqual(
    [second?.app_name, second?.has_existing_jwt, second?.allowed],
    ["Another", true, true],
  );
  assert.deepEqual(
    [denied?.outcome, denied?.allowed, denied?.reason, denied?.user_email, denied?.app_name],
    ["deny", false, "no_policy_matched", ada, "Bob's"],
  );
  assert.equal(denied?.ray_id, rayOf(person.page.text));
});

test("a wrong code is a failed sign-in of the address it was for, and a sign-out is kept", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(fixture.app("app"));
  await person.press("Send me a code", { email: ada });
  const pin = fixture.pins.get(ada) ?? "";
  const wrong = pin.replace(/.$/, (last) => String((Number(last) + 1) % 10));
  await person.press("Sign in", { code: wrong });
  await person.press("Sign in", { code: pin });
  await person.open(`${fixture.team}/cdn-cgi/access/logout`);
  if (person.page.text.includes("csrf")) await person.press("Sign out");
  const rows = await rowsOf(fixture.parts.store, 3);
  assert.deepEqual(
    rows.map(({ action, outcome, reason, user_email }) => [action, outcome, reason, user_email]),
    [
      ["login", "failed", "pin_wrong", ada],
      ["login", "allow", null, ada],
      ["logout", "logout", null, ada],
    ],
  );
  assert.doesNotMatch(JSON.stringify(rows), new RegExp(pin), "no code is kept");
});

const guarded = [
  application("app", [everybody]),
  application("bob", [only(bob)]),
  application("open", [open]),
  application("robots", [machines]),
];

async function startRequests(context: TestContext, requests: unknown) {
  return startAccessFixture(context, guarded, { log: { requests } });
}

test("requests leave no row unless decisions are asked for (O8)", async (context) => {
  const access = await startRequests(context, true);
  await access.passed("/", [`cf-access-token: ${await access.token("app")}`]);
  await access.passed("/", [], { host: "open.localhost" });
  await access.refused(302, "/", ["Accept: text/html"]);
  await access.fixture.parts.accessLog.close();
  const query = { direction: "asc", filters: [], limit: 10 } as const;
  assert.deepEqual(await access.fixture.parts.store.accessLog.list(query), []);
});

test("a request for a public path is counted as bypassed, by the policy that the path is", async (context) => {
  const publicPath = { path_pattern: "/sw.js", behavior: "public" };
  const destinations = [{ uri: "app.localhost", overrides: [publicPath] }];
  const access = await startAccessFixture(
    context,
    [application("app", [only(ada)], { domain: undefined, destinations })],
    { log: { requests: "decisions" } },
  );
  await access.passed("/sw.js");
  await access.passed("/sw.js", [`cf-access-token: ${await access.token("app")}`]);
  const rows = await rowsOf(access.fixture.parts.store, 2);
  for (const row of rows) {
    assert.deepEqual([row.outcome, row.policy_name], ["bypass", "public path /sw.js"]);
    assert.equal(row.app_uid, access.application("app").id);
  }
  const replay = new Replay(access.fixture.parts.catalogs.current());
  for (const row of rows) replay.add(row);
  assert.equal(replay.result.same, 2);
  await access.fixture.change({ applications: [application("app", [only(ada)])] });
  const changed = new Replay(access.fixture.parts.catalogs.current());
  for (const row of rows) changed.add(row);
  const [change] = changed.result.changes;
  assert.deepEqual([change?.from, change?.to], ["bypass", "login"]);
});

test("one record for each decision: allowed, denied, bypassed, a program's, and nobody's (O12)", async (context) => {
  const access = await startRequests(context, "decisions");
  const hostile = "/%22%7D'/--";
  const token = await access.token("app");
  await access.passed(`${hostile}?secret=s3cret`, [
    `cf-access-token: ${token}`,
    "User-Agent: curl/8",
  ]);
  await access.refused(403, "/", [`cf-access-token: ${await access.token("bob")}`], {
    host: "bob.localhost",
  });
  await access.passed("/", [], { host: "open.localhost" });
  await access.passed("/", robotPair, { host: "robots.localhost" });
  await access.refused(302, "/", ["Accept: text/html"]);
  const rows = await rowsOf(access.fixture.parts.store, 5);
  // Rows of one millisecond stand in any order.
  const rowOf = (name: string, outcome: string) => {
    const found = rows.filter((row) => row.app_name === name && row.outcome === outcome);
    assert.equal(found.length, 1, `${name} ${outcome}`);
    return found[0];
  };
  const first = rowOf("app", "allow");
  const denied = rowOf("bob", "deny");
  const bypassed = rowOf("open", "bypass");
  const robot = rowOf("robots", "allow");
  const stranger = rowOf("app", "login");
  assert.deepEqual(
    [first, denied, bypassed, robot, stranger].map((row) => [row?.allowed, row?.status]),
    [
      [true, 200],
      [false, 403],
      [true, 200],
      [true, 200],
      [false, 302],
    ],
  );
  assert.ok(rows.every(({ action }) => action === "request"));
  assert.equal(first?.user_agent, "curl/8");
  assert.deepEqual([robot?.idp, first?.idp], ["nonidentity", "pin"]);
  assert.equal(first?.policy_name, "everybody");
  assert.equal(first?.user_email, ada);
  assert.equal(first?.method, "GET");
  assert.equal(denied?.reason, "no_policy_matched");
  assert.equal(bypassed?.policy_name, "open");
  assert.deepEqual(JSON.parse(denied?.facts ?? ""), { kind: "person", email: ada });
  assert.deepEqual(JSON.parse(first?.facts ?? ""), { kind: "person" }, "no rule names more");
  assert.equal(robot?.non_identity, true);
  assert.equal(typeof robot?.service_token_id, "string");
  const text = JSON.stringify(rows);
  assert.doesNotMatch(text, /s3cret|long secret|eyJ/, "neither query nor credential is kept");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  assert.doesNotMatch(text, /[\x00-\x1f\x7f]/, "nothing that a terminal obeys");
});

test("a program that was refused is always kept where its service token is known, and only then", async (context) => {
  for (const requests of [false, "decisions"]) {
    const access = await startRequests(context, requests);
    const { store, catalogs } = access.fixture.parts;
    const robots = { host: "robots.localhost" };
    const [id = "", secret = ""] = robotPair;
    const wrong = `${secret}x`;
    await access.refused(401, "/deploy?key=s3cret", [id, wrong], robots);
    await access.refused(403, "/", robotPair, { host: "app.localhost" });
    await access.refused(401, "/", ["CF-Access-Client-Id: nobody.access", secret], robots);
    await access.refused(401, "/", [id], robots);
    await access.passed("/", robotPair, robots);
    await access.passed("/", [id, wrong], { host: "open.localhost" });
    await access.fixture.parts.accessLog.close();
    const rows = await store.accessLog.list({ direction: "asc", filters: [], limit: 10 });
    const robot = catalogs.current().serviceTokenByClientId.get("robot.access");
    const known = rows.filter(({ service_token_id, allowed }) => service_token_id && !allowed);
    assert.deepEqual(
      known.map((row) => [row.action, row.outcome, row.reason, row.app_name, row.status, row.path]),
      [
        ["request", "deny", "wrong_secret", "robots", 401, "/deploy"],
        ["request", "deny", "no_policy_matched", "app", 403, "/"],
      ],
    );
    for (const row of known)
      assert.deepEqual([row.non_identity, row.service_token_id], [true, robot?.id]);
    assert.equal(rows.length, requests === "decisions" ? 6 : 2);
    assert.doesNotMatch(JSON.stringify(rows), /s3cret|long secret/);
  }
});
