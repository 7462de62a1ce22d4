// What loads and hardly does what was meant: a person hears of it, with its place, and the gateway
// starts.
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadText, soundSections, withLines, withoutNames } from "./written-file.ts";

const pin = "{id: pin, name: PIN, type: onetimepin}";
const smtp = "smtp: {url: smtp://localhost, from: a@b.c}";
const robot = "service_tokens: [{id: robot, name: Robot, client_id: a, client_secret: x}]";
const policy = (decision: string, rules: string) =>
  `applications: [{name: a, domain: a.test, policies: [{name: p, decision: ${decision}, ${rules}}]}]`;
const claim = (name: string) =>
  `{oidc: {identity_provider: corp, claim_name: ${name}, claim_value: x}}`;
const notKept =
  /never holds, and counts as an exclude: the claims of this identity provider do not list it.*add it to config\.claims/;
const inPolicy = "applications[0].policies[0]";

type Case = [who: string, written: string, warnings: [field: string, says: RegExp][]];

/** Pairs of rules that no request fits. */
const contradictions = [
  ["{geo: {country_code: PT}}", "{geo: {country_code: ES}}"],
  ["{email: {email: a@b.c}}", "{email: {email: b@b.c}}"],
  ["{email: {email: a@b.c}}", "{email_domain: {domain: c.d}}"],
  ["{email_domain: {domain: b.c}}", "{email_domain: {domain: x.b.c}}"],
  ["{ip: {ip: 192.0.2.0/24}}", "{ip: {ip: 198.51.100.0/24}}"],
  ["{ip: {ip: 192.0.2.0/24}}", '{ip: {ip: "2001:db8::/32"}}'],
  ["{method: {method: GET}}", "{method: {method: [POST, PUT]}}"],
  ["{path: {path: /v1}}", "{path: {path: /v2}}"],
].map((pair) => pair as [string, string]);

/** Pairs that some request fits, or of which nobody can say. */
const compatible = [
  ["{email: {email: a@b.c}}", "{email_domain: {domain: b.c}}"],
  ["{ip: {ip: 192.0.2.0/24}}", "{ip: {ip: 192.0.2.7}}"],
  ["{method: {method: GET}}", "{method: {method: [HEAD, PUT]}}"],
  ["{path: {path: /v1}}", "{path: {path: /v1/orders}}"],
  ["{path: {path: /v1/*/x}}", "{path: {path: /v2}}"],
  ["{auth_method: {auth_method: mfa}}", "{auth_method: {auth_method: pwd}}"],
].map((pair) => pair as [string, string]);

const cases: Case[] = [
  [
    "lets everybody in",
    policy("allow", "include: [{everyone: {}}]"),
    [[`${inPolicy}.include[0]`, /lets in everybody who can sign in/]],
  ],
  [
    "signs SSH certificates for two domains, in which two people may have one name",
    `applications: [{name: a, domain: a.test, ssh_certificates: {email_domains: [a.test, b.test]}, policies: [{name: p, decision: allow, include: [{email: {email: a@b.c}}]}]}]`,
    [["applications[0].ssh_certificates.email_domains", /gets the same account, ada/]],
  ],
  [
    "asks for claims that the provider does not keep",
    `identity_providers:
  - {id: corp, name: Corp, type: oidc, config: {client_id: a, issuer: "https://idp.test", claims: [department, realm_access]}}
${policy("allow", `include: [${claim("role")}, ${claim("realm_access.roles")}, ${claim("groups")}], require: [${claim("department")}], exclude: [${claim("Department")}, ${claim("realm.roles")}]`)}`,
    [
      [`${inPolicy}.include[0].oidc.claim_name`, notKept],
      [`${inPolicy}.exclude[0].oidc.claim_name`, notKept],
      [`${inPolicy}.exclude[1].oidc.claim_name`, notKept],
    ],
  ],
  [
    "asks for a claim of a provider that keeps none, in a group and in a policy",
    `groups: [{name: admins, include: [${claim("roles")}]}]
policies: [{name: p, decision: allow, include: [${claim("Groups")}, ${claim("roles")}]}]
applications: [{name: a, domain: a.test, policies: [p]}]`,
    [
      ["groups[0].include[0].oidc.claim_name", notKept],
      ["policies[0].include[1].oidc.claim_name", notKept],
    ],
  ],
  [
    "asks for a part of what is not kept whole",
    `identity_providers:
  - {id: corp, name: Corp, type: oidc, config: {client_id: a, issuer: "https://idp.test", claims: [realm_access.roles]}}
${policy("allow", `include: [${claim("realm_access")}, ${claim("realm_access.roles")}, ${claim("realm_access.rolesx")}]`)}`,
    [
      [`${inPolicy}.include[0].oidc.claim_name`, notKept],
      [`${inPolicy}.include[2].oidc.claim_name`, notKept],
    ],
  ],
  [
    "asks for claims of the one-time PIN",
    `${smtp}\nidentity_providers: [${pin}]\n${policy("allow", "include: [{oidc: {identity_provider: PIN, claim_name: department, claim_value: x}}]")}`,
    [[`${inPolicy}.include[0].oidc.claim_name`, notKept]],
  ],
  [
    "lets everybody in by a group in a group",
    `groups:
  - {name: inner, include: [{email: {email: a@b.c}}, {everyone: {}}]}
  - {name: outer, include: [{group: {name: inner}}]}
${policy("allow", "include: [{email: {email: a@b.c}}, {group: {name: outer}}]")}`,
    [[`${inPolicy}.include[1]`, /lets in everybody/]],
  ],
  [
    "lets in whoever gets a PIN",
    `${smtp}\nidentity_providers: [${pin}]\n${policy("allow", "include: [{login_method: {name: PIN}}]")}`,
    [[`${inPolicy}.include[0]`, /every email address in the world/]],
  ],
  [
    "allows a service token",
    `${robot}\n${policy("allow", "include: [{service_token: {name: Robot}}, {any_valid_service_token: {}}]")}`,
    [
      [`${inPolicy}.include[0]`, /lets no service token in.*write decision: non_identity/],
      [`${inPolicy}.include[1]`, /lets no service token in/],
    ],
  ],
  [
    "requires a service token of people",
    `${robot}\n${policy("allow", "include: [{email: {email: a@b.c}}], require: [{service_token: {token_id: robot}}]")}`,
    [[`${inPolicy}.require[0]`, /lets no service token in/]],
  ],
  [
    "denies a service token that another policy lets in",
    `${robot}\n${policy("deny", "include: [{service_token: {token_id: robot}}]")}`,
    [[`${inPolicy}.include[0]`, /stops no service token: non_identity policies run first/]],
  ],
  [
    "bypasses for a person",
    policy("bypass", "include: [{email_domain: {domain: b.c}}]"),
    [[`${inPolicy}.include[0]`, /never holds: a bypass policy does not ask who it is/]],
  ],
  [
    "asks a program for its address",
    policy("non_identity", "include: [{email: {email: a@b.c}}]"),
    [[`${inPolicy}.include[0]`, /never holds: a non_identity policy is for service tokens/]],
  ],
  [
    "allows a service token by a group in a group",
    `${robot}
groups:
  - {name: inner, include: [{service_token: {name: Robot}}]}
  - {name: outer, include: [{group: {name: inner}}]}
${policy("allow", "include: [{email: {email: a@b.c}}, {group: {name: outer}}]")}`,
    [[`${inPolicy}.include[1]`, /lets no service token in/]],
  ],
  [
    "bypasses for a group of people and an office, and for a service token",
    `${robot}
groups: [{name: g, include: [{email: {email: a@b.c}}, {ip: {ip: 192.0.2.0/24}}]}]
${policy("bypass", "include: [{group: {name: g}}, {service_token: {name: Robot}}]")}`,
    [],
  ],
  [
    "asks another application for people",
    policy(
      "non_identity",
      "include: [{linked_app_token: {name: a}}], require: [{email_domain: {domain: b.c}}]",
    ),
    [],
  ],
  ...contradictions.map(
    ([one, other]): Case => [
      `requires both ${one} and ${other}`,
      `geoip_file: c.mmdb\n${policy("allow", `include: [{everyone: {}}], require: [${one}, ${other}]`)}`,
      [
        [`${inPolicy}.include[0]`, /lets in everybody/],
        [`${inPolicy}.require[1]`, /never holds beside require\[0\].*put them into a group/],
      ],
    ],
  ),
  ...compatible.map(
    ([one, other]): Case => [
      `requires ${one} and ${other}`,
      policy("allow", `include: [{email: {email: a@b.c}}], require: [${one}, ${other}]`),
      [],
    ],
  ),
  [
    "includes whom require keeps out, and takes back whom it includes",
    policy(
      "allow",
      "include: [{email: {email: a@x.y}}, {email: {email: a@b.c}}, {email: {email: b@b.c}}], require: [{email_domain: {domain: b.c}}], exclude: [{email: {email: b@b.c}}]",
    ),
    [
      [`${inPolicy}.include[0]`, /never holds beside require\[0\]/],
      [`${inPolicy}.include[2]`, /is taken back by exclude\[0\]/],
    ],
  ],
  [
    "excludes everybody in a group",
    "groups: [{name: g, include: [{email: {email: a@b.c}}], exclude: [{everyone: {}}]}]",
    [["groups[0].exclude[0]", /excludes everybody, so that nobody is left/]],
  ],
  [
    "wrote a kind of rule that nobody has heard of",
    policy(
      "allow",
      "include: [{email: {email: a@b.c}}], exclude: [{phase_of_the_moon: {phase: full}}]",
    ),
    [
      [
        `${inPolicy}.exclude[0].phase_of_the_moon`,
        /is not a kind of rule that this gateway has heard of .*counts as an exclude/,
      ],
    ],
  ],
  [
    "has the same in a reusable policy",
    "policies: [{name: p, decision: allow, include: [{everyone: {}}]}]",
    [["policies[0].include[0]", /lets in everybody/]],
  ],
  [
    "asks for a country",
    policy("allow", "include: [{email: {email: a@b.c}}], require: [{geo: {country_code: PT}}]"),
    [[`${inPolicy}.require[0].geo`, /cannot be judged without a database of countries/]],
  ],
  [
    "asks for a country, and has a database of them",
    `geoip_file: geo.mmdb\n${policy("allow", "include: [{email: {email: a@b.c}}], require: [{geo: {country_code: PT}}]")}`,
    [],
  ],
  [
    "asks for the posture of a device",
    policy(
      "allow",
      "include: [{email: {email: a@b.c}}], require: [{device_posture: {integration_uid: x}}]",
    ),
    [
      [
        `${inPolicy}.require[0].device_posture`,
        /cannot be judged by this gateway yet, so it fails closed/,
      ],
    ],
  ],
  [
    "names a list without items",
    `lists: [{name: l, type: EMAIL}]\n${policy("allow", "include: [{email_list: {name: l}}]")}`,
    [["lists[0].items", /is empty: a rule that names this list holds for nobody/]],
  ],
  [
    "lets nobody in",
    "applications: [{name: a, domain: a.test}]",
    [["applications[0]", /has no policies, so nobody can reach it/]],
  ],
  [
    "gave two applications one name",
    `applications:
  - {name: a, domain: a.test, policies: [{name: p, decision: allow, include: [{email: {email: a@b.c}}]}]}
  - {name: a, domain: b.test, policies: [{name: p, decision: allow, include: [{email: {email: a@b.c}}]}]}`,
    [["applications[1]", /has the name of applications\[0\]; give it an id/]],
  ],
  [
    "wrote what means something only at Cloudflare",
    `groups: [{name: a, include: [{everyone: {}}], is_default: true}]
applications: [{name: a, domain: a.test, policies: [], eager_redirect_cookie_setting: true, app_launcher_visible: false, logo_url: "https://a/b.png"}]`,
    [
      ["groups[0].is_default", /has no effect in this gateway/],
      ["applications[0].eager_redirect_cookie_setting", /has no effect in this gateway/],
      ["applications[0]", /has no policies/],
    ],
  ],
  [
    "gave an application a picture that pages cannot load",
    `applications: [{name: a, domain: a.test, policies: [], logo_url: "http://a.test/b.png"}]`,
    [
      ["applications[0].logo_url", /is not a picture that pages can load and is left out/],
      ["applications[0]", /has no policies/],
    ],
  ],
  [
    "wrote an application of a type that is not served",
    `applications: [{name: a, type: saas, saas_app: {auth_type: oidc}, policies: []}]`,
    [["applications[0].type", /no type that this gateway serves.*nobody reaches it/]],
  ],
  [
    "made a bookmark that nobody sees",
    `applications: [{name: a, type: bookmark, domain: wiki.test}]`,
    [["applications[0]", /has no policies, so nobody sees it/]],
  ],
  [
    "demands a second factor",
    `applications: [{name: a, domain: a.test, policies: [{name: p, decision: allow, mfa_config: {session_duration: 1h}, include: [{email: {email: a@b.c}}]}]}]`,
    [["applications[0].policies[0].mfa_config", /demands a second factor.*lets anybody in/]],
  ],
  [
    "mails PINs without a mail server",
    `identity_providers: [${pin}]`,
    [["identity_providers[0]", /no mail server is configured; add smtp/]],
  ],
  [
    "trusts every proxy there is (H4)",
    'trusted_proxies: ["0.0.0.0/0", "10.0.0.1", "::/0"]',
    [
      ["trusted_proxies[0]", /is every address there is; name the proxy's own/],
      ["trusted_proxies[2]", /is every address/],
    ],
  ],
  [
    "lets a proxy's network see admin tokens",
    "admin: {listen: 0.0.0.0:8601}\ntrusted_proxies: [10.0.0.1]",
    [
      [
        "admin.listen",
        /would take admin tokens in clear, for others to read; keep it to a network/,
      ],
    ],
  ],
  [
    "wrote their defaults",
    "workers: auto\nadmin: null\ngeoip_file: null\nlog: {export_file: null}",
    [],
  ],
];

for (const [who, written, expected] of cases) {
  test(`somebody who ${who} is ${expected.length === 0 ? "not warned" : "warned"}`, () => {
    const { warnings } = loadText(withLines(written).text);
    const found = warnings.map(
      (warning) =>
        /^\/etc\/postern\/postern\.yaml:\d+: ([^ ]+): (.+)$/.exec(withoutNames(warning)) ?? [],
    );
    // In the order of the file; within one line, in any.
    const byField = (a: string | undefined, b: string | undefined) =>
      (a ?? "") < (b ?? "") ? -1 : 1;
    found.sort((a, b) => byField(a[1], b[1]));
    const wanted = expected.toSorted((a, b) => byField(a[0], b[0]));
    assert.deepEqual(
      found.map(([, field]) => field),
      wanted.map(([field]) => field),
    );
    for (const [index, [, says]] of wanted.entries()) assert.match(found[index]?.[2] ?? "", says);
  });
}

test("somebody whose file is sound hears nothing", () => {
  assert.deepEqual(loadText(JSON.stringify(soundSections())).warnings, []);
});
