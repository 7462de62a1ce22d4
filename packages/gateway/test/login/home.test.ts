// The team domain's front page: what a person may open, by the evaluation that lets them in.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bob, type LoginFixture, startLoginFixture } from "./login-fixture.ts";
import { Person } from "./person.ts";

const allow = (include: Record<string, unknown>[]) => [
  { name: "people", decision: "allow", include },
];
const everybody = allow([{ everyone: {} }]);
const application = (name: string, domain: string, policies: unknown = everybody, more = {}) => ({
  name,
  domain,
  policies,
  ...more,
});

/** The names and links on the page, in their order. */
function listOf({ page }: Person): [string, string | undefined][] {
  const items = page.text.matchAll(/<li>([\s\S]*?)<\/li>/g);
  return [...items].map(([, item = ""]) => [
    /class="name">([^<]*)</.exec(item)?.[1] ?? "",
    /<a href="([^"]*)"/.exec(item)?.[1],
  ]);
}

async function home(fixture: LoginFixture, email?: string): Promise<Person> {
  const person = await fixture.signIn(`${fixture.team}/cdn-cgi/access/login`, email);
  await person.open(`${fixture.team}/`);
  return person;
}

test("a person who is signed in finds the applications that they may open, by name, with links", async (context) => {
  const fixture = await startLoginFixture(context);
  const { port } = fixture;
  const others: [string, string][] = [
    ["Another", `http://other.localhost:${port}/`],
    ["The API", `http://app.localhost:${port}/`],
  ];
  assert.deepEqual(listOf(await home(fixture)), others);
  const [first, second] = others;
  const bobs = [first, ["Bob&#39;s", `http://bob.localhost:${port}/`], second];
  assert.deepEqual(listOf(await home(fixture, bob)), bobs);
  assert.equal(fixture.upstream.requests.length, 0, "the applications were not asked");
});

test("what policy does not admit them to is not named, nor what is not to be listed", async (context) => {
  const fixture = await startLoginFixture(context);
  const denyAda = {
    name: "no",
    decision: "deny",
    include: [{ email: { email: "ada@example.com" } }],
  };
  const programs = {
    name: "programs",
    decision: "non_identity",
    include: [{ any_valid_service_token: {} }],
  };
  await fixture.change({
    applications: [
      application("Denied", "denied.localhost", [denyAda, ...everybody]),
      application("Of programs", "programs.localhost", [programs]),
      application("Of another network", "far.localhost", [
        { ...everybody[0], require: [{ ip: { ip: "192.0.2.0/24" } }] },
      ]),
      application("Without policies", "none.localhost", []),
      application("Open to everybody", "open.localhost", [
        { name: "open", decision: "bypass", include: [{ everyone: {} }] },
      ]),
      application("Not to be listed", "hidden.localhost", everybody, {
        app_launcher_visible: false,
      }),
      application("Seen", "seen.localhost", everybody, { app_launcher_visible: true }),
    ],
  });
  const person = await home(fixture);
  assert.deepEqual(
    listOf(person).map(([name]) => name),
    ["Open to everybody", "Seen"],
  );
  for (const hidden of ["Denied", "Of programs", "Of another network", "Without policies"])
    assert.ok(!person.page.text.includes(hidden), hidden);
  assert.ok(!person.page.text.includes("Not to be listed"));
  await person.open(`${fixture.app("hidden")}/`);
  assert.equal(
    fixture.upstream.requests.length,
    1,
    "what is not listed can be opened all the same",
  );
});

test("a link leads to a domain without wildcards, and a pattern alone is no link", async (context) => {
  const fixture = await startLoginFixture(context);
  const at = (host: string) => `http://${host}:${fixture.port}`;
  await fixture.change({
    applications: [
      application("A", "*.sites.localhost", everybody, {
        destinations: [{ type: "public", uri: "plain.localhost/start" }],
      }),
      application("B", "*.other.localhost"),
      application("C", "c.localhost/files/*"),
      application("D", "d.localhost/v1*"),
    ],
  });
  assert.deepEqual(listOf(await home(fixture)), [
    ["A", `${at("plain.localhost")}/start`],
    ["B", undefined],
    ["C", `${at("c.localhost")}/files/`],
    ["D", `${at("d.localhost")}/v1`],
  ]);
});

test("no link leads to an address that is not the application's own", async (context) => {
  const fixture = await startLoginFixture(context);
  const at = (host: string) => `http://${host}:${fixture.port}`;
  const other = { destinations: [{ type: "public", uri: "plain.localhost/A/b;c" }] };
  await fixture.change({
    applications: [
      application("A", "a.localhost/teams/*/board"),
      application("B", "b.localhost/x*y/z"),
      application("C", "c.localhost/*.php"),
      application("D", "d.localhost/x/*/y", everybody, other),
      application("E", "e.localhost/v1*"),
      application("F", "e.localhost/v1"),
      application("G", "g.localhost/Files/%20x"),
    ],
  });
  assert.deepEqual(listOf(await home(fixture)), [
    ["A", undefined],
    ["B", undefined],
    ["C", undefined],
    ["D", `${at("plain.localhost")}/A/b;c`],
    ["E", undefined],
    ["F", `${at("e.localhost")}/v1`],
    ["G", `${at("g.localhost")}/Files/%20x`],
  ]);
});

test("tags narrow the list, and a picture stands for an application where pages can load it", async (context) => {
  const fixture = await startLoginFixture(context);
  await fixture.change({
    applications: [
      application("A", "a.localhost", everybody, {
        tags: ["ops", "finance & <more>"],
        logo_url: "https://img.example.com/a.svg",
      }),
      application("B", "b.localhost", everybody, {
        tags: ["ops"],
        logo_url: "http://x.test/b.png",
      }),
      application("C", "c.localhost", everybody, { logo_url: "https://x;sandbox/b.png" }),
      application("Hidden", "d.localhost", allow([{ email: { email: bob } }]), {
        tags: ["secret"],
      }),
    ],
  });
  const person = await home(fixture);
  const names = () => listOf(person).map(([name]) => name);
  assert.deepEqual(names(), ["A", "B", "C"]);
  assert.match(person.page.text, /<a href="\/" aria-current="page">All<\/a>/);
  assert.match(person.page.text, /finance &amp; &lt;more&gt;</);
  assert.doesNotMatch(person.page.text, /secret/, "a tag of others is not named");
  assert.match(person.page.text, /<img src="https:\/\/img\.example\.com\/a\.svg"/);
  assert.equal(person.page.text.match(/<img /g)?.length, 1);
  const policy = String(person.page.headers["content-security-policy"]);
  assert.match(policy, /img-src 'self' https:\/\/img\.example\.com;/);
  assert.doesNotMatch(policy, /sandbox/);

  const [, link = ""] = /<a href="([^"]*tag=finance[^"]*)"/.exec(person.page.text) ?? [];
  await person.open(`${fixture.team}${link}`);
  assert.deepEqual(names(), ["A"]);
  await person.open(`${fixture.team}/?tag=ops`);
  assert.deepEqual(names(), ["A", "B"]);
  await person.open(`${fixture.team}/?tag=secret`);
  assert.deepEqual(names(), ["A", "B", "C"]);
});

test("a bookmark is a link in the list for whom its policies fit, and nothing else", async (context) => {
  const fixture = await startLoginFixture(context);
  const bookmark = (name: string, domain: string, policies: unknown, more = {}) =>
    application(name, domain, policies, { type: "bookmark", ...more });
  await fixture.change({
    applications: [
      application("App", "app.localhost"),
      bookmark("Wiki", "https://wiki.example.com/start?x=1", everybody, { tags: ["docs"] }),
      bookmark("Bare", "status.example.com/now", everybody),
      bookmark("Bob's", "https://bob.example.com", allow([{ email: { email: bob } }])),
      bookmark("Nobody's", "https://none.example.com", []),
      bookmark("Hidden", "https://hidden.example.com", everybody, { app_launcher_visible: false }),
      bookmark("Here", "here.localhost", everybody),
    ],
  });
  const person = await home(fixture);
  assert.deepEqual(listOf(person), [
    ["App", `http://app.localhost:${fixture.port}/`],
    ["Bare", "https://status.example.com/now"],
    ["Here", "https://here.localhost/"],
    ["Wiki", "https://wiki.example.com/start?x=1"],
  ]);
  await person.open(`${fixture.team}/?tag=docs`);
  assert.deepEqual(
    listOf(person).map(([name]) => name),
    ["Wiki"],
  );
  await person.open(`http://here.localhost:${fixture.port}/`);
  assert.equal(person.page.status, 403);
  assert.match(person.page.text, /No application at this address/);
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a very long list is cut, and says how many more there are", async (context) => {
  const fixture = await startLoginFixture(context);
  const many = Array.from({ length: 103 }, (_, index) =>
    application(`App ${String(index).padStart(3, "0")}`, `a${index}.localhost`),
  );
  await fixture.change({ applications: many });
  const person = await home(fixture);
  assert.equal(listOf(person).length, 100);
  assert.match(person.page.text, /And 3 more applications/);
});

test("who may open nothing is told so, and what to do", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = await home(fixture);
  await fixture.change({
    applications: [application("Bob's", "bob.localhost", allow([{ email: { email: bob } }]))],
  });
  await person.open(`${fixture.team}/`);
  assert.deepEqual(listOf(person), []);
  assert.match(person.page.text, /There is nothing here for you yet/);
  assert.match(person.page.text, /ask the people who run it/);
  assert.match(person.page.text, />Sign out</);
});

test("a stranger is shown no application, and the way to sign in", async (context) => {
  const fixture = await startLoginFixture(context);
  const person = new Person();
  await person.open(`${fixture.team}/`);
  assert.deepEqual(listOf(person), []);
  assert.doesNotMatch(person.page.text, /The API|Another|Bob/);
  assert.match(person.page.text, /href="\/cdn-cgi\/access\/login">Sign in</);
});
