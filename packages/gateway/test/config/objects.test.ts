// What is protected and for whom, as configured: names stand for ids, secrets become hashes, and an
// object is the same one after every reload.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { complaints, load, loadText, soundSections, withLines } from "./written-file.ts";

const configOf = (lines: string) => loadText(withLines(lines).text).config;

test("names and ids of the same file stand for the same objects", () => {
  const byName = `identity_providers:
  - {id: corp, name: Example SSO, type: oidc, config: {client_id: a, issuer: "https://idp.test"}}
groups:
  - {id: staff, name: Staff, include: [{email_domain: {domain: Example.COM}}]}
service_tokens: [{id: robot, name: Robot, client_id: robot.access, client_secret: x}]
policies: [{id: machines, name: Machines, decision: non_identity, include: [{service_token: {name: Robot}}]}]
applications:
  - name: a
    domain: a.test
    allowed_idps: [Example SSO]
    policies: [Machines]
  - name: b
    domain: b.test
    policies:
      - name: people
        decision: allow
        include: [{group: {name: Staff}}, {login_method: {name: Example SSO}}]
        require: [{oidc: {claim_name: groups, claim_value: eng, identity_provider: Example SSO}}]`;
  const byId = byName
    .replaceAll("{name: Robot}", "{token_id: robot}")
    .replaceAll("[Machines]", "[{id: machines}]")
    .replaceAll("[Example SSO]", "[corp]")
    .replaceAll("{name: Staff}", "{id: staff}")
    .replaceAll("{name: Example SSO}", "{id: corp}")
    .replaceAll("identity_provider: Example SSO", "identity_provider_id: corp");
  const config = configOf(byName);
  assert.notEqual(byId, byName);
  assert.deepEqual(config, configOf(byId));
  assert.deepEqual(config.groups, [
    {
      id: "staff",
      name: "Staff",
      include: [{ email_domain: { domain: "example.com" } }],
      require: [],
      exclude: [],
    },
  ]);
  const [first, second] = config.applications;
  assert.deepEqual(first?.allowed_idps, ["corp"]);
  assert.deepEqual(first?.policies, [{ id: "machines" }]);
  assert.partialDeepStrictEqual(config.policies, [
    { id: "machines", include: [{ service_token: { token_id: "robot" } }] },
  ]);
  assert.partialDeepStrictEqual(second?.policies, [
    {
      include: [{ group: { id: "staff" } }, { login_method: { id: "corp" } }],
      require: [
        { oidc: { claim_name: "groups", claim_value: "eng", identity_provider_id: "corp" } },
      ],
    },
  ]);
});

test("a group may use a group that stands after it", () => {
  const { groups } = configOf(`groups:
  - {name: outer, include: [{group: {name: inner}}]}
  - {name: inner, include: [{email: {email: ada@example.com}}]}`);
  assert.deepEqual(groups[0]?.include, [{ group: { id: groups[1]?.id } }]);
});

test("an object without an id is the same one after every reload, by its name", () => {
  const group = "groups: [{name: staff, include: [{email: {email: a@b.c}}]}]";
  const [before] = configOf(group).groups;
  const [after] = configOf(group.replace("a@b.c", "ada@example.com")).groups;
  const [renamed] = configOf(group.replace("staff", "crew")).groups;
  // In the database of every installation: with other ids all applications would have other AUDs.
  assert.equal(before?.id, "ddbb7b57-c024-8612-9084-cecd447c0c4a");
  assert.equal(after?.id, before?.id);
  assert.notEqual(renamed?.id, before?.id);
});

test("two applications of one name are two applications", () => {
  const [sound] = soundSections()["applications"] as Record<string, unknown>[];
  const { applications } = load({
    applications: [sound, { ...sound, domain: "other.localhost" }],
  }).config;
  const alone = load({ applications: [sound] }).config.applications;
  assert.equal(applications[0]?.id, alone[0]?.id, "the first stays what it was");
  assert.notEqual(applications[1]?.id, applications[0]?.id);
});

test("of a service token's secret only the hash is kept (ADR 0007)", () => {
  const secret = "cfast_0123456789abcdef";
  const hash = createHash("sha256").update(secret).digest("hex");
  const config = configOf(`service_tokens:
  - {name: a, client_id: a.access, client_secret: ${secret}, expires_at: "2027-01-31T00:00:00Z"}
  - {name: b, client_id: b.access, client_secret_hash: ${hash}, enabled: false}`);
  assert.deepEqual(
    config.service_tokens.map(({ id, ...each }) => each),
    [
      {
        name: "a",
        client_id: "a.access",
        client_secret_hash: hash,
        enabled: true,
        expires_at: Date.UTC(2027, 0, 31),
      },
      { name: "b", client_id: "b.access", client_secret_hash: hash, enabled: false },
    ],
  );
  assert.doesNotMatch(JSON.stringify(config), /cfast/);
});

test("a provider is found by its issuer or by its three addresses; a PIN needs nothing", () => {
  const { identity_providers } = configOf(`smtp: {url: smtp://localhost, from: a@b.c}
identity_providers:
  - {id: pin, name: PIN, type: onetimepin}
  - {id: a, name: A, type: oidc, config: {client_id: a, issuer: "https://idp.test", claims: [department]}}
  - id: b
    name: B
    type: oidc
    config: {client_id: b, client_secret: s, auth_url: "https://b.test/a", token_url: "https://b.test/t", certs_url: "https://b.test/k"}`);
  assert.deepEqual(identity_providers, [
    { id: "pin", name: "PIN", type: "onetimepin", config: {} },
    {
      id: "a",
      name: "A",
      type: "oidc",
      config: { client_id: "a", issuer: "https://idp.test", claims: ["department"] },
    },
    {
      id: "b",
      name: "B",
      type: "oidc",
      config: {
        client_id: "b",
        client_secret: "s",
        auth_url: "https://b.test/a",
        token_url: "https://b.test/t",
        certs_url: "https://b.test/k",
      },
    },
  ]);
});

test("what is configured is the same after it was stored as JSON", () => {
  const { config } = load({
    organization: {
      name: "Example",
      session_duration: "24h",
      login_design: { header_text: "Hello" },
      require_login_code: true,
    },
    smtp: { url: "smtp://localhost", from: "a@b.c" },
  });
  assert.deepEqual(JSON.parse(JSON.stringify(config)), config);
});

test("names with quotes, dollars and line breaks are kept as they were written (O10)", () => {
  const name = `a\`'"\n\${x} {{y}} <b> \u2028`;
  const [sound] = soundSections()["applications"] as Record<string, unknown>[];
  assert.equal(load({ applications: [{ ...sound, name }] }).config.applications[0]?.name, name);
});

test("a complaint is one line that no terminal obeys, whatever things are called (O10)", () => {
  const [sound] = soundSections()["applications"] as Record<string, unknown>[];
  for (const stray of ["\u001b[2J", "\u009b31m", "\r\n", "\u2028", "\u202e", "\u2066", "\u200f"]) {
    const name = `a${stray}b`;
    const service = `unix:/run/${stray}`;
    const application = { ...sound, name, domain: `${stray}.test`, [name]: 1 };
    const lines = complaints(() =>
      load({ applications: [application], ingress: [{ hostname: name, service, path: stray }] }),
    );
    assert.ok(lines.length >= 3, lines.join("\n"));
    for (const line of lines)
      assert.doesNotMatch(line, /[\p{Cc}\p{Bidi_Control}\u2028\u2029]/u, JSON.stringify(line));
  }
});
