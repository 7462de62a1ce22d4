// Grants and narrower passes on the data path (wire-protocol 8): each opens what it covers, in
// every reading of the path, as often as its count says, and nothing else. How one is approved is
// tested with the login.
import assert from "node:assert/strict";
import { createHash, sign } from "node:crypto";
import { test } from "node:test";
import { claimsOf } from "../tokens/token-fixture.ts";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  hour,
  identityIn,
  only,
  open,
  signingKey,
  startAccessFixture,
} from "./access-fixture.ts";
import { grantFor } from "./grant-fixture.ts";
import { ended, header, startScene, streamKinds } from "./open-streams-fixture.ts";

const orders = { methods: ["GET", "POST"], paths: ["/v1/orders/*", "/v1/status"] };

test("a grant opens the methods and paths that it names, and its origin learns who uses it", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { grant, lines, token } = await grantFor(access, "app", {
    ...orders,
    label: "release bot",
  });
  const seen = await access.passed("/v1/orders/7?a=b", lines);
  assert.equal(seen.url, "/v1/orders/7?a=b");
  assert.equal(identityIn(seen), ada);
  assert.equal(seen.header("cf-access-token"), undefined);
  const assertion = seen.header("cf-access-jwt-assertion") ?? "";
  const claims = claimsOf(assertion);
  assert.deepEqual(claims["act"], { grant: grant.id, sub: "release bot" });
  assert.equal(claims["use"], "assertion");
  assert.ok(Number(claims["exp"]) <= Number(claimsOf(token)["exp"]), "no longer than the grant");
  for (const name of ["methods", "paths", "count", "htu", "jti", "label"])
    assert.equal(claims[name], undefined, name);
  const { aud } = access.application("app");
  const { tokens } = access.fixture.parts;
  assert.equal((await tokens.verifyApp(assertion, aud)).ok, false);
  assert.equal((await tokens.verifyAssertion(assertion, aud)).ok, false);
  await access.passed("/v1/orders/7", lines, { method: "POST" });
  await access.passed("/v1/status", lines);
  await access.passed("/v1/status/deep", lines);
});

test("a grant without a label, and one for everything, are grants all the same", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { grant, lines } = await grantFor(access, "app", { paths: ["/"] });
  for (const path of ["/", "/any/thing", "/A%20b;c=d/"]) {
    const seen = await access.passed(path, lines, { method: "DELETE" });
    const claims = claimsOf(seen.header("cf-access-jwt-assertion") ?? "");
    assert.deepEqual(claims["act"], { grant: grant.id });
  }
});

test("a wrong method or path is refused with the reason in one line, and never by another credential (P3)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { allow_encoded_slashes: true, double_slashes: "keep" }),
  ]);
  const { lines, grant } = await grantFor(access, "app", { ...orders, label: "release bot" });
  const cookie = `Cookie: CF_Authorization=${await access.token("app")}`;
  for (const method of ["DELETE", "HEAD", "PATCH", "OPTIONS"]) {
    const answer = await access.refused(403, "/v1/orders/7", [...lines, cookie], { method });
    if (method === "HEAD") continue;
    const said = `Not covered by the grant: The grant covers GET and POST, and this request is ${method}.`;
    assert.ok(answer.body.startsWith(said), answer.body);
    assert.match(answer.body, /^[^\n]*\n$/);
  }
  for (const path of outside) {
    const answer = await access.refused(403, path, [...lines, cookie, "Accept: application/json"]);
    const { error, message } = JSON.parse(answer.body);
    assert.equal(error, "outside_grant", path);
    assert.match(
      message,
      /covers \/v1\/orders\/\* and \/v1\/status, and this request is for another/,
    );
    assert.equal(answer.headers["location"], undefined);
  }
  const [event] = access.fixture.events.filter((each) => each.event === "request_refused");
  assert.ok(event?.event === "request_refused");
  assert.deepEqual(
    [event.outcome, event.fault, event.email, event.grant, event.label],
    ["outside_limits", "method", ada, grant.id, "release bot"],
  );
});

/** Outside `/v1/orders/*` and `/v1/status`, in one reading of the path at least. */
const outside = [
  "/",
  "/v1",
  "/v1/orders",
  "/v1/ordersx/7",
  "/V1/orders/7",
  "/v1/statusx",
  "/v1/orders/../admin",
  "/v1/orders/%2e%2e/admin",
  "/v1/orders/..;/admin",
  "/v1/orders/..;x=1/admin",
  "/v1/orders/x/..%2f..%2fadmin",
  "/v1/orders/..%5Cadmin",
  "/v1//orders/7",
  "/v1/orders//../../admin",
  "/v1/orders/..%20/admin",
  "/x;/v1/orders/7",
];

test("a grant is for one application at one address", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { self_hosted_domains: ["app.localhost", "two.localhost"] }),
    application("other", [everybody]),
  ]);
  const { lines } = await grantFor(access, "app");
  await access.passed("/", lines);
  const elsewhere = await access.refused(403, "/", lines, { host: "two.localhost" });
  assert.match(
    elsewhere.body,
    /covers http:\/\/app\.localhost\/, and this request is for another host/,
  );
  const { port } = access.fixture;
  await access.refused(403, "/", lines, { host: `app.localhost:${port}` });
  const other = await access.refused(401, "/", lines, { host: "other.localhost" });
  assert.equal(other.headers["cf-access-error"], "revoked");
  assert.match(other.body, /is for another application/);
});

test("a grant is a header of a program: no cookie, no address and no other header carries it", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("bearer", [everybody], { accept_bearer: true }),
  ]);
  const { token, lines } = await grantFor(access, "app");
  await access.passed("/", lines);
  await access.refused(302, "/", [`Cookie: CF_Authorization=${token}`]);
  await access.refused(302, `/?token=${token}`);
  await access.refused(302, "/", [`Authorization: Bearer ${token}`]);
  await access.refused(400, "/", [...lines, ...lines]);
  const bearer = await grantFor(access, "bearer");
  const host = "bearer.localhost";
  const seen = await access.passed("/", [`Authorization: Bearer ${bearer.token}`], { host });
  assert.equal(seen.header("authorization"), undefined);
});

test("a grant that has ended fails with the reason, at the next request", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { sessions } = access.fixture.parts;
  const revoked = await grantFor(access, "app");
  const orphaned = await grantFor(access, "app");
  const other = await grantFor(access, "app");
  const late = await grantFor(access, "app", { lifetimeMs: hour / 2 });
  for (const { lines } of [revoked, orphaned, other, late]) await access.passed("/", lines);
  await sessions.end(revoked.session.id);
  await sessions.end(orphaned.session.parent_id ?? "");
  for (const { lines } of [revoked, orphaned]) {
    const answer = await access.refused(401, "/", lines);
    assert.equal(answer.headers["cf-access-error"], "revoked");
    assert.equal(answer.headers["location"], undefined);
    assert.match(
      answer.body,
      /^This grant has ended.* Ask for a new one with: postern access grant/,
    );
    assert.match(answer.body, /^[^\n]*\n$/);
  }
  await access.passed("/", other.lines);
  access.fixture.clock.ahead = hour / 2;
  const answer = await access.refused(401, "/", [...late.lines, "Accept: application/json"]);
  assert.equal(answer.headers["cf-access-error"], "expired");
  assert.equal(JSON.parse(answer.body).error, "expired");
  await access.passed("/", other.lines);
});

test("a count is never exceeded, however many ask at once, and only what is forwarded is counted", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { lines } = await grantFor(access, "app", { ...orders, count: 7 });
  const { fixture } = access;
  await access.refused(403, "/v2", lines);
  assert.equal((await access.ask("/v1/status?cloudflared_token_check=true", lines)).status, 204);
  const answers = await Promise.all(
    Array.from({ length: 25 }, () => access.ask("/v1/status", lines)),
  );
  const statuses = answers.map(({ status }) => status);
  assert.equal(statuses.filter((status) => status === 200).length, 7);
  assert.equal(statuses.filter((status) => status === 403).length, 18);
  assert.equal(fixture.upstream.requests.splice(0).length, 7);
  const answer = await access.refused(403, "/v1/status", [...lines, "Accept: application/json"]);
  assert.equal(JSON.parse(answer.body).error, "used_up");
  assert.match(JSON.parse(answer.body).message, /^Its 7 requests have been made\./);
});

test("a grant is worth no more than policy lets its person do, and counts where everybody may go", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [only(ada)]),
    application("free", [open]),
  ]);
  await access.refused(403, "/", (await grantFor(access, "app", { email: bob })).lines);
  const { lines } = await grantFor(access, "free", { ...orders, count: 1 });
  const host = "free.localhost";
  await access.refused(403, "/v2", lines, { host });
  assert.equal(identityIn(await access.passed("/v1/status", lines, { host })), undefined);
  await access.refused(403, "/v1/status", lines, { host });
});

test("streams by a grant are asked for with GET, and end when it is revoked, whatever the application says", async (context) => {
  for (const end_streams of ["streams", "none"]) {
    const scene = await startScene(context, [application("app", [everybody], { end_streams })]);
    const { access } = scene;
    const other = await grantFor(access, "app");
    const { token, session, grant } = await grantFor(access, "app", {
      paths: streamKinds.map((kind) => `/${kind}/*`),
      label: "watcher",
    });
    const streams = await scene.openAll(streamKinds, "lent", header(token));
    const others = await scene.openAll(streamKinds, "another", header(other.token));
    await access.fixture.parts.sessions.end(session.id);
    await ended(scene, streams, "lent");
    for (const [, peer] of others) assert.equal(peer.closed || peer.ended, false);
    const event = access.fixture.events.find((each) => each.event === "stream_ended");
    assert.ok(event?.event === "stream_ended");
    assert.deepEqual([event.grant, event.label], [grant.id, "watcher"]);
    const post = await grantFor(access, "app", { methods: ["POST"] });
    const upgrade = ["Connection: Upgrade", "Upgrade: websocket", ...post.lines];
    assert.equal((await access.ask("/websocket/x", upgrade)).status, 403);
  }
});

test("a token that says it is another kind than its session is refused (T10)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { tokens } = access.fixture.parts;
  const { session, token } = await grantFor(access, "app");
  const app = access.application("app");
  const others = {
    "an application token for a grant's session": await tokens.issueApp(session, app, hour),
    "a grant for a terminal's session": await resigned(access, token, {
      identity_nonce: (await access.fixture.session("terminal")).id,
    }),
    "a grant that says it is an application token": await resigned(access, token, { type: "app" }),
    "an application token that names who acts": await resigned(access, await access.token("app"), {
      act: { grant: "x" },
    }),
  };
  for (const [what, each] of Object.entries(others)) {
    const answer = await access.refused(401, "/", [`cf-access-token: ${each}`]);
    assert.equal(answer.headers["cf-access-error"], "revoked", what);
  }
  const pass = await tokens.issuePass(session, app, "http://app.localhost/", hour);
  await access.refused(401, `/?token=${pass.token}`);
});

/** The token with other claims, signed as only somebody inside could. */
async function resigned(
  access: AccessFixture,
  token: string,
  claims: Record<string, unknown>,
): Promise<string> {
  const { kid, privateKey } = await signingKey(access);
  const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${part({ alg: "RS256", kid, typ: "JWT" })}.${part({ ...claimsOf(token), ...claims })}`;
  return `${text}.${sign("sha256", Buffer.from(text), privateKey).toString("base64url")}`;
}

test("a pass may be narrower: methods, paths below its prefix, and a count", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const { tokens, store } = access.fixture.parts;
  const session = await access.fixture.session("terminal");
  const jti = createHash("sha256").update("a pass").digest("hex");
  const expires_at = Date.now() + hour;
  await store.useCounts.add({ id: jti, session_id: session.id, uses_left: 2, expires_at });
  const scope = { methods: ["GET"], paths: ["/v1/orders/*", "/v2"], count: 2, jti };
  const app = access.application("app");
  const pass = await tokens.issuePass(session, app, "http://app.localhost/v1/", 6e5, scope);
  const query = `?token=${pass.token}`;
  await access.refused(403, `/v1/orders/7${query}`, [], { method: "POST" });
  const answer = await access.refused(403, `/v1/users${query}`);
  assert.match(
    answer.body,
    /^Not covered by the pass: The pass covers \/v1\/orders\/\* and \/v2, /,
  );
  await access.refused(401, `/v2${query}`, ["Accept: application/json"]);
  for (let use = 0; use < 2; use++) await access.passed(`/v1/orders/7${query}`);
  const over = await access.refused(403, `/v1/orders/7${query}`);
  assert.match(over.body, /^The pass is used up: Its 2 requests have been made\./);
});
