// Programs with a token of the platform they run on (wire-protocol 3.2): in GitHub's words, a job.
// Only what a policy of the application names counts, and a stranger's token costs next to nothing.
import assert from "node:assert/strict";
import { createHmac, createPublicKey } from "node:crypto";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import {
  type AccessFixture,
  application,
  everybody,
  hour,
  machines,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";
import {
  audience,
  type Claims,
  jobClaims,
  json,
  keyOf,
  startTokenIssuer,
  type TokenIssuer,
} from "./token-issuer.ts";

const minute = 60_000;

/** A policy for jobs of one repository. */
function jobsOf(issuer: string, more: Claims = {}): Record<string, unknown> {
  const rule = { issuer, audience, claims: { repository: "acme/shop" }, ...more };
  return { name: "jobs", decision: "non_identity", include: [{ oidc_token: rule }] };
}

interface Scene {
  issuer: TokenIssuer;
  fixture: AccessFixture;
}

async function scene(context: TestContext, rule: Claims = {}): Promise<Scene> {
  const issuer = await startTokenIssuer(context);
  const policies = [jobsOf(issuer.issuer, rule), machines, everybody];
  const fixture = await startAccessFixture(context, [application("app", policies)]);
  return { issuer, fixture };
}

const header = (token: string) => `cf-access-token: ${token}`;

function claimsOf(token: string | undefined): Claims {
  return JSON.parse(Buffer.from((token ?? "").split(".")[1] ?? "", "base64url").toString());
}

/** 401, or another refusal, as a program can read it; the origin has seen nothing. */
async function no(
  { fixture }: Pick<Scene, "fixture">,
  token: string,
  error: string,
  status = 401,
): Promise<void> {
  const { headers, body } = await fixture.refused(status, "/", [header(token)]);
  assert.equal(JSON.parse(body).error, error, token);
  assert.equal(headers["location"], undefined);
  assert.equal(headers["set-cookie"], undefined);
}

test("a job with a token of its platform passes with an assertion of its own, and its token stays here", async (context) => {
  const { issuer, fixture } = await scene(context);
  const token = await issuer.token();
  const seen = await fixture.passed("/x", [header(token)]);
  assert.ok(!JSON.stringify(seen.rawHeaders).includes(token));
  assert.equal(seen.header("cf-access-authenticated-user-email"), undefined);
  const claims = claimsOf(seen.header("cf-access-jwt-assertion"));
  const { sub, iss, exp } = claimsOf(token);
  assert.equal(claims["sub"], "");
  assert.equal(claims["email"], undefined);
  assert.equal(claims["identity_nonce"], undefined);
  assert.equal(claims["common_name"], `${iss}#${sub}`);
  assert.deepEqual(claims["workload"], { iss, sub });
  assert.deepEqual(claims["aud"], [fixture.application("app").aud]);
  assert.equal(claims["use"], "assertion");
  assert.ok(Number(claims["exp"]) <= Number(exp), "no longer than the token");
  const again = await fixture.passed("/x", [header(token)]);
  assert.equal(again.header("cf-access-jwt-assertion"), seen.header("cf-access-jwt-assertion"));
  assert.deepEqual(issuer.requests, ["/.well-known/openid-configuration", "/keys"]);
});

test("get-identity tells a job who it is, and nobody with a token that does not hold", async (context) => {
  const { issuer, fixture } = await scene(context);
  const ask = async (token: string) => fixture.ask("/cdn-cgi/access/get-identity", [header(token)]);
  const { status, body } = await ask(await issuer.token());
  assert.equal(status, 200);
  const sub = "repo:acme/shop:ref:refs/heads/main";
  assert.deepEqual(JSON.parse(body).workload, { iss: issuer.issuer, sub });
  assert.equal(JSON.parse(body).email, "");
  for (const claims of [{ aud: "x" }, { exp: 1 }, { iss: "https://elsewhere.example" }])
    assert.equal((await ask(await issuer.token(claims))).status, 401);
});

test("a token works at the header alone: in a cookie, the query or Authorization it is nothing", async (context) => {
  const { issuer, fixture } = await scene(context);
  const token = await issuer.token();
  for (const lines of [[`Cookie: CF_Authorization=${token}`], [`Authorization: Bearer ${token}`]])
    await fixture.refused(302, "/", lines);
  await fixture.refused(302, `/?token=${token}`);
  await fixture.refused(400, "/", [header(token), header(token)]);
  const body = JSON.stringify({ url_prefix: "http://app.localhost/", ttl: 60 });
  const lines = [header(token), "Content-Type: application/json", `Content-Length: ${body.length}`];
  await fixture.refused(401, "/cdn-cgi/access/pass", lines, { method: "POST", body });
});

test("every asymmetric algorithm of the list counts, with keys from discovery or from jwks_uri", async (context) => {
  const issuer = await startTokenIssuer(context);
  const rule = { jwks_uri: `${issuer.issuer}/keys` };
  const policies = [jobsOf(issuer.issuer, rule)];
  const fixture = await startAccessFixture(context, [application("app", policies)]);
  const algorithms = ["RS512", "PS256", "PS384", "ES256", "ES384", "ES512", "EdDSA"];
  const pairs = await Promise.all(algorithms.map((alg) => keyOf(alg, `key-${alg}`)));
  issuer.keys.push(...pairs.map(({ jwk }) => jwk));
  for (const [index, alg] of algorithms.entries()) {
    const token = await issuer.token({}, { alg, kid: `key-${alg}` }, pairs[index]?.key);
    await fixture.passed("/", [header(token)]);
  }
  assert.deepEqual(issuer.requests, ["/keys"]);
});

test("one of several audiences is enough, and a valid token that no policy names is a 403", async (context) => {
  const claims = {
    repository: "acme/shop",
    ref: ["refs/heads/main", "refs/tags/v*"],
    environment: "prod*",
  };
  const { issuer, fixture } = await scene(context, { claims });
  const pass = async (more: Claims) => fixture.passed("/", [header(await issuer.token(more))]);
  await pass({});
  await pass({ aud: ["https://elsewhere.example", audience] });
  await pass({ ref: "refs/tags/v1.2" });
  for (const wrong of [
    { repository: "acme/shop2" },
    { repository: "evil/acme/shop" },
    { repository: "Acme/shop" },
    { repository: { "acme/shop": true } },
    { repository: undefined },
    { ref: "refs/heads/main2" },
    { ref: "refs/tags/v1/../../heads/main" },
    { environment: "staging" },
    { environment: ["staging", "development"] },
  ])
    await no({ fixture }, await issuer.token(wrong), "denied", 403);
  const refusals = fixture.fixture.events.filter(({ event }) => event === "request_refused");
  const [first] = refusals as unknown as Claims[];
  assert.equal(first?.["issuer"], issuer.issuer);
  assert.equal(first?.["subject"], "repo:acme/shop:ref:refs/heads/main");
  assert.equal(first?.["outcome"], "denied");
});

test("a token that is wrong is a 401 with one line that says why, and fetches nothing that it names itself", async (context) => {
  const other = await startTokenIssuer(context);
  const { issuer, fixture } = await scene(context);
  const own = await issuer.token();
  await fixture.passed("/", [header(own)]);
  const now = Math.floor(Date.now() / 1000);
  const publicPem = createPublicKey(issuer.privateKey).export({ type: "spki", format: "pem" });
  const [jwk] = other.keys;
  const theirs = { iss: issuer.issuer };
  const attempts: [error: string, token: string][] = [
    ["workload_token_malformed", unsigned({ alg: "none", kid: "k1" }, jobClaims(issuer.issuer))],
    ["workload_token_malformed", hmac(String(publicPem), jobClaims(issuer.issuer))],
    ["workload_token_malformed", await issuer.token({}, { kid: undefined })],
    ["workload_token_malformed", await issuer.token({}, { typ: "logout+jwt" })],
    ["workload_token_malformed", await issuer.token({ sub: "" })],
    ["workload_token_malformed", await issuer.token({ sub: undefined })],
    ["workload_token_malformed", await issuer.token({ exp: undefined })],
    ["workload_token_malformed", await issuer.token({ exp: -1 })],
    ["workload_token_malformed", await issuer.token({ exp: 1e308 })],
    ["workload_token_malformed", await issuer.token({ exp: String(now + 60) })],
    ["workload_token_expired", await issuer.token({ exp: now - 1 })],
    ["workload_token_early", await issuer.token({ nbf: now + 3600 })],
    ["workload_token_early", await issuer.token({ iat: now + 3600 })],
    ["workload_wrong_audience", await issuer.token({ aud: "https://elsewhere.example" })],
    ["workload_wrong_audience", await issuer.token({ aud: [] })],
    ["workload_wrong_audience", await issuer.token({ aud: [audience, 7] })],
    ["workload_wrong_audience", await issuer.token({ aud: undefined })],
    // Another issuer's key of the same name, and with its own keys in the header.
    ["workload_bad_signature", await other.token(theirs)],
    ["workload_bad_signature", await other.token(theirs, { jwk })],
    ["workload_bad_signature", await other.token(theirs, { jku: `${other.issuer}/keys` })],
    ["workload_bad_signature", await other.token(theirs, { x5u: `${other.issuer}/keys` })],
    ["workload_bad_signature", await other.token(theirs, { x5c: ["MIIB"] })],
    ["workload_bad_signature", await issuer.token({}, { alg: "PS256" })],
    ["workload_bad_signature", `${own.slice(0, -8)}AAAAAAAA`],
  ];
  for (const [error, token] of attempts) await no({ fixture }, token, error);
  // A token of an issuer that nobody names is no credential at all, as garbage is none.
  for (const token of [await other.token(), "garbage"]) {
    const { headers } = await fixture.refused(401, "/", [header(token)]);
    assert.equal(headers["cf-access-error"], "revoked");
  }
  assert.deepEqual(other.requests, []);
  assert.deepEqual(issuer.requests, ["/.well-known/openid-configuration", "/keys"]);
});

test("strangers cause no fetch but the first, and one a minute for names of keys that are new", async (context) => {
  const { issuer, fixture } = await scene(context);
  await fixture.refused(401, "/", [header(await issuer.token({ aud: "x" }))]);
  assert.deepEqual(issuer.requests, [], "what is wrong by its own words is not looked into");
  await fixture.passed("/", [header(await issuer.token())]);
  const fetches = () => issuer.requests.filter((path) => path === "/keys").length;
  const unknown = async (kid: string) =>
    no({ fixture }, await issuer.token({}, { kid }), "workload_bad_signature");
  for (let index = 0; index < 20; index++) await unknown(`kid-${index}`);
  assert.equal(fetches(), 1);
  fixture.fixture.clock.ahead += 61_000;
  for (let index = 0; index < 20; index++) await unknown(`late-${index}`);
  assert.equal(fetches(), 2);
});

test("a new key of the issuer is found, and one that it withdrew stops to count", async (context) => {
  const { issuer, fixture } = await scene(context);
  await fixture.passed("/", [header(await issuer.token())]);
  const { jwk, key } = await keyOf("ES256", "k2");
  issuer.keys = [jwk];
  fixture.fixture.clock.ahead += 2 * minute;
  const late = { exp: Math.floor(Date.now() / 1000) + 7200 };
  await fixture.passed("/", [header(await issuer.token(late, { alg: "ES256", kid: "k2" }, key))]);
  const old = await issuer.token(late, {});
  await no({ fixture }, old, "workload_bad_signature");
});

test("while an issuer is away its known keys serve on; who needs another key gets a 503", async (context) => {
  const { issuer, fixture } = await scene(context);
  const late = { exp: Math.floor(Date.now() / 1000) + 3 * 24 * 3600 };
  await fixture.passed("/", [header(await issuer.token(late))]);
  await issuer.close();
  fixture.fixture.clock.ahead += 20 * minute;
  await fixture.passed("/", [header(await issuer.token(late))]);
  const events = () => fixture.fixture.events.filter(({ event }) => event === "issuer_unusable");
  await until(() => events().length > 0);
  fixture.fixture.clock.ahead += 20 * minute;
  await no({ fixture }, await issuer.token(late, { kid: "k9" }), "workload_keys_unavailable", 503);
  await fixture.passed("/", [header(await issuer.token(late))]);
  fixture.fixture.clock.ahead += 25 * hour;
  await no({ fixture }, await issuer.token(late), "workload_keys_unavailable", 503);
  assert.match(JSON.stringify(events()), /ECONNREFUSED/);
});

test("an issuer that was never reached is a 503, and is asked again after a moment", async (context) => {
  const { issuer, fixture } = await scene(context);
  issuer.answers["/keys"] = (_request, response) => response.writeHead(500).end();
  const token = await issuer.token();
  for (let index = 0; index < 5; index++)
    await no({ fixture }, token, "workload_keys_unavailable", 503);
  assert.equal(issuer.requests.length, 2);
  delete issuer.answers["/keys"];
  fixture.fixture.clock.ahead += 11_000;
  await fixture.passed("/", [header(token)]);
});

test("an issuer with hostile answers has no keys: too long, redirected, another's, downgraded, odd", async (context) => {
  const { issuer, fixture } = await scene(context);
  const elsewhere = await startTokenIssuer(context);
  const token = await issuer.token();
  const discovery = "/.well-known/openid-configuration";
  const here = issuer.issuer;
  const cases: Record<string, [path: string, answer: TokenIssuer["answers"][string]]> = {
    "ten megabytes": ["/keys", (_, response) => void response.end("x".repeat(10_000_000))],
    redirect: [
      "/keys",
      (_, response) => void response.writeHead(302, { Location: `${elsewhere.issuer}/keys` }).end(),
    ],
    "another issuer's discovery": [
      discovery,
      (_, response) => json(response, { issuer: elsewhere.issuer, jwks_uri: `${here}/keys` }),
    ],
    "keys over plain http elsewhere": [
      discovery,
      (_, response) => json(response, { issuer: here, jwks_uri: "http://keys.example.test/" }),
    ],
    "no address": [discovery, (_, response) => json(response, { issuer: here, jwks_uri: 7 })],
    "no JSON": ["/keys", (_, response) => void response.end("<html>")],
    null: ["/keys", (_, response) => json(response, null)],
    "no list": ["/keys", (_, response) => json(response, { keys: { k1: {} } })],
  };
  for (const [what, [path, answer]] of Object.entries(cases)) {
    issuer.answers = { [path]: answer };
    fixture.fixture.clock.ahead += 11_000;
    const { status, body } = await fixture.ask("/", [header(token)]);
    assert.equal(status, 503, `${what}: ${body}`);
  }
  assert.deepEqual(elsewhere.requests, []);
  assert.equal(fixture.fixture.upstream.requests.length, 0);
  const odd = [
    null,
    7,
    { kid: "k1" },
    { kty: "oct", kid: "k1", k: "AAAA" },
    { kty: "RSA", kid: "k1", n: "A".repeat(9000), e: "AQAB" },
  ];
  issuer.answers = { "/keys": (_, response) => json(response, { keys: odd }) };
  fixture.fixture.clock.ahead += 11_000;
  await no({ fixture }, token, "workload_bad_signature");
  issuer.answers = { "/keys": (_, response) => json(response, { keys: [...odd, ...issuer.keys] }) };
  fixture.fixture.clock.ahead += 61_000;
  await fixture.passed("/", [header(await issuer.token())]);
});

test("a slow issuer holds up nobody whose key is known, and everybody else for one wait", async (context) => {
  const { issuer, fixture } = await scene(context);
  await fixture.passed("/", [header(await issuer.token())]);
  issuer.answers["/keys"] = () => {};
  fixture.fixture.clock.ahead += 2 * minute;
  const unknown = await issuer.token({}, { kid: "k9" });
  const waiting = [1, 2, 3].map(() => fixture.ask("/", [header(unknown)]));
  await until(() => issuer.requests.filter((path) => path === "/keys").length === 2);
  await fixture.passed("/", [header(await issuer.token())]);
  for (const { status } of await Promise.all(waiting)) assert.equal(status, 503);
  assert.equal(issuer.requests.filter((path) => path === "/keys").length, 2);
});

test("an issuer counts only where a policy names it as a program's: not at other applications, in exclude, or under allow", async (context) => {
  const issuer = await startTokenIssuer(context);
  const rule = {
    oidc_token: { issuer: issuer.issuer, audience, claims: { repository: "acme/shop" } },
  };
  const anyProgram = { name: "any", decision: "non_identity", include: [{ everyone: {} }] };
  const fixture = await startAccessFixture(context, [
    application("app", [anyProgram, jobsOf(issuer.issuer, { claims: { ref: "refs/tags/**" } })]),
    application("other", [machines]),
    application("excluded", [{ ...machines, exclude: [rule] }]),
    application("allowed", [{ name: "p", decision: "allow", include: [rule] }]),
    application("opened", [{ ...open, include: [rule] }]),
  ]);
  const token = await issuer.token();
  const { body } = await fixture.refused(403, "/", [header(token)]);
  assert.equal(JSON.parse(body).error, "denied", "everyone is not whoever has an account there");
  await fixture.passed("/", robotPair);
  for (const name of ["other", "excluded", "allowed", "opened"]) {
    const answer = await fixture.ask("/", [header(token)], { host: `${name}.localhost` });
    assert.ok([401, 403].includes(answer.status), `${name}: ${answer.status}`);
  }
  assert.equal(fixture.fixture.upstream.requests.length, 0);
});

test("a rule inside a group counts, and require and exclude hold for jobs as well", async (context) => {
  const issuer = await startTokenIssuer(context);
  const rule = {
    oidc_token: { issuer: issuer.issuer, audience, claims: { repository: "acme/**" } },
  };
  const staging = { ...rule.oidc_token, claims: { environment: "staging" } };
  const groups = [
    { id: "jobs", name: "jobs", include: [rule] },
    { id: "here", name: "here", include: [{ ip: { ip: "127.0.0.0/8" } }] },
    { id: "away", name: "away", include: [{ ip: { ip: "192.0.2.0/24" } }] },
  ];
  const policy = (network: string) => ({
    name: "jobs",
    decision: "non_identity",
    include: [{ group: { id: "jobs" } }],
    require: [{ group: { id: network } }],
    exclude: [{ oidc_token: staging }],
  });
  const fixture = await startAccessFixture(
    context,
    [application("app", [policy("here")]), application("away", [policy("away")])],
    { groups },
  );
  const token = await issuer.token();
  await fixture.passed("/", [header(token)]);
  await no({ fixture }, await issuer.token({ environment: "staging" }), "denied", 403);
  await fixture.refused(403, "/", [header(token)], { host: "away.localhost" });
});

test("a changed policy is in force for a token that was verified before, and an expired one stays out", async (context) => {
  const { issuer, fixture } = await scene(context);
  const token = await issuer.token();
  await fixture.passed("/", [header(token)]);
  const changed = jobsOf(issuer.issuer, { claims: { repository: "acme/other" } });
  await fixture.fixture.change({ applications: [application("app", [changed])] });
  await no({ fixture }, token, "denied", 403);
  await fixture.fixture.change({ applications: [application("app", [jobsOf(issuer.issuer)])] });
  await fixture.passed("/", [header(token)]);
  fixture.fixture.clock.ahead += 10 * minute;
  await no({ fixture }, token, "workload_token_expired");
});

test("a client that asks only whether its token holds is told 204, 401 or 403", async (context) => {
  const { issuer, fixture } = await scene(context);
  const check = "/?cloudflared_token_check=true";
  const status = async (claims: Claims) =>
    (await fixture.ask(check, [header(await issuer.token(claims))])).status;
  assert.equal(await status({}), 204);
  assert.equal(await status({ aud: "x" }), 401);
  assert.equal(await status({ repository: "x/y" }), 403);
  assert.equal(fixture.fixture.upstream.requests.length, 0);
});

function unsigned(header: object, claims: Claims): string {
  const parts = [header, claims].map((each) =>
    Buffer.from(JSON.stringify(each)).toString("base64url"),
  );
  return `${parts.join(".")}.AA`;
}

function hmac(secret: string, claims: Claims): string {
  const text = unsigned({ alg: "HS256", kid: "k1", typ: "JWT" }, claims).replace(/\.AA$/, "");
  return `${text}.${createHmac("sha256", secret).update(text).digest("base64url")}`;
}
