// `postern export`, `diff` and `apply` against real gateways, by their admin APIs.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type AdminFixture, resultOf, startAdminFixture } from "../admin/admin-fixture.ts";
import { Administrator } from "./apply-fixture.ts";

/** What the lists of the admin API show, without what two gateways cannot have alike. */
async function everything({ api }: AdminFixture): Promise<Record<string, unknown>> {
  const paths = ["identity_providers", "groups", "policies", "service_tokens", "apps"];
  const lists: Record<string, unknown> = {};
  for (const path of [...paths.map((each) => `/access/${each}`), "/gateway/lists"])
    lists[path] = resultOf(await api.get(`${path}?per_page=1000`)).map(withoutTimes);
  lists["organization"] = withoutTimes(resultOf(await api.get("/access/organizations")));
  return lists;
}

function withoutTimes(shown: object): unknown {
  return JSON.parse(
    JSON.stringify(shown, (field, value) =>
      ["created_at", "updated_at", "managed_by", "auth_domain", "redirect_url"].includes(field)
        ? undefined
        : value,
    ),
  );
}

/** A gateway whose objects were all made by its API, a few of each kind. */
async function startFilled(context: TestContext): Promise<AdminFixture> {
  const fixture = await startAdminFixture(context, {
    identity_providers: [],
    applications: [],
  });
  const { api } = fixture;
  resultOf(await api.put("/access/organizations", { name: "Example", session_duration: "12h" }));
  const corp = resultOf(
    await api.post("/access/identity_providers", {
      name: "Corp",
      type: "oidc",
      config: {
        client_id: "postern",
        client_secret: "known-to-the-provider-alone",
        token_endpoint_auth_method: "client_secret_post",
        issuer: "https://idp.example.com",
        claims: ["groups"],
      },
    }),
    201,
  );
  const staff = resultOf(
    await api.post("/gateway/lists", {
      name: "Staff",
      type: "EMAIL",
      items: [{ value: "ada@example.com", description: "on call" }, { value: "max@example.com" }],
    }),
    201,
  );
  const engineers = resultOf(
    await api.post("/access/groups", {
      name: "Engineers",
      include: [{ email_list: { id: staff.id } }],
      require: [{ login_method: { id: corp.id } }],
    }),
    201,
  );
  const token = resultOf(await api.post("/access/service_tokens", { name: "CI" }), 201);
  const reusable = resultOf(
    await api.post("/access/policies", {
      name: "Engineers only",
      decision: "allow",
      include: [{ group: { id: engineers.id } }],
      exclude: [{ email: { email: "eve@example.com" } }],
      session_duration: "1h",
    }),
    201,
  );
  resultOf(
    await api.post("/access/apps", {
      name: "Wiki",
      self_hosted_domains: ["wiki.example.com", "wiki.example.com/api"],
      allowed_idps: [corp.id],
      // biome-ignore lint/suspicious/noTemplateCurlyInString: as somebody writes it
      custom_deny_message: "Ask ${env:HOME} or ${file:/etc/passwd}",
      policies: [{ id: reusable.id, precedence: 7 }],
    }),
    201,
  );
  resultOf(
    await api.post("/access/apps", {
      name: "Orders",
      domain: "orders.example.com",
      policies: [
        {
          name: "programs",
          decision: "non_identity",
          include: [{ service_token: { token_id: token.id } }],
        },
        { name: "people", decision: "allow", include: [{ group: { id: engineers.id } }] },
      ],
    }),
    201,
  );
  return fixture;
}

test("what is exported and applied to an empty gateway is the same one but for its secrets, which are listed", async (context) => {
  const source = await startFilled(context);
  const target = await startAdminFixture(context, { identity_providers: [], applications: [] });
  const exported = await new Administrator(context, source).export();
  assert.equal(exported.error, undefined);
  assert.doesNotMatch(exported.printed, /known-to-the-provider-alone/);
  assert.deepEqual(exported.told, [
    "These secrets are not exported:",
    '  identity provider "Corp": config.client_secret',
    '  service token "CI": client_secret',
  ]);

  const there = new Administrator(context, target);
  const applied = await there.apply(exported.printed);
  assert.equal(applied.error, undefined, String(applied.error?.stack));
  assert.match(applied.printed, /^Created 8, updated 0, deleted 0, unchanged 0\.$/m);
  assert.deepEqual(
    applied.told.map((line) => line.replace(/;.*/, "")),
    [
      'identity provider "Corp" has no config.client_secret that anybody knows',
      'service token "CI" has no client_secret that anybody knows',
    ],
  );
  assert.deepEqual(await everything(target), await everything(source));

  const again = await there.apply(exported.printed);
  assert.match(again.printed, /^Nothing to change: 8 objects are as in the file\.$/m);
  assert.deepEqual(again.told, []);
  const exportedAgain = await there.export();
  assert.equal(exportedAgain.printed, exported.printed);
  const home = await new Administrator(context, source).apply(exported.printed);
  assert.match(home.printed, /^Nothing to change/m);
});
