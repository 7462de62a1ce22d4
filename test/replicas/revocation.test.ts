// Whatever is revoked, by the API of one gateway or beside both at the command line, is over at
// each gateway of the store: with the next request, and with what is open.
import assert from "node:assert/strict";
import { after, suite, type TestContext, test } from "node:test";
import { needsPostgresServer, startPostgres } from "../support/postgres.ts";
import { type Holder, isOver, type Revocation, startRevocation } from "./revocation-fixture.ts";

interface Scene extends Revocation {
  /** revokes, and waits until that is in force; says how long it took */
  over(what: Parameters<Revocation["isOver"]>, revoke: () => Promise<unknown>): Promise<void>;
}

for (const [store, options] of [
  ["a file of SQLite", {}],
  ["PostgreSQL", needsPostgresServer()],
] as const)
  suite(`two gateways with ${store}`, options, () => contract(store));

function contract(store: string): void {
  const endings: (() => unknown)[] = [];
  const shared = { after: (end: () => unknown) => endings.unshift(end) } as unknown as TestContext;
  let starting: Promise<Revocation> | undefined;
  const begin = async (): Promise<Revocation> => {
    const address =
      store === "PostgreSQL" ? (await startPostgres(shared as never)).url() : undefined;
    return startRevocation(shared, address);
  };
  after(async () => {
    for (const end of endings) await end();
  });
  const scene = async (context: TestContext): Promise<Scene> => {
    starting ??= begin();
    const revocation = await starting;
    return {
      ...revocation,
      async over(what, revoke) {
        await revoke();
        const begun = performance.now();
        await revocation.isOver(...what);
        context.diagnostic(`${Math.round(performance.now() - begun)} ms after it was done`);
      },
    };
  };

  const persons: Record<string, (scene: Scene, email: string, id: string) => Promise<unknown>> = {
    "by the API": ({ api }, email) => api.post("/access/organizations/revoke_user", { email }),
    "at the command line": ({ postern }, email) => postern("sessions", "revoke", "--person", email),
    "by removing them": ({ api }, _email, id) => api.delete(`/access/users/${id}`),
  };
  for (const [how, revoke] of Object.entries(persons))
    test(`a person who is revoked ${how} is out at both gateways, with every stream and grant, and nobody else is (T8)`, async (context) => {
      const all = await scene(context);
      const email = `ada-${how.replaceAll(" ", "-").toLowerCase()}@example.com`;
      const session = await all.begin(email);
      const own = await all.holderOf(session);
      const streams = await all.streams(own, await all.holderOf(session, "tcp"));
      const lent = await all.lend(session);
      const lentStreams = await all.streams(lent);
      const others = await all.holderOf(await all.begin("bob@example.com"));
      const othersStreams = await all.streams(others);

      await all.over([[...streams, ...lentStreams], own], () =>
        revoke(all, email, session.user_id),
      );
      await all.isOver([], lent);
      assert.deepEqual(await all.statuses(others), [200, 200]);
      assert.ok(!othersStreams.some(isOver), "nobody else is concerned");
    });

  test("whoever lists sessions at the command line sees those of every gateway, and what each is for", async (context) => {
    const { postern, begin, lend, api, applicationOf } = await scene(context);
    const session = await begin("fay@example.com");
    const { session: grant, id } = await lend(session);
    const person = ["--person", "fay@example.com"];
    const table = await postern("sessions", "list", ...person);
    const lines = table.trimEnd().split("\n");
    assert.match(lines[0] ?? "", /^SESSION +KIND +PERSON +AGE +LEFT +FOR$/);
    assert.match(lines[1] ?? "", /^[0-9a-f]{12} {2}grant +fay@example\.com +\d+m +\d+m +app$/);
    assert.equal(lines.length, 3);
    assert.ok(lines.every((line) => line.length <= 80));
    const only = [...person, "--application", "app.localhost", "--kind", "grant", "--json"];
    const listed = JSON.parse(await postern("sessions", "list", ...only));
    assert.equal(listed.total, 1);
    assert.equal(listed.sessions[0].id, grant?.id);
    assert.equal(listed.sessions[0].grant.id, id);
    assert.equal(await postern("sessions", "list", ...person, "--kind", "terminal"), "");
    const { result } = await api.get(
      `/access/sessions?user_uid=${session.user_id}&app_uid=${applicationOf("app").id}`,
    );
    assert.equal(result.length, 1);
  });

  const sessions: Record<string, (scene: Scene, holder: Required<Holder>) => Promise<unknown>> = {
    "by the API": ({ api }, { session: { user_id, id } }) =>
      api.delete(`/access/users/${user_id}/active_sessions/${id}`),
    "at the command line": ({ postern }, { session }) =>
      postern("sessions", "revoke", session.id.slice(0, 12)),
  };
  for (const [how, revoke] of Object.entries(sessions))
    test(`one session that is ended ${how} is over at both gateways, and the person's other one is not (T8)`, async (context) => {
      const all = await scene(context);
      const session = await all.begin("carol@example.com");
      const own = await all.holderOf(session);
      const streams = await all.streams(own, await all.holderOf(session, "tcp"));
      const other = await all.holderOf(await all.begin("carol@example.com"));
      const otherStreams = await all.streams(other);
      await all.over([streams, own], () => revoke(all, { ...own, session }));
      assert.deepEqual(await all.statuses(other), [200, 200]);
      assert.ok(!otherStreams.some(isOver));
    });

  const grants: Record<string, (scene: Scene, lent: Holder & { id: string }) => Promise<unknown>> =
    {
      "by the API": ({ api }, { session }) =>
        api.delete(`/access/users/${session?.user_id}/active_sessions/${session?.id}`),
      "at the command line": ({ postern }, { id }) => postern("sessions", "revoke", id),
    };
  for (const [how, revoke] of Object.entries(grants))
    test(`a grant that is ended ${how} is over at both gateways, and its person goes on (T8)`, async (context) => {
      const all = await scene(context);
      const session = await all.begin("dan@example.com");
      const own = await all.holderOf(session);
      const ownStreams = await all.streams(own);
      const lent = await all.lend(session);
      const streams = await all.streams(lent);
      await all.over([streams, lent], () => revoke(all, lent));
      assert.deepEqual(await all.statuses(own), [200, 200]);
      assert.ok(!ownStreams.some(isOver));
    });

  const applications: Record<string, (scene: Scene) => Promise<unknown>> = {
    "by the API": ({ api, applicationOf }) =>
      api.post(`/access/apps/${applicationOf("app").id}/revoke_tokens`),
    "at the command line": ({ postern }) => postern("sessions", "revoke", "--application", "app"),
  };
  for (const [how, revoke] of Object.entries(applications))
    test(`an application that is revoked ${how} is closed to all its tokens at both gateways, and others are not (T8)`, async (context) => {
      const all = await scene(context);
      const session = await all.begin("eve@example.com");
      const own = await all.holderOf(session);
      const streams = await all.streams(own);
      const lent = await all.lend(session);
      const lentStreams = await all.streams(lent);
      const elsewhere = await all.holderOf(session, "other");
      await all.over([[...streams, ...lentStreams], own], () => revoke(all));
      await all.isOver([], lent);
      assert.deepEqual(await all.statuses(elsewhere, "other"), [200, 200]);
      const fresh = await all.holderOf(session);
      assert.deepEqual(await all.statuses(fresh), [200, 200], "the person is signed in");
    });

  const tokens: Record<string, (scene: Scene, id: string, name: string) => Promise<unknown>> = {
    disabled: ({ api }, id, name) =>
      api.put(`/access/service_tokens/${id}`, { name, enabled: false }),
    "given another secret": ({ api }, id) => api.post(`/access/service_tokens/${id}/rotate`, {}),
    deleted: ({ api }, id) => api.delete(`/access/service_tokens/${id}`),
  };
  for (const [how, revoke] of Object.entries(tokens))
    test(`a service token that is ${how} is refused by both gateways, with its streams (T8)`, async (context) => {
      const all = await scene(context);
      const robot = await all.serviceToken(`robot to be ${how}`);
      const streams = await all.streams(robot, robot);
      const other = await all.serviceToken(`beside one that is ${how}`);
      const otherStreams = await all.streams(other);
      await all.over([streams, robot], () => revoke(all, robot.id, robot.name));
      assert.deepEqual(await all.statuses(other), [200, 200]);
      assert.ok(!otherStreams.some(isOver));
    });
}
