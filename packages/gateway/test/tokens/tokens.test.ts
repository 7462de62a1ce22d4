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
  openTokenRoom,
  rs256,
  type TokenRoom,
} from "./token-room.ts";

const htu = "https://app.example.com/upload/";

/** A session, its application token, and that token verified once, as after a first request. */
async function visited(room: TokenRoom, lifetimeMs = 8 * hour) {
  const session = await room.session();
  const token = room.tokens.issueApp(session, room.application, lifetimeMs);
  const { aud } = room.application;
  assert.equal(
    room.tokens.cachedApp(token, aud),
    undefined,
    "nothing is known before the first request",
  );
  assert.ok((await room.tokens.verifyApp(token, aud)).ok);
  const cached = () => room.tokens.cachedApp(token, aud);
  assert.ok(cached()?.ok);
  return { session, token, aud, cached };
}

test("a person's tokens say who, for whom, since and until when, all in whole seconds", async (context) => {
  const room = await openTokenRoom(context);
  room.clock.now += 789;
  const session = await room.session();
  const common = {
    iss: "https://login.example.com",
    sub: session.user_id,
    iat: room.seconds(),
    nbf: room.seconds(),
    identity_nonce: session.id,
  };
  const app = room.tokens.issueApp(session, room.application, hour);
  assert.deepEqual(headerOf(app), { alg: "RS256", kid: (await room.signingKey()).kid, typ: "JWT" });
  assert.deepEqual(claimsOf(app), {
    ...common,
    type: "app",
    aud: [room.application.aud],
    email: ada,
    exp: room.seconds() + 3600,
    country: "NL",
    custom: {},
  });
  const org = claimsOf(room.tokens.issueOrg(session));
  assert.deepEqual(org, {
    ...common,
    type: "org",
    aud: [room.organizationTag],
    email: ada,
    exp: Math.floor(session.expires_at / 1000),
  });
  const pass = room.tokens.issuePass(session, room.application, htu, 10 * minute);
  assert.deepEqual(claimsOf(pass.token), {
    ...common,
    type: "pass",
    aud: [room.application.aud],
    exp: room.seconds() + 600,
    htu,
  });
  assert.equal(pass.expiresAt, (room.seconds() + 600) * 1000);
});

test("each token opens what it was issued for, and comes with its session", async (context) => {
  const room = await openTokenRoom(context);
  for (const session of [await room.session("browser"), await room.session("terminal")]) {
    const app = await room.tokens.verifyApp(
      room.tokens.issueApp(session, room.application, hour),
      room.application.aud,
    );
    const org = await room.tokens.verifyOrg(room.tokens.issueOrg(session));
    const pass = await room.tokens.verifyPass(
      room.tokens.issuePass(session, room.application, htu, minute).token,
      room.application.aud,
    );
    for (const verified of [app, org, pass]) {
      assert.ok(verified.ok, JSON.stringify(verified));
      assert.deepEqual(verified.session, session);
    }
  }
});

test("no token outlives its session, whatever lifetime was asked for", async (context) => {
  const room = await openTokenRoom(context);
  const session = await room.session();
  const end = Math.floor(session.expires_at / 1000);
  assert.equal(claimsOf(room.tokens.issueApp(session, room.application, 90 * day))["exp"], end);
  assert.equal(
    room.tokens.issuePass(session, room.application, htu, 90 * day).expiresAt,
    end * 1000,
  );
  room.clock.now = session.expires_at - minute;
  assert.equal(claimsOf(room.tokens.personAssertion(session, room.application))["exp"], end);
});

test("a terminal's session ends no later than the browser's that approved it", async (context) => {
  const room = await openTokenRoom(context);
  const browser = await room.session();
  room.clock.now += hour;
  const terminal = await room.session("terminal", browser);
  assert.equal(terminal.expires_at, browser.expires_at);
  assert.equal(claimsOf(room.tokens.issueOrg(terminal))["terminal"], true);
  assert.notEqual(terminal.id, browser.id);
});

test("configured claims are in the token, in their order, as many as fit into a cookie", async (context) => {
  const room = await openTokenRoom(context);
  const start = async (fields: Record<string, unknown>) => {
    const session = await room.sessions.start({
      kind: "browser",
      identity: identityOf(ada, fields),
      userAgent: "",
      lifetimeMs: hour,
    });
    const token = room.tokens.issueApp(session, room.application, hour);
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
  const room = await openTokenRoom(context);
  const { session, token, aud, cached } = await visited(room);
  const org = room.tokens.issueOrg(session);
  const pass = room.tokens.issuePass(session, room.application, htu, minute).token;
  assert.ok((await room.tokens.verifyOrg(org)).ok);
  await room.sessions.end(session.id);
  assert.equal(cached(), undefined);
  const revoked = { ok: false, fault: "revoked" };
  assert.deepEqual(await room.tokens.verifyApp(token, aud), revoked);
  assert.deepEqual(await room.tokens.verifyOrg(org), revoked);
  assert.deepEqual(await room.tokens.verifyPass(pass, aud), revoked);
  assert.equal(cached(), undefined, "and stays over");
});

test("a browser's sign-out is over for the terminals that it approved; a terminal's for itself alone", async (context) => {
  const room = await openTokenRoom(context);
  const browser = await visited(room);
  const terminals = [
    await room.session("terminal", browser.session),
    await room.session("terminal", browser.session),
  ] as const;
  const [one, two] = terminals.map((session) =>
    room.tokens.issueApp(session, room.application, hour),
  );
  const open = async (token = "") =>
    room.tokens.cachedApp(token, browser.aud)?.ok ??
    (await room.tokens.verifyApp(token, browser.aud)).ok;
  assert.deepEqual([await open(one), await open(two)], [true, true]);
  await room.sessions.end(terminals[0].id);
  assert.deepEqual(
    [await open(one), await open(two), await open(browser.token)],
    [false, true, true],
  );
  await room.sessions.end(browser.session.id);
  assert.deepEqual([await open(two), await open(browser.token)], [false, false]);
});

test("ending everything of a person ends nothing of others", async (context) => {
  const room = await openTokenRoom(context);
  const { session, cached } = await visited(room);
  const bob = await room.sessions.start({
    kind: "browser",
    identity: identityOf("bob@example.com"),
    userAgent: "",
    lifetimeMs: hour,
  });
  const bobs = room.tokens.issueApp(bob, room.application, hour);
  await room.sessions.endAllOf(session.user_id);
  assert.equal(cached(), undefined);
  assert.ok((await room.tokens.verifyApp(bobs, room.application.aud)).ok);
});

test("a session that ends while its token is being verified is not remembered as alive", async (context) => {
  const room = await openTokenRoom(context);
  const session = await room.session();
  const token = room.tokens.issueApp(session, room.application, hour);
  const read = room.store.session;
  room.store.session = async (id) => {
    const found = await read(id);
    room.store.session = read;
    await room.sessions.end(id);
    return found;
  };
  assert.deepEqual(await room.tokens.verifyApp(token, room.application.aud), {
    ok: false,
    fault: "revoked",
  });
  assert.equal(room.tokens.cachedApp(token, room.application.aud), undefined);
});

test("a session that another process ended is asked for again after its change was noticed", async (context) => {
  const room = await openTokenRoom(context);
  const { session, token, aud, cached } = await visited(room);
  await room.store.revokeSession(session.id, room.clock.now);
  assert.ok(cached()?.ok, "nobody has noticed yet");
  await room.tokens.refresh();
  assert.equal(cached(), undefined);
  assert.deepEqual(await room.tokens.verifyApp(token, aud), { ok: false, fault: "revoked" });
});

test("a token is forgotten the moment it expires (T9)", async (context) => {
  const room = await openTokenRoom(context);
  const { token, aud, cached } = await visited(room, hour);
  room.clock.now += hour - 1;
  assert.ok(cached()?.ok);
  room.clock.now += 1;
  assert.equal(cached(), undefined);
  assert.deepEqual(await room.tokens.verifyApp(token, aud), { ok: false, fault: "expired" });
});

test("a token is forgotten the moment its session expires, also one that says it lives longer", async (context) => {
  const room = await openTokenRoom(context);
  const { session, token, aud } = await visited(room);
  const { kid, privateKey } = await room.signingKey();
  const longer = forge(
    { alg: "RS256", kid },
    { ...claimsOf(token), exp: room.seconds() + 90 * 86_400 },
    rs256(privateKey),
  );
  assert.ok((await room.tokens.verifyApp(longer, aud)).ok);
  room.clock.now = session.expires_at - 1;
  assert.ok(room.tokens.cachedApp(longer, aud)?.ok);
  room.clock.now = session.expires_at;
  assert.equal(room.tokens.cachedApp(longer, aud), undefined);
  assert.deepEqual(await room.tokens.verifyApp(longer, aud), { ok: false, fault: "revoked" });
});

test("what is remembered of one application counts for no other (T1, T7)", async (context) => {
  const room = await openTokenRoom(context);
  const { token, cached } = await visited(room);
  assert.equal(room.tokens.cachedApp(token, "b".repeat(64)), undefined);
  assert.deepEqual(await room.tokens.verifyApp(token, "b".repeat(64)), {
    ok: false,
    fault: "wrong_audience",
  });
  assert.ok(cached()?.ok, "and the refusal does not disturb the one it is for");
});

test("what is remembered counts for the whole token: not for another that ends alike", async (context) => {
  const room = await openTokenRoom(context);
  const { token, aud } = await visited(room);
  const [header = "", , signature = ""] = token.split(".");
  const claims = { ...claimsOf(token), email: "root@example.com" };
  const other = `${header}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${signature}`;
  assert.equal(room.tokens.cachedApp(other, aud), undefined);
  assert.deepEqual(await room.tokens.verifyApp(other, aud), { ok: false, fault: "bad_signature" });
});

test("another team domain ends what was issued under the one before, at once", async (context) => {
  const room = await openTokenRoom(context);
  const { token, aud, cached } = await visited(room);
  const assertion = room.tokens.serviceAssertion(room.application, "robot");
  room.change({ issuer: "https://access.example.com" });
  assert.equal(cached(), undefined);
  assert.deepEqual(await room.tokens.verifyApp(token, aud), { ok: false, fault: "wrong_issuer" });
  assert.equal(room.tokens.isOurs(token), false);
  assert.equal(claimsOf(assertion)["iss"], "https://login.example.com");
  assert.equal(
    claimsOf(room.tokens.serviceAssertion(room.application, "robot"))["iss"],
    "https://access.example.com",
  );
});

test("assertions are signed once and handed out while they are good for a while", async (context) => {
  const room = await openTokenRoom(context);
  const session = await room.session();
  const person = () => room.tokens.personAssertion(session, room.application);
  const service = () => room.tokens.serviceAssertion(room.application, "robot");
  const first = [person(), service()];
  assert.deepEqual([person(), service()], first);
  const { exp, iat, sub, common_name, email, identity_nonce } = claimsOf(service());
  assert.deepEqual(
    [Number(exp) - Number(iat), sub, common_name, email, identity_nonce],
    [600, "", "robot", undefined, undefined],
  );
  assert.notEqual(room.tokens.serviceAssertion(room.application, "another"), first[1]);
  assert.notEqual(room.tokens.serviceAssertion(applicationWith("b".repeat(64)), "robot"), first[1]);
  room.clock.now += 9 * minute;
  assert.notEqual(person(), first[0], "the last minute is left unused");
  assert.notEqual(service(), first[1]);
});

test("the description of an application is signed once an hour, and names the team domain", async (context) => {
  const room = await openTokenRoom(context);
  const describe = (hostname: string) =>
    room.tokens.issueMatch({ hostname, aud: "aud", app_hostname: "*.example.com", login: true }) ??
    "";
  const first = describe("app.example.com");
  assert.deepEqual(claimsOf(first), {
    type: "match",
    hostname: "app.example.com",
    aud: "aud",
    app_hostname: "*.example.com",
    login: true,
    auth_domain: "login.example.com",
    iat: room.seconds(),
  });
  assert.equal(describe("app.example.com"), first);
  assert.notEqual(describe("other.example.com"), first);
  room.clock.now += hour;
  assert.notEqual(describe("app.example.com"), first);
});

test("what the login page was told about a request is ours, unchanged, and good for five minutes", async (context) => {
  const room = await openTokenRoom(context);
  const meta = {
    aud: "aud",
    hostname: "app.example.com",
    redirect_url: "/path?q",
    app_session: "hash",
  };
  const token = room.tokens.sealMeta(meta);
  const opened = { ...meta, type: "meta", iat: room.seconds(), exp: room.seconds() + 300 };
  assert.deepEqual(room.tokens.openMeta(token), opened);
  assert.deepEqual(
    (await room.another()).openMeta(token),
    opened,
    "also to a gateway that starts now",
  );
  const [header, , signature] = token.split(".");
  const changed = Buffer.from(
    JSON.stringify({ ...opened, redirect_url: "//evil.example" }),
  ).toString("base64url");
  assert.equal(room.tokens.openMeta(`${header}.${changed}.${signature}`), undefined);
  room.clock.now += 300_000;
  assert.equal(room.tokens.openMeta(token), undefined);
});

test("only a token with our issuer is ours, good or not (wire-protocol 3.4)", async (context) => {
  const room = await openTokenRoom(context);
  const token = room.tokens.issueApp(await room.session(), room.application, hour);
  assert.ok(room.tokens.isOurs(token));
  assert.ok(
    room.tokens.isOurs(`${token.split(".").slice(0, 2).join(".")}.AAAA`),
    "a wrong signature is for verifying to say",
  );
  for (const text of ["", "42", "eyJ", "eyJ.eyJ.eyJ", token.slice(1), `${token}.x`, "a.b.c"])
    assert.equal(room.tokens.isOurs(text), false, text);
});

test("strangers get so many signatures and no more, and what is signed already is still given out", async (context) => {
  const room = await openTokenRoom(context);
  const describe = (hostname: string) =>
    room.tokens.issueMatch({ hostname, aud: "aud", app_hostname: "*.example.com" });
  const first = describe("0.example.com");
  const service = room.tokens.serviceAssertion(room.application, "robot");
  const asked = Array.from({ length: 1_000 }, (_, index) => describe(`${index}.example.com`));
  assert.equal(asked.filter((token) => token !== undefined).length, 200);
  assert.equal(describe("0.example.com"), first);
  assert.equal(
    room.tokens.serviceAssertion(room.application, "robot"),
    service,
    "programs are not pushed out",
  );
  room.clock.now += 1_000;
  assert.notEqual(describe("later.example.com"), undefined);
});
