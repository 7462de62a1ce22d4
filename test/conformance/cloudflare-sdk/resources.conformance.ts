// The rest of what is configured, by Cloudflare's own client: applications of every shape, service
// tokens with their secrets, lists, keys and SSH authorities.
import assert from "node:assert/strict";
import { test } from "node:test";
import Cloudflare from "cloudflare";
import { rawRequest } from "../../support/raw-request.ts";
import { noteSecrets } from "../../support/run-secrets.ts";
import { type Conformance, start } from "./gateway.ts";
import { all, app, appsOf, holds, policy, rule } from "./verbs.ts";

/** Applications of one type differ in where they are and in what they say of it. */
const shapes: Record<string, Record<string, unknown>> = {
  "one host": app,
  "a path": { ...app, domain: "shop.localhost/admin" },
  wildcards: { ...app, domain: "*.shop.localhost/api/*" },
  "several destinations": {
    type: "self_hosted",
    name: "Shop",
    destinations: [
      { type: "public", uri: "a.localhost" },
      { type: "public", uri: "b.localhost/x" },
    ],
  },
  "the deprecated field": {
    type: "self_hosted",
    name: "Shop",
    self_hosted_domains: ["a.localhost"],
  },
  "cookies of its own": {
    ...app,
    same_site_cookie_attribute: "strict",
    http_only_cookie_attribute: false,
    path_cookie_attribute: true,
    enable_binding_cookie: true,
  },
  "what the refused are shown": {
    ...app,
    custom_deny_message: "Ask the desk.",
    custom_deny_url: "https://help.example.com/denied",
    custom_non_identity_deny_url: "https://help.example.com/programs",
  },
  CORS: {
    ...app,
    cors_headers: {
      allowed_origins: ["https://a.example.com"],
      allowed_methods: ["GET"],
      max_age: 5,
    },
  },
  "its own policies": { ...app, policies: [{ ...policy, precedence: 1 }] },
  "public paths": {
    type: "self_hosted",
    name: "Shop",
    destinations: [
      {
        type: "public",
        uri: "a.localhost",
        overrides: [{ path_pattern: "/health", behavior: "public" }],
      },
    ],
  },
  "tags and a tile": {
    ...app,
    tags: ["a", "b"],
    logo_url: "https://shop.example.com/logo.png",
    app_launcher_visible: false,
  },
  "what programs meet": {
    ...app,
    read_service_tokens_from_header: "Authorization",
    service_auth_401_redirect: true,
    skip_interstitial: true,
    allow_iframe: true,
    options_preflight_bypass: true,
    session_duration: "30m",
  },
  bookmark: {
    type: "bookmark",
    name: "Wiki",
    domain: "https://wiki.example.com/start",
    tags: ["a"],
  },
  saas: {
    type: "saas",
    name: "Board",
    saas_app: {
      auth_type: "oidc",
      redirect_uris: ["https://board.example.com/cb"],
      scopes: ["openid"],
    },
  },
  ssh: { type: "ssh", name: "Bastion", domain: "ssh.localhost" },
  infrastructure: {
    type: "infrastructure",
    name: "Machines",
    target_criteria: [{ port: 22, protocol: "SSH", target_attributes: { hostname: ["m1"] } }],
  },
  mcp: {
    type: "mcp",
    name: "Tools",
    destinations: [{ type: "via_mcp_server_portal", mcp_server_id: "t" }],
  },
};

test("applications of every shape come back as they were written", async (context) => {
  const apps = appsOf(await start(context));
  for (const [shape, body] of Object.entries(shapes)) {
    await holds(apps, body);
    const shown = (await apps.create(body)) as Record<string, unknown>;
    for (const [field, value] of Object.entries(body)) {
      if (field !== "policies") assert.deepEqual(shown[field], value, `${shape}: ${field}`);
    }
    await apps.delete(String(shown["id"]));
  }
});

interface Secret {
  id: string;
  client_id: string;
  client_secret?: string;
  client_secret_version?: number;
  expires_at?: string;
}

/** The status of a request with a token and a secret. */
async function statusWith(
  { gateway, upstream }: Conformance,
  { client_id }: Secret,
  secret: string,
): Promise<number> {
  upstream.reset();
  const lines = [
    "Host: shop.localhost",
    `CF-Access-Client-Id: ${client_id}`,
    `CF-Access-Client-Secret: ${secret}`,
  ];
  const { status } = await rawRequest(gateway.port, "GET / HTTP/1.1", lines);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
  return status;
}

function secretOf({ client_secret }: Secret): string {
  assert.ok(client_secret, "the answer has the secret");
  noteSecrets(client_secret);
  return client_secret;
}

test("service tokens: all five verbs, and each secret is in one answer alone", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { serviceTokens } = client.zeroTrust.access;
  const machines = {
    name: "machines",
    decision: "non_identity",
    include: [{ any_valid_service_token: {} }],
  };
  await appsOf(conformance).create({ ...app, policies: [machines] });
  const make = async (body: { name: string; duration?: string }) =>
    (await serviceTokens.create({ account_id, ...body })) as unknown as Secret;
  const get = async (id: string) =>
    (await serviceTokens.get(id, { account_id })) as unknown as Secret;
  const update = async (id: string, body: object) =>
    (await serviceTokens.update(id, { account_id, ...body })) as unknown as Secret;

  const made = await make({ name: "ci", duration: "forever" });
  const first = secretOf(made);
  assert.equal(await statusWith(conformance, made, first), 200);
  const { client_secret: _, ...shown } = made;
  assert.deepEqual(await get(made.id), shown);
  assert.deepEqual(await all(serviceTokens.list({ account_id, name: "ci" })), [shown]);
  assert.deepEqual(await all(serviceTokens.list({ account_id, name: "none" })), []);

  // Rotation ends the secret before, unless it is given a while.
  const rotated = (await serviceTokens.rotate(made.id, { account_id })) as unknown as Secret;
  const second = secretOf(rotated);
  assert.notEqual(second, first);
  assert.equal(await statusWith(conformance, made, first), 401);
  const graceUntil = new Date(Date.now() + 36e5).toISOString();
  const third = secretOf(
    (await serviceTokens.rotate(made.id, {
      account_id,
      previous_client_secret_expires_at: graceUntil,
    })) as unknown as Secret,
  );
  for (const secret of [second, third])
    assert.equal(await statusWith(conformance, made, secret), 200);

  // A higher version is a rotation as well; the same one is not.
  const version = (await get(made.id)).client_secret_version ?? 0;
  const same = await update(made.id, { name: "ci", client_secret_version: version });
  assert.ok(!("client_secret" in same));
  const raised = await update(made.id, { name: "ci", client_secret_version: version + 1 });
  const fourth = secretOf(raised);
  assert.equal(await statusWith(conformance, made, third), 401);
  assert.equal(await statusWith(conformance, made, fourth), 200);
  assert.ok(!("client_secret" in (await get(made.id))));

  // A duration ends it; a refresh gives it a year.
  const hourly = await update(made.id, { name: "ci 2", duration: "60m" });
  assert.equal((hourly as { name?: string }).name, "ci 2");
  const refreshed = (await serviceTokens.refresh(made.id, { account_id })) as unknown as Secret;
  assert.ok((refreshed.expires_at ?? "") > (hourly.expires_at ?? ""));

  const gone = (await serviceTokens.delete(made.id, { account_id })) as unknown as Secret;
  assert.equal(gone.id, made.id);
  assert.equal(await statusWith(conformance, made, fourth), 401);
  await assert.rejects(get(made.id), Cloudflare.NotFoundError);
});

test("an application's settings: PUT and PATCH", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { settings } = client.zeroTrust.access.applications;
  const { id = "" } = (await appsOf(conformance).create(app)) as { id?: string };
  const both = { allow_iframe: true, skip_interstitial: true };
  assert.deepEqual(await settings.update(id, { account_id, ...both }), both);
  const kept = { ...both, skip_interstitial: false };
  assert.deepEqual(await settings.edit(id, { account_id, skip_interstitial: false }), kept);
});

test("lists: all five verbs, items appended, removed and paged through", async (context) => {
  const { client, account_id } = await start(context);
  const { lists } = client.zeroTrust.gateway;
  await holds(
    {
      create: (body) => lists.create({ account_id, ...body } as never) as never,
      list: () => lists.list({ account_id }) as never,
      get: (id) => lists.get(id, { account_id }) as never,
      update: (id, body) => lists.update(id, { account_id, ...body } as never) as never,
      delete: (id) => lists.delete(id, { account_id }) as never,
    },
    { name: "Staff", type: "EMAIL", items: [{ value: "ada@example.com" }] },
  );
  const values = Array.from({ length: 7 }, (_none, index) => `10.0.0.${index}`);
  const items = values.map((value) => ({ value }));
  const { id = "" } = await lists.create({ account_id, name: "Office", type: "IP", items });
  const edited = await lists.edit(id, {
    account_id,
    append: [{ value: "10.1.0.0/16" }],
    remove: ["10.0.0.3"],
  });
  assert.equal(edited.count, 7);
  const wanted = [...values.filter((value) => value !== "10.0.0.3"), "10.1.0.0/16"];
  const paged = await all(lists.items.list(id, { account_id, per_page: 3 } as never) as never);
  assert.deepEqual(
    (paged as unknown as { value: string }[]).map(({ value }) => value),
    wanted,
  );
});

test("tags: all five verbs, by name", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { tags } = client.zeroTrust.access;
  for (const name of ["ops", "eng"])
    assert.equal((await tags.create({ account_id, name })).name, name);
  const names = async () =>
    (await all(tags.list({ account_id, per_page: 1 }))).map(({ name }) => name);
  assert.deepEqual(await names(), ["eng", "ops"]);
  assert.equal((await tags.get("eng", { account_id })).name, "eng");
  assert.equal((await tags.update("eng", { account_id, name: "dev" })).name, "dev");
  const { id = "" } = (await appsOf(conformance).create({ ...app, tags: ["dev"] })) as {
    id?: string;
  };
  await assert.rejects(tags.delete("dev", { account_id }), Cloudflare.BadRequestError);
  await appsOf(conformance).delete(id);
  assert.deepEqual(await tags.delete("dev", { account_id }), { name: "dev" });
  await assert.rejects(tags.get("dev", { account_id }), Cloudflare.NotFoundError);
  assert.deepEqual(await names(), ["ops"]);
});

test("keys: read, the interval set, rotated", async (context) => {
  const { client, account_id } = await start(context);
  const { keys } = client.zeroTrust.access;
  const before = await keys.get({ account_id });
  assert.ok((before.days_until_next_rotation ?? 0) > 0);
  const set = await keys.update({ account_id, key_rotation_interval_days: 30 });
  assert.equal(set.key_rotation_interval_days, 30);
  assert.deepEqual(await keys.get({ account_id }), set);
  await assert.rejects(
    keys.update({ account_id, key_rotation_interval_days: 20 }),
    Cloudflare.BadRequestError,
  );
  const rotated = await keys.rotate({ account_id });
  assert.ok((rotated.last_key_rotation_at ?? "") >= (before.last_key_rotation_at ?? ""));
});

test("an application's SSH authority: made, listed, read and removed", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { cas } = client.zeroTrust.access.applications;
  const { id } = (await appsOf(conformance).create(app)) as { id: string };
  assert.deepEqual(await all(cas.list({ account_id })), []);
  const made = await cas.create(id, { account_id });
  assert.match(made.public_key ?? "", /^ecdsa-sha2-nistp256 |^ssh-ed25519 /);
  assert.deepEqual(await cas.create(id, { account_id }), made, "one that is there stays");
  assert.deepEqual(await cas.get(id, { account_id }), made);
  assert.deepEqual(await all(cas.list({ account_id })), [made]);
  assert.equal((await cas.delete(id, { account_id })).id, id);
  await assert.rejects(cas.get(id, { account_id }), Cloudflare.NotFoundError);
});

test("what others refer to is not deleted, and says by whom it is used", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { groups } = client.zeroTrust.access;
  const { lists } = client.zeroTrust.gateway;
  const list = await lists.create({
    ...{ account_id, name: "Staff", type: "EMAIL" as const },
    items: [{ value: "ada@example.com" }],
  });
  const group = await groups.create({
    ...{ account_id, name: "Staff" },
    include: [rule, { email_list: { id: list.id ?? "" } }],
  });
  const include = [{ group: { id: group.id ?? "" } }];
  await appsOf(conformance).create({ ...app, policies: [{ ...policy, include }] });
  const refusals: [() => PromiseLike<unknown>, RegExp][] = [
    [() => lists.delete(list.id ?? "", { account_id }), /in use by group "Staff"/],
    [() => groups.delete(group.id ?? "", { account_id }), /in use by application "Shop"/],
  ];
  for (const [remove, says] of refusals) {
    await assert.rejects(
      async () => remove(),
      (error) => {
        assert.ok(error instanceof Cloudflare.BadRequestError);
        assert.match(error.errors[0]?.message ?? "", says);
        return true;
      },
    );
  }
});
