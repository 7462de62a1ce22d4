// Tokens, keys and cookies in an attacker's hands, against the running data path (security-cases
// 2.3): whatever is presented, in whatever place, is nobody, and the origin has seen nothing. The
// checks one by one are tested in packages/gateway/test/tokens, the login's own cookies in
// login.test.ts.
import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  forged,
  hour,
  identityIn,
  machines,
  only,
  signingKey,
  startAccessFixture,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { headingOf, send } from "../../packages/gateway/test/login/person.ts";
import {
  claimsOf,
  forge,
  headerOf,
  rs256,
} from "../../packages/gateway/test/tokens/token-fixture.ts";

/** Every place in which a credential could stand. */
const places: [string, (token: string) => { path?: string; lines?: string[] }][] = [
  ["header", (token) => ({ lines: [`cf-access-token: ${token}`] })],
  ["cookie", (token) => ({ lines: [`Cookie: CF_Authorization=${token}`] })],
  ["argument", (token) => ({ path: `?token=${token}` })],
  ["Authorization", (token) => ({ lines: [`Authorization: Bearer ${token}`] })],
  ["assertion", (token) => ({ lines: [`Cf-Access-Jwt-Assertion: ${token}`] })],
  [
    "service token",
    (token) => ({ lines: [`CF-Access-Client-Id: ${token}`, `CF-Access-Client-Secret: ${token}`] }),
  ],
];

async function opensNothing(
  access: AccessFixture,
  token: string,
  what: string,
  path = "/",
  host = "app.localhost",
): Promise<void> {
  for (const [place, put] of places) {
    const { path: query = "", lines = [] } = put(token);
    const { status } = await access.ask(path + query, lines, { host });
    assert.ok(status === 302 || status === 401, `${what} in ${place}: ${status}`);
    assert.equal(
      access.fixture.upstream.requests.length,
      0,
      `${what} in ${place} reached the origin`,
    );
  }
}

async function opens(access: AccessFixture, token: string): Promise<void> {
  for (const [place, put] of places.slice(0, 3)) {
    const { path = "", lines = [] } = put(token);
    assert.equal(identityIn(await access.passed(`/${path}`, lines)), ada, place);
  }
}

/** What the origin gets of a request with this token: in a header, or a pass in its place. */
async function assertionAtOrigin(access: AccessFixture, token: string): Promise<string> {
  const isPass = claimsOf(token)["type"] === "pass";
  const path = isPass ? `/v1/x?token=${token}` : "/v1/x";
  const seen = await access.passed(path, isPass ? [] : [`cf-access-token: ${token}`]);
  const assertion = seen.header("cf-access-jwt-assertion") ?? "";
  assert.notEqual(assertion, token);
  assert.equal(claimsOf(assertion)["use"], "assertion");
  return assertion;
}

async function listener(context: TestContext): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((_request, response) => response.end());
  server.on("connection", () => asked++);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`,
    asked: () => asked,
  };
}

test("a token of another application opens nothing, also after it was used at its own (T1, T7)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("app/admin", [everybody]),
    application("app2", [everybody]),
  ]);
  const session = await access.fixture.session("browser");
  const tokens = new Map<string, string>();
  for (const name of ["app", "app/admin", "app2"])
    tokens.set(name, await access.token(name, ada, session));
  const at = (name: string) => ({
    host: name === "app2" ? "app2.localhost" : "app.localhost",
    path: name === "app/admin" ? "/admin" : "/",
  });
  for (const round of ["fresh", "used"]) {
    for (const [owner, token] of tokens) {
      for (const name of tokens.keys()) {
        const { host, path } = at(name);
        if (name === owner)
          assert.equal(
            identityIn(await access.passed(path, [`cf-access-token: ${token}`], { host })),
            ada,
          );
        else await opensNothing(access, token, `${round} ${owner} at ${name}`, path, host);
      }
    }
  }
});

test("what is signed for another purpose is no credential, on the data path or on our own pages (T2)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [machines, everybody])]);
  const { fixture } = access;
  const { tokens, sessions, store } = fixture.parts;
  const app = access.application("app");
  const [session, terminal] = [await fixture.session("browser"), await fixture.session("terminal")];
  const made = {
    org: await tokens.issueOrg(session),
    "a terminal's org": await tokens.issueOrg(terminal),
    pass: (await tokens.issuePass(session, app, "http://elsewhere.localhost/", hour)).token,
    match:
      (await tokens.issueMatch(
        { hostname: "app.localhost", aud: app.aud, app_hostname: "app.localhost" },
        "192.0.2.1",
      )) ?? "",
    meta: tokens.sealMeta({
      aud: app.aud,
      hostname: "app.localhost",
      redirect_url: "/",
      app_session: "",
    }),
    "a program's assertion": await tokens.serviceAssertion(app, "robot.access"),
    "a person's assertion": await assertionAtOrigin(
      access,
      await access.token("app", ada, session),
    ),
    "a terminal's assertion": await assertionAtOrigin(
      access,
      await access.token("app", ada, terminal),
    ),
    "a pass's assertion": await assertionAtOrigin(
      access,
      (await tokens.issuePass(session, app, "http://app.localhost/v1/", hour)).token,
    ),
  };
  const click = { "sec-fetch-site": "none", "sec-fetch-mode": "navigate" };
  for (const [what, token] of Object.entries(made)) {
    await opensNothing(access, token, what);
    for (const headers of [{ "cf-access-token": token }, { cookie: `CF_Authorization=${token}` }]) {
      assert.equal(
        (await send(`${fixture.app("app")}/cdn-cgi/access/get-identity`, { headers })).status,
        401,
        what,
      );
      const signOut = await send(`${fixture.app("app")}/cdn-cgi/access/logout`, {
        headers: { ...headers, ...click },
      });
      assert.equal(signOut.status, 200, "a page that says so");
    }
  }
  const appTokens = [await access.token("app", ada, session)];
  const { location = "" } = await send(`${fixture.app("app")}/`);
  for (const token of [...appTokens, ...Object.values(made).slice(2)]) {
    const headers = { cookie: `CF_Authorization=${token}`, accept: "text/html" };
    assert.equal(
      (await send(`${fixture.team}/cdn-cgi/access/get-identity`, { headers })).status,
      401,
    );
    assert.equal(
      headingOf(await send(location, { headers })),
      "Sign in to app",
      "the team domain knows org tokens alone",
    );
  }
  for (const { id } of [session, terminal])
    assert.equal(
      (await store.sessions.find(id))?.revoked_at,
      null,
      "nobody was signed out by any of it",
    );
  for (const token of appTokens) await opens(access, token);
  await sessions.end(session.id);
  for (const token of appTokens) await opensNothing(access, token, "after the end");
});

test("no algorithm but ours, no key but ours: a token that says otherwise opens nothing, and nothing is fetched (T3)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const good = await access.token("app");
  const [claims, header] = [claimsOf(good), headerOf(good)];
  const { kid } = header;
  const { url, asked } = await listener(context);
  const attacker = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const certs = JSON.parse((await access.ask("/cdn-cgi/access/certs")).body);
  const ours = createPublicKey({
    key: certs.keys.find((each: { kid: string }) => each.kid === kid),
    format: "jwk",
  });
  const hs256 = (secret: string | Buffer) => (input: string) =>
    createHmac("sha256", secret).update(input).digest();
  const jwk = { ...attacker.publicKey.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" };
  const x5c = [attacker.publicKey.export({ format: "der", type: "spki" }).toString("base64")];
  const theirs = rs256(attacker.privateKey);
  const tokens = {
    none: forge({ alg: "none", kid }, claims, () => Buffer.from("x")),
    "none, without a signature": forge({ alg: "none" }, claims, () => Buffer.alloc(0)),
    "no alg": forge({ kid }, claims, theirs),
    "an empty alg": forge({ alg: "", kid }, claims, theirs),
    "HS256 with the public PEM": forge(
      { alg: "HS256", kid },
      claims,
      hs256(ours.export({ format: "pem", type: "spki" })),
    ),
    "HS256 with the certificate": forge(
      { alg: "HS256", kid },
      claims,
      hs256(certs.public_cert.cert),
    ),
    "HS256 with nothing": forge({ alg: "HS256", kid }, claims, hs256("")),
    "ES256 of zeros": forge({ alg: "ES256", kid }, claims, () => Buffer.alloc(64)),
    "RS256 of zeros": forge({ alg: "RS256", kid }, claims, () => Buffer.alloc(256)),
    "their key under our kid": forge(header, claims, theirs),
    "a kid of their own": forge({ ...header, kid: url }, claims, theirs),
    "claims changed under the old signature": forge(
      header,
      { ...claims, email: "root@example.com" },
      () => Buffer.from(good.split(".")[2] ?? "", "base64url"),
    ),
    jwk: forge({ ...header, jwk }, claims, theirs),
    jku: forge({ ...header, jku: url }, claims, theirs),
    x5u: forge({ ...header, x5u: url }, claims, theirs),
    x5c: forge({ ...header, x5c }, claims, theirs),
    "all at once": forge(
      { alg: "RS256", kid: url, jwk, jku: url, x5u: url, x5c, crit: ["exp"], b64: false },
      claims,
      theirs,
    ),
    "a good signature under another name": forge(
      { alg: "none", kid },
      claims,
      rs256((await signingKey(access)).privateKey),
    ),
    "an issuer to ask": forge(header, { ...claims, iss: new URL(url).origin }, theirs),
  };
  for (const [what, token] of Object.entries(tokens)) await opensNothing(access, token, what);
  await opens(access, good);
  assert.equal(asked(), 0);
});

test("a token whose times are no times opens nothing, be it signed by us (T5)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const good = await access.token("app");
  const { kid, privateKey } = await signingKey(access);
  const signed = (changes: Record<string, unknown>) =>
    forge({ alg: "RS256", kid, typ: "JWT" }, { ...claimsOf(good), ...changes }, rs256(privateKey));
  const now = Math.floor(access.fixture.parts.now() / 1000);
  for (const exp of [
    1e300,
    "9999999999",
    String(now + 600),
    undefined,
    null,
    true,
    [now + 600],
    -1,
    0,
    now - 1,
  ]) {
    await opensNothing(access, signed({ exp }), `exp ${JSON.stringify(exp)}`);
  }
  for (const changes of [
    { nbf: now + 1e6 },
    { nbf: "0" },
    { iat: now + 1e6 },
    { iat: 1e300 },
    { iat: null },
  ])
    await opensNothing(access, signed(changes), JSON.stringify(changes));
  await opens(access, signed({ exp: now + 600.5 }));
});

test("no application can plant a session of ours or of somebody else in a browser (T10)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const planted = await access.token("app", bob);
  const ours = [
    `CF_Authorization=${planted}`,
    `CF_Authorization=${planted}; Domain=localhost; Path=/`,
    ` CF_Authorization =${planted}`,
    "CF_Authorization=; Max-Age=0",
    "CF_AppSession=abcdefghijklmnopqrstuvwxyz012345",
    "__Host-postern_attempt_x=1",
    "postern_x=1",
    // Without a name: browsers send back the value alone.
    `=CF_Authorization=${planted}`,
    ` = CF_AppSession=abcdefghijklmnopqrstuvwxyz012345; Path=/`,
    "=__Host-postern_browser=abcdefghijklmnopqrstuvwxyz012345; Secure; Path=/",
  ];
  access.fixture.upstream.answerWith((_request, response) =>
    response.setHeader("Set-Cookie", [...ours, "theme=dark"]).end(),
  );
  const answer = await access.ask("/", [`cf-access-token: ${await access.token("app")}`]);
  assert.equal(answer.status, 200);
  assert.equal(answer.headers["set-cookie"], "theme=dark");
});

test("a cookie tossed from a sibling host signs nobody in and, where it is worth nothing here, locks nobody out (T11)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("evil", [everybody]),
    application("app/bob", [only(bob)]),
  ]);
  const own = await access.token("app");
  const tossed = await access.token("app", bob);
  const cookies = (...values: string[]) => [
    `Cookie: ${values.map((value) => `CF_Authorization=${value}`).join("; ")}`,
  ];
  for (const values of [
    [tossed, own],
    [own, tossed],
    [own, own, tossed],
  ])
    await access.refused(403, "/", cookies(...values));
  const worthless = [
    await access.token("evil", bob),
    await access.token("app/bob", bob),
    forged(tossed),
    "x",
    "",
  ];
  for (const value of worthless)
    assert.equal(identityIn(await access.passed("/", cookies(value, own))), ada);
  assert.equal(identityIn(await access.passed("/", cookies(...worthless, own))), ada);
  await access.refused(
    302,
    "/",
    cookies(...Array.from({ length: 500 }, () => forged(tossed).slice(-100)), own),
  );
});

test("a malformed cookie or token is none: a redirect or a 401, never a crash and never a 200 (T12)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const good = await access.token("app");
  const [head = "", body = "", signature = ""] = good.split(".");
  const json = (text: string) => Buffer.from(text).toString("base64url");
  const values = [
    "",
    "%",
    "%00",
    "%zz",
    ".",
    "..",
    "a.b.c",
    '"',
    "=",
    "__proto__",
    "eyJ",
    "eyJ.eyJ.",
    `${head}.${body}`,
    `${head}.${body}.`,
    `${head}.${body}.${signature}.${signature}`,
    `${head}.${body}.${signature}==`,
    `${head}.${body}.${signature.slice(0, -2)}+/`,
    `"${good}"`,
    `${head.slice(1)}.${body}.${signature}`,
    `${head}.${json("[]")}.${signature}`,
    `${head}.${json('{"aud":')}.${signature}`,
    `${json('{"alg":"RS256","kid":{"toString":1}}')}.${body}.${signature}`,
    `${json('{"alg":"dir","enc":"A128GCM","zip":"DEF","p2c":1000000000}')}..x.y.z`,
    "\xff\xfe",
    "x".repeat(20_000),
  ];
  for (const value of values) {
    await opensNothing(
      access,
      value.replace(/[^!-~]|[#]/g, ""),
      JSON.stringify(value.slice(0, 60)),
    );
    for (const name of ["CF_Authorization", "CF_AppSession"])
      await access.refused(302, "/", [`Cookie: ${name}=${value}`]);
    await access.refused(401, "/", [
      `Cookie: CF_Authorization=${value}`,
      "Accept: application/json",
    ]);
  }
  for (const name of ["CF_Authorization", "CF_AppSession", "a"]) {
    await access.refused(431, "/", [`Cookie: ${name}=${"x".repeat(1_000_000)}`]);
    for (const control of ["\0", "\x01", "\x7f", "\r"])
      await access.refused(400, "/", [`Cookie: ${name}=x${control}y`]);
  }
  await access.refused(302, "/", ["Cookie: ", "Cookie: ;;;=;", "Cookie: CF_Authorization"]);
  await opens(access, good);
});

test("a person in five hundred groups has a token that a cookie can hold, and a browser that begins thirty logins one cookie (T13)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const groups = Array.from({ length: 500 }, (_, index) => `group-${index}-of-the-organization`);
  const identity = {
    ...identityOf(ada),
    groups,
    oidc_fields: { groups, motto: "x".repeat(5_000) },
  };
  const session = await access.fixture.parts.sessions.start({
    kind: "browser",
    identity,
    userAgent: "",
    lifetimeMs: hour,
  });
  const token = await access.token("app", ada, session);
  assert.ok(token.length < 4_000, String(token.length));
  await opens(access, token);
  const first = await access.refused(302, "/0");
  const [kept = ""] = (first.headers["set-cookie"] ?? "").split(";");
  for (let tab = 1; tab < 30; tab++)
    assert.equal(
      (await access.refused(302, `/${tab}`, [`Cookie: ${kept}`])).headers["set-cookie"],
      undefined,
    );
});
