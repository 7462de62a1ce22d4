// Two gateways of one PostgreSQL database, behind what leads each connection to the next: whichever
// answers, it is one gateway.
import assert from "node:assert/strict";
import { after, suite, type TestContext, test } from "node:test";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { runPostern, startPostern, temporaryHome } from "../support/cli.ts";
import { needsPostgresServer } from "../support/postgres.ts";
import { until } from "../support/until.ts";
import { appHost, loginHost, type Replicas, startReplicas } from "./replicas-fixture.ts";

/** The same cookies in another browser, which a sign-out in the first does not reach. */
function copyOf({ jar }: Person): Person {
  return new Person(new Map([...jar].map(([host, cookies]) => [host, new Map(cookies)])));
}

suite("two gateways with PostgreSQL", needsPostgresServer(), () => {
  const endings: (() => unknown)[] = [];
  const context = { after: (end) => endings.push(end as () => unknown) } as Pick<
    TestContext,
    "after"
  >;
  let shared: Promise<Replicas> | undefined;
  const replicas = () => {
    shared ??= startReplicas(context as TestContext);
    return shared;
  };
  after(async () => {
    for (const end of endings) await end();
  });

  test("a sign-in whose every step comes to another gateway ends at the application, and both let the person in", async () => {
    const { signIn, visit, one, two, upstream } = await replicas();
    const person = await signIn("ada@example.com");
    upstream.reset();
    for (const replica of [one, two, one]) assert.equal(await visit(person, replica), 200);
    for (const request of upstream.requests)
      assert.equal(request.header("cf-access-authenticated-user-email"), "ada@example.com");
    assert.equal(upstream.requests.length, 3);
  });

  test("a session that ends at one gateway opens nothing at the other within a second, and the origin sees nothing", async (context) => {
    const { signIn, visit, at, url, one, two, upstream } = await replicas();
    for (const [here, there] of [
      [one, two],
      [two, one],
    ] as const) {
      const person = await signIn(`from-${here.name}@example.com`);
      assert.equal(await visit(person, there), 200);
      const browser = at(here, person);
      const copy = copyOf(person);
      await browser.open(`${url(loginHost)}/cdn-cgi/access/logout`);
      assert.equal(browser.page.status, 200, browser.page.text);
      const begun = performance.now();
      await until(async () => (await visit(copy, there)) === 401);
      context.diagnostic(`${Math.round(performance.now() - begun)} ms`);
      upstream.reset();
      assert.equal(await visit(copy, there), 401);
      assert.equal(upstream.requests.length, 0);
    }
  });

  test("a terminal whose poll one gateway holds is approved at the other, and has its tokens", async (context) => {
    const { signIn, only, at, url, one, two } = await replicas();
    const environment = { POSTERN_HOME: temporaryHome(context), CI: "1" };
    for (const [polled, asked] of [
      [one, two],
      [two, one],
    ] as const) {
      const person = await signIn(`terminal-${polled.name}@example.com`);
      only(polled);
      context.after(() => only());
      const login = startPostern(["access", "login", url(appHost), "--no-browser"], environment);
      context.after(() => login.child.kill("SIGKILL"));
      const [address] = await login.until(/https?:\/\/\S+\/cdn-cgi\/access\/cli[/?]\S+/);
      const browser = at(asked, person);
      await browser.open(address);
      await browser.press("Approve");
      assert.equal(await login.ended, 0, login.stderr());
      const token = await runPostern(["access", "token", `-app=${url(appHost)}`], environment);
      assert.equal(token.status, 0, token.stderr);
      await runPostern(["access", "logout", url(appHost)], environment);
      only();
    }
  });
});
