// One sign-in is enough for every host of an application (access-features 3.2), wildcards included,
// and each host gets a cookie of its own at its first visit.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ada, bob, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

const only = (email: string) => [{ name: "p", decision: "allow", include: [{ email: { email } }] }];

test("who has signed in at one host of an application is asked at no other one", async (context) => {
  const fixture = await startLoginFixture(context, {
    sections: {
      applications: [
        {
          name: "Wiki",
          destinations: [
            { uri: "wiki.localhost" },
            { uri: "handbook.localhost/pages" },
            { uri: "*.sites.localhost" },
          ],
          policies: only(ada),
        },
        { name: "Bob's", domain: "bob.sites.localhost", policies: only(bob) },
      ],
    },
  });
  const person = await fixture.signIn(`${fixture.app("wiki")}/`);
  const at = (host: string, path = "/") => `http://${host}:${fixture.port}${path}`;
  const hosts = ["wiki.localhost", "handbook.localhost", "a.sites.localhost", "b.sites.localhost"];
  for (const host of hosts) {
    const before = person.history.length;
    await person.open(at(host, "/pages"));
    assert.equal(person.page.status, 200, host);
    assert.equal(new URL(person.page.url).hostname, host);
    const seen = fixture.upstream.requests.at(-1);
    assert.equal(seen?.header("cf-access-authenticated-user-email"), ada);
    const asked = person.history.slice(before).filter(({ status }) => status === 200);
    assert.equal(asked.length, 1, `${host}: no page but the application's`);
  }
  const tokens = hosts.map((host) => person.jar.get(host)?.get("CF_Authorization"));
  assert.ok(tokens.every((token) => token !== undefined));

  const count = fixture.upstream.requests.length;
  await person.open(at("bob.sites.localhost"));
  assert.equal(person.page.status, 403, "the host of another application");
  const stranger = new Person();
  await stranger.open(at("a.sites.localhost"));
  assert.match(stranger.page.text, /Sign in to Wiki/);
  assert.equal(fixture.upstream.requests.length, count);
});
