// How somebody signed in, as a rule: by the values that the provider stated at that login.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Identity, Principal } from "../../../src/model/model.ts";
import { evaluate } from "../../../src/policy/evaluate.ts";
import { application, hour, startAccessFixture } from "../../access/access-fixture.ts";
import { complaints, loadText, withLines } from "../../config/written-file.ts";
import { compilerOf, subjectOf } from "../../policy/subjects.ts";

const policies = (decision: string, rule: string) =>
  `applications: [{name: a, domain: a.test, policies: [{name: p, decision: ${decision}, include: [${rule}]}]}]`;
const withFactor = {
  name: "second factor",
  decision: "allow",
  include: [{ auth_method: { auth_method: "mfa" } }],
};

function identityWith(amr: string[]): Identity {
  return {
    email: "ada@example.com",
    name: "Ada",
    idp: { id: "corp", type: "oidc" },
    groups: [],
    oidc_fields: {},
    amr,
    ip: "192.0.2.7",
    country: "",
    iat: 0,
  };
}

test("a person who signed in with a second factor is let in, and the origin sees nothing of one who did not", async (context) => {
  const access = await startAccessFixture(context, [application("app", [withFactor])]);
  const tokenOf = async (amr: string[]) => {
    const session = await access.fixture.parts.sessions.start({
      kind: "browser",
      identity: identityWith(amr),
      userAgent: "test",
      lifetimeMs: 8 * hour,
    });
    return `Cf-Access-Token: ${await access.token("app", "ada@example.com", session)}`;
  };
  await access.passed("/", [await tokenOf(["pwd", "mfa"])]);
  await access.refused(403, "/", [await tokenOf(["pwd"])]);
  await access.refused(403, "/", [await tokenOf([])]);
});

test("the whole value counts, in its own spelling; a stranger may sign in, and no program has a method", () => {
  const outcomeOf = (principal: Principal) => {
    const compiled = compilerOf().compile({
      id: "p",
      name: "p",
      decision: "allow",
      include: withFactor.include,
      require: [],
      exclude: [],
    });
    return evaluate({ application: { policies: [compiled] }, ...subjectOf(principal) }).outcome;
  };
  const person = (...amr: string[]): Principal => ({ kind: "person", identity: identityWith(amr) });
  assert.equal(outcomeOf(person("mfa")), "allow");
  for (const method of ["MFA", "mf", "mfa2", "", "pwd mfa"])
    assert.equal(outcomeOf(person(method)), "deny", method);
  assert.equal(outcomeOf({ kind: "anonymous" }), "login");
  assert.equal(outcomeOf({ kind: "service", tokenId: "t", clientId: "t.access" }), "deny");
});

test("somebody who writes the rule is not warned of it, and hears of a mistake in it with its line", () => {
  const rule = "{auth_method: {auth_method: mfa}}";
  assert.deepEqual(loadText(withLines(policies("allow", rule)).text).warnings, []);
  const [warning = ""] = loadText(withLines(policies("bypass", rule)).text).warnings;
  assert.match(warning, /include\[0\]: never holds: a bypass policy does not ask who it is/);

  const { text, first } = withLines(policies("allow", '{auth_method: {auth_method: ""}}'));
  const [line = "", ...more] = complaints(() => loadText(text));
  assert.deepEqual(more, []);
  assert.match(
    line,
    new RegExp(`:${first}: .*include\\[0\\]\\.auth_method\\.auth_method: .*is empty`),
  );
});
