// Why decisions are what they are, and what a change would make of them, by the API.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { until } from "../../../../test/support/until.ts";
import { ada, application, bob, hour } from "../access/access-fixture.ts";
import { identityOf } from "../tokens/token-fixture.ts";
import { type AdminFixture, resultOf, startAdminFixture } from "./admin-fixture.ts";

const path = "/access/decisions";
const staff = { id: "staff", name: "Staff", include: [{ email: { email: ada } }] };
const staffOnly = { name: "staff only", decision: "allow", include: [{ group: { id: "staff" } }] };
const open = { name: "open", decision: "bypass", include: [{ everyone: {} }] };
const sections = {
  log: { requests: "decisions" },
  groups: [staff],
  applications: [application("app", [staffOnly]), application("other", [open])],
};

const idOf = ({ gateway }: AdminFixture, name: string) =>
  gateway.parts.catalogs.current().applications.find((each) => each.name === name)?.id ?? "";

/** Somebody asks the application, and what the gateway decided is in its log. */
async function ask({ gateway, upstream, api }: AdminFixture, email: string): Promise<string> {
  const { parts } = gateway;
  const session = await parts.sessions.start({
    ...{ kind: "browser" as const, identity: identityOf(email) },
    ...{ userAgent: "Firefox", lifetimeMs: hour },
  });
  const app = parts.catalogs.current().applications.find(({ name }) => name === "app");
  const token = await parts.tokens.issueApp(session, app ?? assert.fail(), hour);
  upstream.reset();
  const lines = ["Host: app.localhost", `cf-access-token: ${token}`, "Accept: text/html"];
  const { status, body, headers } = await rawRequest(gateway.port, "GET /x HTTP/1.1", lines);
  assert.equal(upstream.requests.length, status === 200 ? 1 : 0);
  assert.equal(status, email === ada ? 200 : 403);
  const ray = headers["cf-ray"] ?? "";
  if (status === 403) assert.ok(body.includes(ray), "the page says the ray ID");
  await until(async () => {
    const rows = resultOf(await api.get(`/access/logs/access_requests?ray_id=${ray}`));
    return rows.length === 1;
  });
  return ray;
}

test("an administrator is told what policy decides about somebody at an address, and why", async (context) => {
  const { api } = await startAdminFixture(context, sections);
  const explain = async (body: object) => resultOf(await api.post(`${path}/explain`, body));
  const allowed = await explain({ url: "https://app.localhost/x", email: ada });
  assert.equal(allowed.outcome, "allow");
  assert.equal(allowed.application.name, "app");
  assert.match(allowed.why, /^policy "staff only" \(.*\), by group "Staff"/);
  assert.equal(allowed.policies[0].rules[0].group[0].match, "yes");
  const denied = await explain({ url: "app.localhost", email: bob });
  assert.equal(denied.outcome, "deny");
  assert.equal((await explain({ url: "app.localhost" })).outcome, "login");
  assert.equal((await explain({ url: "other.localhost/a" })).outcome, "bypass");
  const unknown = await explain({ url: "app.localhost", login_method: "pin" });
  assert.equal(unknown.outcome, "undecided");
  assert.deepEqual(unknown.missing, ["email"]);
});

test("what cannot be asked is refused with its place", async (context) => {
  const { api } = await startAdminFixture(context, sections);
  const wrong: [unknown, number, RegExp, string | undefined][] = [
    [undefined, 400, /must be a JSON object/, undefined],
    [{}, 400, /^url is missing/, "/url"],
    [{ url: "app.localhost", mail: ada }, 400, /^mail is no field/, "/mail"],
    [{ url: "app.localhost", claims: { a: 7 } }, 400, /^claims.a /, "/claims/a"],
    [{ url: "app.localhost", ip: "x" }, 400, /not an IP address/, undefined],
    [{ url: "app.localhost", login_method: "none" }, 400, /is called "none"/, undefined],
    [{ url: "nowhere.localhost" }, 404, /belongs to no application/, undefined],
  ];
  for (const [body, wanted, says, pointer] of wrong) {
    const { status, errors } = await api.post(`${path}/explain`, body);
    assert.equal(status, wanted, JSON.stringify(errors));
    assert.match(errors[0]?.message ?? "", says);
    assert.equal(errors[0]?.source?.pointer, pointer);
  }
});

test("the ray ID of the page of whoever was refused leads to the reason", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { api, clientWith } = fixture;
  const ray = await ask(fixture, bob);
  const [{ recorded, now }] = resultOf(await api.get(`${path}/rays/${ray}`));
  assert.equal(recorded.user_email, bob);
  assert.equal(recorded.outcome, "deny");
  assert.equal(now.outcome, "deny");
  assert.match(
    now.why,
    /^no policy matches: "staff only" \(.*\) includes group "Staff" .*, which includes nothing/,
  );
  assert.equal((await api.get(`${path}/rays/0000000000000000`)).status, 404);

  const own = await clientWith(["audit_logs:read", "apps:read"], [idOf(fixture, "app")]);
  const [seen] = resultOf(await own.get(`${path}/rays/${ray}`));
  assert.equal(seen.now.outcome, "deny");
  assert.ok(!JSON.stringify(seen).includes(ada), "what stands in a group is not the application's");
  const other = await clientWith(["audit_logs:read", "apps:read"], [idOf(fixture, "other")]);
  assert.equal((await other.get(`${path}/rays/${ray}`)).status, 404);
  assert.equal((await (await clientWith(["apps:read"])).get(`${path}/rays/${ray}`)).status, 403);
});

test("a token for some applications asks about these alone, and reads no group by asking", async (context) => {
  const fixture = await startAdminFixture(context, sections);
  const { clientWith } = fixture;
  const narrow = await clientWith(["apps:read", "organizations:read"], [idOf(fixture, "app")]);
  const question = { url: "app.localhost", email: bob };
  const shown = resultOf(await narrow.post(`${path}/explain`, question));
  assert.equal(shown.outcome, "deny");
  assert.ok(!JSON.stringify(shown).includes(ada));
  const elsewhere = await narrow.post(`${path}/explain`, { url: "other.localhost" });
  const nowhere = await narrow.post(`${path}/explain`, { url: "nowhere.localhost" });
  assert.equal(elsewhere.status, 404);
  assert.deepEqual(elsewhere.errors, nowhere.errors, "nothing tells it that there is another one");
  const token = { ...question, service_token: "robot" };
  assert.equal((await narrow.post(`${path}/explain`, token)).status, 403);
  const apps = await clientWith(["apps:read"]);
  const unrestricted = resultOf(await apps.post(`${path}/explain`, question));
  assert.ok(!JSON.stringify(unrestricted).includes(ada), "groups need organizations:read");
  for (const route of ["diff", "replay"]) {
    assert.equal((await apps.post(`${path}/${route}`, {})).status, 403, route);
    const all = ["apps:read", "organizations:read", "service_tokens:read", "lists:read"] as const;
    const limited = await clientWith([...all, "audit_logs:read"], [idOf(fixture, "app")]);
    assert.equal((await limited.post(`${path}/${route}`, {})).status, 403, route);
  }
});

test("a change says beforehand who gains and who loses, and changes nothing", async (context) => {
  const { api, gateway } = await startAdminFixture(context, {
    ...sections,
    groups: [],
    applications: [],
  });
  const { id } = resultOf(await api.post("/access/groups", staff), 201);
  const policies = [{ ...staffOnly, include: [{ group: { id } }] }];
  const body = { type: "self_hosted", name: "Shop", domain: "shop.localhost", policies };
  const app = resultOf(await api.post("/access/apps", body), 201);
  const before = gateway.parts.catalogs.current();
  const diff = async (change: object) => resultOf(await api.post(`${path}/diff`, change));

  const nothing = await diff({});
  assert.deepEqual([nothing.changes, nothing.decided, nothing.unchanged], [[], true, 1]);
  const fields = { ...staff, include: [{ email: { email: bob } }] };
  const swapped = await diff({ put: [{ kind: "group", id, fields }] });
  const [{ gains, loses, after }] = swapped.changes;
  assert.equal(after.id, app.id);
  assert.deepEqual(
    [gains, loses].map(([example]) => example.principal.identity.email),
    [bob, ada],
  );
  const gone = await diff({ remove: [{ kind: "application", id: app.id }] });
  assert.equal(gone.changes[0].after, null);
  assert.equal(gateway.parts.catalogs.current(), before, "nothing was changed");
  assert.deepEqual(
    resultOf(await api.get("/audit_logs")).map(
      ({ action }: { action: { type: string } }) => action.type,
    ),
    ["created", "created"],
  );

  const wrong = { ...fields, include: [{ email: { email: "x" } }] };
  const refused = await api.post(`${path}/diff`, { put: [{ kind: "group", id, fields: wrong }] });
  assert.equal(refused.status, 400);
  assert.equal(refused.errors[0]?.source?.pointer, "/put/0/include/0/email/email");
  const inUse = await api.post(`${path}/diff`, { remove: [{ kind: "group", id }] });
  assert.equal(inUse.status, 400);
  const twoAtOne = { ...body, name: "Other" };
  const taken = await api.post(`${path}/diff`, {
    put: [{ kind: "application", id: "new", fields: twoAtOne }],
  });
  assert.equal(taken.status, 400);
});

test("recorded decisions are replayed against a change", async (context) => {
  const fixture = await startAdminFixture(context, { ...sections, groups: [], applications: [] });
  const { api } = fixture;
  const { id } = resultOf(await api.post("/access/groups", staff), 201);
  const policies = [{ ...staffOnly, include: [{ group: { id } }] }];
  const body = { type: "self_hosted", name: "app", domain: "app.localhost", policies };
  resultOf(await api.post("/access/apps", body), 201);
  const ray = await ask(fixture, bob);
  await ask(fixture, ada);
  const replay = async (change: object) => resultOf(await api.post(`${path}/replay`, change));

  const same = await replay({});
  assert.deepEqual([same.rows, same.same, same.changes, same.complete], [2, 2, [], true]);
  const fields = { ...staff, include: [{ email_domain: { domain: "example.com" } }] };
  const changed = await replay({ put: [{ kind: "group", id, fields }], since: "1h" });
  assert.equal(changed.same, 1);
  const [{ from, to, count, examples }] = changed.changes;
  assert.deepEqual([from, to, count], ["deny", "allow", 1]);
  assert.equal(examples[0].ray_id, ray);
  for (const since of ["31d", "0s", "soon"]) {
    const { status, errors } = await api.post(`${path}/replay`, { since });
    assert.equal(status, 400, since);
    assert.equal(errors[0]?.source?.pointer, "/since");
  }
});
