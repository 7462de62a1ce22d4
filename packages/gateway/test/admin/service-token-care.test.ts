// What becomes of service tokens by themselves: unused ones are ended as the organization says, and
// those that end soon are told of. Gateways of one store do it once.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import type { GatewayEvent } from "../../src/observe/events.ts";
import { ServiceTokenCare } from "../../src/service-token-care.ts";
import { application, hour, machines, serviceTokens } from "../access/access-fixture.ts";
import { type AdminFixture, type ApiAnswer, resultOf, startAdminFixture } from "./admin-fixture.ts";

const day = 24 * hour;
const path = "/access/service_tokens";

function startFixture(context: TestContext, inactivity?: object): Promise<AdminFixture> {
  const organization = { name: "Test", service_token_inactivity: inactivity };
  return startAdminFixture(context, {
    organization,
    applications: [application("app", [machines])],
    service_tokens: serviceTokens,
  });
}

async function make({ api }: AdminFixture, name: string, more: object = {}) {
  return resultOf(await api.post(path, { name, duration: "forever", ...more }), 201);
}

async function ask({ gateway, upstream }: AdminFixture, token: ApiAnswer["result"]) {
  upstream.reset();
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", [
    `Host: app.localhost:${gateway.port}`,
    `CF-Access-Client-Id: ${token.client_id}`,
    `CF-Access-Client-Secret: ${token.client_secret}`,
  ]);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
  return status;
}

/** What two gateways of the store would do at this hour, which have run all the time. */
async function look(fixture: AdminFixture): Promise<void> {
  const { store, now } = fixture.gateway.parts;
  await store.settings.set("service_token_looked_at", `${now() - hour}`);
  await lookAgain(fixture);
}

/** The same, whenever they have looked before. */
async function lookAgain({ gateway: { parts } }: AdminFixture): Promise<void> {
  await parts.uses.flush();
  const cares = [new ServiceTokenCare(parts), new ServiceTokenCare(parts)];
  await Promise.all(cares.map((care) => care.look()));
}

function told<Name extends GatewayEvent["event"]>({ gateway }: AdminFixture, name: Name) {
  const isWanted = (event: GatewayEvent): event is Extract<GatewayEvent, { event: Name }> =>
    event.event === name;
  return gateway.events.filter(isWanted);
}

const inactivity = { enabled: true, inactivity_threshold_days: 30, action: "disable" };

test("a token that nobody used is disabled, its secrets for good, and used, named and new ones stay", async (context) => {
  const fixture = await startFixture(context, inactivity);
  const { gateway, api } = fixture;
  await look(fixture);
  const unused = await make(fixture, "unused");
  const used = await make(fixture, "used");
  const named = await make(fixture, "named");
  await api.post("/access/groups", {
    name: "programs",
    include: [{ service_token: { token_id: named.id } }],
  });
  gateway.clock.ahead += 20 * day;
  assert.equal(await ask(fixture, used), 200);
  const recent = await make(fixture, "recent");
  await api.post(`${path}/${unused.id}/rotate`, {
    previous_client_secret_expires_at: new Date(Date.now() + 365 * day).toISOString(),
  });
  gateway.clock.ahead += 15 * day;
  await look(fixture);
  assert.deepEqual(
    told(fixture, "service_token_unused").map(({ name, action }) => [name, action]),
    [["robot", "none"]],
    "that of the file stays; a rotation is a sign of life",
  );

  gateway.clock.ahead += 16 * day;
  await look(fixture);
  await look(fixture);
  assert.deepEqual(
    told(fixture, "service_token_unused")
      .slice(1)
      .map(({ name, action, last_used_at }) => [name, action, last_used_at !== undefined]),
    [
      ["unused", "disable", false],
      ["used", "disable", true],
      ["recent", "disable", false],
      ["robot", "none", false],
    ],
  );
  for (const token of [unused, used, recent]) {
    assert.equal(await ask(fixture, token), 401);
    const shown = resultOf(await api.get(`${path}/${token.id}`));
    assert.deepEqual([shown.enabled, shown.previous_client_secret_expires_at], [false, undefined]);
  }
  assert.equal(await ask(fixture, named), 200);
  const { entries } = await gateway.parts.store.audit.page({
    ...{ since: 0, until: Number.MAX_SAFE_INTEGER, offset: 0, limit: 3 },
  });
  for (const { token_name, action, after } of entries) {
    assert.deepEqual([token_name, action], ["service_token_inactivity", "updated"]);
    assert.doesNotMatch(after ?? "", /hash/);
  }

  const revived = await api.put(`${path}/${used.id}`, { enabled: true });
  resultOf(revived);
  gateway.clock.ahead += 29 * day;
  await look(fixture);
  assert.equal(await ask(fixture, used), 200, "who enables it again has it for as long");
});

test("unused tokens are deleted where the organization says so, and nothing happens where it does not", async (context) => {
  for (const [setting, left] of [
    [{ ...inactivity, action: "delete" }, []],
    [{ ...inactivity, enabled: false }, ["unused"]],
    [undefined, ["unused"]],
  ] as const) {
    const fixture = await startFixture(context, setting);
    const { gateway, api } = fixture;
    await look(fixture);
    const token = await make(fixture, "unused");
    gateway.clock.ahead += 31 * day;
    await look(fixture);
    const listed = resultOf(await api.get(`${path}?name=unused`));
    assert.deepEqual(
      listed.map(({ name }: { name: string }) => name),
      left,
    );
    assert.equal(await ask(fixture, token), left.length === 0 ? 401 : 200);
  }
});

test("a store that begins to note uses today gives up no token for what it did not note before", async (context) => {
  const fixture = await startFixture(context, inactivity);
  const { gateway } = fixture;
  const token = await make(fixture, "older");
  gateway.clock.ahead += 400 * day;
  await look(fixture);
  assert.equal(await ask(fixture, token), 200);
  assert.deepEqual(told(fixture, "service_token_unused"), []);
});

test("nobody's token ends for a time in which no gateway ran, or that a wrong clock made up", async (context) => {
  const fixture = await startFixture(context, { ...inactivity, action: "delete" });
  const { gateway } = fixture;
  const token = await make(fixture, "nightly");
  await lookAgain(fixture);
  for (const leap of [300 * day, -400 * day, 400 * day]) {
    gateway.clock.ahead += leap;
    await lookAgain(fixture);
    assert.equal(await ask(fixture, token), 200, `${leap / day} days`);
  }
  assert.deepEqual(told(fixture, "service_token_unused"), []);
  for (let days = 0; days < 32; days++) {
    gateway.clock.ahead += day;
    await lookAgain(fixture);
  }
  assert.equal(await ask(fixture, token), 401, "it counts while gateways run");
});

test("a token that ends within a week is told of once a day, by one gateway", async (context) => {
  const fixture = await startFixture(context);
  const { gateway, api } = fixture;
  const ending = await make(fixture, "ending", { duration: "240h" });
  const disabled = await make(fixture, "disabled", { duration: "240h" });
  resultOf(await api.put(`${path}/${disabled.id}`, { enabled: false }));
  await make(fixture, "endless");
  await look(fixture);
  assert.deepEqual(told(fixture, "service_token_expiring"), []);

  gateway.clock.ahead += 4 * day;
  for (let hours = 0; hours < 25; hours++) {
    await look(fixture);
    gateway.clock.ahead += hour;
  }
  const events = told(fixture, "service_token_expiring");
  assert.deepEqual(
    events.map(({ name, client_id, days }) => [name, client_id, days]),
    [
      ["ending", ending.client_id, 5],
      ["ending", ending.client_id, 4],
    ],
  );
  assert.equal(events[0]?.expires_at, ending.expires_at);
  gateway.clock.ahead += 6 * day;
  await look(fixture);
  assert.equal(told(fixture, "service_token_expiring").length, 2, "it is over");
});

test("a setting that makes no sense is refused with the field", async (context) => {
  const { api } = await startAdminFixture(context);
  for (const [wrong, pointer] of [
    [
      { ...inactivity, inactivity_threshold_days: 7 },
      "/service_token_inactivity/inactivity_threshold_days",
    ],
    [{ ...inactivity, action: "mail" }, "/service_token_inactivity/action"],
    [{ enabled: true }, "/service_token_inactivity/inactivity_threshold_days"],
  ] as const) {
    const answer = await api.put("/access/organizations", {
      name: "Test",
      service_token_inactivity: wrong,
    });
    assert.equal(answer.status, 400);
    assert.equal(answer.errors[0]?.source?.pointer, pointer);
  }
  const right = { name: "Test", service_token_inactivity: inactivity };
  assert.deepEqual(
    resultOf(await api.put("/access/organizations", right)).service_token_inactivity,
    inactivity,
  );
});
