// The login flow against what has gone wrong in programs like this one (security-cases 2.3 and
// 2.4). Where a request is refused, the application has seen nothing of it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { fragmentScript } from "../../packages/gateway/src/login/fragment.ts";
import {
  ada,
  applications,
  bob,
  type LoginFixture,
  startLoginFixture,
} from "../../packages/gateway/test/login/login-fixture.ts";
import { headingOf, Person, send } from "../../packages/gateway/test/login/person.ts";
import { hostileRedirects } from "./hostile-redirects.ts";

const corpAda = { email: ada, email_verified: true };

/**
 * The login page's address for a person who is signed in, as the application's host would give it.
 */
async function loginUrl(
  fixture: LoginFixture,
  person: Person,
  redirect: string,
  name = "app",
): Promise<URL> {
  await person.ask(`${fixture.app(name)}/`);
  const appSession = person.cookiesOf(`${name}.localhost`).get("CF_AppSession") ?? "";
  const app_session = createHash("sha256").update(appSession).digest("hex");
  const aud = fixture.aud(name);
  const meta = fixture.parts.tokens.sealMeta({
    aud,
    hostname: `${name}.localhost`,
    redirect_url: redirect,
    app_session,
  });
  const url = new URL(`${fixture.team}/cdn-cgi/access/login/${name}.localhost:${fixture.port}`);
  url.search = new URLSearchParams({ kid: aud, meta, redirect_url: redirect }).toString();
  return url;
}

async function signedIn(fixture: LoginFixture, email = ada): Promise<Person> {
  const person = new Person();
  person
    .cookiesOf("login.localhost")
    .set(
      "CF_Authorization",
      await fixture.parts.tokens.issueOrg(await fixture.session("browser", email)),
    );
  return person;
}

test("wherever a login was told to go, it ends on the application's host or nowhere (L1)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await signedIn(fixture);
  const own = `app.localhost:${fixture.port}`;
  let reached = 0;
  for (const redirect of hostileRedirects) {
    const login = await person.ask((await loginUrl(fixture, person, redirect)).href);
    if (login.location === undefined) {
      assert.equal(login.status, 400, redirect);
      for (const [, href = ""] of login.text.matchAll(/<a\b[^>]* href="([^"]*)"/g))
        assert.equal(new URL(href).host, own, redirect);
      continue;
    }
    assert.equal(new URL(login.location).host, own, redirect);
    const authorized = await person.ask(login.location);
    assert.ok(authorized.location !== undefined, redirect);
    assert.equal(new URL(authorized.location).host, own, redirect);
    assert.equal(
      new URL(authorized.headers.location ?? "").host,
      own,
      "absolute, so that nothing is left to be resolved",
    );
    reached += 1;
  }
  assert.ok(
    reached < hostileRedirects.length / 2,
    `${reached} of ${hostileRedirects.length} were harmless after parsing`,
  );
  // Who is let in asks for the front page while the next link is made; of the hostile addresses the
  // origin saw none.
  assert.deepEqual(new Set(fixture.upstream.requests.map(({ url }) => url)), new Set(["/"]));
});

test("a redirect_url that the application's host did not ask for is refused (L1, L3)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await signedIn(fixture);
  for (const redirect of hostileRedirects) {
    const url = await loginUrl(fixture, person, "/");
    url.searchParams.set("redirect_url", redirect);
    const answer = await person.ask(url.href);
    assert.equal(answer.status, 400, redirect);
    assert.equal(answer.location, undefined);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("every argument of the login link counts, and its time (L4)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await signedIn(fixture);
  const good = await loginUrl(fixture, person, "/x");
  assert.equal((await person.ask(good.href)).status, 302);
  const changes: ((url: URL) => void)[] = [
    (url) => url.searchParams.set("kid", fixture.aud("other")),
    (url) => url.searchParams.set("kid", "0".repeat(64)),
    (url) => url.searchParams.delete("kid"),
    (url) => url.searchParams.append("kid", fixture.aud("app")),
    (url) => url.searchParams.set("meta", `${good.searchParams.get("meta")}x`),
    (url) => url.searchParams.set("meta", ""),
    (url) => url.searchParams.delete("meta"),
    (url) => url.searchParams.append("meta", good.searchParams.get("meta") ?? ""),
    (url) => url.searchParams.set("redirect_url", "/y"),
    (url) => url.searchParams.delete("redirect_url"),
    (url) => url.searchParams.append("redirect_url", "/x"),
    (url) => {
      url.pathname = `/cdn-cgi/access/login/other.localhost:${fixture.port}`;
    },
    (url) => {
      url.pathname = "/cdn-cgi/access/login/app.localhost:1";
    },
    (url) => {
      url.pathname = `/cdn-cgi/access/login/evil.test:${fixture.port}`;
    },
  ];
  for (const change of changes) {
    const url = new URL(good);
    change(url);
    const answer = await person.ask(url.href);
    assert.equal(answer.status, 400, url.href);
    assert.deepEqual(answer.setCookies, []);
    assert.doesNotMatch(answer.text, /evil\.test/);
  }
  fixture.clock.ahead = 5 * 60_000 + 1_000;
  assert.equal((await person.ask(good.href)).status, 400);
  assert.equal(fixture.upstream.requests.length, 0);
});

test("every argument of the hand-over counts; it works once, for a minute, in the browser that began (L4, L5)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await signedIn(fixture);
  const handOver = async (to = "/x", name = "app") =>
    new URL((await person.ask((await loginUrl(fixture, person, to, name)).href)).location ?? "");
  const refused = async (url: URL, who: Person, why: string) => {
    const answer = await who.ask(url.href);
    assert.equal(answer.status, 400, why);
    assert.ok(!answer.setCookies.some((line) => line.startsWith("CF_Authorization=")), why);
  };
  const altered: [string, (url: URL, other: URL) => void][] = [
    [
      "nonce of another hand-over",
      (url, other) => url.searchParams.set("nonce", other.searchParams.get("nonce") ?? ""),
    ],
    [
      "state of another hand-over",
      (url, other) => url.searchParams.set("state", other.searchParams.get("state") ?? ""),
    ],
    [
      "state altered",
      (url) => {
        const state = url.searchParams.get("state") ?? "";
        const first = state.startsWith("A") ? "B" : "A";
        url.searchParams.set("state", `${first}${state.slice(1)}`);
      },
    ],
    ["no state", (url) => url.searchParams.delete("state")],
    ["no nonce", (url) => url.searchParams.delete("nonce")],
    ["two nonces", (url) => url.searchParams.append("nonce", "x")],
    ["another host", moveToOtherHost],
  ];
  for (const [why, change] of altered) {
    const url = await handOver();
    change(url, await handOver("/y"));
    await refused(url, person, why);
  }
  await refused(await handOver(), new Person(), "another browser");
  const late = await handOver();
  fixture.clock.ahead += 61_000;
  await refused(late, person, "too late");
  const good = await handOver();
  assert.equal((await person.ask(good.href)).location, `${fixture.app("app")}/x`);
  await refused(good, person, "used");
  assert.equal(fixture.upstream.requests.length, 0);
});

function moveToOtherHost(url: URL): void {
  url.hostname = "other.localhost";
}

test("an answer without its question starts no session (L5, H10)", async (context) => {
  const fixture = await startLoginFixture(context, { accounts: { ada: corpAda } });
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  await person.press("Example SSO");
  const { url, ...ask } = person.pressing("Continue", { account: "ada" });
  let hop = await person.ask(url, ask);
  while (hop.location !== undefined && !hop.location.startsWith(fixture.team))
    hop = await person.ask(hop.location);
  const callback = new URL(hop.location ?? "");
  const changed = (change: (url: URL) => void) => {
    const copy = new URL(callback);
    change(copy);
    return copy.href;
  };
  const refused = async (href: string, who: Person, why: string) => {
    const answer = await who.ask(href);
    assert.equal(answer.status, 400, `${why}: ${answer.text}`);
    assert.ok(!answer.setCookies.some((line) => line.startsWith("CF_Authorization=")), why);
  };
  await refused(
    changed((copy) => copy.searchParams.delete("state")),
    person,
    "no state",
  );
  await refused(
    changed((copy) => copy.searchParams.set("state", "")),
    person,
    "empty state",
  );
  await refused(
    changed((copy) => copy.searchParams.set("state", `${callback.searchParams.get("state")}x`)),
    person,
    "altered state",
  );
  await refused(
    changed((copy) => copy.searchParams.append("state", callback.searchParams.get("state") ?? "")),
    person,
    "two states",
  );
  await refused(
    changed((copy) => copy.searchParams.append("code", "x")),
    person,
    "two codes",
  );
  const other = new Person();
  await other.open(`${fixture.app("app")}/x`);
  await other.press("Example SSO");
  await refused(callback.href, other, "another browser's state");
  await refused(callback.href, new Person(), "no cookie");
  const head = await person.ask(callback.href, { method: "HEAD" });
  assert.equal(head.status, 405, "a look at the headers takes no answer");

  const good = await person.ask(callback.href);
  assert.ok(good.setCookies.some((line) => line.startsWith("CF_Authorization=")));
  await refused(callback.href, person, "used");
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a provider's answer that does not fit the question signs nobody in (L9)", async (context) => {
  const forge = (changes: Record<string, unknown>) => (path: string, body: string) => {
    if (path !== "/token") return body;
    const answer = JSON.parse(body);
    const [header, claims = "", signature] = String(answer.id_token).split(".");
    const changed = { ...JSON.parse(Buffer.from(claims, "base64url").toString()), ...changes };
    return JSON.stringify({
      ...answer,
      id_token: [
        header,
        Buffer.from(JSON.stringify(changed)).toString("base64url"),
        signature,
      ].join("."),
    });
  };
  const tampers: ((path: string, body: string) => string)[] = [
    forge({ nonce: "another" }),
    forge({ iss: "https://evil.test" }),
    forge({ aud: "somebody" }),
    forge({ email: "root@example.com" }),
    (path, body) =>
      path === "/token" ? body.replace(/("id_token":"[^".]+\.[^".]+\.)[^"]+"/, '$1AAAA"') : body,
  ];
  for (const [index, tamper] of tampers.entries()) {
    const fixture = await startLoginFixture(context, {
      accounts: { ada: corpAda },
      tamper,
      ...(index % 2 === 1 ? { corp: "explicit" as const, claimsInIdToken: true } : {}),
    });
    const person = new Person();
    await person.open(`${fixture.app("app")}/x`);
    await person.press("Example SSO");
    await person.press("Continue", { account: "ada" });
    assert.equal(person.page.status, 400, `${index}: ${person.page.text}`);
    assert.equal(person.cookiesOf("login.localhost").has("CF_Authorization"), false);
    assert.equal(fixture.upstream.requests.length, 0);
  }
});

test("only a verified, plain, whole email address of the provider counts (L10)", async (context) => {
  const accounts = Object.fromEntries(
    [
      "attacker@evil.com@corp.test",
      '"a@corp.test"@evil.com',
      "a@corp.test\n",
      " a@corp.test",
      "a@cоrp.test",
      "a@corp.test\u0000",
      "",
    ].map((email, index) => [`odd${index}`, { email, email_verified: true }]),
  );
  const unverified = { email: "a@corp.test", email_verified: false };
  const upper = { email: "a@CORP.TEST", email_verified: true };
  const [first] = applications();
  const corpOnly = [
    {
      ...first,
      policies: [
        { name: "corp", decision: "allow", include: [{ email_domain: { domain: "corp.test" } }] },
      ],
    },
  ];
  const fixture = await startLoginFixture(context, {
    accounts: { ...accounts, unverified, absent: {}, upper },
    sections: { applications: corpOnly },
  });
  for (const account of [...Object.keys(accounts), "unverified", "absent"]) {
    const person = new Person();
    await person.open(`${fixture.app("app")}/x`);
    await person.press("Example SSO");
    await person.press("Continue", { account });
    assert.equal(person.page.status, 403, account);
    assert.equal(person.heading(), "Your account cannot be used here");
    assert.equal(person.cookiesOf("login.localhost").has("CF_Authorization"), false);
  }
  assert.equal(fixture.upstream.requests.length, 0);
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  await person.press("Example SSO");
  await person.press("Continue", { account: "upper" });
  assert.equal(
    fixture.upstream.requests[0]?.header("cf-access-authenticated-user-email"),
    "a@corp.test",
  );
});

test("text from outside is text on every page, and no page allows a script but our own (L13, L14)", async (context) => {
  const payload = `"><script>alert(1)</script><img src=x onerror=alert(2)>'`;
  const [first, , third] = applications();
  const fixture = await startLoginFixture(context, {
    accounts: { ada: { ...corpAda, name: payload } },
    sections: {
      organization: {
        name: payload,
        login_design: {
          header_text: payload,
          footer_text: payload,
          logo_path: "javascript:alert(3)",
          background_color: "red;} </style><script>",
        },
      },
      applications: [
        { ...first, name: payload },
        { ...third, name: payload, custom_deny_message: payload },
      ],
    },
  });
  const encoded = encodeURIComponent(payload);
  const person = new Person();
  const pages = [
    await person.ask(`${fixture.app("app")}/${encoded}?q=${encoded}`),
    await person.open(`${fixture.app("app")}/${encoded.replaceAll("%2F", "")}?q=${encoded}`),
    await person.ask(`${fixture.team}/`),
    await person.ask(`${fixture.team}/cdn-cgi/access/${encoded}`),
    await person.ask(
      `${fixture.team}/cdn-cgi/access/callback?state=${encoded}&error=${encoded}&error_description=${encoded}`,
    ),
    await person.ask(
      `${fixture.team}/cdn-cgi/access/login/${encoded}?kid=${encoded}&meta=${encoded}&redirect_url=${encoded}`,
    ),
    await person.ask(
      `${fixture.app("app")}/cdn-cgi/access/authorized?nonce=${encoded}&state=${encoded}`,
    ),
    await person.press("Send me a code", { email: payload }),
    await person.press("Send me a code", { email: ada }),
    await person.press("Sign in", { code: payload }),
    (await signInTo(fixture, "bob")).page,
  ];
  assert.equal(headingOf(pages.at(-1) ?? pages[0] ?? person.page), "You don't have access");
  const hash = createHash("sha256").update(fragmentScript).digest("base64");
  const ownSource = `; script-src 'sha256-${hash}'`;
  for (const { url, text: whole, headers } of pages) {
    const text = whole.replace(`<script>${fragmentScript}</script>`, "");
    assert.doesNotMatch(text, /<script|<img src=x|javascript:/i, url);
    const policy = String(headers["content-security-policy"]).replace(ownSource, "");
    assert.match(policy, /default-src 'none'/, url);
    assert.match(policy, /frame-ancestors 'none'/, url);
    assert.doesNotMatch(policy, /unsafe|script-src/, url);
    assert.equal(headers["referrer-policy"], "no-referrer", url);
  }
});

async function signInTo(fixture: LoginFixture, name: string): Promise<Person> {
  return fixture.signIn(`${fixture.app(name)}/`, bob).then(async (person) => {
    // Bob may enter; Ada, in a browser of her own, may not.
    void person;
    const other = await signedIn(fixture);
    await other.open(`${fixture.app(name)}/`);
    return other;
  });
}

test("a cookie that a sibling host tossed at us does not decide who somebody is (T11)", async (context) => {
  const fixture = await startLoginFixture(context);
  const own = await fixture.parts.tokens.issueOrg(await fixture.session("browser", ada));
  const tossed = await fixture.parts.tokens.issueOrg(await fixture.session("browser", bob));
  const url = `${fixture.team}/cdn-cgi/access/get-identity`;
  const ask = (cookie: string) => send(url, { headers: { cookie } });
  assert.equal((await ask(`CF_Authorization=${own}`)).status, 200);
  assert.equal(
    (await ask(`CF_Authorization=${tossed}; CF_Authorization=${own}`)).status,
    401,
    "two persons at once are nobody",
  );
  const rescued = await ask(`CF_Authorization=garbage; CF_Authorization=${own}`);
  assert.equal(JSON.parse(rescued.text).email, ada);
});

test("a malformed cookie is no cookie: a login, a 401, never a crash or a 200 (T12)", async (context) => {
  const fixture = await startLoginFixture(context);
  const { location = "" } = await send(`${fixture.app("app")}/x`);
  for (const value of [
    "%",
    "",
    "%00",
    "a.b.c",
    "x".repeat(10_000),
    "eyJ.eyJ.",
    '"',
    "=;=;=",
    "__proto__",
  ]) {
    for (const name of [
      "CF_Authorization",
      "CF_AppSession",
      "postern_attempt_0123456789abcdef",
      "__Host-postern_attempt_x",
    ]) {
      const headers = { cookie: `${name}=${value}`, accept: "text/html" };
      const login = await send(location, { headers });
      assert.equal(headingOf(login), "Sign in to The API");
      assert.equal(
        (await send(`${fixture.team}/cdn-cgi/access/get-identity`, { headers })).status,
        401,
      );
      assert.equal(
        (await send(`${fixture.app("app")}/cdn-cgi/access/get-identity`, { headers })).status,
        401,
      );
      assert.equal(
        (await send(`${fixture.team}/cdn-cgi/access/callback?state=x&code=y`, { headers })).status,
        400,
      );
      assert.equal(
        (await send(`${fixture.team}/cdn-cgi/access/pin?attempt=0123456789abcdef`, { headers }))
          .status,
        400,
      );
    }
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a person in five hundred groups and thirty begun logins do not outgrow the cookies (T13)", async (context) => {
  const groups = Array.from({ length: 500 }, (_, index) => `group-${index}-of-the-organization`);
  const fixture = await startLoginFixture(context, { accounts: { ada: { ...corpAda, groups } } });
  const person = new Person();
  const long = `/x?${"q".repeat(2_000)}`;
  for (let starts = 0; starts < 30; starts++) {
    await person.open(`${fixture.app("app")}${long}`);
    await person.press(starts % 2 === 0 ? "Example SSO" : "Send me a code", {
      email: `p${starts}@example.com`,
    });
    const attempts = [...person.cookiesOf("login.localhost")].filter(([name]) =>
      name.includes("attempt"),
    );
    assert.equal(attempts.length, Math.min(starts + 1, 5));
  }
  await person.open(`${fixture.app("app")}${long}`);
  await person.press("Example SSO");
  await person.press("Continue", { account: "ada" });
  assert.equal(person.page.url, `${fixture.app("app")}${long}`);
  for (const host of ["login.localhost", "app.localhost"]) {
    const [, token = ""] =
      [...person.cookiesOf(host)].find(([name]) => name === "CF_Authorization") ?? [];
    assert.ok(token !== "" && token.length < 4_096, `${host}: ${token.length}`);
  }
  const identity = JSON.parse(
    (await person.ask(`${fixture.team}/cdn-cgi/access/get-identity`)).text,
  );
  assert.equal(identity.groups.length, 500);
});

test("forms that are broken, huge or of another kind get one clear page and change nothing (L15)", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(`${fixture.app("app")}/x`);
  const form = {
    "content-type": "application/x-www-form-urlencoded",
    "sec-fetch-site": "same-origin",
  };
  const { body } = person.pressing("Send me a code", { email: ada });
  const tries: [Record<string, string>, string][] = [
    [form, ""],
    [form, "{}"],
    [form, "target=x"],
    [form, `${body}&email=${bob}`],
    [form, `${body}&x=${"y".repeat(70_000)}`],
    [
      { ...form, "content-type": "application/json" },
      JSON.stringify(Object.fromEntries(new URLSearchParams(body))),
    ],
    [{ ...form, "content-type": "text/plain" }, body],
    [{ ...form, "sec-fetch-site": "cross-site" }, body],
  ];
  for (const path of ["/cdn-cgi/access/login", "/cdn-cgi/access/pin"]) {
    for (const [headers, sent] of tries) {
      const answer = await person.ask(`${fixture.team}${path}`, {
        method: "POST",
        headers,
        body: sent,
      });
      assert.equal(answer.status, 400, `${path} ${sent.slice(0, 60)}`);
      assert.deepEqual(answer.setCookies, []);
    }
  }
  assert.equal(fixture.pins.size, 0);
  assert.equal(fixture.upstream.requests.length, 0);
});
