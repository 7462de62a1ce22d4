// One object as an API receives it, judged by the table that the configuration uses: every fault
// has the path of its field, and there is no file whose lines could be named.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConfiguredObject } from "../../src/model/kind.ts";
import { kinds } from "../../src/model/kinds.ts";
import type { FieldPath } from "../../src/model/problem.ts";
import { validate } from "../../src/model/validate.ts";
import { createWorld } from "../../src/model/world.ts";

const rules = { require: [], exclude: [] };
const everyone = { everyone: {} };

/** What stands already: one object of each kind. */
function standingWorld() {
  const standing: Record<string, ConfiguredObject & Record<string, unknown>> = {
    identity_provider: { id: "pin", name: "PIN", type: "onetimepin", config: {} },
    group: { id: "staff", name: "Staff", include: [everyone], ...rules },
    policy: { id: "all", name: "All", decision: "allow", include: [everyone], ...rules },
    service_token: { id: "robot", name: "Robot", client_id: "robot.access" },
    application: { id: "wiki", name: "Wiki", aud: "a".repeat(64), domains: ["wiki.test"] },
  };
  const world = createWorld({
    ownHosts: new Set(["login.test"]),
    hasMail: false,
    knowsCountries: false,
  });
  for (const [name, object] of Object.entries(standing)) {
    const kind = kindNamed(name);
    world.add(kind, object.id, object);
    world.claim(kind, object, `the ${kind.noun} "${object.name}"`);
  }
  return world;
}

function kindNamed(name: string) {
  const kind = kinds.get(name);
  assert.ok(kind !== undefined, name);
  return kind;
}

const sound: [kind: string, object: Record<string, unknown>][] = [
  ["organization", { name: "Example", session_duration: "24h" }],
  [
    "identity_provider",
    {
      id: "sso",
      name: "SSO",
      type: "oidc",
      config: { client_id: "a", issuer: "https://idp.test" },
    },
  ],
  ["group", { id: "g", name: "G", include: [{ group: { id: "staff" } }] }],
  ["policy", { id: "p", name: "P", decision: "deny", include: [{ login_method: { id: "pin" } }] }],
  [
    "service_token",
    { id: "t", name: "T", client_id: "t.access", client_secret_hash: "0".repeat(64) },
  ],
  [
    "application",
    { id: "api", name: "API", domain: "api.test", policies: ["all"], allowed_idps: ["pin"] },
  ],
];

for (const [name, object] of sound) {
  test(`an administrator who sends a sound ${kindNamed(name).noun} hears nothing`, () => {
    const { problems, warnings } = validate(kindNamed(name), object, standingWorld());
    assert.deepEqual({ problems, warnings }, { problems: [], warnings: [] });
  });
}

const wrong: [
  who: string,
  kind: string,
  changes: Record<string, unknown>,
  faults: [path: FieldPath, says: RegExp][],
][] = [
  [
    "misspells a field and leaves one out",
    "group",
    { name: undefined, inclued: [] },
    [
      [["name"], /^is missing$/],
      [["inclued"], /unknown field; do you mean include\?/],
    ],
  ],
  [
    "names what is not there",
    "policy",
    { include: [{ group: { id: "gone" } }], exclude: [{ service_token: { token_id: "gone" } }] },
    [
      [["include", 0, "group", "id"], /is not the id of a group; correct it/],
      [["exclude", 0, "service_token", "token_id"], /is not the id of a service token/],
    ],
  ],
  [
    "uses a name where the API has ids",
    "group",
    { include: [{ group: { name: "Staff" } }] },
    [
      [["include", 0, "group", "id"], /^is missing$/],
      [["include", 0, "group", "name"], /unknown field/],
    ],
  ],
  [
    "takes the place of another application, and the gateway's own",
    "application",
    { domain: "wiki.test", self_hosted_domains: ["login.test/x"] },
    [
      [["domain"], /is covered by the application "Wiki" already/],
      [["self_hosted_domains", 0], /is at the gateway's own host/],
    ],
  ],
  [
    "puts a faulty policy into a faulty application",
    "application",
    {
      allowed_idps: ["gone"],
      domain: undefined,
      policies: [{ id: "x", name: "X", decision: "maybe", include: [{ email: { email: "ada" } }] }],
    },
    [
      [["policies", 0, "decision"], /must be one of allow, deny, bypass, non_identity/],
      [["policies", 0, "include", 0, "email", "email"], /is not one email address/],
      [["allowed_idps", 0], /is not the id of an identity provider/],
      [[], /has no domain; write domain: app.example.com/],
    ],
  ],
  [
    "gives two programs one client_id",
    "service_token",
    { client_id: "robot.access" },
    [[["client_id"], /is the client_id of the service token "Robot" as well; choose another/]],
  ],
  [
    "sends a provider of a type that is not here",
    "identity_provider",
    { type: "saml" },
    [[["type"], /is not supported yet; write oidc or onetimepin/]],
  ],
];

for (const [who, name, changes, faults] of wrong) {
  test(`an administrator who ${who} hears of each field by its path`, () => {
    const object = { ...sound.find(([kind]) => kind === name)?.[1], ...changes };
    const { problems } = validate(kindNamed(name), object, standingWorld());
    assert.deepEqual(
      problems.map(({ path }) => path),
      faults.map(([path]) => path),
    );
    for (const [index, [, says]] of faults.entries())
      assert.match(problems[index]?.what ?? "", says);
  });
}

test("an administrator who sends what is no object at all hears so", () => {
  for (const value of [null, "x", 7, []])
    for (const kind of kinds.values()) {
      const { input, problems } = validate(kind, value, standingWorld());
      assert.equal(input, undefined);
      assert.match(problems[0]?.what ?? "", /must be a map of fields|is not supported yet/);
    }
});

test("an administrator is warned of a policy that lets in the world, also through a group that stands", () => {
  const policy = { id: "p", name: "P", decision: "allow", include: [{ group: { id: "staff" } }] };
  const { problems, warnings } = validate(kindNamed("policy"), policy, standingWorld());
  assert.deepEqual(problems, []);
  assert.deepEqual(
    warnings.map(({ path }) => path),
    [["include", 0]],
  );
  assert.match(warnings[0]?.what ?? "", /lets in everybody who can sign in/);
});
