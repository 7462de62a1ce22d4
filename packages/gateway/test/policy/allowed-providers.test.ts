import assert from "node:assert/strict";
import { test } from "node:test";
import type { Policy } from "../../src/model/model.ts";
import {
  isAllowedProvider,
  providerGroups,
  withAllowedProviders,
} from "../../src/policy/allowed-providers.ts";

const policy: Policy = {
  id: "all",
  name: "all",
  decision: "allow",
  include: [{ everyone: {} }],
  require: [],
  exclude: [],
};

test("an application that allows all providers, and a policy that lets nobody in by a sign-in, stay as they are", () => {
  assert.equal(withAllowedProviders(policy, { allowed_idps: [] }), policy);
  for (const decision of ["deny", "bypass", "non_identity"] as const) {
    const other = { ...policy, decision };
    assert.equal(withAllowedProviders(other, { allowed_idps: ["corp"] }), other);
  }
  assert.ok(isAllowedProvider({ allowed_idps: [] }, "corp"));
  assert.ok(!isAllowedProvider({ allowed_idps: ["other"] }, "corp"));
});

test("a policy and its group are the same objects each time, so that nothing is compiled anew", () => {
  const application = { allowed_idps: ["corp", "pin"] };
  const inForce = withAllowedProviders(policy, application);
  assert.equal(withAllowedProviders(policy, application), inForce);
  const [group, ...others] = providerGroups([application, { allowed_idps: ["corp"] }]);
  assert.deepEqual(others, [], "a single provider needs no group");
  assert.deepEqual(inForce.require, [{ group: { id: group?.id } }]);
  assert.equal(providerGroups([application])[0], group);
});
