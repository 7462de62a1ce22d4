// Decisions are remembered, and never longer than what they depend on (cases T7, T8): each test
// changes one thing between two requests on one connection, whose token stays the same and good.
import assert from "node:assert/strict";
import { Agent, type IncomingMessage, request } from "node:http";
import { type TestContext, test } from "node:test";
import { simpleSections, startGateway } from "../../../../test/support/gateway.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import type { Authentication } from "../../src/access/authenticate.ts";
import { DecisionCache } from "../../src/access/decision-cache.ts";
import type { Catalog } from "../../src/catalog/catalog.ts";
import type { RequestFacts } from "../../src/catalog/request-facts.ts";
import { Person } from "../login/person.ts";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  machines,
  only,
  open,
  robotPair,
  serviceTokens,
  startAccessFixture,
} from "./access-fixture.ts";

interface Line {
  /** the status; a refusal means that the origin saw nothing, a 200 that it saw this one */
  status(headers: Record<string, string>, path?: string): Promise<number>;
}

/** One connection that stays: every request after the first must have used it. */
function connectionTo(
  context: TestContext,
  port: number,
  upstream: Upstream,
  host = "app.localhost",
): Line {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  context.after(() => agent.destroy());
  let asked = 0;
  return {
    async status(headers, path = "/") {
      const before = upstream.requests.length;
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        const sent = request(
          { host: "127.0.0.1", port, path, agent, headers: { Host: host, ...headers } },
          (answer) => {
            assert.equal(sent.reusedSocket, asked++ > 0, "the same connection");
            answer.resume();
            answer.once("end", () => resolve(answer));
          },
        );
        sent.once("error", reject);
        sent.end();
      });
      assert.equal(
        upstream.requests.length - before,
        response.statusCode === 200 ? 1 : 0,
        `${response.statusCode}`,
      );
      return response.statusCode ?? 0;
    },
  };
}

function lineTo(context: TestContext, { fixture }: AccessFixture): Line {
  return connectionTo(context, fixture.port, fixture.upstream);
}

const sections = (applications: unknown[], more: Record<string, unknown> = {}) => ({
  applications,
  service_tokens: serviceTokens,
  ...more,
});

test("a policy that is edited holds for the very next request, in both directions (T8)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const line = lineTo(context, access);
  const token = { "cf-access-token": await access.token("app") };
  const steps: [unknown[], number][] = [
    [[everybody], 200],
    [[only(bob)], 403],
    [[only(ada)], 200],
    [[{ ...only(ada), decision: "deny" }, everybody], 403],
    [[everybody, { ...only(ada), decision: "deny" }], 200],
    [[], 403],
    [[open], 200],
    [[{ ...everybody, exclude: [{ email: { email: ada } }] }], 403],
  ];
  for (const [policies, status] of steps) {
    await access.fixture.change(sections([application("app", policies)]));
    for (const time of ["first", "again"])
      assert.equal(await line.status(token), status, `${time}: ${JSON.stringify(policies)}`);
  }
});

test("who is taken out of a group is out of what the group opens, also through another group (T8)", async (context) => {
  const engineers = [
    { name: "engineers", decision: "allow", include: [{ group: { name: "staff" } }] },
  ];
  const groups = (emails: string[]) => [
    { name: "eng", include: emails.map((email) => ({ email: { email } })) },
    { name: "staff", include: [{ group: { name: "eng" } }] },
  ];
  const access = await startAccessFixture(context, [application("app", engineers)], {
    groups: groups([ada, bob]),
  });
  const line = lineTo(context, access);
  const adas = { Cookie: `CF_Authorization=${await access.token("app")}` };
  const bobs = { Cookie: `CF_Authorization=${await access.token("app", bob)}` };
  assert.deepEqual([await line.status(adas), await line.status(bobs)], [200, 200]);
  await access.fixture.change(sections([application("app", engineers)], { groups: groups([bob]) }));
  assert.deepEqual([await line.status(adas), await line.status(bobs)], [403, 200]);
  await access.fixture.change(sections([application("app", engineers)], { groups: groups([ada]) }));
  assert.deepEqual([await line.status(adas), await line.status(bobs)], [200, 403]);
});

test("a reusable policy that is edited holds in every application that links to it (T8)", async (context) => {
  const linked = [application("app", ["staff"]), application("app/x", ["staff"])];
  const access = await startAccessFixture(context, linked, {
    policies: [{ ...everybody, name: "staff" }],
  });
  const line = lineTo(context, access);
  const [first, second] = [
    { "cf-access-token": await access.token("app") },
    { "cf-access-token": await access.token("app/x") },
  ];
  assert.deepEqual([await line.status(first), await line.status(second, "/x")], [200, 200]);
  await access.fixture.change(sections(linked, { policies: [{ ...only(bob), name: "staff" }] }));
  assert.deepEqual([await line.status(first), await line.status(second, "/x")], [403, 403]);
});

test("a session that ends is over on the connection that it used, and for that session alone (T8, T17)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const line = lineTo(context, access);
  const [session, other] = [
    await access.fixture.session("browser"),
    await access.fixture.session("browser", bob),
  ];
  const token = await access.token("app", ada, session);
  const bobs = { "cf-access-token": await access.token("app", bob, other) };
  for (const headers of [{ "cf-access-token": token }, { Cookie: `CF_Authorization=${token}` }])
    assert.equal(await line.status(headers), 200);
  assert.equal(await line.status(bobs), 200);
  await access.fixture.parts.sessions.end(session.id);
  assert.equal(await line.status({ "cf-access-token": token }), 401);
  assert.equal(await line.status({ Cookie: `CF_Authorization=${token}` }), 302);
  assert.equal(await line.status({}, `/?token=${token}`), 302);
  assert.equal(await line.status(bobs), 200);
});

test("a logout on the application's own page is over for the very next request of every other client (T17)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const line = lineTo(context, access);
  const [browser, terminal] = [
    await access.fixture.session("browser"),
    await access.fixture.session("terminal"),
  ];
  const [inBrowser, inTerminal] = [
    await access.token("app", ada, browser),
    await access.token("app", ada, terminal),
  ];
  assert.deepEqual(
    [
      await line.status({ "cf-access-token": inBrowser }),
      await line.status({ "cf-access-token": inTerminal }),
    ],
    [200, 200],
  );
  const click = [
    "Sec-Fetch-Site: none",
    "Sec-Fetch-Mode: navigate",
    `Cookie: CF_Authorization=${inBrowser}`,
  ];
  assert.equal((await access.ask("/cdn-cgi/access/logout", click)).status, 200);
  assert.deepEqual(
    [
      await line.status({ "cf-access-token": inBrowser }),
      await line.status({ "cf-access-token": inTerminal }),
    ],
    [401, 401],
  );
});

test("a service token that is disabled, changed or taken away is a 401 for the very next request (T8)", async (context) => {
  const applications = [application("app", [machines])];
  const access = await startAccessFixture(context, applications);
  const line = lineTo(context, access);
  const pair = Object.fromEntries(robotPair.map((each) => each.split(": ") as [string, string]));
  const [robot] = serviceTokens;
  for (const [service_tokens, status] of [
    [serviceTokens, 200],
    [[{ ...robot, enabled: false }], 401],
    [serviceTokens, 200],
    [[{ ...robot, client_secret: "another" }], 401],
    [[], 401],
  ] as const) {
    await access.fixture.change({ applications, service_tokens });
    assert.equal(await line.status(pair), status, JSON.stringify(service_tokens));
  }
});

test("what one application decided is nothing to another, whatever they have in common (T7)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("app/b", [only(bob)]),
    application("app/bc", [open]),
  ]);
  const line = lineTo(context, access);
  const session = await access.fixture.session("browser");
  const [app, b] = [
    { "cf-access-token": await access.token("app", ada, session) },
    { "cf-access-token": await access.token("app/b", ada, session) },
  ];
  for (let round = 0; round < 2; round++) {
    assert.equal(await line.status(app), 200);
    assert.equal(await line.status(b, "/b"), 403);
    assert.equal(
      await line.status(app, "/b/x"),
      401,
      "a token of the wider application is none here",
    );
    assert.equal(await line.status(b, "/bd"), 401);
    assert.equal(await line.status(b, "/bc"), 200);
  }
});

test("what is remembered counts for one state of the whole configuration, also when a group alone changed", async (context) => {
  const applications = [
    application("app", [{ ...everybody, include: [{ group: { name: "g" } }] }]),
  ];
  const groupOf = (email: string) => [{ name: "g", include: [{ email: { email } }] }];
  const access = await startAccessFixture(context, applications, { groups: groupOf(ada) });
  const { fixture } = access;
  const decisions = new DecisionCache();
  const app = access.application("app");
  const session = await fixture.session("browser");
  const token = await access.token("app", ada, session);
  const proof = await fixture.parts.tokens.verifyApp(token, app.aud);
  assert.ok(proof.ok);
  const person: Authentication = {
    kind: "person",
    session,
    proof,
    via: "token",
    limits: undefined,
  };
  const under = (catalog: Catalog) => {
    const [app] = catalog.applications;
    assert.ok(app !== undefined);
    const facts = { catalog, clientIp: "192.0.2.7" } as RequestFacts;
    return decisions.decide(facts, app, person).outcome;
  };
  const before = fixture.parts.catalogs.current();
  await fixture.change(sections(applications, { groups: groupOf(bob) }));
  const after = fixture.parts.catalogs.current();
  assert.deepEqual(
    [under(before), under(before), under(after), under(before)],
    ["allow", "allow", "deny", "allow"],
  );
});

test("the same person at another address is decided anew, each time (T7)", async (context) => {
  const upstream = await startUpstream();
  const office = {
    name: "office",
    decision: "allow",
    include: [{ everyone: {} }],
    require: [{ ip: { ip: "10.0.0.0/8" } }],
  };
  const gateway = await startGateway({
    sections: {
      ...simpleSections(upstream.origin),
      applications: [application("app", [office])],
      trusted_proxies: ["127.0.0.1"],
    },
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const person = new Person();
  const headers = { "x-forwarded-for": "10.1.1.1" };
  let page = await person.ask(gateway.origin("app.localhost"), { headers });
  while (page.location !== undefined) page = await person.ask(page.location, { headers });
  for (const [label, values] of [
    ["Send me a code", () => ({ email: ada })],
    ["Sign in", () => ({ code: gateway.pin(ada) ?? "" })],
  ] as const) {
    const { url, ...pressed } = person.pressing(label, values(), page);
    page = await person.ask(url, { ...pressed, headers: { ...pressed.headers, ...headers } });
    while (page.location !== undefined) page = await person.ask(page.location, { headers });
  }
  assert.equal(page.status, 200);
  upstream.reset();

  const line = connectionTo(context, gateway.port, upstream, `app.localhost:${gateway.port}`);
  const cookie = {
    Cookie: `CF_Authorization=${person.cookiesOf("app.localhost").get("CF_Authorization")}`,
  };
  for (const [address, status] of [
    ["10.1.1.1", 200],
    ["203.0.113.9", 403],
    ["10.1.1.1", 200],
    ["10.2.2.2, 203.0.113.9", 403],
    ["10.2.2.2", 200],
    ["::1", 403],
  ] as const)
    assert.equal(await line.status({ ...cookie, "X-Forwarded-For": address }), status, address);
});
