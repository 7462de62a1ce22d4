// What a terminal's link, or the sign-in page, wishes of the provider: whom to expect, and to ask
// again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";
import { type ProviderFixture, startProviderFixture } from "./provider-fixture.ts";

const key = `${"A".repeat(43)}=`;

/** What a terminal prints, with more arguments. */
function linkOf({ gateway, app }: ProviderFixture, more: Record<string, string>): string {
  const aud = gateway.aud("app.localhost");
  return `${app}/cdn-cgi/access/cli?${new URLSearchParams({ aud, token: key, ...more })}`;
}

/** The authorization requests that the provider got, without what is the attempt's own. */
function wishesAt({ provider }: ProviderFixture): (string | null)[][] {
  return provider
    .to("/authorize")
    .map(({ query }) => [query.get("login_hint"), query.get("prompt")]);
}

test("login_hint and prompt of a terminal's link reach the provider, whichever of them is there", async (context) => {
  const cases: Record<string, string>[] = [
    { login_hint: "ada@example.com" },
    { prompt: "select_account" },
    { prompt: "login consent", login_hint: "Ada Lovelace, größer & so=x" },
    { prompt: "login", redirect_url: "http://app.localhost/x?prompt=consent&login_hint=no" },
    {},
  ];
  for (const more of cases) {
    for (const explicit of [false, true]) {
      const fixture = await startProviderFixture(context, { explicit });
      const person = new Person();
      await person.open(linkOf(fixture, more));
      assert.equal(person.heading(), "Sign in to App", "the list is shown");
      assert.equal(fixture.provider.to("/authorize").length, 0);
      await person.press("Odd");
      const { login_hint = null, prompt = null } = more;
      assert.deepEqual(wishesAt(fixture), [[login_hint, prompt]]);
      assert.match(person.page.url, /\/cdn-cgi\/access\/cli\?/, person.page.text);
    }
  }
});

test("the list of providers is skipped as the application says, with the wishes", async (context) => {
  const fixture = await startProviderFixture(context, {
    sections: {
      applications: [
        {
          name: "App",
          domain: "app.localhost",
          auto_redirect_to_identity: true,
          allowed_idps: ["corp"],
          policies: [{ name: "all", decision: "allow", include: [{ everyone: {} }] }],
        },
      ],
    },
  });
  const wishes = { login_hint: "ada@example.com", prompt: "select_account" };
  const person = new Person();
  await person.open(linkOf(fixture, wishes));
  assert.deepEqual(wishesAt(fixture), [["ada@example.com", "select_account"]]);
  assert.match(person.page.url, /\/cdn-cgi\/access\/cli\?/);
});

test("who is signed in is asked by the provider again when the link says so, once", async (context) => {
  const fixture = await startProviderFixture(context);
  const person = await fixture.signIn();
  for (const prompt of ["login", "select_account", "consent"]) {
    await person.open(linkOf(fixture, { prompt }));
    assert.equal(person.heading(), "Sign in to App", prompt);
    await person.press("Odd");
    assert.equal(wishesAt(fixture).at(-1)?.[1], prompt);
    assert.match(person.page.url, /\/cdn-cgi\/access\/cli\?/);
    assert.doesNotMatch(person.page.url, /prompt/);
  }
  const before = fixture.provider.to("/authorize").length;
  await person.open(linkOf(fixture, { login_hint: "bob@example.com" }));
  assert.match(person.page.url, /\/cdn-cgi\/access\/cli\?/, "a hint alone asks nobody again");
  assert.equal(fixture.provider.to("/authorize").length, before);
});

test("the sign-in page takes the same wishes", async (context) => {
  const fixture = await startProviderFixture(context);
  const wishes = new URLSearchParams({ login_hint: "ada@example.com", prompt: "login" });
  const person = new Person();
  await person.open(`${fixture.gateway.team}/cdn-cgi/access/login?${wishes}`);
  await person.press("Odd");
  assert.deepEqual(wishesAt(fixture), [["ada@example.com", "login"]]);

  const other = new Person();
  const challenge = await other.ask(`${fixture.app}/x`);
  await other.open(`${challenge.location}&${wishes}`);
  await other.press("Odd");
  assert.deepEqual(wishesAt(fixture).at(-1), ["ada@example.com", "login"]);
  assert.equal(other.page.url, `${fixture.app}/x`);
});

test("the field for a one-time PIN has the hint in it", async (context) => {
  const pin = [{ id: "pin", name: "PIN", type: "onetimepin" }];
  const fixture = await startProviderFixture(context, { sections: { identity_providers: pin } });
  const person = new Person();
  await person.open(linkOf(fixture, { login_hint: `ada"><b>@example.com` }));
  assert.match(person.page.text, /name="email"[^>]* value="ada&quot;&gt;&lt;b&gt;@example\.com"/);
});

test("a link whose wishes cannot be carried out is refused, and reaches no provider", async (context) => {
  const fixture = await startProviderFixture(context);
  for (const more of [
    { prompt: "none" },
    { prompt: "everything" },
    { prompt: "login none" },
    { prompt: "login\u0000" },
    { login_hint: "x".repeat(255) },
    { login_hint: "é".repeat(128) },
    { login_hint: "ada\r\nSet-Cookie: x" },
    { login_hint: "moc.live\u202e@ada" },
    { login_hint: "ada\u2028@example.com" },
  ]) {
    const person = new Person();
    await person.open(linkOf(fixture, more));
    assert.equal(person.page.status, 400, JSON.stringify(more));
    assert.match(person.page.text, /login_hint|prompt/);
  }
  for (const name of ["prompt", "login_hint"]) {
    const person = new Person();
    await person.open(`${linkOf(fixture, {})}&${name}=login&${name}=login`);
    assert.equal(person.page.status, 400, name);
  }
  assert.deepEqual(fixture.provider.requests, []);
});

test("a wish that was added to a vouched link breaks it (L4)", async (context) => {
  const fixture = await startProviderFixture(context);
  const person = new Person();
  const vouched = await person.ask(linkOf(fixture, { login_hint: "ada@example.com" }));
  for (const change of [
    (url: URL) => url.searchParams.set("login_hint", "mallory@evil.test"),
    (url: URL) => url.searchParams.set("prompt", "login"),
    (url: URL) => url.searchParams.delete("login_hint"),
  ]) {
    const url = new URL(vouched.location ?? "");
    change(url);
    await person.open(url.href);
    assert.notEqual(person.page.status, 200);
  }
  assert.deepEqual(fixture.provider.requests, []);
});

test("a real provider takes the hint, and asks whoever it knows already", async (context) => {
  const accounts = { ada: { email: "ada@example.com", email_verified: true } };
  const fixture = await startLoginFixture(context, { accounts });
  const query = new URLSearchParams({
    aud: fixture.aud("app"),
    token: key,
    login_hint: "ada@example.com",
    prompt: "login",
  });
  const link = `${fixture.app("app")}/cdn-cgi/access/cli?${query}`;
  const person = new Person();
  for (let times = 0; times < 2; times++) {
    await person.open(link);
    await person.press("Example SSO");
    assert.equal(person.heading(), "Who are you?");
    const authorization = fixture.idp?.requests.findLast((line) => line.startsWith("GET /auth?"));
    assert.match(authorization ?? "", /login_hint=ada%40example\.com/);
    await person.press("Continue", { account: "ada" });
    assert.match(person.page.url, /\/cdn-cgi\/access\/cli\?/, person.page.text);
  }
});
