// What Cloudflare's own clients expect of the admin API and of our tokens. The names of the tests
// are those of requirements.json; `npm run conformance` runs them and prints the table.
import assert from "node:assert/strict";
import { test } from "node:test";
import { cloudflareAccess } from "@hono/cloudflare-access";
import Cloudflare from "cloudflare";
import { Hono } from "hono";
import { rawRequest } from "../../support/raw-request.ts";
import { start } from "./gateway.ts";
import { all, app, appsOf, holds, policy, rule } from "./verbs.ts";

/** What a proxy that has the certificate says. */
const forwarded = ["X-Forwarded-Proto: https", "X-Forwarded-For: 192.0.2.7"];

test("the client finds the account and verifies its token", async (context) => {
  const { client, account_id } = await start(context);
  const accounts = await all(client.accounts.list());
  assert.deepEqual(
    accounts.map(({ id }) => id),
    [account_id],
  );
  assert.equal((await client.user.tokens.verify()).status, "active");
});

test("a failure throws once, with what is wrong and where", async (context) => {
  const { client, account_id, gateway, address } = await start(context);
  const answers = () => gateway.events.filter(({ event }) => event.startsWith("admin_")).length;
  const before = answers();
  const wrong = { account_id, name: "x", include: [{ email: { email: "no address" } }] };
  await assert.rejects(client.zeroTrust.access.groups.create(wrong), (error) => {
    assert.ok(error instanceof Cloudflare.BadRequestError);
    const [first] = error.errors as { code?: number; message?: string; source?: object }[];
    assert.ok((first?.code ?? 0) >= 1000);
    assert.match(first?.message ?? "", /include\[0\]\.email\.email .+/);
    assert.deepEqual(first?.source, { pointer: "/include/0/email/email" });
    return true;
  });
  assert.equal(answers(), before + 1, "it was sent once");
  const stranger = new Cloudflare({ apiToken: "x", baseURL: `${address}/client/v4` });
  await assert.rejects(
    all(stranger.zeroTrust.access.groups.list({ account_id })),
    Cloudflare.AuthenticationError,
  );
  const elsewhere = { account_id: "0".repeat(32) };
  await assert.rejects(
    all(client.zeroTrust.access.groups.list(elsewhere)),
    Cloudflare.NotFoundError,
  );
});

test("lists are paged through to their end", async (context) => {
  const { client, account_id } = await start(context);
  const { groups } = client.zeroTrust.access;
  for (let index = 0; index < 7; index++)
    await groups.create({ account_id, name: `group ${index}`, include: [rule] });
  for (const per_page of [1, 3, 7, 50]) {
    const names = (await all(groups.list({ account_id, per_page }))).map(({ name }) => name);
    assert.deepEqual(
      names,
      [0, 1, 2, 3, 4, 5, 6].map((index) => `group ${index}`),
      `${per_page}`,
    );
  }
  const named = await all(groups.list({ account_id, name: "group 3" }));
  assert.equal(named.length, 1);
});

test("PUT replaces, null unsets, and policies stay unless they are written", async (context) => {
  const conformance = await start(context);
  const apps = appsOf(conformance);
  const full = { ...app, custom_deny_message: "No.", session_duration: "8h", policies: [policy] };
  const created = await apps.create(full);
  const id = created.id ?? "";
  const fieldsOf = (shown: object) => shown as Record<string, unknown> & { policies: unknown[] };
  const update = async (body: object) => fieldsOf(await apps.update(id, body));

  const replaced = await update(app);
  assert.equal(replaced["session_duration"], "24h");
  assert.ok(!("custom_deny_message" in replaced));
  assert.equal(replaced.policies.length, 1, "without policies they stay");
  assert.equal((await update({ ...app, policies: null })).policies.length, 1);
  const unset = await update({ ...full, policies: null, custom_deny_message: null });
  assert.ok(!("custom_deny_message" in unset));
  assert.deepEqual((await update({ ...app, policies: [] })).policies, []);
});

test("applications are created, listed, read, replaced and deleted", async (context) => {
  const conformance = await start(context);
  await holds(appsOf(conformance), app);
  const { client, account_id } = conformance;
  const { applications } = client.zeroTrust.access;
  const created = await applications.create({ account_id, ...app } as never);
  const { aud, id } = created as unknown as { aud: string; id: string };
  assert.match(aud, /^[0-9a-f]{64}$/);
  for (const query of [{ name: "Sho" }, { aud }, { domain: "shop.localhost", exact: true }]) {
    const listed = await all(applications.list({ account_id, ...query }));
    assert.deepEqual(
      listed.map((each) => each.id),
      [id],
      JSON.stringify(query),
    );
  }
  assert.deepEqual(await all(applications.list({ account_id, name: "none" })), []);
});

test("the three forms of an application's domains agree in every reply", async (context) => {
  const apps = appsOf(await start(context));
  const destinations = ["a.localhost", "b.localhost/x"].map((uri) => ({ type: "public", uri }));
  const created = await apps.create({ type: "self_hosted", name: "x", destinations });
  const id = created.id ?? "";
  const moved = { type: "self_hosted", name: "x", self_hosted_domains: ["c.localhost"] };
  const replies: [object, string[]][] = [
    [created, ["a.localhost", "b.localhost/x"]],
    [await apps.get(id), ["a.localhost", "b.localhost/x"]],
    [await apps.update(id, moved), ["c.localhost"]],
    [await apps.get(id), ["c.localhost"]],
  ];
  for (const [reply, domains] of replies) {
    const shown = reply as Record<string, unknown>;
    assert.equal(shown["domain"], domains[0]);
    assert.deepEqual(shown["self_hosted_domains"], domains);
    assert.deepEqual(
      shown["destinations"],
      domains.map((uri) => ({ type: "public", uri })),
    );
  }
});

test("fields without effect come back", async (context) => {
  const { client, account_id } = await start(context);
  const { groups, policies } = client.zeroTrust.access;
  const group = await groups.create({ account_id, name: "g", include: [rule], is_default: true });
  assert.equal((group as { is_default?: unknown }).is_default, true);
  const isolated = await policies.create({
    account_id,
    ...policy,
    isolation_required: true,
  } as never);
  assert.equal((isolated as { isolation_required?: unknown }).isolation_required, true);
});

test("reusable policies are created, listed, read, replaced and deleted", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { policies } = client.zeroTrust.access;
  await holds(
    {
      create: (body) => policies.create({ account_id, ...body } as never) as never,
      list: () => policies.list({ account_id }) as never,
      get: (id) => policies.get(id, { account_id }) as never,
      update: (id, body) => policies.update(id, { account_id, ...body } as never) as never,
      delete: (id) => policies.delete(id, { account_id }) as never,
    },
    policy,
  );
  const { id = "" } = (await policies.create({ account_id, ...policy } as never)) as {
    id?: string;
  };
  await appsOf(conformance).create({ ...app, policies: [id] });
  await assert.rejects(policies.delete(id, { account_id }), Cloudflare.BadRequestError);
});

test("policies of one application are created, listed, read, replaced and deleted", async (context) => {
  const conformance = await start(context);
  const { client, account_id } = conformance;
  const { applications, policies: reusable } = client.zeroTrust.access;
  const apps = appsOf(conformance);
  const { id: app_id } = (await apps.create(app)) as { id: string };
  const { policies } = applications;
  await holds(
    {
      create: (body) => policies.create(app_id, { account_id, ...body } as never) as never,
      list: () => policies.list(app_id, { account_id }) as never,
      get: (id) => policies.get(id, { account_id, app_id }) as never,
      update: (id, body) => policies.update(id, { account_id, app_id, ...body } as never) as never,
      delete: (id) => policies.delete(id, { account_id, app_id }) as never,
    },
    policy,
  );
  const names = ["first", "second"];
  const ids: string[] = [];
  for (const name of names) {
    const made = await reusable.create({ account_id, ...policy, name } as never);
    ids.push((made as { id: string }).id);
  }
  const links = ids.map((id, index) => ({ id, precedence: 2 - index }));
  const linked = (await apps.update(app_id, { ...app, policies: links })) as unknown as {
    policies: { name: string; precedence: number; include: object[] }[];
  };
  assert.deepEqual(
    linked.policies.map(({ name, precedence }) => [name, precedence]),
    [
      ["second", 1],
      ["first", 2],
    ],
  );
  assert.deepEqual(linked.policies[0]?.include, [rule]);
});

test("groups are created, listed, read, replaced and deleted", async (context) => {
  const { client, account_id } = await start(context);
  const { groups } = client.zeroTrust.access;
  await holds(
    {
      create: (body) => groups.create({ account_id, ...body } as never) as never,
      list: () => groups.list({ account_id }) as never,
      get: (id) => groups.get(id, { account_id }) as never,
      update: (id, body) => groups.update(id, { account_id, ...body } as never) as never,
      delete: (id) => groups.delete(id, { account_id }) as never,
    },
    { name: "Staff", include: [rule], exclude: [{ email: { email: "bob@example.com" } }] },
  );
});

test("identity providers are created, listed, read, replaced and deleted", async (context) => {
  const { client, account_id } = await start(context);
  const { identityProviders } = client.zeroTrust;
  const secret = "the provider's own secret";
  const config = {
    client_id: "postern",
    client_secret: secret,
    auth_url: "https://idp.example.com/authorize",
    token_url: "https://idp.example.com/token",
    certs_url: "https://idp.example.com/certs",
  };
  const body = { name: "Corp", type: "oidc", config };
  const create = (fields: object) =>
    identityProviders.create({ account_id, ...fields } as never) as never;
  const shown = await (create(body) as Promise<object>);
  assert.ok(!JSON.stringify(shown).includes(secret));
  await holds(
    {
      create,
      list: () => identityProviders.list({ account_id }) as never,
      get: (id) => identityProviders.get(id, { account_id }) as never,
      update: (id, fields) =>
        identityProviders.update(id, { account_id, ...fields } as never) as never,
      delete: (id) => identityProviders.delete(id, { account_id }) as never,
    },
    body,
  );
  const pin = await (create({ name: "PIN", type: "onetimepin", config: {} }) as Promise<object>);
  assert.equal(typeof (pin as { config?: unknown }).config, "object");
});

test("the organization is read, created and updated", async (context) => {
  const { client, account_id, gateway } = await start(context);
  const { organizations } = client.zeroTrust;
  const before = await organizations.list({ account_id });
  assert.equal(before.auth_domain, `login.localhost:${gateway.port}`);
  const auth_domain = before.auth_domain ?? "";
  const created = await organizations.create({ account_id, name: "Example", auth_domain });
  assert.equal(created.name, "Example");
  const updated = await organizations.update({
    account_id,
    name: "Example",
    session_duration: "8h",
  });
  assert.equal(updated.session_duration, "8h");
  assert.deepEqual(await organizations.list({ account_id }), updated);
});

test("a zone answers as the account does", async (context) => {
  const { client, account_id } = await start(context);
  const { groups } = client.zeroTrust.access;
  const created = await groups.create({ zone_id: account_id, name: "g", include: [rule] });
  assert.deepEqual(await all(groups.list({ account_id })), [created]);
  const zone_id = "0".repeat(32);
  await assert.rejects(
    all(groups.list({ zone_id })),
    (error) => error instanceof Cloudflare.NotFoundError && /use \/accounts\//.test(error.message),
  );
});

test("@hono/cloudflare-access takes what the origin gets, and nothing of another application", async (context) => {
  const team = "conformance";
  const host = `${team}.cloudflareaccess.com`;
  const conformance = await start(context, {
    auth_domain: host,
    trusted_proxies: ["127.0.0.1"],
  });
  const { gateway, upstream } = conformance;
  const apps = appsOf(conformance);
  const own = (await apps.create({ ...app, policies: [policy] })) as unknown as { aud: string };
  const otherApp = { ...app, domain: "other.localhost", policies: [policy] };
  const other = (await apps.create(otherApp)) as unknown as { aud: string };

  // The assertion that the origin of each application gets.
  const { parts } = gateway;
  const session = await parts.sessions.start({
    kind: "browser",
    identity: {
      ...{ email: "ada@example.com", name: "", groups: [], amr: [], oidc_fields: {} },
      ...{ idp: { id: "pin", type: "onetimepin" }, ip: "127.0.0.1", country: "", iat: 1 },
    },
    userAgent: "test",
    lifetimeMs: 36e5,
  });
  const assertionAt = async (aud: string, name: string) => {
    const application = parts.catalogs.current().applicationByAud.get(aud) ?? assert.fail();
    const token = await parts.tokens.issueApp(session, application, 36e5);
    const lines = [`Host: ${name}`, ...forwarded, `cf-access-token: ${token}`];
    const { status, body } = await rawRequest(gateway.port, "GET / HTTP/1.1", lines);
    assert.equal(status, 200, body);
    return upstream.requests.at(-1)?.header("cf-access-jwt-assertion") ?? assert.fail();
  };
  const assertion = await assertionAt(own.aud, "shop.localhost");
  const foreign = await assertionAt(other.aud, "other.localhost");

  // The middleware asks the team domain for keys: those of this gateway.
  const web = globalThis.fetch;
  context.mock.method(globalThis, "fetch", async (url: string) => {
    assert.equal(url, `https://${host}/cdn-cgi/access/certs`);
    const lines = [`Host: ${host}`, ...forwarded];
    const keys = await rawRequest(gateway.port, "GET /cdn-cgi/access/certs HTTP/1.1", lines);
    return new Response(keys.body, { status: keys.status });
  });
  const origin = new Hono();
  origin.use("*", cloudflareAccess(team, own.aud));
  origin.get("/", (c) => c.json(c.get("accessPayload" as never)));
  const ask = (jwt: string) => origin.request("/", { headers: { "cf-access-jwt-assertion": jwt } });
  const answer = await ask(assertion);
  assert.equal(answer.status, 200, await answer.clone().text());
  assert.equal(((await answer.json()) as { email: string }).email, "ada@example.com");
  assert.equal((await ask(foreign)).status, 401);
  assert.equal((await ask(`${assertion.slice(0, -8)}AAAAAAAA`)).status, 401);
  globalThis.fetch = web;
});
