// What a person hears of mistakes in applications and their policies.
import { type Mistake, testMistakes } from "./written-file.ts";

const application = (fields: string) => `applications: [{name: a, ${fields}}]`;
const certificates = (fields: string) => application(`domain: a.test, ssh_certificates: ${fields}`);
const sshCertificates: Mistake[] = [
  [
    "SSH certificates for nobody",
    certificates("{email_domains: []}"),
    "applications[0].ssh_certificates.email_domains",
    /is empty; list the domains whose addresses name accounts/,
  ],
  [
    "SSH certificates for whole addresses",
    certificates("{email_domains: [ada@example.com]}"),
    "applications[0].ssh_certificates.email_domains[0]",
    /"ada@example.com" is not a domain; write example.com/,
  ],
  [
    "SSH certificates that are on, and for whom is not said",
    certificates("true"),
    "applications[0].ssh_certificates",
    /must be a map of fields such as email_domains, duration, extensions/,
  ],
  [
    "SSH certificates of a day",
    certificates("{email_domains: [example.com], duration: 24h}"),
    "applications[0].ssh_certificates.duration",
    /"24h" is no time from 1m to 30m/,
  ],
  [
    "SSH certificates that allow what sshd does not know",
    certificates("{email_domains: [example.com], extensions: [permit-tty]}"),
    "applications[0].ssh_certificates.extensions[0]",
    /permit-pty/,
  ],
];
const pages = (origin: string) => application(`domain: a.test, websocket_origins: [${origin}]`);
const streams: Mistake[] = [
  [
    "WebSockets for the pages of a host without a scheme",
    pages("www.example.com"),
    "applications[0].websocket_origins[0]",
    /"www.example.com" is not an origin; write one like https:\/\/www.example.com/,
  ],
  [
    "WebSockets for pages below a path",
    pages("https://www.example.com/app"),
    "applications[0].websocket_origins[0]",
    /must be scheme, host and port alone; write https:\/\/www.example.com/,
  ],
  [
    "WebSockets for everybody's pages",
    pages('"*"'),
    "applications[0].websocket_origins[0]",
    /is not an origin/,
  ],
  [
    "streams that end sometimes",
    application("domain: a.test, end_streams: sometimes"),
    "applications[0].end_streams",
    /must be one of all, streams, none/,
  ],
];
const applications: Mistake[] = [
  [
    "an application at the team domain",
    application("domain: login.localhost/x"),
    "applications[0].domain",
    /"login.localhost\/x" is at the gateway's own host/,
  ],
  [
    "an application at a relay host",
    `relay_hosts: [relay.test:8600]\n${application("domain: a.test, self_hosted_domains: [b.test, relay.test]")}`,
    "applications[0].self_hosted_domains[1]",
    /gateway's own host; give the application another/,
  ],
  [
    "an application nowhere",
    application("policies: []"),
    "applications[0]",
    /write domain: app.example.com/,
  ],
  [
    "an application with a scheme",
    application("domain: https://a.test"),
    "applications[0].domain",
    /write only host and path/,
  ],
  [
    "two applications at one place",
    "applications: [{name: a, domain: x.test/v1}, {name: b, domain: X.test/v1/}]",
    "applications[1].domain",
    /"x.test\/v1" is covered by applications\[0\] already/,
  ],
  [
    "two applications of one id",
    "applications: [{id: a, name: a, domain: x.test}, {id: a, name: b, domain: y.test}]",
    "applications[1].id",
    /choose another/,
  ],
  [
    "two applications of one AUD",
    `applications: [{name: a, domain: x.test, aud: &aud ${"a".repeat(64)}}, {name: b, domain: y.test, aud: *aud }]`,
    "applications[1].aud",
    /remove one of them/,
  ],
  [
    "a session of a part of a second",
    application("domain: a.test, session_duration: 10ms"),
    "applications[0].session_duration",
    /"10ms" is too short, so nobody would get in; write it like 15m or 24h, or 0s for at once/,
  ],
  ...sshCertificates,
  ...streams,
  [
    "a session of a year",
    application("domain: a.test, session_duration: 8760h"),
    "applications[0].session_duration",
    /"8760h" is longer than a month; write 744h or less/,
  ],
  [
    "a type with a slip",
    application("domain: a.test, type: self-hosted"),
    "applications[0].type",
    /do you mean self_hosted\?/,
  ],
  [
    "an unknown provider",
    application("domain: a.test, allowed_idps: [nobody]"),
    "applications[0].allowed_idps[0]",
    /"nobody" is not an identity provider of this file/,
  ],
  [
    "an empty provider among those allowed (L11)",
    application('domain: a.test, allowed_idps: [""]'),
    "applications[0].allowed_idps[0]",
    /is empty/,
  ],
  [
    "a policy that is nowhere",
    application("domain: a.test, policies: [nowhere]"),
    "applications[0].policies[0]",
    /"nowhere" is not a policy/,
  ],
  [
    "a host with quotes and line breaks (O10)",
    application(String.raw`domain: "a\u0060'\n.test"`),
    "applications[0].domain",
    /"a`'\\n.test" has a host that is not a name/,
  ],
];

const inPolicy = (mistake: string, written: string, field: string, says: RegExp): Mistake => [
  mistake,
  application(`domain: a.test, policies: [{name: p, decision: allow, ${written}}]`),
  `applications[0].policies[0].${field}`,
  says,
];
const policies: Mistake[] = [
  [
    "a decision that is none",
    application(
      "domain: a.test, policies: [{name: p, decision: maybe, include: [{everyone: {}}]}]",
    ),
    "applications[0].policies[0].decision",
    /must be one of allow, deny, bypass, non_identity/,
  ],
  [
    "a policy with precedence beside one without",
    application(
      "domain: a.test, policies: [{name: p, decision: deny, precedence: 2, include: [{ip: {ip: 10.0.0.1}}]}, {name: q, decision: deny, include: [{ip: {ip: 10.0.0.2}}]}]",
    ),
    "applications[0].policies",
    /states precedence for some only; state it for all or none/,
  ],
  [
    "policies of its own beside a linked one",
    `policies: [{name: p, decision: deny, include: [{ip: {ip: 10.0.0.1}}]}]\n${application("domain: a.test, policies: [p, {name: q, decision: deny, include: [{ip: {ip: 10.0.0.2}}]}]")}`,
    "applications[0].policies",
    /mixes policies of its own with reusable ones/,
  ],
  inPolicy("a policy for nobody", "require: [{everyone: {}}]", "include", /is missing/),
  inPolicy("an empty include (L11)", "include: []", "include", /is empty.*Add a rule/),
  inPolicy("a text for a list of rules", "include: everyone", "include", /must be a list/),
  inPolicy(
    "an empty text for a rule (L11)",
    'include: [""]',
    "include[0]",
    /exactly one kind of rule; write it like/,
  ),
  inPolicy(
    "a kind of rule without a value",
    "include: [{everyone: }]",
    "include[0].everyone",
    /has no value; write it like \{everyone: \{\}\}/,
  ),
  inPolicy(
    "a rule without a space after its colon",
    "include: [{email:ada@example.com}]",
    'include[0]."email…"',
    /unknown field; .* or write a space after its colon/,
  ),
  inPolicy(
    "a rule of no kind (L11)",
    "include: [{}]",
    "include[0]",
    /exactly one kind of rule; write it like/,
  ),
  inPolicy(
    "a rule of two kinds",
    "include: [{everyone: {}, email: {email: a@b.c}}]",
    "include[0]",
    /exactly one kind of rule/,
  ),
  inPolicy(
    "what can be no kind of rule",
    'include: [{"the moon": {}}]',
    'include[0]."the moon"',
    /docs\/policies.md lists them/,
  ),
  inPolicy(
    "an empty address (L11)",
    'include: [{email: {email: ""}}]',
    "include[0].email.email",
    /is not one email address/,
  ),
  inPolicy(
    "two @ in an address (L10)",
    "include: [{email: {email: a@b@c.d}}]",
    "include[0].email.email",
    /is not one email address/,
  ),
  inPolicy(
    "an empty domain (L11)",
    'include: [{email_domain: {domain: ""}}]',
    "include[0].email_domain.domain",
    /is not a domain/,
  ),
  inPolicy(
    "the groups of somebody in no group (L11)",
    'include: [{group: [""]}]',
    "include[0].group",
    /must be a map of fields/,
  ),
  inPolicy(
    "an empty network (L11)",
    'require: [], include: [{ip: {ip: ""}}]',
    "include[0].ip.ip",
    /is not a network/,
  ),
  inPolicy(
    "an empty group (L11)",
    'include: [{group: {name: ""}}]',
    "include[0].group.name",
    /is empty/,
  ),
  inPolicy(
    "a group that is not named (L11)",
    "include: [{group: {}}]",
    "include[0].group",
    /must name one group, by id or name/,
  ),
  inPolicy(
    "an unknown group",
    "include: [{group: {name: x}}]",
    "include[0].group.name",
    /"x" is not a group of this file/,
  ),
  inPolicy(
    "an empty claim (L11)",
    'include: [{oidc: {identity_provider: corp, claim_name: groups, claim_value: ""}}]',
    "include[0].oidc.claim_value",
    /is empty/,
  ),
  inPolicy(
    "a list of no claims (L11)",
    "include: [{oidc: {identity_provider: corp, claim_name: groups, claim_value: []}}]",
    "include[0].oidc.claim_value",
    /must be text/,
  ),
  inPolicy(
    "an unknown service token",
    "include: [{everyone: {}}], exclude: [{service_token: {token_id: x}}]",
    "exclude[0].service_token.token_id",
    /"x" is not a service token of this file/,
  ),
  inPolicy(
    "an approval that nobody would give yet",
    "include: [{everyone: {}}], approval_required: true",
    "approval_required",
    /remove it/,
  ),
];

testMistakes([...applications, ...policies]);
