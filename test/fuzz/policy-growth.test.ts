// A policy of ten thousand rules, for somebody whom none of them is for, costs no more for each
// rule than one of a few (case O7). No time is asserted; docs/observability.md has one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findGrowth } from "../../fuzz/growth.ts";
import type { Principal, Rule } from "../../packages/gateway/src/model/model.ts";
import { evaluate } from "../../packages/gateway/src/policy/evaluate.ts";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { applicationWith, subjectOf } from "../../packages/gateway/test/policy/subjects.ts";

const kinds: Record<string, (nth: number) => Rule> = {
  email: (nth) => ({ email: { email: `person${nth}@example.com` } }),
  email_domain: (nth) => ({ email_domain: { domain: `d${nth}.example.com` } }),
  ip: (nth) => ({ ip: { ip: `10.${nth % 200}.${Math.floor(nth / 200) % 250}.0/24` } }),
  path: (nth) => ({ path: { path: `/a*${nth}/b*c` } }),
};

const stranger: Principal = { kind: "person", identity: identityOf("eve@example.org") };

for (const [kind, ruleOf] of Object.entries(kinds))
  test(`O7 ten thousand rules of ${kind} take each no more time than a few`, () => {
    const applications = new Map<number, ReturnType<typeof applicationWith>>();
    const applicationOf = (count: number) => {
      const include = Array.from({ length: count }, (_, nth) => ruleOf(nth));
      const rules = { include, require: [], exclude: [] };
      return applicationWith([{ id: "p", name: "p", decision: "allow", ...rules }]);
    };
    const run = ({ length }: string) => {
      const application = applications.get(length) ?? applicationOf(length);
      applications.set(length, application);
      const request = { method: "GET", path: `/${"a".repeat(200)}` };
      const subject = subjectOf(stranger, { request });
      assert.equal(evaluate({ application, ...subject }).outcome, "deny");
    };
    const lengths = [640, 2_560, 10_240] as const;
    const reached = { name: kind, run, prefixes: [""], units: ["x"], ends: [""], lengths };
    assert.equal(findGrowth(reached), undefined);
  });
