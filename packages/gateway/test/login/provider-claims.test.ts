// What a provider states, leaves out, or cannot be asked for: who somebody is, what policy knows of
// them, and what it does not know.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { test } from "node:test";
import { answer, hangUp, json, silence } from "../../../../test/support/odd-provider.ts";
import { isIn, type ProviderFixtureOptions, startProviderFixture } from "./provider-fixture.ts";

const html = "<!doctype html><title>Sorry</title>";
const oidcRule = (claim_name: string, claim_value: string) => ({
  oidc: { claim_name, claim_value, identity_provider_id: "corp" },
});
const allow = (include: object[], more: object = {}) => [
  { name: "some", decision: "allow", include, ...more },
];
const everyone = { everyone: {} };

type Failure = NonNullable<ProviderFixtureOptions["answers"]>[string];

const failures: [how: string, userInfo: Failure][] = [
  ["answers 401", answer(401, "text/plain", "no", { "www-authenticate": "Bearer" })],
  ["answers 403", answer(403, "application/json", '{"error":"insufficient_scope"}')],
  ["answers 500", answer(500, "text/html", html)],
  ["answers 404", answer(404, "text/plain", "")],
  ["redirects (H14)", answer(302, "text/html", "", { location: "https://evil.test/" })],
  ["answers HTML", answer(200, "text/html", html)],
  ["answers no JSON", answer(200, "application/json", "{")],
  ["answers a list", answer(200, "application/json", "[]")],
  ["speaks of another person", answer(200, "application/json", '{"sub":"bob","groups":["eng"]}')],
  ["answers an unsigned JWT", answer(200, "application/jwt", "e30.eyJzdWIiOiJhZGEifQ.")],
  ["hangs", silence],
  ["hangs up", hangUp],
];

for (const [how, userInfo] of failures) {
  test(`a person signs in although userinfo, which ${how}, was to add a claim; the claim is unknown`, async (context) => {
    const fixture = await startProviderFixture(context, {
      config: { claims: ["department"], timeout: userInfo === silence ? "3s" : "30s" },
      answers: { "/userinfo": userInfo },
      sections: {
        applications: [
          { name: "App", domain: "app.localhost", policies: allow([everyone]) },
          {
            name: "Include",
            domain: "include.localhost",
            policies: allow([oidcRule("department", "research")]),
          },
          {
            name: "Exclude",
            domain: "exclude.localhost",
            policies: allow([everyone], { exclude: [oidcRule("department", "sales")] }),
          },
        ],
      },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), person.page.text);
    fixture.upstream.reset();
    for (const host of ["include", "exclude"]) {
      await person.open(`${fixture.gateway.origin(`${host}.localhost`)}/`);
      assert.equal(person.page.status, 403, host);
    }
    assert.equal(fixture.upstream.requests.length, 0);
    const [failed, unknown] = fixture.events("sign_in_warning");
    assert.equal(failed?.warning, "userinfo_failed");
    assert.equal(failed?.url, `${fixture.provider.origin}/userinfo`);
    assert.deepEqual([unknown?.warning, unknown?.claims], ["claims_unknown", ["department"]]);
    for (const denied of fixture.events("sign_in_denied"))
      assert.deepEqual(denied.unjudged_policies, ["some"]);
    assert.ok(!JSON.stringify(fixture.gateway.events).includes("the-access-token"));
  });
}

test("userinfo that hangs is waited for less long where a sign-in can do without", async (context) => {
  const department = { claims: ["department"] };
  const noEmail = { email: undefined, email_verified: undefined };
  for (const [config, idToken, words] of [
    [department, {}, /within 3000 ms/],
    [{ ...department, timeout: "2s" }, {}, /within 2000 ms/],
    [{ ...department, timeout: "4s" }, noEmail, /within 4000 ms/],
  ] as const) {
    const fixture = await startProviderFixture(context, {
      config,
      idToken,
      answers: { "/userinfo": silence },
    });
    await fixture.signIn();
    const [failed] = fixture.events("sign_in_warning");
    assert.match(failed?.detail ?? "", words);
  }
});

test("userinfo is not asked by a sign-in that needs nothing from it", async (context) => {
  const cases: [config: object, policies: unknown[], idToken: object, asked: number][] = [
    [{}, allow([everyone]), {}, 0],
    [{}, allow([{ email: { email: "ada@example.com" } }]), {}, 0],
    [{ claims: ["department"] }, allow([everyone]), { department: "x" }, 0],
    [{ claims: ["realm_access.roles"] }, allow([everyone]), { realm_access: { roles: [] } }, 0],
    [{}, allow([oidcRule("groups", "eng")]), { groups: [] }, 0],
    [{ scopes: ["openid", "groups"] }, allow([everyone]), { Groups: ["a"] }, 0],
    // Something is missing that is used.
    [{ claims: ["department"] }, allow([everyone]), {}, 1],
    [{ claims: ["realm_access.roles"] }, allow([everyone]), { realm_access: {} }, 1],
    [{}, allow([oidcRule("groups", "eng"), everyone]), {}, 1],
    [{ scopes: ["openid", "groups"] }, allow([everyone]), {}, 1],
    [{}, allow([everyone]), { email: undefined }, 1],
    [{ require_email_verified: true }, allow([everyone]), {}, 1],
    [{ email_claim_name: "upn" }, allow([everyone]), {}, 1],
  ];
  for (const [config, policies, idToken, asked] of cases) {
    const fixture = await startProviderFixture(context, {
      config: { ...config },
      policies,
      idToken: { ...idToken },
      userInfo: { email: "ada@example.com", email_verified: true, upn: "ada@example.com" },
    });
    await fixture.signIn();
    const why = JSON.stringify([config, policies, idToken]);
    assert.equal(fixture.provider.to("/userinfo").length, asked, why);
    assert.deepEqual(fixture.events("sign_in_failed"), [], why);
  }
});

test("signed userinfo is taken when its signature, issuer and audience fit, and not otherwise", async (context) => {
  const cases: [claims: object, isTaken: boolean][] = [
    [{}, true],
    [{ iss: "https://evil.test" }, false],
    [{ aud: "somebody" }, false],
    [{ sub: "bob" }, false],
  ];
  const metadata = { userinfo_signing_alg_values_supported: ["RS256"] };
  for (const [claims, isTaken] of cases) {
    const fixture = await startProviderFixture(context, {
      metadata,
      config: { claims: ["department"] },
      policies: allow([oidcRule("department", "research")]),
    });
    const { provider } = fixture;
    const usual = { iss: provider.origin, aud: "postern", sub: "ada", department: "research" };
    const jwt = provider.signed({ ...usual, ...claims });
    provider.options.answers = { "/userinfo": answer(200, "application/jwt", jwt) };
    assert.equal(isIn(await fixture.signIn(), fixture), isTaken, JSON.stringify(claims));
  }
  const forged = await startProviderFixture(context, {
    metadata,
    config: { claims: ["department"] },
    policies: allow([oidcRule("department", "research")]),
  });
  const { origin: iss } = forged.provider;
  const claims = { iss, aud: "postern", sub: "ada", department: "research" };
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const jwt = forged.provider.signed(claims, privateKey);
  forged.provider.options.answers = { "/userinfo": answer(200, "application/jwt", jwt) };
  assert.ok(!isIn(await forged.signIn(), forged));
  assert.equal(forged.upstream.requests.length, 0);
});

test("where userinfo was to bring the address itself, its failure is what the person and the log are told", async (context) => {
  for (const [userInfo, fault, status] of [
    [answer(500, "text/html", html), "provider_unreachable", 502],
    [silence, "provider_slow", 504],
    [answer(403, "text/plain", ""), "provider_misconfigured", 502],
  ] as const) {
    const fixture = await startProviderFixture(context, {
      config: { timeout: userInfo === silence ? "3s" : "30s" },
      idToken: { email: undefined },
      answers: { "/userinfo": userInfo },
    });
    const person = await fixture.signIn();
    assert.equal(person.page.status, status);
    assert.equal(fixture.events("sign_in_failed")[0]?.fault, fault);
    assert.equal(fixture.upstream.requests.length, 0);
  }
});

const flags: [flag: unknown, isTaken: boolean][] = [
  [true, true],
  ["true", true],
  [undefined, true],
  [0, false],
  [1, false],
  [null, false],
  ["", false],
  ["0", false],
  ["no", false],
  ["TRUE", false],
  ["false", false],
  [false, false],
  [[], false],
  [[true], false],
  [{ verified: true }, false],
];

test("an email address counts when its flag is true or absent, and with nothing else (L10)", async (context) => {
  const fixture = await startProviderFixture(context);
  for (const document of ["idToken", "userInfo"] as const) {
    for (const [flag, isTaken] of flags) {
      fixture.upstream.reset();
      const claims = { email: "ada@example.com", email_verified: flag };
      const inUserInfo = document === "userInfo";
      fixture.provider.options.idToken = inUserInfo ? { email: undefined } : claims;
      fixture.provider.options.userInfo = inUserInfo ? claims : {};
      const person = await fixture.signIn();
      const why = `${document} ${JSON.stringify(flag)}`;
      assert.equal(isIn(person, fixture), isTaken, why);
      assert.equal(fixture.upstream.requests.length, isTaken ? 1 : 0, why);
      if (!isTaken)
        assert.equal(fixture.events("sign_in_failed").at(-1)?.fault, "email_unverified");
    }
  }
});

test("a flag vouches for the address beside it alone (L10)", async (context) => {
  const ada = "ada@example.com";
  const none = undefined;
  const verified = { email_verified: true };
  const cases: [idToken: object, userInfo: object, required: boolean, isTaken: boolean][] = [
    // The ID token's flag says nothing about userinfo's address.
    [{ email: none, ...verified }, { email: ada }, true, false],
    [{ email: none, ...verified }, { email: ada, email_verified: 0 }, false, false],
    [{ email: none, ...verified }, { email: ada, ...verified }, true, true],
    // Nor the other way round.
    [{ email: ada }, { email: "bob@example.com", ...verified }, true, false],
    [{ email: ada }, { ...verified }, true, false],
    [{ email: ada }, { email: ada, ...verified }, true, true],
    [{ email: ada }, { email: "ADA@example.com", ...verified }, true, true],
    // Silence is enough unless the configuration wants a word.
    [{ email: ada }, {}, false, true],
    [{ email: ada }, {}, true, false],
    [{ email: ada, email_verified: "false" }, { email: ada, ...verified }, true, false],
  ];
  for (const [idToken, userInfo, required, isTaken] of cases) {
    const fixture = await startProviderFixture(context, {
      config: { require_email_verified: required },
      idToken: { ...idToken },
      userInfo: { ...userInfo },
    });
    const person = await fixture.signIn();
    assert.equal(isIn(person, fixture), isTaken, JSON.stringify([idToken, userInfo, required]));
    assert.equal(fixture.upstream.requests.length, isTaken ? 1 : 0);
  }
});

test("a flag vouches for no address of another claim (L10)", async (context) => {
  const fixture = await startProviderFixture(context, {
    config: { require_email_verified: true, email_claim_name: "upn" },
    idToken: { email: "mallory@evil.test", upn: "root@example.com", email_verified: true },
  });
  const person = await fixture.signIn();
  assert.equal(person.page.status, 403);
  assert.equal(fixture.upstream.requests.length, 0);
});

const source = { src1: { endpoint: "https://graph.example.test/groups" } };

test("groups that a provider left out are unknown: no include holds, no exclude passes anybody by, and the log says why", async (context) => {
  const elsewhere: [how: string, idToken: object, userInfo: object][] = [
    ["Entra's overage", { _claim_names: { groups: "src1" }, _claim_sources: source }, {}],
    ["a list of names", { _claim_names: ["groups"] }, {}],
    ["one name", { _claim_names: "groups" }, {}],
    ["in another case", { _claim_names: { Groups: "src1" } }, {}],
    ["hasgroups", { hasgroups: true }, {}],
    ["hasgroups as text", { hasgroups: "true" }, {}],
    ["in userinfo", {}, { _claim_names: { groups: "src1" } }],
    ["a part of them", { groups: ["other"], _claim_names: { groups: "src1" } }, {}],
  ];
  for (const [how, idToken, userInfo] of elsewhere) {
    const fixture = await startProviderFixture(context, {
      idToken: { ...idToken },
      userInfo: { ...userInfo },
      sections: {
        applications: [
          { name: "App", domain: "app.localhost", policies: allow([everyone]) },
          {
            name: "Include",
            domain: "include.localhost",
            policies: allow([oidcRule("groups", "eng")]),
          },
          {
            name: "Exclude",
            domain: "exclude.localhost",
            policies: allow([everyone], { exclude: [oidcRule("groups", "contractors")] }),
          },
          {
            name: "Deny",
            domain: "deny.localhost",
            policies: [
              { name: "no", decision: "deny", include: [oidcRule("groups", "contractors")] },
              ...allow([everyone]),
            ],
          },
        ],
      },
    });
    const person = await fixture.signIn();
    assert.ok(isIn(person, fixture), `${how}: ${person.page.text}`);
    fixture.upstream.reset();
    for (const host of ["include", "exclude", "deny"]) {
      await person.open(`${fixture.gateway.origin(`${host}.localhost`)}/`);
      assert.equal(person.page.status, 403, `${how} ${host}`);
    }
    assert.equal(fixture.upstream.requests.length, 0);
    const [warning] = fixture.events("sign_in_warning");
    assert.deepEqual([warning?.warning, warning?.claims], ["claims_unknown", ["groups"]], how);
    assert.match(warning?.detail ?? "", /left them out.*rules on groups cannot be judged/);
    const denied = fixture.events("sign_in_denied");
    const names = denied.map(({ unjudged_policies }) => unjudged_policies);
    assert.deepEqual(names, [["some"], ["some"], ["no"]], how);
  }
});

test("what is left out in one document and stated in the other is known, and a part of it holds where it says so", async (context) => {
  const leftOut = { _claim_names: { groups: "src1" }, _claim_sources: source };
  const cases: [idToken: object, userInfo: object, isTaken: boolean][] = [
    [leftOut, { groups: ["eng"] }, true],
    [leftOut, { groups: ["other"] }, false],
    [{ ...leftOut, groups: ["eng"] }, {}, true],
    [{ groups: ["eng"] }, leftOut, true],
  ];
  for (const [idToken, userInfo, isTaken] of cases) {
    const fixture = await startProviderFixture(context, {
      policies: allow([oidcRule("groups", "eng")]),
      idToken: { ...idToken },
      userInfo: { ...userInfo },
    });
    const why = JSON.stringify([idToken, userInfo]);
    assert.equal(isIn(await fixture.signIn(), fixture), isTaken, why);
  }
});

test("who lacks a claim that their provider states in full is passed by the exclude", async (context) => {
  const fixture = await startProviderFixture(context, {
    config: { claims: ["department", "roles"] },
    policies: allow([everyone], {
      exclude: [
        oidcRule("department", "sales"),
        oidcRule("roles", "guest"),
        oidcRule("groups", "contractors"),
      ],
    }),
    idToken: { roles: ["admin"] },
  });
  const person = await fixture.signIn();
  assert.ok(isIn(person, fixture), person.page.text);
  assert.deepEqual(fixture.events("sign_in_warning"), []);
});

test("a claim that is not kept passes nobody by an exclude either", async (context) => {
  for (const name of ["department", "realm_access.roles", "email"]) {
    const fixture = await startProviderFixture(context, {
      config: { claims: ["roles"] },
      policies: allow([everyone], { exclude: [oidcRule(name, "x")] }),
      idToken: { department: "x", realm_access: { roles: ["x"] }, roles: [] },
    });
    const person = await fixture.signIn();
    assert.equal(person.page.status, 403, name);
    assert.equal(fixture.upstream.requests.length, 0);
    assert.deepEqual(fixture.events("sign_in_denied")[0]?.unjudged_policies, ["some"]);
  }
});

test("any claim may be left out, nested ones with what holds them", async (context) => {
  const fixture = await startProviderFixture(context, {
    config: { claims: ["realm_access.roles", "department"] },
    policies: allow([everyone], { exclude: [oidcRule("realm_access.roles", "guest")] }),
    idToken: { department: "x", _claim_names: { realm_access: "src1" } },
  });
  const person = await fixture.signIn();
  assert.equal(person.page.status, 403);
  assert.equal(fixture.upstream.requests.length, 0);
  const [warning] = fixture.events("sign_in_warning");
  assert.deepEqual(warning?.claims, ["realm_access.roles"]);
});

test("more groups than are kept are no reason to be passed by an exclude", async (context) => {
  const groups = Array.from({ length: 2_100 }, (_, index) => `group-${index}`);
  const fixture = await startProviderFixture(context, {
    policies: allow([everyone], { exclude: [oidcRule("groups", "group-2050")] }),
    idToken: { groups },
  });
  const person = await fixture.signIn();
  assert.equal(person.page.status, 403);
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a provider's clock may differ by minutes, and the log has the seconds", async (context) => {
  const cases: [seconds: number, claims: string[], explicit: boolean, isTaken: boolean][] = [
    [60, ["nbf"], false, true],
    [60, ["iat"], false, true],
    [240, ["iat", "nbf", "exp"], false, true],
    [240, ["iat", "nbf", "exp"], true, true],
    [-240, ["iat", "nbf"], false, true],
    [900, ["nbf"], false, false],
    [900, ["iat"], false, false],
    [900, ["iat", "nbf"], true, false],
    [3_600, ["iat"], true, false],
  ];
  for (const [seconds, claims, explicit, isTaken] of cases) {
    const time = Math.floor(Date.now() / 1000) + seconds;
    const fixture = await startProviderFixture(context, {
      explicit,
      idToken: Object.fromEntries(claims.map((name) => [name, time + (name === "exp" ? 600 : 0)])),
    });
    const person = await fixture.signIn();
    const why = JSON.stringify([seconds, claims, explicit]);
    assert.equal(isIn(person, fixture), isTaken, why);
    if (isTaken) {
      const [warning] = fixture.events("sign_in_warning");
      assert.equal(warning?.warning, "clock_differs", why);
      assert.ok(Math.abs((warning?.seconds ?? 0) - seconds) <= 10, why);
      continue;
    }
    const [failed] = fixture.events("sign_in_failed");
    assert.equal(failed?.fault, "provider_misconfigured", why);
    assert.match(failed?.detail ?? "", /the provider's clock is \d+ s ahead of this gateway's/);
    assert.equal(fixture.upstream.requests.length, 0);
  }
});

test("claims inside of others match by path, and reach the origin's token under their name", async (context) => {
  const roles = { realm_access: { roles: ["admin", "dev"] } };
  const clients = { resource_access: { "my.client": { roles: ["viewer"] } } };
  const namespaced = { "https://example.com/roles": ["auditor"] };
  const listed = { memberships: [{ name: "eng" }, { name: "ops" }] };
  const cases: [kept: string, rule: string, value: string, claims: object, isTaken: boolean][] = [
    ["realm_access.roles", "realm_access.roles", "admin", roles, true],
    ["realm_access.roles", "realm_access.roles", "adm", roles, false],
    ["realm_access", "realm_access.roles", "dev", roles, true],
    ["resource_access", "resource_access.my.client.roles", "viewer", clients, true],
    ["resource_access.my.client.roles", "resource_access.my.client.roles", "viewer", clients, true],
    ["https://example.com/roles", "https://example.com/roles", "auditor", namespaced, true],
    ["memberships.name", "memberships.name", "ops", listed, true],
    ["realm_access.roles", "realm_access.roles.length", "2", roles, false],
    ["realm_access.roles", "realm_access.roles.0", "admin", roles, false],
    ["constructor.name", "constructor.name", "Object", {}, false],
  ];
  for (const [kept, rule, value, claims, isTaken] of cases) {
    const fixture = await startProviderFixture(context, {
      config: { claims: [kept] },
      policies: allow([oidcRule(rule, value)]),
      idToken: { ...claims },
    });
    const person = await fixture.signIn();
    const why = JSON.stringify([kept, rule, value]);
    assert.equal(isIn(person, fixture), isTaken, why);
    if (!isTaken) continue;
    const identity = await person.open(`${fixture.app}/cdn-cgi/access/get-identity`);
    assert.ok(Object.hasOwn(JSON.parse(identity.text).oidc_fields, kept), why);
  }
});

test("unused userinfo is not warned of, and unasked groups are unknown to a rule that comes later", async (context) => {
  const fixture = await startProviderFixture(context, {
    answers: { "/userinfo": (_request, response) => json(response, 500, {}) },
  });
  const person = await fixture.signIn();
  assert.ok(isIn(person, fixture));
  assert.deepEqual(fixture.events("sign_in_warning"), []);
  fixture.upstream.reset();
  await fixture.gateway.change({
    identity_providers: [...fixture.gateway.parts.catalogs.current().identityProviders.values()],
    ingress: [{ service: fixture.upstream.origin }],
    applications: [
      {
        name: "App",
        domain: "app.localhost",
        policies: allow([everyone], { exclude: [oidcRule("groups", "contractors")] }),
      },
    ],
  });
  await person.open(`${fixture.app}/x`);
  assert.equal(person.page.status, 403);
  assert.equal(fixture.upstream.requests.length, 0);
  const [refused] = fixture.events("request_refused");
  assert.deepEqual(refused?.unjudged_policies, ["some"]);
  assert.deepEqual([refused?.application, refused?.email], ["App", "ada@example.com"]);
});
