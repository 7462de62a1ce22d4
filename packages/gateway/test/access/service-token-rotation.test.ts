// A service token whose secret is changed: for a while both hold, also for what is open, and then
// the new one alone.
import assert from "node:assert/strict";
import { test } from "node:test";
import { sha256 } from "../login/login-fixture.ts";
import {
  type AccessFixture,
  application,
  hour,
  machines,
  startAccessFixture,
} from "./access-fixture.ts";
import { ended, goOn, startScene } from "./open-streams-fixture.ts";

const id = "robot.access";
const pair = (secret: string) => [
  `CF-Access-Client-Id: ${id}`,
  `CF-Access-Client-Secret: ${secret}`,
];
const token = (more: object) => ({
  service_tokens: [{ id: "robot", name: "robot", client_id: id, ...more }],
});
const rotated = (until: number, more: object = {}) =>
  token({
    client_secret_hash: sha256("new"),
    previous_client_secret_hash: sha256("old"),
    previous_client_secret_expires_at: new Date(until).toISOString(),
    ...more,
  });
const applications = [application("app", [machines])];

function change({ fixture }: AccessFixture, sections: object): Promise<void> {
  return fixture.change({ applications, ...sections });
}

test("both secrets hold until the grace is over, and then the new one alone", async (context) => {
  const access = await startAccessFixture(context, applications, token({ client_secret: "old" }));
  await access.passed("/", pair("old"));
  await change(access, rotated(Date.now() + hour));
  await access.passed("/", pair("old"));
  await access.passed("/", pair("new"));
  await access.refused(401, "/", pair("other"));
  access.fixture.clock.ahead = hour;
  await access.refused(401, "/", pair("old"));
  await access.passed("/", pair("new"));
});

test("a token that is switched off refuses the old secret of a running grace as well", async (context) => {
  const grace = Date.now() + hour;
  const access = await startAccessFixture(context, applications, rotated(grace));
  await access.passed("/", pair("old"));
  await change(access, rotated(grace, { enabled: false }));
  for (const secret of ["old", "new"]) await access.refused(401, "/", pair(secret));
  const causes = access.fixture.events.flatMap((event) =>
    event.event === "request_refused" ? [[event.client_id, event.cause]] : [],
  );
  assert.deepEqual(causes, [
    [id, "disabled"],
    [id, "disabled"],
  ]);
});

test("a stream that was opened by the old secret goes on until the grace is over", async (context) => {
  const scene = await startScene(context, applications, token({ client_secret: "old" }));
  const { clock } = scene.access.fixture;
  const old = await scene.openAll(["websocket", "events"], "old", pair("old"));
  await scene.change(rotated(Date.now() + hour));
  const young = await scene.openAll(["websocket", "events"], "new", pair("new"));
  await goOn(scene, old, "in the grace");
  clock.ahead = hour;
  await ended(scene, old, "old");
  await goOn(scene, young, "after it");
});

test("a stream that was opened by the old secret ends when the secret is changed without a grace", async (context) => {
  const scene = await startScene(context, applications, token({ client_secret: "old" }));
  const old = await scene.openAll(["websocket", "events"], "old", pair("old"));
  await scene.change(token({ client_secret: "new" }));
  await ended(scene, old, "old");
});

test("the use of a token is stored with others from time to time, and never by a request", async (context) => {
  const access = await startAccessFixture(context, applications, token({ client_secret: "old" }));
  const { store, uses, now } = access.fixture.parts;
  const before = now();
  for (let count = 0; count < 5; count++) await access.passed("/", pair("old"));
  await access.refused(401, "/", pair("wrong"));
  assert.deepEqual(await store.tokenUses.find(["robot"]), []);
  await uses.flush();
  const [use] = await store.tokenUses.find(["robot"]);
  assert.ok(use !== undefined && use.last_used_at >= before);
});
