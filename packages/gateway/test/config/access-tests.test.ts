import assert from "node:assert/strict";
import { test } from "node:test";
import { ConfigError, loadConfig } from "../../src/config/load-config.ts";

const base = `auth_domain: login.localhost:8600
listen: 127.0.0.1:8600
identity_providers:
  - {id: corp, name: SSO, type: oidc, config: {client_id: p, issuer: "https://idp.example.com", claims: [team]}}
service_tokens:
  - {name: deploy, client_id: deploy.access, client_secret: ${"s".repeat(40)}}
groups:
  - {name: staff, include: [{email_domain: {domain: example.com}}]}
ingress: [{service: "http://127.0.0.1:3000"}]
applications:
  - name: Reports
    domain: reports.localhost
    policies:
      - {name: machines, decision: non_identity, include: [{service_token: {name: deploy}}]}
      - name: readers
        decision: allow
        include: [{group: {name: staff}}]
        require: [{method: {method: GET}}]
        exclude: [{email: {email: eve@example.com}}]
      - {name: home, decision: allow, include: [{ip: {ip: 10.0.0.0/8}}], require: [{oidc: {identity_provider: corp, claim_name: team, claim_value: red}}]}
  - name: Public part
    domain: reports.localhost/public
    policies:
      - {name: open, decision: bypass, include: [{everyone: {}}]}
tests:
`;

function complaintsOf(tests: string): string[] {
  try {
    loadConfig({ text: base + tests, file: "postern.yaml", environment: {} });
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message.split("\n");
  }
}

test("a test knows the public paths of an application, and what is none", () => {
  const destinations =
    "destinations: [{uri: reports.localhost, overrides: [{path_pattern: /sw.js, behavior: public}]}]";
  const text = `${base.replace("domain: reports.localhost\n", `${destinations}\n`)}
  - {url: reports.localhost/sw.js, expect: bypass, policy: public path /sw.js}
  - {url: reports.localhost/SW.js, expect: login}
  - {url: reports.localhost/sw.js/x, expect: login}
  - {url: reports.localhost/, expect: login}
`;
  loadConfig({ text, file: "postern.yaml", environment: {} });
});

test("a file whose tests hold is loaded: people, programs, strangers and public paths", () => {
  assert.deepEqual(
    complaintsOf(`
  - {name: staff reads, url: reports.localhost/2026, email: ada@example.com, ip: 192.0.2.1, expect: allow, policy: readers}
  - {url: "https://reports.localhost/", email: ada@example.com, method: POST, ip: 192.0.2.1, expect: deny}
  - {url: reports.localhost, email: eve@example.com, ip: 192.0.2.1, expect: deny}
  - {url: reports.localhost/public/logo, expect: bypass, policy: open}
  - {application: Reports, service_token: deploy, expect: allow, policy: machines}
  - {url: reports.localhost/, expect: login}
  - {url: reports.localhost, email: cy@other.example, login_method: corp, claims: {team: red}, ip: 10.1.1.1, expect: allow}
  - {url: reports.localhost, email: cy@other.example, login_method: SSO, claims: {team: [blue]}, ip: 10.1.1.1, expect: deny}
`),
    [],
  );
});

test("a test that fails refuses the file, with its line, what was expected and why it came otherwise", () => {
  const [complaint, ...more] = complaintsOf(
    "  - {name: eve reads, url: reports.localhost, email: eve@example.com, ip: 192.0.2.1, expect: allow}\n",
  );
  assert.deepEqual(more, []);
  assert.match(complaint ?? "", /^postern\.yaml:26: tests\[0\] "eve reads"\.expect: /);
  assert.match(complaint ?? "", /expects allow, and the answer is deny: no policy matches/);
  assert.match(
    complaint ?? "",
    /"readers" \([\w-]+\) excludes email eve@example\.com, which holds/,
  );
});

test("each failing test is told, and the policy that decided in place of the one expected", () => {
  const complaints = complaintsOf(`  - {url: reports.localhost/public, expect: deny}
  - {url: reports.localhost, email: ada@example.com, ip: 10.0.0.1, expect: allow, policy: home}
`);
  assert.match(complaints[0] ?? "", /:26: .*expects deny, and the answer is bypass: policy "open"/);
  assert.match(
    complaints[1] ?? "",
    /:27: .*expects the policy "home" to decide.*"readers" decides/,
  );
});

test("a test that leaves out what the answer depends on fails, and hears what to state", () => {
  const [complaint] = complaintsOf(
    "  - {url: reports.localhost, email: cy@other.example, expect: deny}\n",
  );
  assert.match(
    complaint ?? "",
    /the answer is undecided: it depends on ip, login_method, claims\.team/,
  );
});

test("mistakes in tests are told like others: unknown fields, names that lead nowhere, no application", () => {
  const mistakes: [string, RegExp][] = [
    ["{url: reports.localhost, expect: maybe}", /expect/],
    ["{url: reports.localhost, mail: a@b.example, expect: deny}", /unknown field/],
    ["{url: reports.localhost, service_token: gone, expect: deny}", /service_token: "gone" is not/],
    ["{url: other.localhost, expect: deny}", /url: is no application of this file/],
    ["{email: ada@example.com, expect: deny}", /must have either url or application/],
  ];
  for (const [written, says] of mistakes) {
    const complaints = complaintsOf(`  - ${written}\n`);
    assert.ok(
      complaints.some((complaint) => says.test(complaint)),
      `${written}: ${complaints.join("; ")}`,
    );
  }
});
