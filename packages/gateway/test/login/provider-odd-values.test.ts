// Claims whose values are in a form that a rule cannot compare: what cannot be read is unknown, and
// not a reason to pass anybody by.
import assert from "node:assert/strict";
import { test } from "node:test";
import { isIn, startProviderFixture } from "./provider-fixture.ts";

const everyone = { everyone: {} };

function ruleOn(claim_name: string, claim_value: string) {
  return { oidc: { claim_name, claim_value, identity_provider: "corp" } };
}

function allow(include: unknown[], more: object = {}) {
  return [{ name: "some", decision: "allow", include, ...more }];
}

test("groups that are no list of names are unknown: no exclude passes anybody by, and the log says so", async (context) => {
  const values: unknown[] = [
    [{ id: "1", name: "contractors" }],
    { contractors: true },
    ["eng", { name: "contractors" }],
    [["contractors"]],
    ["eng", null],
    ["eng", `contractors${"x".repeat(300)}`],
  ];
  for (const groups of values) {
    const fixture = await startProviderFixture(context, {
      policies: allow([everyone], { exclude: [ruleOn("groups", "contractors")] }),
      idToken: { groups },
    });
    const person = await fixture.signIn();
    const why = JSON.stringify(groups);
    assert.equal(person.page.status, 403, why);
    assert.equal(fixture.upstream.requests.length, 0, why);
    const [warning] = fixture.events("sign_in_warning");
    assert.deepEqual([warning?.warning, warning?.claims], ["claims_unknown", ["groups"]], why);
    assert.match(warning?.detail ?? "", /not a list of names of at most 256 characters/);
    assert.deepEqual(fixture.events("sign_in_denied")[0]?.unjudged_policies, ["some"], why);
  }
});

test("any claim whose value is a map is unknown to a rule that compares it", async (context) => {
  const values: unknown[] = [
    { guest: { org: "1" } },
    [{ name: "guest" }],
    ["admin", { guest: true }],
  ];
  for (const roles of values) {
    const fixture = await startProviderFixture(context, {
      config: { claims: ["roles"] },
      policies: allow([everyone], { exclude: [ruleOn("roles", "guest")] }),
      idToken: { roles },
    });
    const person = await fixture.signIn();
    assert.equal(person.page.status, 403, JSON.stringify(roles));
    assert.equal(fixture.upstream.requests.length, 0);
  }
});

test("what can be compared holds, whatever stands beside it", async (context) => {
  const cases: [claims: object, rule: object, exclude: unknown[]][] = [
    [{ groups: ["eng", { name: "ops" }] }, ruleOn("groups", "eng"), []],
    [{ groups: [7, 12] }, ruleOn("groups", "12"), []],
    [{ groups: 7 }, ruleOn("groups", "7"), []],
    [{ roles: ["admin", {}] }, ruleOn("roles", "admin"), []],
    [{ groups: null, roles: null }, everyone, [ruleOn("groups", "x"), ruleOn("roles", "x")]],
    [{ groups: [], roles: [] }, everyone, [ruleOn("groups", "x"), ruleOn("roles", "x")]],
  ];
  for (const [claims, rule, exclude] of cases) {
    const fixture = await startProviderFixture(context, {
      config: { claims: ["roles"] },
      policies: allow([rule], { exclude }),
      idToken: { ...claims },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), JSON.stringify([claims, rule]));
  }
});

test("claims without end are not kept, and no exclude on one passes anybody by", async (context) => {
  const values: unknown[] = [
    "x".repeat(300_000),
    Array.from({ length: 20_000 }, (_, nth) => `role-${nth}`),
    Object.fromEntries(Array.from({ length: 2_000 }, (_, nth) => [`role-${nth}`, { org: "1" }])),
  ];
  for (const roles of values) {
    const fixture = await startProviderFixture(context, {
      config: { claims: ["roles", "department"] },
      policies: allow([ruleOn("department", "ops")]),
      idToken: { roles, department: "ops" },
      sections: {
        applications: [
          { name: "App", domain: "app.localhost", policies: allow([ruleOn("department", "ops")]) },
          {
            name: "Other",
            domain: "other.localhost",
            policies: allow([everyone], { exclude: [ruleOn("roles", "guest")] }),
          },
        ],
      },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), "the other claims count");
    const [warning] = fixture.events("sign_in_warning");
    assert.deepEqual([warning?.warning, warning?.claims], ["claims_unknown", ["roles"]]);
    const { text } = await person.open(`${fixture.app}/cdn-cgi/access/get-identity`);
    assert.deepEqual(JSON.parse(text).oidc_fields, { department: "ops" });
    fixture.upstream.reset();
    await person.open(`${fixture.gateway.origin("other.localhost")}/`);
    assert.equal(person.page.status, 403);
    assert.equal(fixture.upstream.requests.length, 0);
  }
});
