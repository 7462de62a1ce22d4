// What a person hears of mistakes in the organization, providers, groups, service tokens and
// ingress rules.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  complaints,
  loadText,
  type Mistake,
  testMistakes,
  withLines,
  withoutNames,
} from "./written-file.ts";

const organization: Mistake[] = [
  [
    "an endless session",
    "organization: {session_duration: forever}",
    "organization.session_duration",
    /is not a duration/,
  ],
  [
    "a switch for what is always on",
    "organization: {deny_unmatched_requests: false}",
    "organization.deny_unmatched_requests",
    /cannot be switched off here; remove it/,
  ],
  [
    "a second factor that is not here yet",
    "organization: {mfa_config: {}}",
    "organization.mfa_config",
    /not supported yet; remove it/,
  ],
  ["groups of nothing (L11)", 'groups: [""]', "groups[0]", /must be a map of fields/],
  ["groups that are no list", "groups: {name: a}", "groups", /must be a list/],
  [
    "a group in itself",
    "groups: [{name: a, include: [{group: {name: a}}]}]",
    "groups[0]",
    /contains itself/,
  ],
  [
    "two groups of one name",
    "groups: [{name: a, include: [{everyone: {}}]}, {name: a, include: [{everyone: {}}]}]",
    "groups[1].name",
    /"a" already means groups\[0\]; choose another/,
  ],
  [
    "a group called as another's id",
    "groups: [{id: a, name: b, include: [{everyone: {}}]}, {name: a, include: [{everyone: {}}]}]",
    "groups[1].name",
    /"a" already means groups\[0\]; choose another/,
  ],
  [
    "a group that includes nobody (L11)",
    "groups: [{name: a, include: []}]",
    "groups[0].include",
    /is empty/,
  ],
  [
    "a group without a name (L11)",
    'groups: [{name: " ", include: [{everyone: {}}]}]',
    "groups[0].name",
    /is empty/,
  ],
  ["no ingress", "ingress: []", "ingress", /end it with a rule that has only a service/],
  [
    "ingress without a last rule",
    "ingress: [{hostname: a.test, service: http://a}]",
    "ingress[0]",
    /the last rule must take the rest/,
  ],
  [
    "two ingress rules for one place",
    "ingress: [{hostname: a.test, service: http://a}, {hostname: A.test, service: http://b}, {service: http://c}]",
    "ingress[1]",
    /same hostname and path as ingress\[0\]/,
  ],
  [
    "a service that is not here yet",
    "ingress: [{service: socks-proxy}]",
    "ingress[0].service",
    /not supported yet/,
  ],
  [
    "a bastion that may reach nothing",
    "ingress: [{service: bastion}]",
    "ingress[0].originRequest.bastionDestinations",
    /write it like \[10\.0\.0\.0\/8:22, db\.internal:5432\]/,
  ],
  [
    "a bastion with an empty list",
    "ingress: [{service: bastion, originRequest: {bastionDestinations: []}}]",
    "ingress[0].originRequest.bastionDestinations",
    /without it that is nothing/,
  ],
  [
    "a list of destinations for something else",
    "ingress: [{service: http://a, originRequest: {bastionDestinations: [a.test:22]}}]",
    "ingress[0].originRequest.bastionDestinations",
    /is for service: bastion alone/,
  ],
  [
    "a fixed answer beside an origin",
    "ingress: [{service: http://a, answer: {body: x}}]",
    "ingress[0].answer",
    /is for http_status: alone/,
  ],
  [
    "a fixed answer where none is read",
    "ingress: [{service: http_status:204, answer: {body: x}}]",
    "ingress[0].answer",
    /cannot stand beside the status 204/,
  ],
  [
    "a fixed answer with a header in its type",
    'ingress: [{service: http_status:200, answer: {body: x, contentType: "text/html\\r\\nX: y"}}]',
    "ingress[0].answer.contentType",
    /is not a media type/,
  ],
  [
    "authorities in a file that is not there",
    "ingress: [{service: https://a, originRequest: {caPool: none.pem}}]",
    "ingress[0].originRequest.caPool",
    /cannot be read \(ENOENT\)/,
  ],
  [
    "a wildcard that ingress does not know",
    'ingress: [{hostname: "api-*.test", service: http://a}, {service: http://b}]',
    "ingress[0].hostname",
    /"api-\*\.test" is not a host name; write one like api\.example\.com, \*\.example\.com, or \* for all/,
  ],
  [
    "a rule behind one that takes everything",
    'ingress: [{hostname: "*", path: "/*", service: http://a}, {service: http://b}]',
    "ingress[0]",
    /takes every request/,
  ],
  [
    "a path that no request has",
    "ingress: [{path: /v1/../v2, service: http://a}, {service: http://b}]",
    "ingress[0].path",
    /"\/v1\/\.\.\/v2" has two slashes or a dot segment/,
  ],
  [
    "one path in two spellings",
    "ingress: [{path: /caf%c3%a9/, service: http://a}, {path: /café, service: http://b}, {service: http://c}]",
    "ingress[1]",
    /same hostname and path as ingress\[0\]/,
  ],
  [
    "a timeout that never ends",
    "ingress: [{service: http://a, originRequest: {connectTimeout: 0s}}]",
    "ingress[0].originRequest.connectTimeout",
    /"0s" is no time to wait; write one from 1ms to 24h/,
  ],
  [
    "a regular expression for a path (O7)",
    "ingress: [{hostname: a.test, path: /(a+)+$, service: http://a}, {service: http://b}]",
    "ingress[0].path",
    /looks like a regular expression; write a prefix such as \/v1/,
  ],
];

const provider = (fields: string) =>
  `identity_providers: [{id: corp, name: SSO, type: oidc, ${fields}}]`;
const providers: Mistake[] = [
  [
    "a provider of another type",
    "identity_providers: [{name: x, type: saml}]",
    "identity_providers[0].type",
    /write oidc or onetimepin/,
  ],
  [
    "a PIN with a config",
    "identity_providers: [{name: x, type: onetimepin, config: {length: 4}}]",
    "identity_providers[0].config.length",
    /needs no config, remove it/,
  ],
  [
    "a provider that is nowhere",
    provider("config: {client_id: a}"),
    "identity_providers[0].config",
    /add issuer, or all of auth_url, token_url, certs_url/,
  ],
  [
    "a provider that is half somewhere",
    provider("config: {client_id: a, auth_url: https://idp.test}"),
    "identity_providers[0].config",
    /add token_url, certs_url/,
  ],
  [
    "a provider in two places",
    provider("config: {client_id: a, issuer: https://idp.test, certs_url: https://idp.test/keys}"),
    "identity_providers[0].config.issuer",
    /cannot stand beside certs_url/,
  ],
  [
    "a provider without a client",
    provider("config: {issuer: https://idp.test}"),
    "identity_providers[0].config.client_id",
    /is missing/,
  ],
  [
    "a provider over http",
    provider("config: {client_id: a, issuer: http://idp.test}"),
    "identity_providers[0].config.issuer",
    /must be https/,
  ],
  [
    "a provider with a field of its own",
    provider("config: {client_id: a, issuer: https://idp.test, color: red}"),
    "identity_providers[0].config.color",
    /unknown field; remove it/,
  ],
  [
    "two providers of one id",
    "identity_providers: [{id: x, name: a, type: onetimepin}, {id: x, name: b, type: onetimepin}]",
    "identity_providers[1].id",
    /"x" already means identity_providers\[0\]/,
  ],
];

const tokens = (...fields: string[]) =>
  `service_tokens: [${fields.map((each) => `{${each}}`).join(", ")}]`;
const serviceTokens: Mistake[] = [
  [
    "a service token without a secret",
    tokens("name: a, client_id: a"),
    "service_tokens[0]",
    /either client_secret or client_secret_hash/,
  ],
  [
    "a service token with a secret and a hash",
    tokens(`name: a, client_id: a, client_secret: x, client_secret_hash: ${"a".repeat(64)}`),
    "service_tokens[0]",
    /and not both/,
  ],
  [
    "a hash that is none",
    tokens("name: a, client_id: a, client_secret_hash: x"),
    "service_tokens[0].client_secret_hash",
    /is not a SHA-256/,
  ],
  [
    "two service tokens of one client_id",
    tokens("name: a, client_id: a, client_secret: x", "name: b, client_id: a, client_secret: y"),
    "service_tokens[1].client_id",
    /service_tokens\[0\] as well; choose another/,
  ],
  [
    "a switch without a space after its colon",
    tokens("name: a, client_id: a, client_secret: x, enabled:false"),
    'service_tokens[0]."enabled…"',
    /write a space after its colon/,
  ],
  [
    "an empty secret (L11)",
    tokens('name: a, client_id: a, client_secret: " "'),
    "service_tokens[0].client_secret",
    /is empty; write a secret that a machine made/,
  ],
];

testMistakes([...organization, ...providers, ...serviceTokens]);

test("each group of a circle of groups is named", () => {
  const circle = `groups:
  - {name: a, include: [{group: {name: b}}]}
  - {name: b, include: [{everyone: {}}], exclude: [{group: {name: c}}]}
  - {name: c, include: [{everyone: {}}], require: [{group: {name: a}}]}
  - {name: outside, include: [{group: {name: a}}]}`;
  const fields = complaints(() => loadText(withLines(circle).text)).map(
    (line) => withoutNames(line).split(": ")[1],
  );
  assert.deepEqual(fields, ["groups[0]", "groups[1]", "groups[2]"]);
});
