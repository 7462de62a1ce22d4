import assert from "node:assert/strict";
import { test } from "node:test";
import { type AskedFacts, readQuestion } from "../../src/analysis/asked-facts.ts";
import { namesIn } from "../../src/analysis/catalog-names.ts";
import { explanationLines } from "../../src/analysis/explanation-text.ts";
import { FileCatalogs } from "../../src/analysis/file-catalogs.ts";
import { warningsOf } from "../../src/analysis/policy-warnings.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { explain } from "../../src/policy/explain.ts";

const text = `auth_domain: login.localhost:8600
listen: 127.0.0.1:8600
ingress: [{service: "http://127.0.0.1:3000"}]
identity_providers:
  - {id: corp, name: SSO, type: oidc, config: {client_id: p, issuer: "https://idp.example.com"}}
service_tokens: [{id: t1, name: Deploy, client_id: deploy.access, client_secret: ${"s".repeat(40)}}]
lists: [{id: l1, name: Offices, type: IP, items: [{value: 192.0.2.0/24}]}]
groups:
  - {id: g1, name: Inner, include: [{email_domain: {domain: example.com}}], exclude: [{email: {email: eve@example.com}}]}
  - {id: g2, name: Outer, include: [{group: {name: Inner}}]}
applications:
  - id: reports
    name: Reports
    domain: reports.localhost
    policies:
      - {id: banned, name: Banned, decision: deny, include: [{email: {email: mallory@example.com}}]}
      - {id: programs, name: Programs, decision: non_identity, include: [{service_token: {name: Deploy}}]}
      - {id: staff, name: Staff, decision: allow, include: [{group: {name: Outer}}], require: [{ip_list: {name: Offices}}]}
  - id: wiki
    name: Wiki
    domain: wiki.localhost
    policies:
      - {id: sso, name: Signed in, decision: allow, include: [{everyone: {}}], require: [{login_method: {name: SSO}}]}
`;

const { config, warnings } = loadConfig({ text, file: "postern.yaml", environment: {} });
const catalog = new FileCatalogs().build(config);

function explained(url: string, facts: Partial<AskedFacts>): string {
  const asked = { method: "GET", groups: [], claims: [], authMethods: [], ...facts, url };
  const question = readQuestion(catalog, asked);
  const { policies } = question.application;
  const ofPolicies = warningsOf(policies, catalog, { hasMail: false, knowsCountries: false });
  const explanation = explain(policies, question.facts);
  const lines = explanationLines(question.about, explanation, namesIn(catalog), ofPolicies);
  for (const line of lines) assert.ok(line.length <= 80, line);
  return lines.join("\n").replaceAll(/\n +(?=\S)/g, " ");
}

test("somebody whom a group inside a group excludes is told so, with names and ids", () => {
  const said = explained("reports.localhost", { email: "eve@example.com", ip: "192.0.2.1" });
  assert.match(
    said,
    /: deny\nWhy: no policy matches: "Staff" \(staff\) includes group "Outer" \(g2\), which includes group "Inner" \(g1\), which excludes email eve@example\.com, which holds/,
  );
});

test("an address that no list has is the reason, and one that nobody states is asked for", () => {
  const elsewhere = explained("reports.localhost", { email: "ada@example.com", ip: "10.0.0.1" });
  assert.match(elsewhere, /requires ip_list "Offices" \(l1\), which does not hold/);
  const unknown = explained("reports.localhost", { email: "ada@example.com" });
  assert.match(unknown, /: undecided\nWhy: it depends on ip\nState --ip to know more\./);
  assert.match(unknown, /require ip_list "Offices" \(l1\): not known \(ip not stated\)/);
});

test("a deny before the allow, a service token and a provider are named with their ids", () => {
  const banned = explained("reports.localhost", { email: "mallory@example.com" });
  assert.match(banned, /: deny\nWhy: policy "Banned" \(banned\), by email mallory@example\.com/);
  const program = explained("reports.localhost", { serviceToken: "Deploy" });
  assert.match(program, /: allow\nWhy: policy "Programs" \(programs\), by service_token "Deploy"/);
  const person = explained("wiki.localhost", { email: "ada@example.com", loginMethod: "SSO" });
  assert.match(person, /require login_method "SSO" \(corp\): holds \(login_method "SSO"\)/);
});

test("an explanation warns of the trap that the file is warned of", () => {
  const trap = "lets in everybody who can sign in";
  assert.ok(warnings.some((warning) => warning.includes(trap)));
  assert.match(explained("wiki.localhost", {}), new RegExp(`warning: include\\[0\\]: ${trap}`));
});
