// The likeliest mistakes get the most help: the line says what to write, in the person's own
// values. Each class has several members; what is one more of a class must be answered alike.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  complaints,
  file,
  loadText,
  type Mistake,
  testMistakes,
  withLines,
} from "./written-file.ts";

const field = "applications[0].policies[0]";
const inPolicy = (written: string) =>
  `applications: [{name: Freight API, domain: api.localhost, policies: [{name: people, decision: allow, ${written}}]}]`;
const escaped = (text: string) => new RegExp(`${text.replaceAll(/[[\](){}?*.+^$|\\]/g, "\\$&")}$`);

/** What stands in the place of a rule, the field that is named, and how the line ends. */
const rules: [written: string, below: string, advice: string][] = [
  ["{group: engineering}", ".group", "write {group: {id: engineering}}"],
  ["{group: Human Resources}", ".group", "write {group: {id: Human Resources}}"],
  ["{email: ada@example.com}", ".email", "write {email: {email: ada@example.com}}"],
  ["{email: '@example.com'}", ".email", "write {email_domain: {domain: example.com}}"],
  ["{email: '*@example.com'}", ".email", "write {email_domain: {domain: example.com}}"],
  ["{email_domain: example.com}", ".email_domain", "write {email_domain: {domain: example.com}}"],
  ["{email_domain: '@x.test'}", ".email_domain", "write {email_domain: {domain: x.test}}"],
  ["{ip: 10.0.0.0/8}", ".ip", "write {ip: {ip: 10.0.0.0/8}}"],
  ["{ip: '2001:db8::/32'}", ".ip", 'write {ip: {ip: "2001:db8::/32"}}'],
  ["{login_method: Okta}", ".login_method", "write {login_method: {id: Okta}}"],
  ["{service_token: deploy}", ".service_token", "write {service_token: {token_id: deploy}}"],
  ["{auth_method: mfa}", ".auth_method", "write {auth_method: {auth_method: mfa}}"],
  ["{everyone: true}", ".everyone", "write {everyone: {}}"],
  ["{everyone: 'yes'}", ".everyone", "write {everyone: {}}"],
  ["{everyone: [all]}", ".everyone", "write {everyone: {}}"],
  [
    "{any_valid_service_token: on}",
    ".any_valid_service_token",
    "write {any_valid_service_token: {}}",
  ],
  ["{group: [a, b]}", ".group", "write {group: {id: a}}, {group: {id: b}}"],
  ["{email: {adress: a@b.test}}", ".email.adress", "write {email: {email: a@b.test}}"],
  ["{group: {title: staff}}", ".group.title", "write {group: {id: staff}}"],
  ["{ip: {cidr: 10.0.0.1}}", ".ip.cidr", "write {ip: {ip: 10.0.0.1}}"],
  ["everyone", "", "write {everyone: {}}"],
  ["anyone", "", "write {everyone: {}}"],
  ["a@b.test", "", "write {email: {email: a@b.test}}"],
  ["'@b.test'", "", "write {email_domain: {domain: b.test}}"],
  ["b.test", "", "write {email_domain: {domain: b.test}}"],
  ["192.0.2.7", "", "write {ip: {ip: 192.0.2.7}}"],
  ["{emial: {email: a@b.test}}", ".emial", "do you mean email? Write {email: {email: a@b.test}}"],
  [
    "{emaildomain: b.test}",
    ".emaildomain",
    "do you mean email_domain? Write {email_domain: {domain: b.test}}",
  ],
  ["{everybody: {}}", ".everybody", "do you mean everyone? Write {everyone: {}}"],
  [
    "{domain: b.test}",
    ".domain",
    "do you mean email_domain? Write {email_domain: {domain: b.test}}",
  ],
  ["{id: staff}", ".id", "do you mean group? Write {group: {id: staff}}"],
  [
    "{group: staff, email: a@b.test}",
    "",
    "write {group: {id: staff}} and {email: {email: a@b.test}} as two items: in include one of them is enough, in require all must hold",
  ],
];

testMistakes(
  rules.map(
    ([written, below, advice]): Mistake => [
      `the rule ${written}`,
      inPolicy(`include: [${written}]`),
      `${field}.include[0]${below}`,
      escaped(advice),
    ],
  ),
);

/** What stands in the place of the list of rules. */
const lists: [written: string, advice: string][] = [
  ["include: {everyone: {}}", "write [{everyone: {}}]"],
  ["include: everyone", "write [{everyone: {}}]"],
  ["include: {group: staff}", "write [{group: {id: staff}}]"],
  [
    "include: {group: staff, email: a@b.test}",
    "write [{group: {id: staff}}, {email: {email: a@b.test}}]",
  ],
  ["include: a@b.test", "write [{email: {email: a@b.test}}]"],
];

testMistakes(
  lists.map(
    ([written, advice]): Mistake => [
      `the list ${written}`,
      inPolicy(written),
      `${field}.include`,
      escaped(advice),
    ],
  ),
);

const app = (fields: string) => `applications: [{name: a, domain: api.localhost, ${fields}}]`;
const provider = (fields: string) =>
  `identity_providers: [{id: corp, name: Okta, type: oidc, config: {client_id: a, ${fields}}}]`;
const idp = "issuer: 'https://idp.test'";
const ingress = (fields: string) => `ingress: [{${fields}}, {service: http://a}]`;

/** What was written, the field that is named, and how the line ends. */
const misspellings: [written: string, field: string, advice: string][] = [
  ["auth_domian: login.localhost", "auth_domian", "do you mean auth_domain?"],
  ["lsten: 127.0.0.1:1", "lsten", "do you mean listen?"],
  ["aplications: []", "aplications", "do you mean applications?"],
  ["trusted-proxies: []", "trusted-proxies", "do you mean trusted_proxies?"],
  ["limits: {idel_timeout: 75s}", "limits.idel_timeout", "do you mean idle_timeout?"],
  ["log: {levle: info}", "log.levle", "do you mean level?"],
  ["organization: {login_desing: {}}", "organization.login_desing", "do you mean login_design?"],
  [app("sesion_duration: 1h"), "applications[0].sesion_duration", "do you mean session_duration?"],
  ["applications: [{name: a, domian: x.test}]", "applications[0].domian", "do you mean domain?"],
  [provider("isuer: x"), "identity_providers[0].config.isuer", "do you mean issuer?"],
  [
    provider(`${idp}, client_secert: x`),
    "identity_providers[0].config.client_secert",
    "do you mean client_secret?",
  ],
  [ingress("host: x.test, service: http://b"), "ingress[0].host", "do you mean hostname?"],
  [
    ingress("service: http://b, hostname: x.test, orginRequest: {}"),
    "ingress[0].orginRequest",
    "do you mean originRequest?",
  ],
  [inPolicy("inlcude: [{everyone: {}}]"), `${field}.inlcude`, "do you mean include?"],
  ["log: {level: inof}", "log.level", "do you mean info?"],
  [
    app("same_site_cookie_attribute: Lax"),
    "applications[0].same_site_cookie_attribute",
    "do you mean lax?",
  ],
  [app("allowed_idps: [crop]"), "applications[0].allowed_idps[0]", 'do you mean "corp"?'],
  [
    "identity_providers: [{name: x, type: odic}]",
    "identity_providers[0].type",
    "do you mean oidc?",
  ],
  [
    "identity_providers: [{name: x, type: onetimpin}]",
    "identity_providers[0].type",
    "do you mean onetimepin?",
  ],
  [
    "applications: [{name: a, domain: api.localhost, policies: [{name: p, decision: alow, include: [{email: {email: a@b.c}}]}]}]",
    `${field}.decision`,
    "do you mean allow?",
  ],
];

/** Values of another type, or in another form. */
const values: [written: string, field: string, advice: string][] = [
  [app("session_duration: 24"), "applications[0].session_duration", "write 24h"],
  [app("session_duration: '8'"), "applications[0].session_duration", "write 8h"],
  [app("session_duration: 30 minutes"), "applications[0].session_duration", "write 30m"],
  ["limits: {idle_timeout: 75}", "limits.idle_timeout", "write 75s"],
  ["limits: {drain_timeout: 1min}", "limits.drain_timeout", "write 1m"],
  [
    ingress("hostname: x.test, service: http://b, originRequest: {connectTimeout: 5}"),
    "ingress[0].originRequest.connectTimeout",
    "write 5s",
  ],
  ["public_ports: ['443']", "public_ports[0]", "write 443 without quotes"],
  ["public_ports: 443", "public_ports", "write [443]"],
  ["limits: {header_bytes: '65536'}", "limits.header_bytes", "write 65536 without quotes"],
  ["limits: {header_bytes: 64k}", "limits.header_bytes", "write 65536"],
  [
    app("http_only_cookie_attribute: 'yes'"),
    "applications[0].http_only_cookie_attribute",
    "write true, without quotes",
  ],
  ["log: {requests: off}", "log.requests", "write false, without quotes"],
  [
    provider(`${idp}, pkce_enabled: 1`),
    "identity_providers[0].config.pkce_enabled",
    "write true, without quotes",
  ],
  [app("allowed_idps: corp"), "applications[0].allowed_idps", "write [corp]"],
  [
    provider(`${idp}, scopes: openid email`),
    "identity_providers[0].config.scopes",
    "write [openid, email]",
  ],
  ["trusted_proxies: 10.0.0.1, 10.0.0.2", "trusted_proxies", "write [10.0.0.1, 10.0.0.2]"],
  [
    "applications: [{name: a, domain: [x.test]}]",
    "applications[0].domain",
    "must be text, not a list; write one value",
  ],
  [
    provider("issuer: idp.test/realm"),
    "identity_providers[0].config.issuer",
    "write https://idp.test/realm",
  ],
  ["ingress: [{service: 'localhost:3000'}]", "ingress[0].service", "write http://localhost:3000"],
  ["ingress: [{service: 404}]", "ingress[0].service", "write http_status:404"],
  ["ingress: [{service: 3000}]", "ingress[0].service", "write http://127.0.0.1:3000"],
  ...(
    [
      ["5432", "write tcp://127.0.0.1:5432"],
      ["'10.0.0.7:5432'", "write tcp://10.0.0.7:5432"],
      ["'10.0.0.7:22'", "write ssh://10.0.0.7:22"],
      ["'desk.internal:3389'", "write rdp://desk.internal:3389"],
      ["'files.internal:445'", "write smb://files.internal:445"],
      ["'postgres://10.0.0.7:5432/orders'", "write tcp://10.0.0.7:5432"],
      ["'redis://cache.internal:6379'", "write tcp://cache.internal:6379"],
      ["tcp://10.0.0.7", "write it like tcp://10.0.0.7:5432"],
      ["'tcp://10.0.0.7:5432/orders'", "write tcp://10.0.0.7:5432"],
      ["ssh://ada@10.0.0.7", "write it like ssh://10.0.0.7:22"],
      ["'ssh://10.0.0.7:0'", "write it like ssh://10.0.0.7:22"],
      ["'tcp://10.0.0.7:65536'", "write it like tcp://10.0.0.7:5432"],
      ["tcp://0x7f.1:22", "write it like tcp://10.0.0.7:5432"],
      ["bastion://", "write bastion"],
    ] as const
  ).map(([written, advice]): [string, string, string] => [
    `ingress: [{service: ${written}}]`,
    "ingress[0].service",
    advice,
  ]),
  ...(
    [
      ["db.internal", "write db.internal:22, with the port that it listens on"],
      ["10.0.0.0/8", "like db.internal:5432 or 10.0.0.0/8:22"],
      ["'db.internal:0'", "like db.internal:5432 or 10.0.0.0/8:22"],
      ["'db.internal:70000'", "like db.internal:5432 or 10.0.0.0/8:22"],
      ["'*:22'", "like db.internal:5432 or 10.0.0.0/8:22"],
      ["'ssh://db.internal:22'", "like db.internal:5432 or 10.0.0.0/8:22"],
      ["'0x7f.1:22'", "like db.internal:5432 or 10.0.0.0/8:22"],
      ["'10.0.0.0/33:22'", "like db.internal:5432 or 10.0.0.0/8:22"],
    ] as const
  ).map(([written, advice]): [string, string, string] => [
    `ingress: [{service: bastion, originRequest: {bastionDestinations: [${written}]}}]`,
    "ingress[0].originRequest.bastionDestinations[0]",
    advice,
  ]),
  ["smtp: {url: 'mail.test:587', from: a@b.c}", "smtp.url", "write smtp://mail.test:587"],
  ["store: postern.db", "store", "write sqlite:./postern.db"],
  [
    "listen: 8600",
    "listen",
    "write 127.0.0.1:8600, or 0.0.0.0:8600 for every address of this machine",
  ],
  ["listen: http://127.0.0.1:8600", "listen", "write 127.0.0.1:8600"],
  ["auth_domain: https://login.localhost/", "auth_domain", "write login.localhost"],
  ["auth_domain:", "auth_domain", "is missing; write it like auth_domain: login.example.com"],
  [
    "auth_domain: '*.example.com'",
    "auth_domain",
    "write one like login.example.com or login.example.com:8443",
  ],
  [
    "applications: [{name: a, domain: 'x.test:8443/v1'}]",
    "applications[0].domain",
    "write only host and path: x.test/v1",
  ],
  [
    "applications: [{name: a, domain: 'https://x.test?q'}]",
    "applications[0].domain",
    "write only host and path: x.test",
  ],
  [
    ingress("hostname: 'x.test:80', service: http://b"),
    "ingress[0].hostname",
    "write only host and path: x.test",
  ],
  [
    inPolicy("include: [{email_domain: {domain: '*.x.test'}}]"),
    `${field}.include[0].email_domain.domain`,
    "write x.test",
  ],
  [
    inPolicy("include: [{email: {email: '*@x.test'}}]"),
    `${field}.include[0].email.email`,
    "for the whole domain write {email_domain: {domain: x.test}}",
  ],
  [
    "identity_providers: [{name: x, type: okta}]",
    "identity_providers[0].type",
    "write oidc, which this provider speaks, and its issuer in config",
  ],
  ["identity_providers: [{name: x, type: pin}]", "identity_providers[0].type", "write onetimepin"],
  [
    "organization: Example",
    "organization",
    "must be a map of fields such as name, session_duration, login_design",
  ],
  ["groups: {name: a}", "groups", "must be a list; begin each item with a dash"],
];

testMistakes(
  [...misspellings, ...values].map(
    ([written, where, advice]): Mistake => [written, written, where, escaped(advice)],
  ),
);

test("a wildcard without quotes is shown with them", () => {
  const { text, first } = withLines("ingress:\n  - hostname: *.example.com\n    service: http://a");
  assert.deepEqual(
    complaints(() => loadText(text)),
    [
      `${file}:${first + 1}: column 15: * begins an alias, unless it stands in quotes; put the value in quotes: "*.example.com"`,
    ],
  );
});

test("the names of things stand beside their indices, in a complaint and in what it refers to", () => {
  const { text } = withLines(`groups: [{name: staff, include: [everyone]}]
identity_providers: [{name: Okta, type: oidc, config: {client_id: a, issuer: idp}}]
service_tokens: [{name: Deploy, client_id: a}]
ingress: [{hostname: x.test, service: nowhere else}, {service: http://a}]
applications:
  - {name: Orders API, domain: x.test}
  - {name: Freight API, domain: x.test, policies: [{name: people, decision: alow, include: [{email: {email: a@b.c}}]}]}
  - {name: "${"long ".repeat(30)}", domain: x.test}`);
  const lines = complaints(() => loadText(text)).join("\n");
  for (const name of [
    'groups[0] "staff".include[0]: ',
    'identity_providers[0] "Okta".config.issuer: ',
    'service_tokens[0] "Deploy": ',
    'ingress[0] "x.test".service: ',
    'applications[1] "Freight API".policies[0] "people".decision: ',
    'is covered by applications[0] "Orders API" already',
    `applications[2] "${"long ".repeat(12)}…".domain`,
  ])
    assert.ok(lines.includes(name), `${name}\n${lines}`);
});

test("what a machine made is not repeated: it may be a secret in the wrong place", () => {
  const secret = "a8f3b2c1d9e0f7a6b5c4d3e2";
  for (const written of [
    inPolicy(`include: [{service_token: ${secret}}]`),
    inPolicy(`include: {service_token: ${secret}}`),
    inPolicy(`include: [{service_tokn: ${secret}}]`),
    app(`allowed_idps: ${secret}`),
    `service_tokens: [{name: a, client_id: a, client_secret: [${secret}]}]`,
    `service_tokens: {name: a, client_secret: ${secret}}`,
    `smtp: "smtp://ada:${secret}@mail"`,
    ingress(`hostname: "https://ada:${secret}@x.test", service: http://b`),
  ])
    assert.doesNotMatch(
      complaints(() => loadText(withLines(written).text)).join("\n"),
      /a8f3/,
      written,
    );
});

test("what was filled in from outside is in no advice", () => {
  const reference = `\${env:S}`;
  for (const written of [
    inPolicy(`include: [{group: "${reference}"}]`),
    inPolicy(`include: "${reference}"`),
    inPolicy(`include: ["${reference}"]`),
    inPolicy(`include: [{email: "${reference}@x.test", group: b}]`),
    app(`allowed_idps: "${reference}"`),
    `store: "${reference}.db"`,
    `auth_domain: "https://${reference}"`,
    ingress(`hostname: "https://${reference}", service: http://b`),
    `identity_providers: [{name: "${reference}", type: odic}]`,
  ]) {
    const lines = complaints(() =>
      loadText(withLines(written).text, { environment: { S: "xyzzy" } }),
    );
    assert.doesNotMatch(lines.join("\n"), /xyzzy/, written);
  }
});

const policies = "policies: [{name: p, decision: allow, include: [{email: {email: a@b.c}}]}]";

test("somebody whose ingress rules and applications do not meet is warned, and told what to add", () => {
  const { text } = withLines(`ingress:
  - {hostname: orders.test, service: http://a}
  - {hostname: "*.wiki.test", service: http://b}
  - {hostname: old.test, service: http_status:410}
  - {service: http_status:404}
applications:
  - {name: Orders, domain: orders.test/v1, ${policies}}
  - {name: Freight, domain: freight.test, ${policies}}
  - {name: Old, domain: old.test, ${policies}}
  - {name: Many, self_hosted_domains: [orders.test, "api.orders.test", orders.test/v2], ${policies}}`);
  const warnings = loadText(text).warnings.map((line) => line.replace(/^.*?:\d+: /, ""));
  const unserved = (host: string) =>
    `no ingress rule sends this host to an origin; add {hostname: ${host}, service: "http://127.0.0.1:3000"} to ingress, with the origin's own address`;
  assert.deepEqual(warnings, [
    'ingress[1] "*.wiki.test": no application covers this host, so every request to it is refused; add an application with domain: "*.wiki.test", or remove the rule',
    `applications[1] "Freight".domain: ${unserved("freight.test")}`,
    `applications[2] "Old".domain: ${unserved("old.test")}`,
    `applications[3] "Many": ${unserved("api.orders.test")}`,
  ]);
});

test("rules and applications that meet by a wildcard, or by a rule for the rest, are no warning", () => {
  for (const [hostname, domain] of [
    ["*.x.test", "api.x.test"],
    ["*.x.test", "a.b.x.test/v1"],
    ["api.x.test", "*.x.test"],
    ["*.x.test", "api-*.x.test"],
    ["*.a.x.test", "*.x.test"],
    ["api-eu.x.test", "api-*.x.test"],
    ["x.test", "*"],
  ]) {
    const { text } = withLines(`ingress:
  - {hostname: "${hostname}", service: http://a}
  - {service: http_status:404}
applications:
  - {name: Orders, domain: "${domain}", ${policies}}`);
    assert.deepEqual(loadText(text).warnings, [], `${hostname} ${domain}`);
  }
  const rest = `ingress: [{service: http://a}]\napplications: [{name: a, domain: any.test, ${policies}}]`;
  assert.deepEqual(loadText(withLines(rest).text).warnings, []);
});
