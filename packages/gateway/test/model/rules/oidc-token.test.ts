// The rule `oidc_token`: which tokens it is about, and what somebody hears who writes it wrongly.
// What it lets in over HTTP is in test/access/workload.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Workload } from "../../../src/model/model.ts";
import { claimPattern } from "../../../src/model/rules/claim-pattern.ts";
import { oidcToken, workloadMatcher } from "../../../src/model/rules/oidc-token.ts";
import { complaints, loadText, withLines } from "../../config/written-file.ts";
import { subjectOf } from "../../policy/subjects.ts";

const github = "https://token.actions.githubusercontent.com";
const audience = "https://login.example.com";

const workload = (claims: Record<string, unknown>): Workload => ({
  issuer: github,
  jwksUri: undefined,
  subject: "s",
  audiences: [audience],
  claims,
  expiresAt: Number.POSITIVE_INFINITY,
});

test("a pattern fits whole values: * stops at a slash, ** does not, and nothing else is special", () => {
  const cases: [pattern: string, fits: string[], not: string[]][] = [
    ["main", ["main"], ["Main", "main2", "amain", "", "main\n"]],
    ["refs/tags/v*", ["refs/tags/v", "refs/tags/v1.2"], ["refs/tags/v1/x", "refs/tags/", "v1"]],
    ["refs/**", ["refs/", "refs/heads/a/b"], ["ref", "xrefs/a"]],
    ["*/shop", ["acme/shop", "/shop"], ["a/b/shop", "shop", "acme/shop2"]],
    ["a*b*c", ["abc", "axbxc", "abbcc"], ["ab", "a/bc", "acb"]],
    ["**", ["", "any/thing"], []],
    ["a.c", ["a.c"], ["abc"]],
    ["[ab]?", ["[ab]?"], ["a", "ab"]],
    ["a***b", ["ab", "a/x/b"], ["a"]],
  ];
  for (const [pattern, fits, not] of cases) {
    const isFit = claimPattern(pattern);
    for (const value of fits) assert.ok(isFit(value), `${pattern} fits ${value}`);
    for (const value of not) assert.ok(!isFit(value), `${pattern} does not fit ${value}`);
  }
});

test("a pattern that somebody chose badly costs no more for a value that somebody else chose worse", () => {
  const isFit = claimPattern("*a".repeat(100));
  assert.equal(isFit(`${"a".repeat(2_000)}b`), false);
  assert.equal(isFit("a".repeat(2_000)), true);
});

test("claims compare as whole texts: numbers and switches too, inside maps by dots, one of a list is enough", () => {
  const holds = (wanted: Record<string, string | string[]>, claims: Record<string, unknown>) =>
    workloadMatcher({ issuer: github, audience, claims: wanted })(workload(claims));
  assert.ok(holds({ run: "7", protected: "true" }, { run: 7, protected: true }));
  const pod = { "kubernetes.io": { namespace: "shop", serviceaccount: { name: "orders" } } };
  assert.ok(holds({ "kubernetes.io.serviceaccount.name": "orders" }, pod));
  assert.ok(!holds({ "kubernetes.io.serviceaccount": "*" }, pod), "a map has no text");
  assert.ok(holds({ groups: ["x", "b*"] }, { groups: ["a", "bc"] }));
  for (const name of ["constructor", "__proto__", "toString"])
    assert.ok(!holds({ [name]: "**" }, {}), name);
  assert.ok(!holds({ a: "1", b: "2" }, { a: "1" }), "all must fit");
});

const noObjects = { group: () => () => "yes" as const, list: () => undefined };

test("a rule holds for its issuer, audience and keys, and for no other", () => {
  const rule = { issuer: github, audience, claims: { a: "1" } };
  const good = workload({ a: "1" });
  assert.ok(workloadMatcher(rule)(good));
  assert.ok(!workloadMatcher(rule)({ ...good, issuer: `${github}/` }));
  assert.ok(!workloadMatcher(rule)({ ...good, audiences: ["x"] }));
  assert.ok(!workloadMatcher(rule)({ ...good, jwksUri: "https://elsewhere.example/keys" }));
  for (const principal of [
    { kind: "anonymous" as const },
    { kind: "service" as const, tokenId: "t", clientId: "c" },
  ])
    assert.equal(oidcToken.compile(rule, noObjects)(subjectOf(principal)), "no");
});

function file(rule: string, decision = "non_identity"): string {
  return `
applications:
  - name: App
    domain: app.example.com
    policies: [{name: jobs, decision: ${decision}, include: [{oidc_token: ${rule}}]}]`;
}

const heard = (rule: string) => complaints(() => loadText(withLines(file(rule)).text)).join("\n");
const named = `issuer: "${github}", audience: x`;

test("a rule that would let in everybody who has an account is refused, with what to name", () => {
  for (const claims of [
    "{ref: refs/heads/main}",
    "{repository: '*'}",
    "{repository: '*/shop'}",
    "{repository_owner: 'acme*'}",
    "{repository: [acme/shop, '**']}",
    "{sub: 'repo:*'}",
    "{sub: 'repo:acme*:ref:refs/heads/main'}",
    "{environment: production, actor: ada}",
  ])
    assert.match(heard(`{${named}, claims: ${claims}}`), /claims.*repository_owner/, claims);
  assert.match(
    heard(`{issuer: "https://gitlab.com", audience: x, claims: {ref: main}}`),
    /project/,
  );
  for (const claims of [
    "{repository: acme/shop}",
    "{repository: 'acme/*'}",
    "{repository_owner: acme}",
    "{repository_id: '123'}",
    "{sub: 'repo:acme/shop:**'}",
  ])
    assert.deepEqual(loadText(withLines(file(`{${named}, claims: ${claims}}`)).text).warnings, []);
});

test("issuer, audience and claims are mandatory, and each mistake is told with what to do", () => {
  const rules: [rule: string, words: RegExp][] = [
    [`{issuer: "${github}", claims: {sub: x}}`, /audience/],
    [`{audience: x, claims: {sub: x}}`, /issuer/],
    [`{${named}}`, /claims/],
    [`{${named}, claims: {}}`, /claims.*empty/],
    [`{${named}, claims: {sub: ""}}`, /empty/],
    [`{${named}, claims: {sub: []}}`, /empty list/],
    [`{${named}, claims: {sub: {a: b}}}`, /text/],
    [`{${named}, claims: {sub: repo:a/b}, algorithms: [HS256]}`, /algorithms/],
    [`{issuer: "http://idp.example.com", audience: x, claims: {sub: x}}`, /must be https/],
    [`{issuer: "https://idp.example.com/?x=1", audience: x, claims: {sub: x}}`, /query/],
    [`{issuer: idp.example.com, audience: x, claims: {sub: x}}`, /write https/],
    [`{${named}, claims: {sub: "repo:a/b"}, jwks_uri: "http://x.example"}`, /must be https/],
    [`{${named}, claims: {sub: "repo:a/${"x".repeat(600)}"}}`, /longer than 500/],
  ];
  for (const [rule, words] of rules) assert.match(heard(rule), words, rule);
});

test("under another decision than non_identity it lets nobody in, and a warning says so", () => {
  const rule = `{${named}, claims: {repository: acme/shop}}`;
  const warnings = (decision: string) => loadText(withLines(file(rule, decision)).text).warnings;
  assert.match(warnings("allow").join(), /write decision: non_identity/);
  assert.match(warnings("bypass").join(), /never holds/);
});
