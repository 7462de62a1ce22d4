import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import type {
  Group,
  Identity,
  Policy,
  PolicyAction,
  Principal,
  Rule,
  RuleSet,
} from "../../src/model/model.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { applicationWith, compilerOf, subjectOf } from "./subjects.ts";

const identity: Identity = {
  email: "ada@example.com",
  name: "Ada",
  idp: { id: "corp", type: "oidc" },
  groups: ["eng"],
  oidc_fields: { department: "research", roles: ["admin", "dev"] },
  amr: [],
  ip: "192.0.2.7",
  country: "",
  iat: 0,
};
const ada: Principal = { kind: "person", identity };
const robot: Principal = { kind: "service", tokenId: "t1", clientId: "robot.access" };
const nobody: Principal = { kind: "anonymous" };

function policy(decision: PolicyAction, include: Rule[], more: Partial<RuleSet> = {}): Policy {
  return {
    id: `${decision}-${include.length}`,
    name: decision,
    decision,
    include,
    require: [],
    exclude: [],
    ...more,
  };
}

function decide(policies: Policy[], principal: Principal, ip = "192.0.2.7", groups: Group[] = []) {
  const application = applicationWith(policies, compilerOf(groups));
  return evaluate({ application, ...subjectOf(principal, { ip }) });
}

const everyone: Rule = { everyone: {} };
const adasEmail: Rule = { email: { email: "Ada@Example.com" } };
const unheardOf: Rule = { phase_of_the_moon: { phase: "full" } };

test("nobody is let in by an application without policies", () => {
  for (const principal of [ada, robot, nobody])
    assert.deepEqual(decide([], principal), { outcome: "deny", reason: "no_policy_matched" });
});

test("a person is let in by the first policy that includes them, and asked to sign in before", () => {
  for (const rule of [
    everyone,
    adasEmail,
    { email_domain: { domain: "EXAMPLE.com" } },
    { login_method: { id: "corp" } },
  ]) {
    assert.equal(decide([policy("allow", [rule])], ada).outcome, "allow", JSON.stringify(rule));
    assert.equal(decide([policy("allow", [rule])], nobody).outcome, "login", JSON.stringify(rule));
    assert.equal(decide([policy("allow", [rule])], robot).outcome, "deny", JSON.stringify(rule));
  }
});

test("an email domain is the whole domain, not its end (L2, L10)", () => {
  for (const domain of ["ample.com", "com", "xexample.com", "", ".example.com", "@example.com"]) {
    assert.equal(
      decide([policy("allow", [{ email_domain: { domain } }])], ada).outcome,
      "deny",
      domain,
    );
  }
});

test("all of require and none of exclude", () => {
  const inside: Rule = { ip: { ip: "192.0.2.0/24" } };
  assert.equal(
    decide([policy("allow", [everyone], { require: [adasEmail, inside] })], ada).outcome,
    "allow",
  );
  assert.equal(
    decide([policy("allow", [everyone], { require: [adasEmail, inside] })], ada, "198.51.100.1")
      .outcome,
    "deny",
  );
  assert.equal(
    decide([policy("allow", [everyone], { exclude: [adasEmail] })], ada).outcome,
    "deny",
  );
  assert.equal(
    decide(
      [policy("allow", [everyone], { exclude: [adasEmail] }), policy("allow", [adasEmail])],
      ada,
    ).outcome,
    "allow",
  );
});

test("somebody whose address can never be let in is not asked to sign in", () => {
  const elsewhere = [policy("allow", [everyone], { require: [{ ip: { ip: "10.0.0.0/8" } }] })];
  assert.equal(decide(elsewhere, nobody).outcome, "deny");
  assert.equal(decide(elsewhere, nobody, "10.1.1.1").outcome, "login");
  assert.equal(
    decide([policy("deny", [{ ip: { ip: "192.0.2.7" } }]), policy("allow", [everyone])], nobody)
      .outcome,
    "deny",
  );
});

test("bypass and Service Auth come first, wherever they are listed", () => {
  assert.equal(
    decide([policy("deny", [everyone]), policy("bypass", [everyone])], nobody).outcome,
    "bypass",
  );
  assert.equal(
    decide(
      [policy("deny", [everyone]), policy("non_identity", [{ any_valid_service_token: {} }])],
      robot,
    ).outcome,
    "allow",
  );
  assert.equal(
    decide([policy("non_identity", [{ service_token: { token_id: "t2" } }])], robot).outcome,
    "deny",
  );
  assert.equal(
    decide([policy("non_identity", [everyone])], ada).outcome,
    "deny",
    "a person is no program",
  );
});

test("a rule on identity never opens a bypass, whoever asks", () => {
  for (const principal of [ada, nobody])
    assert.notEqual(decide([policy("bypass", [adasEmail])], principal).outcome, "bypass");
  assert.notEqual(
    decide([policy("bypass", [everyone], { exclude: [adasEmail] })], nobody).outcome,
    "bypass",
  );
});

test("an address that cannot be read denies, and IPv4 in IPv6 is IPv4 (H5)", () => {
  const internal = [policy("bypass", [{ ip: { ip: "10.0.0.0/8" } }])];
  assert.equal(decide(internal, nobody, "10.1.1.1").outcome, "bypass");
  assert.equal(decide(internal, nobody, "::ffff:10.1.1.1").outcome, "bypass");
  for (const ip of ["a", "", "10.1.1.1, 8.8.8.8", "010.1.1.1.1"])
    assert.notEqual(decide(internal, nobody, ip).outcome, "bypass", ip);
  assert.equal(
    decide([policy("bypass", [everyone], { exclude: [{ ip: { ip: "no range" } }] })], nobody)
      .outcome,
    "deny",
  );
});

test("OIDC claims match whole values of own properties, from that provider alone", () => {
  const claim = (claim_name: string, claim_value: string, identity_provider_id = "corp") =>
    decide([policy("allow", [{ oidc: { claim_name, claim_value, identity_provider_id } }])], ada)
      .outcome;
  assert.equal(claim("department", "research"), "allow");
  assert.equal(claim("roles", "admin"), "allow");
  assert.equal(claim("groups", "eng"), "allow");
  assert.equal(claim("roles", "adm"), "deny");
  assert.equal(claim("department", "research", "other"), "deny");
  assert.equal(claim("department", ""), "deny");
  for (const name of ["__proto__", "constructor", "toString"])
    assert.equal(claim(name, "function"), "deny", name);
});

test("a group stands for its rules; one inside itself or gone lets nobody in", () => {
  const group = (id: string, set: Partial<RuleSet>): Group => ({
    id,
    name: id,
    include: [],
    require: [],
    exclude: [],
    ...set,
  });
  const inGroup = [policy("allow", [{ group: { id: "eng" } }])];
  assert.equal(
    decide(inGroup, ada, undefined, [group("eng", { include: [adasEmail] })]).outcome,
    "allow",
  );
  assert.equal(
    decide(inGroup, ada, undefined, [group("eng", { include: [{ group: { id: "eng" } }] })])
      .outcome,
    "deny",
  );
  assert.equal(decide(inGroup, ada).outcome, "deny");
  const excluded = [policy("allow", [everyone], { exclude: [{ group: { id: "eng" } }] })];
  assert.equal(
    decide(excluded, ada, undefined, [group("eng", { include: [unheardOf] })]).outcome,
    "deny",
    "not judged, so excluded",
  );
});

const anyRule: fc.Arbitrary<Rule> = fc.constantFrom(
  everyone,
  adasEmail,
  unheardOf,
  { ip: { ip: "192.0.2.0/24" } },
  { any_valid_service_token: {} },
  {},
  { email: "ada@example.com" } as Rule,
);
const anySet = fc.record({
  include: fc.array(anyRule, { maxLength: 3 }),
  require: fc.array(anyRule, { maxLength: 2 }),
  exclude: fc.array(anyRule, { maxLength: 2 }),
});
const anyPolicies = fc
  .array(
    fc.record({
      decision: fc.constantFrom<PolicyAction>("allow", "deny", "bypass", "non_identity"),
      set: anySet,
    }),
    { maxLength: 4 },
  )
  .map((all) => all.map(({ decision, set }) => policy(decision, set.include, set)));
const anyPrincipal = fc.constantFrom(ada, robot, nobody);
const lets = (outcome: string) => outcome === "allow" || outcome === "bypass";

test("an unknown kind of rule never lets anybody in, wherever it stands", () => {
  fc.assert(
    fc.property(
      anyPolicies,
      anyPrincipal,
      fc.constantFrom("include", "require", "exclude"),
      (policies, principal, place) => {
        const before = decide(policies, principal);
        const spoilt = policies.map((each) => ({
          ...each,
          [place]: [...each[place as keyof RuleSet], unheardOf],
        }));
        if (lets(decide(spoilt, principal).outcome)) assert.ok(lets(before.outcome));
      },
    ),
  );
});

test("one more exclude, or one more deny in front, never lets anybody in", () => {
  fc.assert(
    fc.property(anyPolicies, anyPrincipal, anyRule, (policies, principal, rule) => {
      const before = lets(decide(policies, principal).outcome);
      const excluding = policies.map((each) =>
        each.decision === "deny" ? each : { ...each, exclude: [...each.exclude, rule] },
      );
      if (lets(decide(excluding, principal).outcome)) assert.ok(before);
      if (lets(decide([policy("deny", [rule]), ...policies], principal).outcome)) assert.ok(before);
    }),
  );
});
