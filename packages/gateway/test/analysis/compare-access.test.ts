import assert from "node:assert/strict";
import { test } from "node:test";
import { isApplication, type Owner } from "../../src/analysis/areas.ts";
import { readQuestion } from "../../src/analysis/asked-facts.ts";
import { type AccessComparison, compareAccess } from "../../src/analysis/compare-access.ts";
import { admits } from "../../src/analysis/compare-policies.ts";
import { comparisonLines } from "../../src/analysis/comparison-text.ts";
import { explanationLines } from "../../src/analysis/explanation-text.ts";
import { FileCatalogs } from "../../src/analysis/file-catalogs.ts";
import { matchApplication } from "../../src/catalog/match-application.ts";
import { loadConfig } from "../../src/config/load-config.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { explain } from "../../src/policy/explain.ts";
import { ObjectNames } from "../../src/policy/object-names.ts";
import { Draws } from "../policy/random-policies.ts";

const head = `auth_domain: login.localhost:8600
listen: 127.0.0.1:8600
identity_providers:
  - {id: corp, name: SSO, type: oidc, config: {client_id: p, issuer: "https://idp.example.com"}}
ingress: [{service: "http://127.0.0.1:3000"}]
`;

function compare(before: string, after: string): AccessComparison {
  const catalogs = new FileCatalogs();
  const [one, other] = [before, after].map((text) => {
    const { config } = loadConfig({ text: head + text, file: "postern.yaml", environment: {} });
    return catalogs.build(config);
  });
  assert.ok(one !== undefined && other !== undefined);
  return compareAccess(one, other, 0);
}

/** `+ deny→allow ada@example.com …`, one line for each example. */
function lines({ changes }: AccessComparison): string[] {
  return changes.flatMap(({ after, before, gains, loses }) => {
    const name = nameOf(after) ?? nameOf(before);
    return [
      ...gains.map(({ kind, member }) => `${name} + ${kind} ${member.get("email") ?? ""}`.trim()),
      ...loses.map(({ kind, member }) => `${name} - ${kind} ${member.get("email") ?? ""}`.trim()),
    ];
  });
}

function nameOf(owner: Owner): string | undefined {
  return isApplication(owner) ? owner.name : undefined;
}

const staffOnly = `
groups: [{name: staff, include: [{email_domain: {domain: example.com}}]}]
applications:
  - {name: A, domain: a.localhost, policies: [{name: p, decision: allow, include: [{group: {name: staff}}]}]}
  - {name: B, domain: b.localhost, policies: [{name: p, decision: allow, include: [{email: {email: ada@example.com}}]}]}
`;

test("an application that allows one provider less is lost to those who sign in with it", () => {
  const catalogOf = (allowed: string) => {
    const text = `auth_domain: login.localhost:8600
listen: 127.0.0.1:8600
identity_providers:
  - {id: corp, name: SSO, type: oidc, config: {client_id: p, issuer: "https://idp.example.com"}}
  - {id: old, name: Old, type: oidc, config: {client_id: p, issuer: "https://old.example.com"}}
ingress: [{service: "http://127.0.0.1:3000"}]
applications:
  - {name: A, domain: a.localhost, allowed_idps: ${allowed}, policies: [{name: p, decision: allow, include: [{email: {email: ada@example.com}}]}]}
`;
    const { config } = loadConfig({ text, file: "postern.yaml", environment: {} });
    return new FileCatalogs().build(config);
  };
  const change = (before: string, after: string) =>
    lines(compareAccess(catalogOf(before), catalogOf(after), 0));
  assert.deepEqual(change("[]", "[corp, old]"), []);
  assert.deepEqual(change("[corp, old]", "[old, corp]"), []);
  assert.deepEqual(change("[corp, old]", "[corp]"), ["A - person ada@example.com"]);
  assert.deepEqual(change("[corp]", "[]"), ["A + person ada@example.com"]);
});

test("an unchanged file, or one that says the same in other words, changes nobody's access", () => {
  assert.deepEqual(lines(compare(staffOnly, staffOnly)), []);
  const reworded = staffOnly.replace(
    "{group: {name: staff}}",
    "{email_domain: {domain: example.com}}",
  );
  const comparison = compare(staffOnly, reworded);
  assert.deepEqual(lines(comparison), []);
  assert.equal(comparison.unchanged, 2);
});

test("a path that becomes public is everybody's, and the rest of the application nobody's", () => {
  const destinations =
    "destinations: [{uri: a.localhost, overrides: [{path_pattern: /sw.js, behavior: public}]}]";
  const opened = staffOnly.replace("domain: a.localhost", destinations);
  const comparison = compare(staffOnly, opened);
  assert.deepEqual(lines(comparison), ["A + anonymous"]);
  const words = { names: new ObjectNames(), before: new Set<string>(), after: new Set<string>() };
  const [title, gains, answers] = comparisonLines(comparison, words);
  assert.equal(title, "A, public path /sw.js");
  assert.equal(gains, "  gains: anybody, without a sign-in");
  assert.match(answers ?? "", /login before, bypass by "public path \/sw\.js"/);
  assert.deepEqual(lines(compare(opened, staffOnly)), ["A - anonymous"]);
  assert.deepEqual(lines(compare(opened, opened)), []);
  const wider = opened.replace("/sw.js", "/s*");
  assert.deepEqual(lines(compare(opened, wider)), ["A + anonymous"]);
});

test("what is asked about a public path is explained by it", () => {
  const destinations =
    "destinations: [{uri: a.localhost, overrides: [{path_pattern: /sw.js, behavior: public}]}]";
  const text = head + staffOnly.replace("domain: a.localhost", destinations);
  const catalog = new FileCatalogs().build(
    loadConfig({ text, file: "postern.yaml", environment: {} }).config,
  );
  const asked = { method: "GET", groups: [], claims: [], authMethods: [] };
  const at = (url: string) => {
    const { application, facts } = readQuestion(catalog, { ...asked, url });
    return explanationLines("", explain(application.policies, facts), new ObjectNames()).join("\n");
  };
  assert.match(at("a.localhost/sw.js"), /bypass.*public path \/sw\.js/s);
  assert.doesNotMatch(at("a.localhost/SW.js"), /public path/);
});

test("a domain more in a group lets its people into the applications that use the group, and no others", () => {
  const wider = staffOnly.replace(
    "include: [{email_domain: {domain: example.com}}]}]",
    "include: [{email_domain: {domain: example.com}}, {email_domain: {domain: partner.example}}]}]",
  );
  assert.deepEqual(lines(compare(staffOnly, wider)), ["A + person someone@partner.example"]);
  assert.deepEqual(lines(compare(wider, staffOnly)), ["A - person someone@partner.example"]);
});

test("an application that goes, comes, or has another address: who could use it loses or gains", () => {
  const gone = staffOnly.replace(/ {2}- \{name: B.*\n/, "");
  assert.deepEqual(lines(compare(staffOnly, gone)), ["B - person ada@example.com"]);
  assert.deepEqual(lines(compare(gone, staffOnly)), ["B + person ada@example.com"]);
  const moved = staffOnly.replace("b.localhost", "c.localhost");
  assert.deepEqual(lines(compare(staffOnly, moved)).toSorted(), [
    "B + person ada@example.com",
    "B - person ada@example.com",
  ]);
});

test("a path that another application takes over is compared with what it was part of", () => {
  const split = `${staffOnly}  - {name: Open part, domain: a.localhost/open, policies: [{name: all, decision: bypass, include: [{everyone: {}}]}]}\n`;
  const { changes } = compare(staffOnly, split);
  const [change, refused] = changes;
  assert.equal(nameOf(change?.before), "A");
  assert.equal(nameOf(change?.after), "Open part");
  assert.equal(change?.gains[0]?.kind, "anonymous");
  // What origins may read as the open part is refused from now on.
  assert.equal(nameOf(refused?.before), "A");
  assert.equal(refused?.after, "refused");
  assert.equal(refused?.loses[0]?.kind, "person");
  assert.match(refused?.url ?? "", /^a\.localhost\/open/i);
  assert.match(change?.gains[0]?.subject.request.toString() ?? "", /object/);
});

test("a service token that is switched off loses what only it could use", () => {
  const machine = (enabled: boolean) => `
service_tokens: [{name: deploy, client_id: deploy.access, client_secret: ${"s".repeat(40)}, enabled: ${enabled}}]
applications:
  - {name: A, domain: a.localhost, policies: [{name: m, decision: non_identity, include: [{service_token: {name: deploy}}]}]}
`;
  assert.deepEqual(lines(compare(machine(true), machine(false))), ["A - service"]);
});

const hosts = ["a.localhost", "*.localhost", "b.a.localhost", "a*.localhost", "*.a.localhost"];
const paths = ["", "/x", "/x/y", "/x*y", "/x/*"];
const people = ["ada@example.com", "bob@example.com"];

function drawFile(draws: Draws): string {
  const domains = new Set<string>();
  while (domains.size < 3) domains.add(draws.one(hosts) + draws.one(paths));
  const applications = [...domains].map((domain, index) => {
    const email = `{email: {email: ${draws.one(people)}}}`;
    const rule = draws.one([email, "{everyone: {}}", "{email_domain: {domain: example.com}}"]);
    const required = draws.rarely(3) ? `{path: {path: ${draws.one(["/x", "/x/y", "/*y"])}}}` : "";
    return `  - {id: app${index}, name: App ${index}, domain: "${domain}", policies: [{name: p, decision: allow, include: [${rule}], require: [${required}]}]}`;
  });
  return `applications:\n${applications.join("\n")}\n`;
}

test("whatever hosts and paths overlap, nobody is said only where nobody gains or loses anywhere", () => {
  const askedHosts = [
    "a.localhost",
    "c.localhost",
    "b.a.localhost",
    "ab.localhost",
    "c.a.localhost",
  ];
  const askedPaths = ["/", "/x", "/x/", "/xy", "/x/y", "/x/q", "/xqy", "/x/y/z", "/q/y", "/q"];
  let differences = 0;
  for (let seed = 0; seed < 50; seed++) {
    const draws = new Draws(seed);
    const catalogs = new FileCatalogs();
    const [before, after] = [drawFile(draws), drawFile(draws)].map((text) =>
      catalogs.build(loadConfig({ text: head + text, file: "f", environment: {} }).config),
    );
    assert.ok(before !== undefined && after !== undefined);
    const { changes, undecidedHosts } = compareAccess(before, after, 0);
    assert.deepEqual(undecidedHosts, []);
    for (const host of askedHosts) {
      for (const path of askedPaths) {
        const areas = [before, after].map(
          (each) => matchApplication(each, host, path)?.application,
        );
        const change = changes.find((each) => each.before === areas[0] && each.after === areas[1]);
        for (const email of [...people, "cy@other.example"]) {
          const identity = {
            email,
            name: "",
            idp: { id: "corp", type: "oidc" },
            groups: [],
            oidc_fields: {},
            amr: [],
            ip: "",
            country: "",
            iat: 0,
          };
          const principal = { kind: "person" as const, identity };
          const subject = {
            principal,
            ip: "192.0.2.1",
            country: undefined,
            request: { method: "GET", path },
          };
          const [was, is] = areas.map((application) =>
            admits(
              evaluate({ application: { policies: application?.policies ?? [] }, ...subject }),
            ),
          );
          if (was === is) continue;
          differences++;
          const told = is ? change?.gains : change?.loses;
          assert.ok((told?.length ?? 0) > 0, `seed ${seed} ${host}${path} ${email}`);
        }
      }
    }
  }
  assert.ok(differences > 300);
});

test("claims called as what every object has are claims like others", () => {
  const policy = (name: string) => `
applications:
  - name: A
    domain: a.localhost
    policies: [{name: p, decision: allow, include: [{oidc: {identity_provider_id: corp, claim_name: ${name}, claim_value: x}}]}]
`;
  const changed = compare(policy("team"), policy("constructor"));
  assert.equal(lines(changed).length, 2);
  const { config } = loadConfig({
    ...{ text: head + policy("constructor"), file: "postern.yaml", environment: {} },
  });
  const catalog = new FileCatalogs().build(config);
  const { facts } = readQuestion(catalog, {
    ...{ url: "a.localhost", method: "GET", email: "ada@example.com", loginMethod: "corp" },
    ...{ groups: [], claims: ["constructor=x", "__proto__=y"], authMethods: [] },
  });
  assert.deepEqual(Object.entries(facts.claims ?? {}), [
    ["constructor", ["x"]],
    ["__proto__", ["y"]],
  ]);
});
