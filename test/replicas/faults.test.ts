// What fails beside gateways of one PostgreSQL database: one of them, the database, the way
// between. Nothing that was confirmed is lost, and whoever signs in gets there by loading the page
// again.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { startPostern, temporaryHome } from "../support/cli.ts";
import { needsNamespaces, startNamespace } from "../support/network-namespace.ts";
import { needsPostgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { appHost, loginHost, type Replicas, startReplicas } from "./replicas-fixture.ts";

/** How long a way is cut, milliseconds. */
const cutMs = 10_000;

/** Signs people in one after the other, several at once, until it is ended. */
function crowd({ signIn }: Replicas) {
  const people: Person[] = [];
  let isEnding = false;
  const walk = async (name: string) => {
    for (let nth = 0; !isEnding; nth++) people.push(await signIn(`${name}-${nth}@example.com`));
  };
  const walks = ["ada", "bob", "eve"].map(walk);
  return {
    people,
    /** everybody who has begun is in */
    async end(): Promise<Person[]> {
      isEnding = true;
      await Promise.all(walks);
      return people;
    },
  };
}

async function assertAllIn(replicas: Replicas, people: readonly Person[]): Promise<void> {
  for (const person of people)
    for (const replica of [replicas.one, replicas.two])
      assert.equal(await replicas.visit(person, replica), 200, replica.name);
}

/** Signs out at one gateway, by the same cookies in another browser. */
async function signOut({ at, url, one }: Replicas, person: Person): Promise<void> {
  const jar = new Map([...person.jar].map(([host, cookies]) => [host, new Map(cookies)]));
  const browser = at(one, new Person(jar));
  await browser.open(`${url(loginHost)}/cdn-cgi/access/logout`);
  assert.equal(browser.page.status, 200, browser.page.text);
}

suite("faults of gateways with PostgreSQL", needsPostgresServer(), () => {
  test("while gateways are killed in turn, everybody signs in, and nobody who is in is out again", async (context) => {
    const replicas = await startReplicas(context);
    const people = crowd(replicas);
    for (const replica of [replicas.one, replicas.two, replicas.one]) {
      const { length } = people.people;
      await until(() => people.people.length >= length + 3);
      await replica.kill();
      await until(() => people.people.length >= length + 6);
      await replica.start();
    }
    await assertAllIn(replicas, await people.end());
  });

  test("a terminal whose gateway is killed while it waits is approved at another, and has its tokens", async (context) => {
    const { signIn, only, at, url, one, two } = await startReplicas(context);
    const person = await signIn("ada@example.com");
    only(one);
    const environment = { POSTERN_HOME: temporaryHome(context), CI: "1" };
    const login = startPostern(["access", "login", url(appHost), "--no-browser"], environment);
    context.after(() => login.child.kill("SIGKILL"));
    const [address] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
    const browser = at(two, person);
    await browser.open(address);
    only(two);
    await one.kill();
    await browser.press("Approve");
    assert.equal(await login.ended, 0, login.stderr());
  });

  for (const [how, signal] of [
    ["is restarted", "SIGINT"],
    ["crashes", "SIGKILL"],
  ] as const)
    test(`when the database ${how} while people sign in, all of them get in, and who was signed out stays so`, async (context) => {
      const replicas = await startReplicas(context);
      const { postgres, signIn, visit, one, two } = replicas;
      const gone = await signIn("gone@example.com");
      for (const replica of [one, two]) assert.equal(await visit(gone, replica), 200);
      const people = crowd(replicas);
      for (let round = 0; round < 3; round++) {
        const { length } = people.people;
        await until(() => people.people.length >= length + 3);
        if (round === 1) await signOut(replicas, gone);
        await postgres.stop(signal);
        await postgres.start();
      }
      await assertAllIn(replicas, await people.end());
      for (const replica of [one, two]) assert.equal(await visit(gone, replica), 401);
    });

  test(
    "a gateway that is cut off from the database for ten seconds serves whom it knows, says so to who signs in, and has missed nothing",
    needsNamespaces(),
    async (context) => {
      const namespace = startNamespace(context);
      const replicas = await startReplicas(context, { namespace });
      const { signIn, visit, only, at, url, one, two, upstream } = replicas;
      // Mail does not reach the other network.
      only(one);
      const [ada, bob] = [await signIn("ada@example.com"), await signIn("bob@example.com")];
      for (const person of [ada, bob]) assert.equal(await visit(person, two), 200);

      namespace.cut();
      const cutAt = Date.now();
      const mended = pause(cutMs).then(() => namespace.mend());
      await until(() => two.said("store_unreachable").length > 0);
      assert.equal(await visit(ada, two), 200);
      const stranger = at(two);
      await stranger.open(`${url(appHost)}/`);
      assert.equal(stranger.page.status, 503, stranger.page.text);
      assert.equal(stranger.heading(), "Nobody can sign in right now");
      await signOut(replicas, bob);
      assert.equal(await visit(bob, one), 401);
      assert.equal(await visit(ada, one), 200, "the other gateway is not concerned");

      await mended;
      await until(() => two.said("store_reachable").length > 0);
      upstream.reset();
      assert.equal(await visit(bob, two), 401, "what was missed is read before that is said");
      assert.equal(upstream.requests.length, 0);
      assert.equal(await visit(ada, two), 200);
      const [line] = two.said("store_reachable");
      const [since, to] = [Date.parse(`${line?.["since"]}`), Date.parse(`${line?.["until"]}`)];
      assert.ok(since <= cutAt + 1_000 && to >= cutAt + cutMs, JSON.stringify(line));
      assert.deepEqual(two.said("store_grace_over"), []);
      await at(two, stranger).open(`${url(appHost)}/`);
    },
  );

  test(
    "a gateway that is cut off for longer than limits.store_grace answers 503, and goes on when it is not",
    needsNamespaces(),
    async (context) => {
      const namespace = startNamespace(context);
      const limits = { store_grace: "4s" };
      const replicas = await startReplicas(context, { namespace, limits });
      const { signIn, visit, only, one, two, upstream } = replicas;
      only(one);
      const [ada, bob] = [await signIn("ada@example.com"), await signIn("bob@example.com")];
      for (const person of [ada, bob]) assert.equal(await visit(person, two), 200);
      namespace.cut();
      await until(() => two.said("store_grace_over").length > 0);
      upstream.reset();
      assert.equal(await visit(ada, two), 503);
      assert.equal(upstream.requests.length, 0);
      await signOut(replicas, bob);
      namespace.mend();
      await until(async () => (await visit(ada, two)) === 200);
      assert.equal(await visit(bob, two), 401);
      const events = ["store_unreachable", "store_grace_over", "store_reachable"];
      assert.deepEqual(
        events.map((event) => two.said(event).length),
        [1, 1, 1],
      );
    },
  );

  test(
    "while one of two gateways is cut off for ten seconds, people sign in at both, and all of them get in",
    needsNamespaces(),
    async (context) => {
      const namespace = startNamespace(context);
      const replicas = await startReplicas(context, { namespace });
      const { only, one } = replicas;
      only(one);
      const people = crowd(replicas);
      await until(() => people.people.length >= 3);
      only();
      namespace.cut();
      await pause(cutMs);
      namespace.mend();
      only(one);
      const all = await people.end();
      await until(() => replicas.two.said("store_reachable").length > 0);
      await assertAllIn(replicas, all);
    },
  );
});
