// Service tokens by the API: made and changed there, in force at once, each secret shown once.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { noteSecrets } from "../../../../test/support/run-secrets.ts";
import { until } from "../../../../test/support/until.ts";
import { application, hour, machines } from "../access/access-fixture.ts";
import { type AdminFixture, resultOf, startAdminFixture } from "./admin-fixture.ts";

const path = "/access/service_tokens";
const year = 365 * 24 * hour;
const sections = { applications: [application("app", [machines])] };

interface Made {
  id: string;
  client_id: string;
  client_secret: string;
  [field: string]: unknown;
}

async function make({ api }: AdminFixture, body: object = { name: "robot" }): Promise<Made> {
  const made: Made = resultOf(await api.post(path, body), 201);
  noteSecrets(made.client_secret);
  return made;
}

/** The status of a request with the token, and whether the origin saw it. */
async function ask(
  { gateway, upstream }: AdminFixture,
  { client_id }: Made,
  secret: string,
): Promise<number> {
  upstream.reset();
  const lines = [
    "Host: app.localhost",
    `CF-Access-Client-Id: ${client_id}`,
    `CF-Access-Client-Secret: ${secret}`,
  ];
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", lines);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
  return status;
}

function timeFrom(text: unknown, from: number): number {
  return Math.round((Date.parse(String(text)) - from) / hour) * hour;
}

test("a token is made with its secret, which opens the door at once and is never shown again (L17)", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const made = await make(fixture);
  assert.match(made.client_id, /^[0-9a-f]{32}\.access$/);
  assert.match(made.client_secret, /^postern_st_[0-9A-Za-z]{40}[0-9a-f]{8}$/);
  assert.equal(made["duration"], "8760h");
  assert.equal(timeFrom(made["expires_at"], Date.now()), year);
  assert.equal(await ask(fixture, made, made.client_secret), 200);

  const { client_secret, ...shown } = made;
  assert.deepEqual(resultOf(await api.get(`${path}/${made.id}`)), shown);
  const everything = [
    await api.get(path),
    await api.get(`${path}?name=ROB`),
    await api.put(`${path}/${made.id}`, { ...made, name: "renamed" }),
    await api.get("/audit_logs"),
  ];
  const hash = gateway.parts.catalogs.current().serviceTokenByClientId.get(made.client_id);
  const texts = [JSON.stringify(everything), JSON.stringify(gateway.events)];
  for (const text of texts) {
    assert.ok(!text.includes(client_secret), "the secret");
    assert.ok(!text.includes(hash?.client_secret_hash ?? "?"), "its hash");
  }
});

test("durations are counted from the making, from a change that states one, and by refresh a year from now", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const forever = await make(fixture, { name: "forever", duration: "forever" });
  assert.equal(forever["expires_at"], null);
  const short = await make(fixture, { name: "short", duration: "24h" });
  assert.equal(timeFrom(short["expires_at"], Date.now()), 24 * hour);
  gateway.clock.ahead = 12 * hour;
  const now = gateway.parts.now();
  const one = `${path}/${short.id}`;
  const renamed = resultOf(await api.put(one, { name: "renamed" }));
  assert.equal(renamed.expires_at, short["expires_at"], "nothing is said of the time");
  const extended = resultOf(await api.put(one, { name: "renamed", duration: "48h" }));
  assert.equal(timeFrom(extended.expires_at, now), 48 * hour);
  const refreshed = resultOf(await api.post(`${one}/refresh`));
  assert.equal(timeFrom(refreshed.expires_at, now), year);
  assert.equal(resultOf(await api.post(`${path}/${forever.id}/refresh`)).expires_at, null);

  gateway.clock.ahead += year - hour;
  assert.equal(await ask(fixture, short, short.client_secret), 200);
  gateway.clock.ahead += hour;
  assert.equal(await ask(fixture, short, short.client_secret), 401);
  assert.equal(await ask(fixture, forever, forever.client_secret), 200);
});

test("a secret that is changed ends the one before at once, or when its grace is over", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const made = await make(fixture);
  const rotate = async (body?: object): Promise<Made> => {
    const rotated: Made = resultOf(await api.post(`${path}/${made.id}/rotate`, body));
    noteSecrets(rotated.client_secret);
    assert.equal(rotated.client_id, made.client_id);
    return rotated;
  };
  const second = await rotate({});
  assert.equal(await ask(fixture, made, made.client_secret), 401);
  assert.equal(await ask(fixture, made, second.client_secret), 200);

  const end = new Date(Date.now() + hour).toISOString();
  const third = await rotate({ previous_client_secret_expires_at: end });
  assert.equal(third["previous_client_secret_expires_at"], end);
  for (const { client_secret } of [second, third])
    assert.equal(await ask(fixture, made, client_secret), 200);
  gateway.clock.ahead = hour;
  assert.equal(await ask(fixture, made, second.client_secret), 401);
  assert.equal(await ask(fixture, made, third.client_secret), 200);
});

test("a higher client_secret_version makes a new secret and returns it; the same one does not", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api } = fixture;
  const made = await make(fixture, { name: "robot", client_secret_version: 1 });
  const one = `${path}/${made.id}`;
  const same = resultOf(await api.put(one, { name: "robot", client_secret_version: 1 }));
  assert.ok(!("client_secret" in same));
  const end = new Date(Date.now() + hour).toISOString();
  const raised: Made = resultOf(
    await api.put(one, {
      name: "robot",
      client_secret_version: 2,
      previous_client_secret_expires_at: end,
    }),
  );
  noteSecrets(raised.client_secret);
  assert.equal(raised["client_secret_version"], 2);
  for (const { client_secret } of [made, raised])
    assert.equal(await ask(fixture, made, client_secret), 200);
  assert.ok(!("client_secret" in resultOf(await api.get(one))));
  const { status, errors } = await api.put(one, { name: "robot", client_secret_version: 1 });
  assert.equal(status, 400);
  assert.deepEqual(errors[0]?.source, { pointer: "/client_secret_version" });
});

test("switching off ends the old secret of a running grace for good", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api } = fixture;
  const made = await make(fixture);
  const one = `${path}/${made.id}`;
  const end = new Date(Date.now() + hour).toISOString();
  const rotated: Made = resultOf(
    await api.post(`${one}/rotate`, { previous_client_secret_expires_at: end }),
  );
  noteSecrets(rotated.client_secret);
  resultOf(await api.put(one, { name: "robot", enabled: false }));
  for (const { client_secret } of [made, rotated])
    assert.equal(await ask(fixture, made, client_secret), 401);
  resultOf(await api.put(one, { name: "robot", enabled: true }));
  assert.equal(await ask(fixture, made, made.client_secret), 401, "the grace does not come back");
  assert.equal(await ask(fixture, made, rotated.client_secret), 200);
});

test("a change of all kinds that switches a token off ends the old secret as well", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api } = fixture;
  const made = await make(fixture);
  const end = new Date(Date.now() + hour).toISOString();
  const rotated: Made = resultOf(
    await api.post(`${path}/${made.id}/rotate`, { previous_client_secret_expires_at: end }),
  );
  noteSecrets(rotated.client_secret);
  const put = async (enabled: boolean) => {
    const objects: { id: string; updated_at: string; input: object }[] = resultOf(
      await api.get("/configuration"),
    );
    const standing = objects.find(({ id }) => id === made.id);
    const { id: _, ...input } = (standing?.input ?? {}) as Record<string, unknown>;
    const fields = { ...input, enabled };
    const change = { kind: "service_token", id: made.id, fields, before: standing?.updated_at };
    resultOf(await api.patch("/configuration", { put: [change] }));
  };
  assert.equal(await ask(fixture, made, made.client_secret), 200);
  await put(false);
  await put(true);
  assert.equal(await ask(fixture, made, made.client_secret), 401, "the grace does not come back");
  assert.equal(await ask(fixture, made, rotated.client_secret), 200);
});

test("a token is rotated under load, and no request fails", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const made = await make(fixture);
  let secret = made.client_secret;
  let isOver = false;
  const statuses: number[] = [];
  const program = async () => {
    while (!isOver) {
      const lines = [
        "Host: app.localhost",
        `CF-Access-Client-Id: ${made.client_id}`,
        `CF-Access-Client-Secret: ${secret}`,
      ];
      statuses.push((await rawRequest(gateway.port, "GET / HTTP/1.1", lines)).status);
    }
  };
  const load = Promise.all(Array.from({ length: 8 }, program));
  for (let round = 0; round < 5; round++) {
    const before = statuses.length;
    await until(() => statuses.length > before + 20);
    const end = new Date(Date.now() + hour).toISOString();
    const body = { previous_client_secret_expires_at: end };
    const rotated: Made = resultOf(await api.post(`${path}/${made.id}/rotate`, body));
    noteSecrets(rotated.client_secret);
    // Some go on with the old one for a while.
    const between = statuses.length;
    await until(() => statuses.length > between + 20);
    secret = rotated.client_secret;
  }
  isOver = true;
  await load;
  assert.deepEqual(new Set(statuses), new Set([200]));
});

test("the last use of a token is shown, and its deletion returns it and shuts the door", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, gateway } = fixture;
  const made = await make(fixture);
  const one = `${path}/${made.id}`;
  assert.ok(!("last_seen_at" in resultOf(await api.get(one))));
  assert.equal(await ask(fixture, made, made.client_secret), 200);
  await gateway.parts.uses.flush();
  assert.match(resultOf(await api.get(one)).last_seen_at, /^\d{4}-/);
  assert.match(resultOf(await api.get(path))[0].last_seen_at, /^\d{4}-/);
  assert.equal(resultOf(await api.delete(one)).id, made.id);
  assert.equal(await ask(fixture, made, made.client_secret), 401);
  assert.equal((await api.get(one)).status, 404);
});

test("what is wrong is a 400 with the field, and nothing is changed", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api } = fixture;
  const made = await make(fixture);
  const one = `${path}/${made.id}`;
  const shown = resultOf(await api.get(one));
  for (const [body, pointer] of [
    [{}, "/name"],
    [{ name: "" }, "/name"],
    [{ name: "x", duration: "1y" }, "/duration"],
    [{ name: "x", duration: "0s" }, "/duration"],
    [{ name: "x", duration: "99999999999h" }, "/duration"],
    [{ name: "x", enabled: "yes" }, "/enabled"],
    [{ name: "x", client_secret_version: "two" }, "/client_secret_version"],
    [{ name: "x", colour: "red" }, "/colour"],
  ] as const) {
    const answers = [await api.post(path, body)];
    if (pointer !== "/name" || "name" in body) answers.push(await api.put(one, body));
    for (const { status, errors } of answers) {
      assert.equal(status, 400, JSON.stringify(body));
      assert.equal(errors[0]?.source?.pointer, pointer, JSON.stringify(errors));
    }
  }
  const when = { previous_client_secret_expires_at: "tomorrow" };
  for (const answer of [await api.post(`${one}/rotate`, when), await api.put(one, when)]) {
    assert.equal(answer.status, 400);
    assert.equal(answer.errors[0]?.source?.pointer, "/previous_client_secret_expires_at");
  }
  assert.deepEqual(resultOf(await api.get(one)), shown);
  assert.equal(resultOf(await api.get(path)).length, 1);
  assert.equal((await api.post(`${path}/nobody/rotate`, {})).status, 404);
  assert.equal((await api.post(`${path}/nobody/refresh`)).status, 404);
});

test("tokens of the file are shown and not changed, and a narrow admin token sees none", async (context) => {
  const fixture = await startAdminFixture(context, {
    ...sections,
    service_tokens: [{ id: "filed", name: "filed", client_id: "filed.access", client_secret: "s" }],
  });
  const { api, clientWith, gateway } = fixture;
  assert.equal(resultOf(await api.get(`${path}/filed`)).managed_by, "file");
  for (const answer of [
    await api.put(`${path}/filed`, { name: "x" }),
    await api.delete(`${path}/filed`),
    await api.post(`${path}/filed/rotate`, {}),
    await api.post(`${path}/filed/refresh`),
  ])
    assert.equal(answer.status, 400);
  const [target] = gateway.parts.catalogs.current().applications;
  const narrow = await clientWith(["service_tokens:write"], [target?.id ?? ""]);
  assert.deepEqual(resultOf(await narrow.get(path)), []);
  assert.equal((await narrow.get(`${path}/filed`)).status, 404);
  assert.equal((await narrow.post(path, { name: "x" })).status, 403);
  const reader = await clientWith(["service_tokens:read"]);
  assert.equal((await reader.post(path, { name: "x" })).status, 403);
});
