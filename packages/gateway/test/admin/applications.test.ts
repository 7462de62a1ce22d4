// Applications by the API: what is written is in force with its answer, the forms of their domains
// agree, and their policies come in every form that clients send.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { type AdminFixture, resultOf, startAdminFixture } from "./admin-fixture.ts";

const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
const staffOnly = {
  name: "staff",
  decision: "allow",
  include: [{ email_domain: { domain: "example.com" } }],
};
const shop = { type: "self_hosted", name: "Shop", domain: "shop.localhost", policies: [open] };

/** The status of a request of nobody in particular; what is not let in has reached no origin. */
async function statusAt({ gateway, upstream }: AdminFixture, host: string): Promise<number> {
  upstream.requests.length = 0;
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`]);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0, `${host}: ${status}`);
  return status;
}

test("an application is in force with the answer to its creation, its change and its end", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api } = fixture;
  assert.equal(await statusAt(fixture, "shop.localhost"), 403);
  const created = resultOf(await api.post("/access/apps", shop), 201);
  assert.equal(await statusAt(fixture, "shop.localhost"), 200);
  assert.match(created.aud, /^[0-9a-f]{64}$/);
  assert.equal(created.uid, created.id);
  assert.equal(created.session_duration, "24h");

  const path = `/access/apps/${created.id}`;
  assert.deepEqual(resultOf(await api.get(path)), created);
  const closed = resultOf(await api.put(path, { ...created, policies: [staffOnly] }));
  assert.notEqual(await statusAt(fixture, "shop.localhost"), 200);
  assert.equal(closed.aud, created.aud, "its AUD is for life");
  assert.deepEqual(resultOf(await api.delete(path), 202), { id: created.id });
  assert.equal(await statusAt(fixture, "shop.localhost"), 403);
});

test("domain, self_hosted_domains and destinations are one value: the one that was changed decides", async (context) => {
  const { api } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/access/apps", shop), 201);
  const path = `/access/apps/${id}`;
  const get = async () => resultOf(await api.get(path));
  const destinations = (...uris: string[]) => uris.map((uri) => ({ type: "public", uri }));
  const changes: [Record<string, unknown>, string[]][] = [
    [{ destinations: destinations("a.localhost", "b.localhost") }, ["a.localhost", "b.localhost"]],
    [{ domain: "c.localhost" }, ["c.localhost", "b.localhost"]],
    [{ self_hosted_domains: ["d.localhost/x"] }, ["d.localhost/x"]],
    [{ domain: null, destinations: destinations("e.localhost") }, ["e.localhost"]],
    [{}, ["e.localhost"]],
    [{ domain: null, destinations: null, self_hosted_domains: null }, ["e.localhost"]],
  ];
  for (const [change, domains] of changes) {
    const changed = resultOf(await api.put(path, { ...(await get()), ...change }));
    for (const shown of [changed, await get()]) {
      assert.equal(shown.domain, domains[0]);
      assert.deepEqual(shown.self_hosted_domains, domains);
      assert.deepEqual(shown.destinations, destinations(...domains));
    }
  }
  const onlyDestinations = {
    name: "x",
    type: "self_hosted",
    destinations: [{ uri: "f.localhost" }],
  };
  const other = resultOf(await api.post("/access/apps", onlyDestinations), 201);
  assert.equal(other.domain, "f.localhost");
});

test("public paths come with their destination, stay with it, and go with it", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api, gateway, upstream } = fixture;
  const statusOf = async (path: string) => {
    upstream.requests.length = 0;
    const line = `GET ${path} HTTP/1.1`;
    const { status } = await rawRequest(gateway.port, line, ["Host: shop.localhost"]);
    assert.equal(upstream.requests.length, status === 200 ? 1 : 0, path);
    return status;
  };
  const overrides = [
    { path_pattern: "/sw.js", behavior: "public" },
    { path_pattern: "/assets/*", behavior: "public" },
  ];
  const destinations = [
    { type: "public", uri: "shop.localhost", overrides },
    { type: "public", uri: "b.localhost" },
  ];
  const body = { type: "self_hosted", name: "Shop", destinations, policies: [staffOnly] };
  const created = resultOf(await api.post("/access/apps", body), 201);
  const path = `/access/apps/${created.id}`;
  assert.deepEqual(created.destinations, destinations);
  assert.equal(await statusOf("/sw.js"), 200);
  assert.notEqual(await statusOf("/"), 200);

  const put = async (change: Record<string, unknown>) => {
    const now = resultOf(await api.get(path));
    return resultOf(await api.put(path, { ...now, ...change })).destinations;
  };
  assert.deepEqual(await put({ name: "renamed" }), destinations);
  assert.deepEqual(await put({ destinations: undefined }), destinations);
  assert.deepEqual(await put({ self_hosted_domains: ["shop.localhost", "c.localhost"] }), [
    destinations[0],
    { type: "public", uri: "c.localhost" },
  ]);
  const fewer = [{ uri: "shop.localhost", overrides: overrides.slice(1) }];
  assert.deepEqual(await put({ destinations: fewer }), [{ type: "public", ...fewer[0] }]);
  assert.notEqual(await statusOf("/sw.js"), 200);
  assert.equal(await statusOf("/assets/a"), 200);
  assert.deepEqual(await put({ destinations: [{ uri: "shop.localhost", overrides: null }] }), [
    { type: "public", uri: "shop.localhost" },
  ]);
  assert.notEqual(await statusOf("/assets/a"), 200);

  const wrong: [unknown, RegExp, string][] = [
    [
      { path_pattern: "sw.js", behavior: "public" },
      /has no slash at its beginning/,
      "path_pattern",
    ],
    [{ path_pattern: "/a*b*", behavior: "public" }, /two wildcards/, "path_pattern"],
    [{ path_pattern: "/a/../b", behavior: "public" }, /dot segment/, "path_pattern"],
    [{ path_pattern: "/a", behavior: "open" }, /write "public"/, "behavior"],
  ];
  for (const [override, says, field] of wrong) {
    const answer = await api.put(path, {
      ...created,
      destinations: [{ uri: "shop.localhost", overrides: [override] }],
    });
    assert.equal(answer.status, 400);
    assert.match(answer.errors[0]?.message ?? "", says);
    const pointer = `/destinations/0/overrides/0/${field}`;
    assert.equal(answer.errors[0]?.source?.pointer, pointer);
  }
});

test("fields of the list of applications and of refusals come back, null unsets them, and PUT replaces", async (context) => {
  const { api } = await startAdminFixture(context);
  const fields = {
    logo_url: "https://img.example.com/a.svg",
    service_auth_401_redirect: true,
    allow_iframe: true,
    eager_redirect_cookie_setting: true,
  };
  const body = { ...shop, ...fields, tags: ["ops", "finance", "ops"] };
  const created = resultOf(await api.post("/access/apps", body), 201);
  const path = `/access/apps/${created.id}`;
  for (const shown of [created, resultOf(await api.get(path))]) {
    assert.deepEqual(shown.tags, ["finance", "ops"]);
    for (const [name, value] of Object.entries(fields)) assert.equal(shown[name], value, name);
  }
  const unset = { ...created, tags: null, logo_url: null, allow_iframe: null };
  const changed = resultOf(await api.put(path, unset));
  for (const name of ["tags", "logo_url", "allow_iframe"]) assert.equal(changed[name], undefined);
  assert.equal(changed.service_auth_401_redirect, true);
  const replaced = resultOf(await api.put(path, shop));
  assert.equal(replaced.service_auth_401_redirect, undefined);
  for (const [wrong, pointer] of [
    [{ tags: "ops" }, "/tags"],
    [{ tags: [""] }, "/tags/0"],
    [{ allow_iframe: "yes" }, "/allow_iframe"],
    [{ service_auth_401_redirect: 1 }, "/service_auth_401_redirect"],
  ] as const) {
    const answer = await api.put(path, { ...shop, ...wrong });
    assert.equal(answer.status, 400);
    assert.equal(answer.errors[0]?.source?.pointer, pointer);
  }
});

test("two settings are changed by themselves: PUT sets back the other, PATCH keeps it", async (context) => {
  const { api, clientWith } = await startAdminFixture(context);
  const { id } = resultOf(await api.post("/access/apps", shop), 201);
  const path = `/access/apps/${id}/settings`;
  const both = { allow_iframe: true, skip_interstitial: true };
  assert.deepEqual(resultOf(await api.put(path, both)), both);
  const shown = resultOf(await api.get(`/access/apps/${id}`));
  assert.deepEqual([shown.allow_iframe, shown.skip_interstitial], [true, true]);
  assert.equal(shown.policies.length, 1, "the rest stays");
  const kept = { ...both, skip_interstitial: false };
  assert.deepEqual(resultOf(await api.patch(path, { skip_interstitial: false })), kept);
  const reset = { allow_iframe: false, skip_interstitial: true };
  assert.deepEqual(resultOf(await api.put(path, { skip_interstitial: true })), reset);

  for (const [body, pointer] of [
    [{ allow_iframe: "yes" }, "/allow_iframe"],
    [{ domain: "other.localhost" }, "/domain"],
  ] as const) {
    const { status, errors } = await api.patch(path, body);
    assert.equal(status, 400);
    assert.equal(errors[0]?.source?.pointer, pointer, JSON.stringify(errors));
  }
  assert.equal((await api.patch(path, [])).status, 400);
  assert.equal((await api.patch("/access/apps/none/settings", {})).status, 404);
  const other = await clientWith(["apps:write"], ["another"]);
  assert.equal((await other.put(path, both)).status, 404, "a token for another application");
  const own = await clientWith(["apps:write"], [id]);
  assert.deepEqual(resultOf(await own.patch(path, {})), reset);
});

test("hosts and ids called as what every object has are hosts and ids like others", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api } = fixture;
  for (const host of ["constructor", "__proto__"]) {
    const destinations = [{ type: "public", uri: host }];
    const overrides = [{ path_pattern: "/pub", behavior: "public" }];
    const app = { type: "self_hosted", name: host, id: host, policies: [staffOnly] };
    const created = resultOf(await api.post("/access/apps", { ...app, destinations }), 201);
    assert.deepEqual(created.destinations, destinations);
    assert.equal(await statusAt(fixture, host), 302);
    const wide = { ...created, destinations: [{ ...destinations[0], overrides }] };
    resultOf(await api.put(`/access/apps/${host}`, wide));
    assert.equal(await statusAt(fixture, host), 302);
  }
  assert.equal(resultOf(await api.get("/access/apps")).length, 2);
});

test("policies are ids, links, or the application's own, and come back whole and in order", async (context) => {
  const { api } = await startAdminFixture(context);
  const one = resultOf(await api.post("/access/policies", { ...open, name: "one" }), 201);
  const two = resultOf(await api.post("/access/policies", { ...staffOnly, name: "two" }), 201);
  assert.equal(one.reusable, true);
  assert.equal(one.app_count, 0);

  const app = resultOf(
    await api.post("/access/apps", { ...shop, policies: [one.id, two.id] }),
    201,
  );
  const path = `/access/apps/${app.id}`;
  const shownOf = (shown: { policies: { name: string; precedence: number }[] }) =>
    shown.policies.map(({ name, precedence }) => [name, precedence]);
  assert.deepEqual(shownOf(app), [
    ["one", 1],
    ["two", 2],
  ]);
  assert.deepEqual(app.policies[1].include, staffOnly.include);

  const links = [
    { id: one.id, precedence: 20 },
    { id: two.id, precedence: 10 },
  ];
  const put = async (policies: unknown) =>
    shownOf(resultOf(await api.put(path, { ...app, policies })));
  assert.deepEqual(await put(links), [
    ["two", 10],
    ["one", 20],
  ]);
  assert.deepEqual(
    await put(null),
    [
      ["two", 10],
      ["one", 20],
    ],
    "null leaves them alone",
  );
  assert.deepEqual(
    await put(undefined),
    [
      ["two", 10],
      ["one", 20],
    ],
    "and so does nothing",
  );
  const back = resultOf(await api.get(path)).policies;
  assert.deepEqual(
    await put(back),
    [
      ["two", 10],
      ["one", 20],
    ],
    "what was read is taken back",
  );
  assert.equal(resultOf(await api.get(`/access/policies/${one.id}`)).app_count, 1);

  const inUse = await api.delete(`/access/policies/${one.id}`);
  assert.equal(inUse.status, 400);
  assert.match(inUse.errors[0]?.message ?? "", /in use by application "Shop"/);
  assert.deepEqual(await put([]), [], "an empty list removes all");
  resultOf(await api.delete(`/access/policies/${one.id}`), 202);

  assert.deepEqual(await put([open, staffOnly]), [
    ["open", 1],
    ["staff", 2],
  ]);
  const mixed = await api.put(path, { ...app, policies: [two.id, open] });
  assert.equal(mixed.status, 400);
  assert.match(mixed.errors[0]?.message ?? "", /mixes policies of its own with reusable ones/);
  const doubled = [
    { ...open, precedence: 1 },
    { ...staffOnly, precedence: 1 },
  ];
  assert.equal((await api.put(path, { ...app, policies: doubled })).status, 400);
  assert.equal((await api.put(path, { ...app, policies: ["gone"] })).status, 400);
});

test("the policies of an application are made, read, changed and taken out one by one", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api } = fixture;
  const { id } = resultOf(await api.post("/access/apps", { ...shop, policies: [staffOnly] }), 201);
  const path = `/access/apps/${id}/policies`;
  assert.notEqual(await statusAt(fixture, "shop.localhost"), 200);
  const added = resultOf(await api.post(path, open), 201);
  assert.equal(added.precedence, 2);
  assert.equal(await statusAt(fixture, "shop.localhost"), 200);
  const names = async () => resultOf(await api.get(path)).map(({ name }: { name: string }) => name);
  assert.deepEqual(await names(), ["staff", "open"]);
  assert.deepEqual(resultOf(await api.get(`${path}?page=2`)), []);

  const one = `${path}/${added.id}`;
  assert.deepEqual(resultOf(await api.get(one)), added);
  const changed = resultOf(await api.put(one, { ...added, name: "opened", precedence: 9 }));
  assert.deepEqual([changed.name, changed.precedence], ["opened", 9]);
  assert.equal((await api.put(one, { ...added, include: [] })).status, 400);
  assert.deepEqual(await names(), ["staff", "opened"]);
  assert.deepEqual(resultOf(await api.delete(one), 202), { id: added.id });
  assert.deepEqual(await names(), ["staff"]);
  assert.notEqual(await statusAt(fixture, "shop.localhost"), 200);
  for (const answer of [await api.get(one), await api.put(one, open), await api.delete(one)])
    assert.equal(answer.status, 404);
  assert.equal((await api.get("/access/apps/gone/policies")).status, 404);

  const shared = resultOf(await api.post("/access/policies", open), 201);
  resultOf(await api.put(`/access/apps/${id}`, { ...shop, policies: [shared.id] }));
  const reusable = await api.put(`${path}/${shared.id}`, staffOnly);
  assert.equal(reusable.status, 400);
  assert.match(reusable.errors[0]?.message ?? "", /change it at \/access\/policies/);
  resultOf(await api.delete(`${path}/${shared.id}`), 202);
  assert.equal((await statusAt(fixture, "shop.localhost")) === 200, false);
  resultOf(await api.get(`/access/policies/${shared.id}`));
});

test("a change of a reusable policy is in force wherever it is linked", async (context) => {
  const fixture = await startAdminFixture(context);
  const { api } = fixture;
  const shared = resultOf(await api.post("/access/policies", staffOnly), 201);
  for (const host of ["one.localhost", "two.localhost"])
    resultOf(await api.post("/access/apps", { ...shop, domain: host, policies: [shared.id] }), 201);
  for (const host of ["one.localhost", "two.localhost"])
    assert.notEqual(await statusAt(fixture, host), 200);
  resultOf(await api.put(`/access/policies/${shared.id}`, open));
  for (const host of ["one.localhost", "two.localhost"])
    assert.equal(await statusAt(fixture, host), 200);
});

test("an application that is wrong is refused with the field, and nothing of it is stored", async (context) => {
  const sections = { applications: [{ ...shop, id: "file", name: "File's" }] };
  const { api, gateway } = await startAdminFixture(context, sections);
  const wrong: [Record<string, unknown>, RegExp, string][] = [
    [{ domain: undefined }, /has no domain/, ""],
    [{ domain: "login.localhost" }, /the gateway's own host/, "/domain"],
    [{}, /covered by application "File's" already/, "/domain"],
    [{ domain: "a.localhost", allowed_idps: ["gone"] }, /is not the id of/, "/allowed_idps/0"],
    [{ domain: "a.localhost", session_duration: "8" }, /duration/, "/session_duration"],
    [{ domain: "a.localhost", nonsense: 1 }, /unknown field/, "/nonsense"],
    [
      { domain: "a.localhost", policies: [{ ...open, include: [{ group: { id: "gone" } }] }] },
      /is not the id of a group/,
      "/policies/0/include/0/group/id",
    ],
  ];
  for (const [fields, says, pointer] of wrong) {
    const { status, errors } = await api.post("/access/apps", { ...shop, ...fields });
    assert.equal(status, 400, JSON.stringify(fields));
    const error = errors.find(({ message }) => says.test(message));
    assert.ok(error !== undefined, `${says}: ${JSON.stringify(errors)}`);
    assert.equal(error.source?.pointer, pointer);
  }
  assert.equal(gateway.parts.catalogs.current().applications.length, 1);
  assert.equal((await api.put("/access/apps/file", shop)).status, 400);
  assert.equal((await api.delete("/access/apps/file")).status, 400);
});

test("lists of applications are filtered by name, domain and AUD", async (context) => {
  const { api } = await startAdminFixture(context);
  const apps = [];
  for (const name of ["alpha", "alphabet", "beta"])
    apps.push(
      resultOf(await api.post("/access/apps", { ...shop, name, domain: `${name}.localhost` }), 201),
    );
  const names = async (query: string) =>
    resultOf(await api.get(`/access/apps?${query}`)).map(({ name }: { name: string }) => name);
  assert.deepEqual(await names("name=alpha"), ["alpha", "alphabet"]);
  assert.deepEqual(await names("name=alpha&exact=true"), ["alpha"]);
  assert.deepEqual(await names("domain=beta.localhost"), ["beta"]);
  assert.deepEqual(await names(`aud=${apps[1].aud}`), ["alphabet"]);
  assert.deepEqual(await names("search=bet.local"), ["alphabet"]);
  assert.deepEqual(await names("name=alpha&domain=beta"), []);
});

test("a token for one application sees it and nothing else (case O3)", async (context) => {
  const { api, clientWith } = await startAdminFixture(context);
  const own = resultOf(await api.post("/access/policies", staffOnly), 201);
  const others = resultOf(await api.post("/access/policies", { ...open, name: "others" }), 201);
  const a = resultOf(await api.post("/access/apps", { ...shop, policies: [own.id] }), 201);
  const other = { ...shop, domain: "other.localhost", policies: [others.id] };
  const b = resultOf(await api.post("/access/apps", other), 201);
  const narrow = await clientWith(["apps:write", "organizations:write"], [a.id]);
  const idsAt = async (path: string) =>
    resultOf(await narrow.get(path)).map(({ id }: { id: string }) => id);
  assert.deepEqual(await idsAt("/access/apps"), [a.id]);
  assert.deepEqual(await idsAt("/access/policies"), [own.id]);
  assert.deepEqual(await idsAt("/access/identity_providers"), []);
  for (const path of [
    `/access/apps/${b.id}`,
    `/access/policies/${others.id}`,
    `/access/apps/${b.id}/policies`,
  ]) {
    assert.equal((await narrow.get(path)).status, 404, path);
    if (!path.endsWith("policies")) {
      assert.equal((await narrow.put(path, { ...shop, ...staffOnly })).status, 404, path);
      assert.equal((await narrow.delete(path)).status, 404, path);
    }
  }
  assert.equal((await narrow.post("/access/apps", { ...shop, domain: "n.localhost" })).status, 403);
  assert.equal((await narrow.put(`/access/policies/${own.id}`, open)).status, 403);
  assert.equal((await narrow.put("/access/organizations", { name: "x" })).status, 403);
  resultOf(await narrow.put(`/access/apps/${a.id}`, { ...a, name: "renamed" }));
  assert.equal(resultOf(await api.get(`/access/apps/${b.id}`)).name, "Shop");
});
