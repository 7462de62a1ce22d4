// `postern sessions`: who is signed in, and how that ends, asked of the store beside a gateway that
// runs on it.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { temporaryFolder } from "../../../../test/storage/backends.ts";
import { startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { until } from "../../../../test/support/until.ts";
import { startUpstream, type Upstream } from "../../../../test/support/upstream.ts";
import {
  listSessions,
  type RevocationWish,
  revokeSessions,
  type SessionListWish,
} from "../../src/admin/session-commands.ts";
import { openStore } from "../../src/storage/open-store.ts";
import type { StoredSession } from "../../src/storage/store.ts";
import { startGrant } from "../../src/tokens/start-grant.ts";
import { ada, application, bob, everybody, hour } from "../access/access-fixture.ts";
import { identityOf } from "../tokens/token-fixture.ts";

interface Fixture {
  gateway: TestGateway;
  upstream: Upstream;
  list(wish?: Partial<SessionListWish>): ReturnType<typeof listSessions>;
  revoke(wish: RevocationWish): ReturnType<typeof revokeSessions>;
  begin(email: string, more?: { parent?: StoredSession }): Promise<StoredSession>;
  /** a token of an application, as a sign-in gives it */
  tokenOf(session: StoredSession, name?: string): Promise<string>;
  lend(parent: StoredSession): ReturnType<typeof startGrant>;
  /** the gateway has come to refuse it, and the origin sees nothing more of it */
  refused(token: string, host?: string): Promise<void>;
  ask(token: string, host?: string): Promise<number>;
}

async function begin(context: TestContext): Promise<Fixture> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const store = join(temporaryFolder(context), "postern.db");
  const gateway = await startGateway({
    store,
    sections: {
      identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      ingress: [{ service: upstream.origin }],
      applications: [application("app", [everybody]), application("other", [everybody])],
    },
  });
  context.after(() => gateway.close());
  const { parts } = gateway;
  const beside = await openStore(store, randomBytes);
  context.after(() => beside.close());
  const command = {
    ...{ store: beside, catalog: parts.catalogs.current(), randomBytes },
    now: parts.now,
  };
  const applicationOf = (name: string) => {
    const found = parts.catalogs.current().applications.find((each) => each.name === name);
    assert.ok(found !== undefined);
    return found;
  };
  const ask = async (token: string, host = "app.localhost") => {
    upstream.reset();
    const lines = [`Host: ${host}:${gateway.port}`, `cf-access-token: ${token}`];
    const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", lines);
    assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
    return status;
  };
  return {
    gateway,
    upstream,
    list: (wish = {}) => listSessions(wish, command),
    revoke: (wish) => revokeSessions(wish, command),
    begin: (email, { parent } = {}) =>
      parts.sessions.start({
        kind: parent === undefined ? "browser" : "terminal",
        identity: identityOf(email),
        userAgent: "Firefox",
        lifetimeMs: 8 * hour,
        ...(parent === undefined ? {} : { parent }),
      }),
    async tokenOf(session, name = "app") {
      const target = applicationOf(name);
      await parts.store.sessions.noteApplication({ session_id: session.id, aud: target.aud });
      return parts.tokens.issueApp(session, target, hour);
    },
    lend: (parent) =>
      startGrant(
        { ...parts, randomBytes },
        {
          application: applicationOf("app"),
          htu: `${gateway.origin("app.localhost")}/`,
          scope: { methods: ["GET"], count: 3 },
          label: "nightly",
          lifetimeMs: hour,
          parent,
          userAgent: "ci",
        },
      ),
    ask,
    async refused(token, host) {
      await until(async () => (await ask(token, host)) === 401);
      assert.equal(await ask(token, host), 401);
    },
  };
}

type Listed = { sessions: Record<string, unknown>[]; total: number };

test("sessions are listed by person, application and kind, in lines that fit 80 columns", async (context) => {
  const { gateway, list, begin: start, tokenOf, lend } = await begin(context);
  const browser = await start(ada);
  await tokenOf(browser, "app");
  await tokenOf(browser, "other");
  gateway.clock.ahead += 3 * hour;
  const terminal = await start(ada, { parent: browser });
  await tokenOf(terminal);
  gateway.clock.ahead += 60_000;
  const { grant, session: lent } = await lend(browser);
  const long = `${"a-very-long-name".repeat(3)}@example.com`;
  gateway.clock.ahead += 60_000;
  await start(long);

  const { rows, remark } = await list();
  assert.equal(remark, undefined);
  assert.deepEqual(rows, [
    ["SESSION", "KIND", "PERSON", "AGE", "LEFT", "FOR"],
    [rows[1]?.[0], "browser", "a-very-long-namea-very-lo…", "0m", "8h", "-"],
    [lent.id.slice(0, 12), "grant", ada, "1m", "59m", "app (nightly)"],
    [terminal.id.slice(0, 12), "terminal", ada, "2m", "5h", "app"],
    [browser.id.slice(0, 12), "browser", ada, "3h", "5h", "app, other"],
  ]);

  const idsOf = async (wish: Partial<SessionListWish>) =>
    ((await list(wish)).json as Listed).sessions.map(({ id }) => id);
  assert.deepEqual(await idsOf({ person: "ADA@example.com" }), [lent.id, terminal.id, browser.id]);
  assert.deepEqual(await idsOf({ application: "other.localhost" }), [browser.id]);
  assert.deepEqual(await idsOf({ kind: "terminal", application: "app" }), [terminal.id]);
  const [shown] = ((await list({ kind: "grant" })).json as Listed).sessions;
  assert.deepEqual(shown?.["grant"], {
    id: grant.id,
    label: "nightly",
    url: `${gateway.origin("app.localhost")}/`,
    methods: ["GET"],
    uses_left: 3,
  });
  assert.equal(shown?.["approved_by"], browser.id);

  const two = await list({ limit: "2" });
  assert.equal((two.json as Listed).sessions.length, 2);
  assert.equal((two.json as Listed).total, 4);
  assert.equal(two.remark, "2 of 4 sessions; --limit lists more");
});

test("who looks for what is not there is told so", async (context) => {
  const { list, begin: start, revoke } = await begin(context);
  const nobody = await list();
  assert.deepEqual(nobody, {
    json: { sessions: [], total: 0 },
    rows: [],
    remark: "There is no session.",
  });
  const session = await start(ada);
  assert.equal(
    (await list({ person: ada, kind: "grant", application: "app" })).remark,
    `There is no grant session of ${ada} for app.`,
  );
  const complaints: [() => Promise<unknown>, RegExp][] = [
    [() => list({ person: "no@example.com" }), /nobody has ever signed in as "no@example\.com"/],
    [() => list({ kind: "robot" }), /"robot" is no kind of session; those are browser, terminal/],
    [() => list({ application: "apq" }), /no application "apq" is in effect, but app, other/],
    [() => list({ limit: "0" }), /--limit "0" is no whole number from 1/],
    [() => revoke({}), /say what is to be ended: an ID, --person or --application/],
    [() => revoke({ person: ada, application: "app" }), /say what is to be ended/],
    [() => revoke({ id: "12ab" }), /"12ab" is no id of a session or a grant/],
    [() => revoke({ id: "' or 1=1 --" }), /is no id of a session or a grant/],
    [() => revoke({ id: "123456abcdef" }), /there is no session or grant 123456abcdef/],
    [() => revoke({ person: "no@example.com" }), /nobody has ever signed in/],
    [() => revoke({ application: "apq" }), /no application "apq" is in effect/],
  ];
  for (const [ask, message] of complaints) await assert.rejects(ask, { code: "usage", message });
  await revoke({ id: session.id });
  await assert.rejects(revoke({ id: session.id }), { message: /or it has ended already/ });
});

test("a session, a grant, a person and an application are revoked beside the gateway, which refuses each (T8)", async (context) => {
  const fixture = await begin(context);
  const { gateway, begin: start, tokenOf, lend, ask, refused, revoke } = fixture;
  const browser = await start(ada);
  const own = await tokenOf(browser);
  const terminal = await start(ada, { parent: browser });
  const terminals = await tokenOf(terminal);
  const { grant, token: lent } = await lend(browser);
  const bobs = await start(bob);
  const bobsToken = await tokenOf(bobs);
  for (const token of [own, terminals, lent, bobsToken]) assert.equal(await ask(token), 200);

  const one = await revoke({ id: terminal.id.slice(0, 12) });
  assert.equal(one.text, `Ended the terminal session ${terminal.id.slice(0, 12)} of ${ada}`);
  await refused(terminals);
  const ended = await revoke({ id: grant.id });
  assert.match(ended.text, /^Ended the grant session [0-9a-f]{12} of ada@example\.com$/);
  await refused(lent);
  assert.equal(await ask(own), 200, "the person goes on");

  const another = await lend(browser);
  const person = await revoke({ person: ada });
  assert.equal(person.text, `Ended 2 sessions of ${ada}`);
  await refused(own);
  await refused(another.token);
  assert.equal((await revoke({ person: ada })).text, `Ended 0 sessions of ${ada}`);
  assert.equal(await ask(bobsToken), 200, "nobody else is concerned");

  const elsewhere = await tokenOf(bobs, "other");
  const bobsGrant = await lend(bobs);
  const { text } = await revoke({ application: "app" });
  assert.equal(
    text,
    "Revoked every token of app, and ended 1 grant; who is signed in and allowed gets another",
  );
  await refused(bobsToken);
  await refused(bobsGrant.token);
  assert.equal(await ask(elsewhere, "other.localhost"), 200, "another application");
  assert.equal(await ask(await tokenOf(bobs)), 200, "a new token");

  const { entries } = await gateway.parts.store.audit.page({
    ...{ since: 0, until: Number.MAX_SAFE_INTEGER, offset: 0, limit: 50 },
  });
  assert.deepEqual(
    entries
      .map(({ token_name, action, kind, name }) => [token_name, action, kind, name])
      .toReversed(),
    [
      ["postern sessions", "revoked", "terminal session", ada],
      ["postern sessions", "revoked", "grant session", ada],
      ["postern sessions", "revoked", "user", ada],
      ["postern sessions", "revoked", "user", ada],
      ["postern sessions", "revoked", "application", "app"],
    ],
  );
});
