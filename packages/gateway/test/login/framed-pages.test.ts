// Which pages other sites may show in a frame: none, unless an application wants it for its own
// sign-in and refusals, and those of a terminal's approval never.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bob, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

const people = [{ name: "bob", decision: "allow", include: [{ email: { email: bob } }] }];
const application = (name: string, more = {}) => ({
  name,
  domain: `${name}.localhost`,
  policies: people,
  ...more,
});

/** Whether the page that somebody looks at may be framed. */
function isFramed({ page }: Person): boolean {
  const policy = String(page.headers["content-security-policy"]);
  const isAllowed = /frame-ancestors \*(?:;|$)/.test(policy);
  assert.ok(isAllowed || /frame-ancestors 'none'/.test(policy), policy);
  assert.equal(page.headers["x-frame-options"], isAllowed ? undefined : "DENY");
  return isAllowed;
}

test("an application that allows frames has its sign-in and its refusals in them, and others do not", async (context) => {
  const fixture = await startLoginFixture(context, {
    sections: {
      applications: [
        application("framed", { allow_iframe: true }),
        application("plain"),
        { ...application("open"), policies: [{ ...people[0], include: [{ everyone: {} }] }] },
      ],
    },
  });
  for (const [name, mayBe] of [
    ["framed", true],
    ["plain", false],
  ] as const) {
    const person = new Person();
    await person.open(`${fixture.app(name)}/`);
    assert.match(person.page.text, /Sign in/, name);
    assert.equal(isFramed(person), mayBe, `${name}: sign-in`);
    await fixture.signIn(`${fixture.app("open")}/`, undefined, person);
    await person.open(`${fixture.app(name)}/`);
    assert.match(person.page.text, /You don&#39;t have access|You don't have access/);
    assert.equal(isFramed(person), mayBe, `${name}: refused after the sign-in`);
  }
  const hosts = fixture.upstream.requests.map((request) => request.header("host"));
  assert.ok(hosts.every((host) => host?.startsWith("open.")));
});

test("a refusal on the application's host is in a frame where its application allows that", async (context) => {
  const far = [{ ...people[0], require: [{ ip: { ip: "192.0.2.0/24" } }] }];
  const fixture = await startLoginFixture(context, {
    sections: {
      applications: [
        { ...application("framed", { allow_iframe: true }), policies: far },
        { ...application("plain"), policies: far },
      ],
    },
  });
  for (const [name, mayBe] of [
    ["framed", true],
    ["plain", false],
  ] as const) {
    const person = new Person();
    await person.open(`${fixture.app(name)}/`);
    assert.equal(person.page.status, 403);
    assert.equal(isFramed(person), mayBe, name);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("what leads to the approval of a terminal is in no frame, whatever the application says", async (context) => {
  const fixture = await startLoginFixture(context, {
    sections: { applications: [application("framed", { allow_iframe: true })] },
  });
  const person = new Person();
  const query = new URLSearchParams({ aud: fixture.aud("framed"), token: `${"A".repeat(43)}=` });
  await person.open(`${fixture.app("framed")}/cdn-cgi/access/cli?${query}`);
  assert.match(person.page.text, /Sign in/);
  assert.equal(isFramed(person), false);
  const home = new Person();
  await home.open(`${fixture.team}/`);
  assert.equal(isFramed(home), false);
});
