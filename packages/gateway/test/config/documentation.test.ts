// What the documentation shows, a person can use as it stands.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import { ruleKinds } from "../../src/model/rules/rule-kinds.ts";
import { loadText, withLines } from "./written-file.ts";

const textOf = (file: string) =>
  readFileSync(new URL(`../../../../${file}`, import.meta.url), "utf8");
const example = "examples/postern.yaml";
const policies = textOf("docs/policies.md");

test("the example loads, and nobody is warned of anything", () => {
  const environment = { CORP_SECRET: "a secret", SMTP_PASSWORD: "another" };
  const { config, warnings } = loadText(textOf(example), { environment, file: example });
  assert.deepEqual(warnings, []);
  assert.equal(config.issuer, "https://login.example.com");
  assert.deepEqual(
    config.applications.map(({ name }) => name),
    ["Orders API", "Health of the API", "Wiki"],
  );
});

test("the smallest example loads, and nobody is warned of anything", () => {
  const file = "examples/minimal.yaml";
  const { config, warnings } = loadText(textOf(file), {
    environment: { CLIENT_SECRET: "x" },
    file,
  });
  assert.deepEqual(warnings, []);
  assert.equal(config.applications.length, 1);
});

test("each piece of the page on policies loads without a warning", () => {
  const pieces = [...policies.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, piece = ""]) => piece);
  assert.ok(pieces.length > 0);
  for (const piece of pieces) assert.deepEqual(loadText(withLines(piece).text).warnings, [], piece);
});

test("the page on policies has every rule that can be judged, in a form that is taken", () => {
  const shown = [...policies.matchAll(/^\| `(\{.*?\}\})` \|/gm)].map(([, rule = ""]) => rule);
  assert.deepEqual(
    new Set(shown.map((rule) => Object.keys(parse(rule) as object)[0])),
    new Set(ruleKinds.keys()),
  );
  const others = `
groups: [{name: engineering, include: [{email: {email: ada@example.com}}]}]
lists: [{name: contractors, type: EMAIL}, {name: offices, type: IP}]
service_tokens: [{name: deploy, client_id: deploy, client_secret: x}]`;
  for (const rule of shown) {
    const application = `applications: [{name: portal, domain: b.test}, {name: a, domain: a.test, policies: [{name: p, decision: allow, include: [${rule}]}]}]`;
    assert.equal(
      loadText(withLines(application + others).text).config.applications.length,
      2,
      rule,
    );
  }
});
