// What `postern apply` refuses, and that nothing is half done then; what it keeps that a file does
// not say.
import assert from "node:assert/strict";
import { test } from "node:test";
import { resultOf, startAdminFixture } from "../admin/admin-fixture.ts";
import { Administrator } from "./apply-fixture.ts";

const wiki =
  "  - {name: Wiki, domain: wiki.example.com, policies: [{name: all, decision: allow, include: [{everyone: {}}]}]}\n";

test("a file with mistakes changes nothing, and each mistake has its line, also those that only the gateway finds", async (context) => {
  const fixture = await startAdminFixture(context);
  const administrator = new Administrator(context, fixture);
  const own = await administrator.apply(
    `applications:\n${wiki}  - {nam: Status, domain: s.example.com}\n`,
  );
  assert.match(
    String(own.error?.message),
    /objects\.yaml:3: applications\[1\]\.nam: unknown field; do you mean name\?/,
  );
  // Only the gateway knows its own hosts.
  const { team_host } = fixture.gateway.parts.config;
  const found = await administrator.apply(
    `applications:\n${wiki}  - {name: Status, domain: ${team_host}}\n`,
  );
  assert.match(
    String(found.error?.message),
    /^\S+objects\.yaml:3: applications\[1\] "Status"\.domain: is at the gateway's own host/,
  );
  const named = await administrator.apply(
    `${`applications:\n${wiki}`}groups:\n  - {name: g, include: [{group: {name: none}}]}\n`,
  );
  assert.match(
    String(named.error?.message),
    /objects\.yaml:4: groups\[0\] "g"\.include\[0\]\.group\.name: "none" is not a group/,
  );
  const tested = await administrator.apply(
    `applications:\n${wiki}tests:\n  - {application: Wiki, email: ada@example.com, expect: deny}\n`,
  );
  assert.match(
    String(tested.error?.message),
    /tests\[0\]\.expect: expects deny, and the answer is allow/,
  );
  assert.deepEqual(resultOf(await fixture.api.get("/access/apps")), []);
});

test("what the gateway's own file has is named and never changed", async (context) => {
  const staff = {
    id: "staff",
    name: "staff",
    include: [{ email_domain: { domain: "example.com" } }],
  };
  const fixture = await startAdminFixture(context, { groups: [staff] });
  const administrator = new Administrator(context, fixture);
  const uses = await administrator.apply(
    "groups:\n  - {name: leads, include: [{group: {name: staff}}]}\n",
    { prune: true },
  );
  assert.match(uses.printed, /^Created 1, updated 0, deleted 0/m, String(uses.error));
  const changes = await administrator.apply(
    "groups:\n  - {name: staff, include: [{everyone: {}}]}\n",
  );
  assert.match(
    String(changes.error?.message),
    /:2: groups\[0\] "staff": belongs to the configuration file of the gateway; change it there$/,
  );
});

test("what others refer to is not pruned, and then nothing is", async (context) => {
  const fixture = await startAdminFixture(context);
  const administrator = new Administrator(context, fixture);
  const both =
    "groups:\n  - {name: one, include: [{everyone: {}}]}\n  - {name: two, include: [{everyone: {}}]}\n" +
    "policies:\n  - {name: p, decision: allow, include: [{group: {name: one}}]}\n";
  assert.equal((await administrator.apply(both)).error, undefined);
  const pruned = await administrator.apply("groups: []\n", { prune: true });
  assert.match(
    String(pruned.error?.message),
    /^group "one": is in use by the policy "p"; remove it there first$/,
  );
  assert.equal(resultOf(await fixture.api.get("/access/groups")).length, 2);
  const all = await administrator.apply("groups: []\npolicies: []\n", { prune: true });
  assert.match(all.printed, /^delete policy "p"\ndelete group ".*"\ndelete group ".*"\n/);
});

test("a secret stays where the file says nothing of it, becomes another where it does, and goes to no other address", async (context) => {
  const fixture = await startAdminFixture(context, { identity_providers: [] });
  const administrator = new Administrator(context, fixture);
  const provider = (more: string, issuer = "https://idp.example.com") =>
    `identity_providers:\n  - {name: Corp, type: oidc, config: {client_id: p, issuer: "${issuer}"${more}}}\n`;
  const secretNow = () =>
    [...fixture.gateway.parts.catalogs.records().values()].find(
      ({ kind }) => kind === "identity_provider",
    )?.object as unknown as { config: { client_secret?: string } };

  await administrator.apply(provider(", client_secret: first-secret"));
  assert.equal(secretNow().config.client_secret, "first-secret");
  assert.match((await administrator.apply(provider(""))).printed, /^Nothing to change/);
  const other = await administrator.apply(provider(", client_secret: second-secret"));
  assert.match(other.printed, /^ {2}config\.client_secret: another secret$/m);
  assert.doesNotMatch(other.printed + other.told.join(), /first-secret|second-secret/);
  assert.equal(secretNow().config.client_secret, "second-secret");
  const moved = await administrator.apply(provider("", "https://other.example.com"));
  assert.match(
    moved.told.join(),
    /identity provider "Corp" has no config\.client_secret that anybody knows/,
  );
  assert.equal(secretNow().config.client_secret, undefined);
});

test("a change that was read before somebody else's is refused, whole", async (context) => {
  const { api } = await startAdminFixture(context);
  const body = { name: "g", include: [{ everyone: {} }] };
  const { id } = resultOf(await api.post("/access/groups", body), 201);
  const put = [
    { kind: "group", id: "new", fields: { ...body, name: "new" }, before: null },
    { kind: "group", id, fields: { ...body, name: "renamed" }, before: "2020-01-01T00:00:00.000Z" },
  ];
  const answer = await api.patch("/configuration", { put });
  assert.equal(answer.status, 400);
  assert.equal(answer.errors[0]?.source?.pointer, "/put/1");
  assert.match(answer.errors[0]?.message ?? "", /was changed by somebody else meanwhile/);
  assert.equal(resultOf(await api.get("/access/groups")).length, 1);
});
