// A gateway whose database is gone or locked, or whose clock is set: people are told what holds,
// and nobody gets in meanwhile who might have been signed out.
import assert from "node:assert/strict";
import { mkdtempSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { simpleSections, startGateway } from "../support/gateway.ts";
import { startUpstream } from "../support/upstream.ts";
import { ask, askUntil } from "./gateway-process-fixture.ts";

async function scene(context: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), "postern-faults-"));
  const store = join(folder, "postern.db");
  const upstream = await startUpstream();
  const gateway = await startGateway({ sections: simpleSections(upstream.origin), store });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const application = gateway.origin("app.localhost");
  const beginSignIn = async (email: string) => {
    const visitor = new Visitor();
    await visitor.visit(application);
    await visitor.press("Send me a code", { email });
    return visitor;
  };
  const signIn = async (email: string) => {
    const visitor = await beginSignIn(email);
    await visitor.press("Sign in", { code: gateway.pin(email) ?? "" });
    assert.equal(visitor.page.status, 200, visitor.page.text);
    return visitor;
  };
  const statusWith = (token: string | undefined) =>
    ask({
      port: gateway.port,
      headers: { Host: `app.localhost:${gateway.port}`, "cf-access-token": token ?? "" },
    });
  return { store, upstream, gateway, application, beginSignIn, signIn, statusWith };
}

test("when the database is removed under a gateway, the log says so, nobody is let in, and pages say when to try again", async (context) => {
  const { store, upstream, gateway, beginSignIn, signIn, statusWith } = await scene(context);
  const ada = await signIn("ada@example.com");
  const token = ada.cookie("app.localhost", "CF_Authorization");
  assert.equal((await statusWith(token)).status, 200);
  const waiting = await beginSignIn("bob@example.com");
  const seen = upstream.requests.length;

  renameSync(store, `${store}.away`);
  await askUntil(
    async () => {
      await new Promise((resolve) => setImmediate(resolve));
      return gateway.events;
    },
    (events) =>
      events.some(
        (each) =>
          each.event === "housekeeping_failed" && /removed or replaced/.test(String(each.error)),
      ),
  );
  const refused = await statusWith(token);
  assert.deepEqual([refused.status, refused.headers["retry-after"]], [503, "5"]);
  await waiting.press("Sign in", { code: gateway.pin("bob@example.com") ?? "" });
  assert.equal(waiting.page.status, 503);
  assert.equal(waiting.page.headers["retry-after"], "5");
  assert.equal(waiting.heading(), "The gateway is busy");
  const visitor = new Visitor();
  await visitor.visit(gateway.origin("app.localhost"));
  await visitor.press("Send me a code", { email: "carol@example.com" });
  assert.equal(visitor.page.status, 503);
  assert.equal(upstream.requests.length, seen, "the origin saw nobody");

  renameSync(`${store}.away`, store);
  assert.equal((await statusWith(token)).status, 200, "it is used again when it is back");
});

test("while another program keeps the database locked, who is signed in works on, and who signs in is told to try again", async (context) => {
  const { store, upstream, gateway, beginSignIn, signIn, statusWith } = await scene(context);
  const ada = await signIn("ada@example.com");
  const token = ada.cookie("app.localhost", "CF_Authorization");
  const bob = await beginSignIn("bob@example.com");
  gateway.parts.tokens.forgetAllSessions();

  const other = new DatabaseSync(store);
  context.after(() => other.close());
  other.exec("begin immediate");
  const seen = upstream.requests.length;
  const pressed = bob.press("Sign in", { code: gateway.pin("bob@example.com") ?? "" });
  assert.equal((await statusWith(token)).status, 200, "a session that must be read again");
  await pressed;
  assert.deepEqual([bob.page.status, bob.page.headers["retry-after"]], [503, "5"]);
  assert.equal(upstream.requests.length, seen + 1);

  other.exec("rollback");
  await signIn("carol@example.com");
});

for (const back of [2, 45, 240])
  test(`a sign-in goes on when the clock is set back by ${back} seconds in the middle of it`, async (context) => {
    const { gateway, upstream, beginSignIn } = await scene(context);
    const visitor = await beginSignIn("ada@example.com");
    gateway.clock.stepped = -back * 1000;
    await visitor.press("Sign in", { code: gateway.pin("ada@example.com") ?? "" });
    assert.equal(visitor.page.status, 200, visitor.page.text);
    assert.equal(upstream.requests.length, 1);
  });

test("a sign-in that was begun by a clock a day ahead is offered anew when the clock is right again", async (context) => {
  const { gateway, upstream, beginSignIn } = await scene(context);
  gateway.clock.stepped = 24 * 60 * 60_000;
  const visitor = await beginSignIn("ada@example.com");
  gateway.clock.stepped = 0;
  await visitor.press("Sign in", { code: gateway.pin("ada@example.com") ?? "" });
  assert.notEqual(visitor.page.status, 500);
  assert.equal(upstream.requests.length, 0);
  const again = await beginSignIn("ada@example.com");
  await again.press("Sign in", { code: gateway.pin("ada@example.com") ?? "" });
  assert.equal(again.page.status, 200, again.page.text);
});
