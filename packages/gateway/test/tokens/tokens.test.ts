// What is issued, what is accepted, and what is forgotten at once: sessions that end, time that
// passes, a configuration that changes.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ada,
  applicationWith,
  claimsOf,
  day,
  forge,
  headerOf,
  hour,
  identityOf,
  minute,
  openTokenFixture,
  rs256,
  type TokenFixture,
} from "./token-fixture.ts";

const htu = "https://app.example.com/upload/";

/** A session, its application token, and that token verified once, as after a first request. */
async function visited(fixture: TokenFixture, lifetimeMs = 8 * hour) {
  const session = await fixture.session();
  const token = await fixture.tokens.issueApp(session, fixture.application, lifetimeMs);
  const { aud } = fixture.application;
  assert.equal(
    fixture.tokens.cachedApp(token, aud),
    undefined,
    "nothing is known before the first request",
  );
  assert.ok((await fixture.tokens.verifyApp(token, aud)).ok);
  const cached = () => fixture.tokens.cachedApp(token, aud);
  assert.ok(cached()?.ok);
  return { session, token, aud, cached };
}

test("a person's tokens say who, for whom, since and until when, all in whole seconds", async (context) => {
  const fixture = await openTokenFixture(context);
  fixture.clock.now += 789;
  const session = await fixture.session();
  const common = {
    iss: "https://login.example.com",
    sub: session.user_id,
    iat: fixture.seconds(),
    nbf: fixture.seconds(),
    identity_nonce: session.id,
  };
  const app = await fixture.tokens.issueApp(session, fixture.application, hour);
  assert.deepEqual(headerOf(app), {
    alg: "RS256",
    kid: (await fixture.signingKey()).kid,
    typ: "JWT",
  });
  assert.deepEqual(claimsOf(app), {
    ...common,
    type: "app",
    aud: [fixture.application.aud],
    email: ada,
    exp: fixture.seconds() + 3600,
    country: "NL",
    custom: {},
  });
  const org = claimsOf(await fixture.tokens.issueOrg(session));
  assert.deepEqual(org, {
    ...common,
    type: "org",
    aud: [fixture.organizationTag],
    email: ada,
    exp: Math.floor(session.expires_at / 1000),
  });
  const pass = await fixture.tokens.issuePass(session, fixture.application, htu, 10 * minute);
  assert.deepEqual(claimsOf(pass.token), {
    ...common,
    type: "pass",
    aud: [fixture.application.aud],
    exp: fixture.seconds() + 600,
    htu,
  });
  assert.equal(pass.expiresAt, (fixture.seconds() + 600) * 1000);
});

test("each token opens what it was issued for, and comes with its session", async (context) => {
  const fixture = await openTokenFixture(context);
  for (const session of [await fixture.session("browser"), await fixture.session("terminal")]) {
    const app = await fixture.tokens.verifyApp(
      await fixture.tokens.issueApp(session, fixture.application, hour),
      fixture.application.aud,
    );
    const org = await fixture.tokens.verifyOrg(await fixture.tokens.issueOrg(session));
    const pass = await fixture.tokens.verifyPass(
      (await fixture.tokens.issuePass(session, fixture.application, htu, minute)).token,
      fixture.application.aud,
    );
    for (const verified of [app, org, pass]) {
      assert.ok(verified.ok, JSON.stringify(verified));
      assert.deepEqual(verified.session, session);
    }
  }
});

test("no token outlives its session, whatever lifetime was asked for", async (context) => {
  const fixture = await openTokenFixture(context);
  const session = await fixture.session();
  const end = Math.floor(session.expires_at / 1000);
  assert.equal(
    claimsOf(await fixture.tokens.issueApp(session, fixture.application, 90 * day))["exp"],
    end,
  );
  assert.equal(
    (await fixture.tokens.issuePass(session, fixture.application, htu, 90 * day)).expiresAt,
    end * 1000,
  );
  fixture.clock.now = session.expires_at - minute;
  const token = await fixture.tokens.issueApp(session, fixture.application, 90 * day);
  const proof = await fixture.tokens.verifyApp(token, fixture.application.aud);
  assert.ok(proof.ok);
  assert.equal(claimsOf(await fixture.tokens.personAssertion(proof))["exp"], end);
});

test("a terminal's session ends no later than the browser's that approved it", async (context) => {
  const fixture = await openTokenFixture(context);
  const browser = await fixture.session();
  fixture.clock.now += hour;
  const terminal = await fixture.session("terminal", browser);
  assert.equal(terminal.expires_at, browser.expires_at);
  assert.equal(claimsOf(await fixture.tokens.issueOrg(terminal))["terminal"], true);
  assert.notEqual(terminal.id, browser.id);
});

test("configured claims are in the token, in their order, as many as fit into a cookie", async (context) => {
  const fixture = await openTokenFixture(context);
  const start = async (fields: Record<string, unknown>) => {
    const session = await fixture.sessions.start({
      kind: "browser",
      identity: identityOf(ada, fields),
      userAgent: "",
      lifetimeMs: hour,
    });
    const token = await fixture.tokens.issueApp(session, fixture.application, hour);
    return { token, custom: claimsOf(token)["custom"] };
  };
  const { custom } = await start({ roles: ["dev"], department: "research", salary: 1 });
  assert.deepEqual(custom, { department: "research", roles: ["dev"] });
  const wide = await start({ department: "研究", motto: "漢".repeat(700), roles: ["dev"] });
  assert.deepEqual(wide.custom, { department: "研究" }, "what is long in bytes is long");
  const full = await start({ department: "x".repeat(1700) });
  assert.ok(full.token.length < 4000, String(full.token.length));
});

test("a session that ends is over for the very next request (T17)", async (context) => {
  const fixture = await openTokenFixture(context);
  const { session, token, aud, cached } = await visited(fixture);
  const org = await fixture.tokens.issueOrg(session);
  const pass = (await fixture.tokens.issuePass(session, fixture.application, htu, minute)).token;
  assert.ok((await fixture.tokens.verifyOrg(org)).ok);
  await fixture.sessions.end(session.id);
  assert.equal(cached(), undefined);
  const revoked = { ok: false, fault: "revoked" };
  assert.deepEqual(await fixture.tokens.verifyApp(token, aud), revoked);
  assert.deepEqual(await fixture.tokens.verifyOrg(org), revoked);
  assert.deepEqual(await fixture.tokens.verifyPass(pass, aud), revoked);
  assert.equal(cached(), undefined, "and stays over");
});

test("a browser's sign-out is over for the terminals that it approved; a terminal's for itself alone", async (context) => {
  const fixture = await openTokenFixture(context);
  const browser = await visited(fixture);
  const terminals = [
    await fixture.session("terminal", browser.session),
    await fixture.session("terminal", browser.session),
  ] as const;
  const [one, two] = await Promise.all(
    terminals.map((session) => fixture.tokens.issueApp(session, fixture.application, hour)),
  );
  const open = async (token = "") =>
    fixture.tokens.cachedApp(token, browser.aud)?.ok ??
    (await fixture.tokens.verifyApp(token, browser.aud)).ok;
  assert.deepEqual([await open(one), await open(two)], [true, true]);
  await fixture.sessions.end(terminals[0].id);
  assert.deepEqual(
    [await open(one), await open(two), await open(browser.token)],
    [false, true, true],
  );
  await fixture.sessions.end(browser.session.id);
  assert.deepEqual([await open(two), await open(browser.token)], [false, false]);
});

test("ending everything of a person ends nothing of others", async (context) => {
  const fixture = await openTokenFixture(context);
  const { session, cached } = await visited(fixture);
  const bob = await fixture.sessions.start({
    kind: "browser",
    identity: identityOf("bob@example.com"),
    userAgent: "",
    lifetimeMs: hour,
  });
  const bobs = await fixture.tokens.issueApp(bob, fixture.application, hour);
  await fixture.sessions.endAllOf(session.user_id);
  assert.equal(cached(), undefined);
  assert.ok((await fixture.tokens.verifyApp(bobs, fixture.application.aud)).ok);
});

test("a session that ends while its token is being verified is not remembered as alive", async (context) => {
  const fixture = await openTokenFixture(context);
  const session = await fixture.session();
  const token = await fixture.tokens.issueApp(session, fixture.application, hour);
  const { sessions } = fixture.store;
  const read = sessions.find;
  sessions.find = async (id) => {
    const found = await read(id);
    sessions.find = read;
    await fixture.sessions.end(id);
    return found;
  };
  assert.deepEqual(await fixture.tokens.verifyApp(token, fixture.application.aud), {
    ok: false,
    fault: "revoked",
  });
  assert.equal(fixture.tokens.cachedApp(token, fixture.application.aud), undefined);
});

test("a session that another process ended is asked for again after its change was noticed", async (context) => {
  const fixture = await openTokenFixture(context);
  const { session, token, aud, cached } = await visited(fixture);
  await fixture.store.sessions.revoke(session.id, fixture.clock.now);
  assert.ok(cached()?.ok, "nobody has noticed yet");
  fixture.tokens.forgetSessions([session.id]);
  assert.equal(cached(), undefined);
  assert.deepEqual(await fixture.tokens.verifyApp(token, aud), { ok: false, fault: "revoked" });
});

test("a token is forgotten the moment it expires (T9)", async (context) => {
  const fixture = await openTokenFixture(context);
  const { token, aud, cached } = await visited(fixture, hour);
  fixture.clock.now += hour - 1;
  assert.ok(cached()?.ok);
  fixture.clock.now += 1;
  assert.equal(cached(), undefined);
  assert.deepEqual(await fixture.tokens.verifyApp(token, aud), { ok: false, fault: "expired" });
});

test("a token is forgotten the moment its session expires, also one that says it lives longer", async (context) => {
  const fixture = await openTokenFixture(context);
  const { session, token, aud } = await visited(fixture);
  const { kid, privateKey } = await fixture.signingKey();
  const longer = forge(
    { alg: "RS256", kid },
    { ...claimsOf(token), exp: fixture.seconds() + 90 * 86_400 },
    rs256(privateKey),
  );
  assert.ok((await fixture.tokens.verifyApp(longer, aud)).ok);
  fixture.clock.now = session.expires_at - 1;
  assert.ok(fixture.tokens.cachedApp(longer, aud)?.ok);
  fixture.clock.now = session.expires_at;
  assert.equal(fixture.tokens.cachedApp(longer, aud), undefined);
  assert.deepEqual(await fixture.tokens.verifyApp(longer, aud), { ok: false, fault: "revoked" });
});

test("what is remembered of one application counts for no other (T1, T7)", async (context) => {
  const fixture = await openTokenFixture(context);
  const { token, cached } = await visited(fixture);
  assert.equal(fixture.tokens.cachedApp(token, "b".repeat(64)), undefined);
  assert.deepEqual(await fixture.tokens.verifyApp(token, "b".repeat(64)), {
    ok: false,
    fault: "wrong_audience",
  });
  assert.ok(cached()?.ok, "and the refusal does not disturb the one it is for");
});

test("what is remembered counts for the whole token: not for another that ends alike", async (context) => {
  const fixture = await openTokenFixture(context);
  const { token, aud } = await visited(fixture);
  const [header = "", , signature = ""] = token.split(".");
  const claims = { ...claimsOf(token), email: "root@example.com" };
  const other = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`;
  assert.equal(fixture.tokens.cachedApp(other, aud), undefined);
  assert.deepEqual(await fixture.tokens.verifyApp(other, aud), {
    ok: false,
    fault: "bad_signature",
  });
});

test("another team domain ends what was issued under the one before, at once", async (context) => {
  const fixture = await openTokenFixture(context);
  const { token, aud, cached } = await visited(fixture);
  const assertion = await fixture.tokens.serviceAssertion(fixture.application, "robot");
  fixture.change({ issuer: "https://access.example.com" });
  assert.equal(cached(), undefined);
  assert.deepEqual(await fixture.tokens.verifyApp(token, aud), {
    ok: false,
    fault: "wrong_issuer",
  });
  assert.equal(fixture.tokens.isOurs(token), false);
  assert.equal(claimsOf(assertion)["iss"], "https://login.example.com");
  assert.equal(
    claimsOf(await fixture.tokens.serviceAssertion(fixture.application, "robot"))["iss"],
    "https://access.example.com",
  );
});

test("assertions are signed once and handed out while they are good for a while", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, application } = fixture;
  const { token, aud } = await visited(fixture);
  const person = async () => {
    const proof = tokens.cachedApp(token, aud) ?? (await tokens.verifyApp(token, aud));
    assert.ok(proof.ok);
    return tokens.personAssertion(proof);
  };
  const service = () => tokens.serviceAssertion(application, "robot");
  const first = [await person(), await service()];
  assert.deepEqual([await person(), await service()], first);
  assert.equal(typeof service(), "string", "what is signed waits for nothing");
  const { exp, iat, sub, common_name, email, identity_nonce, use } = claimsOf(await service());
  assert.deepEqual(
    [Number(exp) - Number(iat), sub, common_name, email, identity_nonce, use],
    [600, "", "robot", undefined, undefined, "assertion"],
  );
  assert.notEqual(await tokens.serviceAssertion(application, "another"), first[1]);
  assert.notEqual(
    await tokens.serviceAssertion(applicationWith("b".repeat(64)), "robot"),
    first[1],
  );
  fixture.clock.now += 9 * minute;
  assert.equal(await person(), first[0], "it lasts as long as the token");
  assert.notEqual(await service(), first[1], "the last minute is left unused");
});

test("an assertion says what the token says, is nobody's credential, and is signed once for all who ask at once", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, application } = fixture;
  for (const kind of ["browser", "terminal"] as const) {
    const session = await fixture.session(kind);
    const proofs = await Promise.all(
      [8 * hour, 8 * hour, 7 * hour].map(async (life) =>
        tokens.verifyApp(await tokens.issueApp(session, application, life), application.aud),
      ),
    );
    const assertions = await Promise.all(
      proofs.map((proof) => {
        assert.ok(proof.ok);
        return tokens.personAssertion(proof);
      }),
    );
    const [assertion = ""] = assertions;
    assert.deepEqual(new Set(assertions), new Set([assertion]), "one for the session");
    const [proof] = proofs;
    assert.ok(proof?.ok);
    const { terminal, ...claims } = proof.claims;
    assert.deepEqual(claimsOf(assertion), { ...claims, use: "assertion" });
    assert.deepEqual(await tokens.verifyApp(assertion, application.aud), {
      ok: false,
      fault: "wrong_type",
    });
    assert.ok((await tokens.verifyAssertion(assertion, application.aud)).ok);
    await fixture.sessions.end(session.id);
    assert.equal((await tokens.verifyAssertion(assertion, application.aud)).ok, false);
  }
});

test("an assertion from a moment when the clock was ahead is made anew, and none is dated in the future", async (context) => {
  const fixture = await openTokenFixture(context);
  const { tokens, application } = fixture;
  const { token, aud } = await visited(fixture);
  for (const ahead of [day, hour, 2_000]) {
    const service = () => tokens.serviceAssertion(application, `robot ${ahead}`);
    fixture.clock.now += ahead;
    const early = await service();
    fixture.clock.now -= ahead;
    const late = await service();
    assert.notEqual(late, early);
    assert.ok(Number(claimsOf(late)["iat"]) <= fixture.seconds());
  }
  fixture.clock.now -= 2_000;
  const proof = await tokens.verifyApp(token, aud);
  assert.ok(proof.ok);
  const { iat, nbf } = claimsOf(await tokens.personAssertion(proof));
  assert.deepEqual([iat, nbf], [fixture.seconds(), fixture.seconds()]);
});

test("sessions beyond the cache are verified and read again, and their end counts all the same", async (context) => {
  const fixture = await openTokenFixture(context, { cachedSessions: 2 });
  const { tokens, application, sessions } = fixture;
  const { aud } = application;
  const visits = [];
  for (let count = 0; count < 5; count++) {
    const session = await fixture.session();
    const token = await tokens.issueApp(session, application, hour);
    const proof = await tokens.verifyApp(token, aud);
    assert.ok(proof.ok);
    const assertion = await tokens.personAssertion(proof);
    visits.push({ session, token, assertion });
  }
  const cached = visits.map(({ token }) => tokens.cachedApp(token, aud) !== undefined);
  assert.deepEqual(cached, [false, false, false, true, true]);
  for (const { session, token, assertion } of visits) {
    const proof = await tokens.verifyApp(token, aud);
    assert.ok(proof.ok);
    assert.equal(await tokens.personAssertion(proof), assertion, "made anew it says the same");
    await sessions.end(session.id);
    assert.equal((await tokens.verifyApp(token, aud)).ok, false);
  }
});

test("the description of an application is signed once an hour, and names the team domain", async (context) => {
  const fixture = await openTokenFixture(context);
  const describe = async (hostname: string) =>
    (await fixture.tokens.issueMatch(
      { hostname, aud: "aud", app_hostname: "*.example.com", login: true },
      "192.0.2.1",
    )) ?? "";
  const first = await describe("app.example.com");
  assert.deepEqual(claimsOf(first), {
    type: "match",
    hostname: "app.example.com",
    aud: "aud",
    app_hostname: "*.example.com",
    login: true,
    auth_domain: "login.example.com",
    iat: fixture.seconds(),
  });
  assert.equal(await describe("app.example.com"), first);
  assert.notEqual(await describe("other.example.com"), first);
  fixture.clock.now += hour;
  assert.notEqual(await describe("app.example.com"), first);
});

test("what the login page was told about a request is ours, unchanged, and good for five minutes", async (context) => {
  const fixture = await openTokenFixture(context);
  const meta = {
    aud: "aud",
    hostname: "app.example.com",
    redirect_url: "/path?q",
    app_session: "hash",
  };
  const token = fixture.tokens.sealMeta(meta);
  const opened = { ...meta, type: "meta", iat: fixture.seconds(), exp: fixture.seconds() + 300 };
  assert.deepEqual(fixture.tokens.openMeta(token), opened);
  assert.deepEqual(
    (await fixture.another()).openMeta(token),
    opened,
    "also to a gateway that starts now",
  );
  const [header, , signature] = token.split(".");
  const changed = Buffer.from(
    JSON.stringify({ ...opened, redirect_url: "//evil.example" }),
  ).toString("base64url");
  assert.equal(fixture.tokens.openMeta(`${header}.${changed}.${signature}`), undefined);
  fixture.clock.now += 300_000;
  assert.equal(fixture.tokens.openMeta(token), undefined);
});

test("only a token with our issuer is ours, good or not (wire-protocol 3.4)", async (context) => {
  const fixture = await openTokenFixture(context);
  const token = await fixture.tokens.issueApp(await fixture.session(), fixture.application, hour);
  assert.ok(fixture.tokens.isOurs(token));
  assert.ok(
    fixture.tokens.isOurs(`${token.split(".").slice(0, 2).join(".")}.AAAA`),
    "a wrong signature is for verifying to say",
  );
  for (const text of ["", "42", "eyJ", "eyJ.eyJ.eyJ", token.slice(1), `${token}.x`, "a.b.c"])
    assert.equal(fixture.tokens.isOurs(text), false, text);
});

test("strangers get so many signatures and no more, and what is signed already is still given out", async (context) => {
  const fixture = await openTokenFixture(context);
  const describe = (hostname: string) =>
    fixture.tokens.issueMatch({ hostname, aud: "aud", app_hostname: "*.example.com" }, hostname);
  const first = await describe("0.example.com");
  const service = await fixture.tokens.serviceAssertion(fixture.application, "robot");
  const asked = await Promise.all(
    Array.from({ length: 1_000 }, (_, index) => describe(`${index}.example.com`)),
  );
  assert.equal(asked.filter((token) => token !== undefined).length, 200);
  assert.equal(await describe("0.example.com"), first);
  assert.equal(
    fixture.tokens.serviceAssertion(fixture.application, "robot"),
    service,
    "programs are not pushed out",
  );
  fixture.clock.now += 1_000;
  assert.notEqual(await describe("later.example.com"), undefined);
});
