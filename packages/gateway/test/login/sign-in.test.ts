// Signing in with a browser, from the application's first page and back to it, with each kind of
// provider.
import assert from "node:assert/strict";
import { test } from "node:test";
import { decodeToken } from "@postern/protocol";
import { codeIn } from "../../../../test/support/mail-server.ts";
import { ada, applications, bob, startLoginFixture } from "./login-fixture.ts";
import { headingOf, Person, send } from "./person.ts";

const corpAda = {
  email: "Ada@Example.com",
  email_verified: true,
  name: "Ada Lovelace",
  groups: ["engineering", ""],
  department: "R&D",
};

test("a person signs in with a code from the mail and gets to the page that was asked for", async (context) => {
  const fixture = await startLoginFixture(context, { mail: true });
  const person = new Person();
  await person.open(`${fixture.app("app")}/orders?open=1&x=%2F`);
  assert.equal(person.heading(), "Sign in to The API");
  await person.press("Send me a code", { email: ` ${ada.toUpperCase()} ` });
  assert.equal(person.heading(), "Enter your code");
  const message = await fixture.mail?.next(ada);
  assert.ok(
    message !== undefined && !message.subject.includes(codeIn(message)),
    "the code shows in no list of subjects",
  );
  await person.press("Sign in", { code: codeIn(message).replace(/^.../, "$& ") });
  assert.equal(person.page.status, 200, person.page.text);
  assert.equal(person.page.url, `${fixture.app("app")}/orders?open=1&x=%2F`);
  assert.equal(fixture.upstream.requests.length, 1);
  assert.equal(fixture.upstream.requests[0]?.url, "/orders?open=1&x=%2F");
  assert.equal(fixture.upstream.requests[0]?.header("cf-access-authenticated-user-email"), ada);
});

for (const [how, options] of [
  ["found by its issuer", {}],
  ["that states its three addresses", { corp: "explicit", claimsInIdToken: true }],
] as const) {
  test(`a person signs in at an OpenID Provider ${how}`, async (context) => {
    const fixture = await startLoginFixture(context, { accounts: { ada: corpAda }, ...options });
    const person = new Person();
    await person.open(`${fixture.app("app")}/x`);
    await person.press("Example SSO");
    assert.equal(person.heading(), "Who are you?");
    await person.press("Continue", { account: "ada" });
    assert.equal(person.page.url, `${fixture.app("app")}/x`, person.page.text);
    assert.equal(fixture.upstream.requests[0]?.header("cf-access-authenticated-user-email"), ada);
    const identity = JSON.parse(
      (await person.open(`${fixture.app("app")}/cdn-cgi/access/get-identity`)).text,
    );
    assert.equal(identity.name, "Ada Lovelace");
    assert.deepEqual(identity.groups, ["engineering"]);
    assert.deepEqual(identity.idp, { id: "corp", type: "oidc" });
    if (how === "found by its issuer")
      assert.deepEqual(identity.oidc_fields, { department: "R&D" });
    assert.ok(
      !Object.keys(identity).some((key) => /token$|secret/.test(key) && key !== "service_token"),
      "nothing of the provider's own is shown (L17)",
    );
  });
}

test("the provider's refusal is told in our own words, and nobody is signed in (L13)", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: corpAda } });
  const person = new Person();
  await person.open(fixture.app("app"));
  await person.press("Example SSO");
  await person.press("Cancel");
  assert.equal(person.page.status, 403);
  assert.equal(person.heading(), "You were not signed in");
  assert.ok(!person.page.text.includes("alert("));
  assert.equal(person.cookiesOf("login.localhost").has("CF_Authorization"), false);
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a provider that is down gives a page with a way on, not a stack trace", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: corpAda } });
  await fixture.idp?.close();
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  await person.press("Example SSO");
  assert.equal(person.page.status, 502);
  assert.match(person.page.text, /Start again/);
  assert.doesNotMatch(person.page.text, /ECONNREFUSED|127\.0\.0\.1|at .*\.ts/);
});

test("instant redirect goes to the one provider without a page of ours", async (context) => {
  const instant = {
    name: "The API",
    type: "self_hosted",
    domain: "app.localhost",
    session_duration: "8h",
    allowed_idps: ["corp"],
    auto_redirect_to_identity: true,
    policies: [{ name: "everybody", decision: "allow", include: [{ everyone: {} }] }],
  };
  const fixture = await startLoginFixture(context, {
    accounts: { ada: corpAda },
    sections: { applications: [instant] },
  });
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  assert.equal(person.heading(), "Who are you?");
  await person.press("Continue", { account: "ada" });
  assert.equal(person.page.url, `${fixture.app("app")}/x`);
});

test("two tabs sign in at once, and each ends where it began (L6)", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: corpAda } });
  const first = new Person();
  await first.open(`${fixture.app("app")}/first`);
  await first.press("Example SSO");
  const second = first.tab();
  await second.open(`${fixture.app("other")}/second`);
  await second.press("Send me a code", { email: ada });
  await second.press("Sign in", { code: fixture.pins.get(ada) ?? "" });
  assert.equal(second.page.url, `${fixture.app("other")}/second`);
  await first.press("Continue", { account: "ada" });
  assert.equal(first.page.url, `${fixture.app("app")}/first`);
  assert.equal((await second.open(`${fixture.app("other")}/again`)).status, 200);
});

test("who signed in with a provider that an application does not allow signs in anew there, and gets nowhere with what they have", async (context) => {
  const [api, ...others] = applications();
  const strict = (allowed_idps: string[]) => ({
    applications: [{ ...api, allowed_idps }, ...others],
  });
  const fixture = await startLoginFixture(context, {
    accounts: { ada: corpAda },
    sections: strict(["corp"]),
  });
  const person = await fixture.signIn(fixture.app("other"));
  fixture.upstream.reset();
  await person.open(`${fixture.app("app")}/x`);
  assert.equal(person.heading(), "Sign in to The API");
  assert.doesNotMatch(person.page.text, /Send me a code/);
  assert.equal(fixture.upstream.requests.length, 0);
  await person.press("Example SSO");
  await person.press("Continue", { account: "ada" });
  assert.equal(person.page.url, `${fixture.app("app")}/x`);
  assert.equal(fixture.upstream.requests.length, 1);

  // A token of before counts from the next request on as the list is then.
  const headers = { accept: "application/json", "sec-fetch-mode": "cors" };
  fixture.upstream.reset();
  for (const [allowed, expected] of [
    [["pin"], 403],
    [["corp", "pin"], 200],
    [[], 200],
  ] as const) {
    await fixture.change(strict([...allowed]));
    const { status } = await person.ask(`${fixture.app("app")}/y`, { headers });
    assert.equal(status, expected, allowed.join());
  }
  assert.equal(fixture.upstream.requests.length, 2);
});

test("who is signed in gets into the next application without a page", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  await person.open(`${fixture.app("other")}/x`);
  assert.equal(person.page.url, `${fixture.app("other")}/x`);
  assert.equal(fixture.upstream.requests.length, 2);
});

test("who is not allowed learns it with a ray id and can sign in as someone else; the old session is dead (T10)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await fixture.signIn(fixture.app("app"));
  fixture.upstream.reset();
  await person.open(`${fixture.app("bob")}/x`);
  assert.equal(person.page.status, 403);
  assert.equal(person.heading(), "You don't have access");
  for (const part of ["Bob&#39;s", ada, /Ray ID <code>[0-9a-f]{16}/])
    assert.match(person.page.text, new RegExp(part));
  assert.equal(fixture.upstream.requests.length, 0);
  const before = person.cookiesOf("login.localhost").get("CF_Authorization") ?? "";

  await person.press("Sign in as someone else");
  assert.equal(person.heading(), "Sign in to Bob's");
  assert.equal((await fixture.parts.tokens.verifyOrg(before)).ok, false);
  await person.press("Send me a code", { email: bob });
  await person.press("Sign in", { code: fixture.pins.get(bob) ?? "" });
  assert.equal(person.page.url, `${fixture.app("bob")}/x`, person.page.text);
  const after = person.cookiesOf("login.localhost").get("CF_Authorization") ?? "";
  assert.notEqual(
    decodeToken(after).claims["identity_nonce"],
    decodeToken(before).claims["identity_nonce"],
  );
  assert.equal(fixture.upstream.requests[0]?.header("cf-access-authenticated-user-email"), bob);
});

test("a session that was planted before the login is replaced by a new one (T10)", async (context) => {
  const fixture = await startLoginFixture(context);
  const planted = await fixture.session("browser", bob);
  const person = new Person();
  await person.open(`${fixture.app("bob")}/x`);
  person
    .cookiesOf("login.localhost")
    .set("CF_Authorization", await fixture.parts.tokens.issueOrg(planted));
  await person.press("Send me a code", { email: bob });
  await person.press("Sign in", { code: fixture.pins.get(bob) ?? "" });
  const token = person.cookiesOf("login.localhost").get("CF_Authorization") ?? "";
  assert.notEqual(decodeToken(token).claims["identity_nonce"], planted.id);
});

test("the cookies are for one host, out of reach of scripts, and say when they end", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  await person.press("Send me a code", { email: ada });
  const { url, ...ask } = person.pressing("Sign in", { code: fixture.pins.get(ada) ?? "" });
  const signedIn = await person.ask(url, ask);
  const org = signedIn.setCookies.find((line) => line.startsWith("CF_Authorization=")) ?? "";
  const authorized = await person.ask(signedIn.location ?? "");
  const app = authorized.setCookies.find((line) => line.startsWith("CF_Authorization=")) ?? "";
  for (const line of [org, app]) {
    assert.match(line, /; Path=\/(;|$)/);
    assert.match(line, /; Expires=\w{3}, \d\d \w{3} \d{4} [\d:]{8} GMT/);
    assert.match(line, /; HttpOnly/);
    assert.match(line, /; SameSite=Lax/);
    assert.doesNotMatch(line, /Domain=|Secure/i);
  }
  assert.equal(authorized.location, `${fixture.app("app")}/x`);
  assert.doesNotMatch(signedIn.location ?? "", /eyJ/, "no token stands in a URL");
});

test("a link that has expired offers a fresh start, which works", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  const challenge = await person.ask(`${fixture.app("app")}/deep?a=1`);
  fixture.clock.ahead = 6 * 60_000;
  const late = await person.open(challenge.location ?? "");
  assert.equal(late.status, 400);
  assert.equal(headingOf(late), "Please start again");
  const again =
    /<a class="button" href="([^"]+)"/.exec(late.text)?.[1]?.replaceAll("&amp;", "&") ?? "";
  assert.equal(again, `${fixture.app("app")}/deep?a=1`);
  await fixture.signIn(again, ada, person);
  assert.equal(person.page.url, `${fixture.app("app")}/deep?a=1`);
});

test("a page that stood open longer than its link still signs in", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  fixture.clock.ahead = 30 * 60_000;
  await person.press("Send me a code", { email: ada });
  await person.press("Sign in", { code: fixture.pins.get(ada) ?? "" });
  assert.equal(person.page.url, `${fixture.app("app")}/x`);
});

test("HEAD on the login page without a session is 200 and leaves nothing behind, whatever the cookie", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: corpAda }, noPin: true });
  const { location = "" } = await send(`${fixture.app("app")}/x`);
  for (const cookie of ["", "CF_Authorization=", "CF_Authorization=x.y.z"]) {
    const answer = await send(location, {
      method: "HEAD",
      headers: cookie === "" ? {} : { cookie },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.setCookies, []);
    assert.equal(answer.text, "");
    assert.equal(answer.headers["cf-access-aud"], fixture.aud("app"));
  }
  assert.deepEqual(fixture.idp?.requests, []);
});

test("a terminal exchanges its own token for an application's, by HEAD and GET, and nowhere else", async (context) => {
  const fixture = await startLoginFixture(context);
  const terminal = await fixture.session("terminal");
  const org = await fixture.parts.tokens.issueOrg(terminal);
  for (const method of ["HEAD", "GET"]) {
    const challenge = await send(`${fixture.app("app")}/x`, { method });
    const appSession = challenge.setCookies[0]?.split(";")[0] ?? "";
    const login = await send(challenge.location ?? "", {
      method,
      headers: { cookie: `CF_Authorization=${org}` },
    });
    assert.match(login.location ?? "", /\/cdn-cgi\/access\/authorized\?/);
    const authorized = await send(login.location ?? "", {
      method,
      headers: { cookie: appSession },
    });
    const token =
      /^CF_Authorization=([^;]+)/.exec(
        authorized.setCookies.find((line) => line.startsWith("CF_Auth")) ?? "",
      )?.[1] ?? "";
    const claims = decodeToken(token).claims;
    assert.deepEqual(
      [claims["type"], claims["terminal"], claims["identity_nonce"]],
      ["app", true, terminal.id],
    );
    assert.equal(
      (await send(`${fixture.app("app")}/x`, { headers: { "cf-access-token": token } })).status,
      200,
    );
  }
  // A browser that somebody gave the terminal's token is not signed in by it.
  const person = new Person();
  person.cookiesOf("login.localhost").set("CF_Authorization", org);
  await person.open(`${fixture.app("other")}/x`);
  assert.equal(person.heading(), "Sign in to Another");
  assert.equal((await person.ask(`${fixture.team}/cdn-cgi/access/get-identity`)).status, 401);
  const { location = "" } = await send(`${fixture.app("bob")}/x`);
  const denied = await send(location, {
    method: "HEAD",
    headers: { cookie: `CF_Authorization=${org}` },
  });
  assert.equal(denied.status, 403);
});

test("a terminal's request passes through login to its approval without a hand-over", async (context) => {
  const fixture = await startLoginFixture(context);
  const path = `/cdn-cgi/access/cli?aud=${fixture.aud("bob")}&token=${"A".repeat(43)}%3D`;
  const meta = fixture.parts.tokens.sealMeta({
    aud: fixture.aud("bob"),
    hostname: "bob.localhost",
    redirect_url: path,
    app_session: "",
  });
  const person = new Person();
  person
    .cookiesOf("login.localhost")
    .set(
      "CF_Authorization",
      await fixture.parts.tokens.issueOrg(await fixture.session("browser", bob)),
    );
  const query = new URLSearchParams({ kid: fixture.aud("bob"), meta, redirect_url: path });
  const answer = await person.ask(
    `${fixture.team}/cdn-cgi/access/login/bob.localhost:${fixture.port}?${query}`,
  );
  assert.equal(answer.location, `${fixture.app("bob")}${path}`);
  assert.deepEqual(answer.setCookies, []);
});

test("the team domain has a plain front page and a sign-in of its own", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(`${fixture.team}/`);
  assert.equal(person.heading(), "Test");
  await fixture.signIn(`${fixture.team}/cdn-cgi/access/login`, ada, person);
  assert.equal(person.page.url, `${fixture.team}/`);
  assert.match(person.page.text, new RegExp(ada));
});

test("an unknown address below the reserved prefix is our own 404, on every host", async (context) => {
  const fixture = await startLoginFixture(context);
  for (const host of [fixture.team, fixture.app("app")]) {
    for (const path of ["x", "login/", "authorized/x", "callback/y"]) {
      const answer = await send(`${host}/cdn-cgi/access/${path}`, {
        headers: { accept: "text/html" },
      });
      assert.ok(
        answer.status === 404 || answer.status === 400,
        `${host} ${path}: ${answer.status}`,
      );
    }
  }
  assert.equal(
    (await send(`${fixture.app("app")}/cdn-cgi/access/callback?state=x&code=y`)).status,
    404,
  );
  assert.equal(
    (await send(`${fixture.team}/cdn-cgi/access/authorized?nonce=x&state=y`)).status,
    404,
  );
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a provider is asked once how to speak with it, and again when its configuration has changed", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: corpAda } });
  const discoveries = () =>
    fixture.idp?.requests.filter((line) => line.includes("/.well-known/")).length;
  const begin = async () => {
    const person = new Person();
    await person.open(fixture.app("app"));
    await person.press("Example SSO");
    assert.equal(person.heading(), "Who are you?");
  };
  await begin();
  await begin();
  assert.equal(discoveries(), 1);
  const { issuer, clientId, clientSecret } = fixture.idp ?? {};
  const config = { issuer, client_id: clientId, client_secret: clientSecret, scopes: ["openid"] };
  await fixture.change({
    identity_providers: [{ id: "corp", name: "Example SSO", type: "oidc", config }],
  });
  await begin();
  assert.equal(discoveries(), 2);
});
