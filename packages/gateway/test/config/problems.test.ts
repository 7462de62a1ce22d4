// What a person hears of a mistake: one line with file, line, field, and what to do, before
// anything is changed. Here of the settings and of the file as a whole; object-problems and
// application-problems have the rest.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  complaints,
  file,
  loadText,
  type Mistake,
  soundSections,
  testMistakes,
  withoutNames,
} from "./written-file.ts";

const settings: Mistake[] = [
  ["an unknown field", "surprise: 1", "surprise", /unknown field; remove it, or correct its name/],
  [
    "a team domain with a scheme",
    "auth_domain: https://login.localhost",
    "auth_domain",
    /"https:\/\/login.localhost" is not a host/,
  ],
  [
    "a team domain that is no name",
    "auth_domain: 1.2.3.4.5",
    "auth_domain",
    /not a host that a browser can open/,
  ],
  [
    "a team domain that is a number",
    "auth_domain: 7",
    "auth_domain",
    /must be text; put it in quotes/,
  ],
  [
    "a team domain on a port that nobody listens on",
    "auth_domain: login.localhost:1",
    "auth_domain",
    /add it to public_ports/,
  ],
  ["an empty relay host", 'relay_hosts: [""]', "relay_hosts[0]", /"" is not a host/],
  [
    "an address to listen on that is none",
    "listen: nope",
    "listen",
    /"nope" is not an address to listen on; write it like 0.0.0.0:443/,
  ],
  [
    "a second address that is none",
    'listen: ["127.0.0.1:8600", nope]',
    "listen[1]",
    /is not an address/,
  ],
  [
    "a port alone to listen on",
    "listen: 443",
    "listen",
    /write 127\.0\.0\.1:443, or 0\.0\.0\.0:443/,
  ],
  ["no address to listen on", "listen: []", "listen", /is empty; write at least one/],
  [
    "a public port beyond all ports",
    "public_ports: [65536]",
    "public_ports[0]",
    /must be 65535 or less/,
  ],
  [
    "TLS without certificates",
    "tls: {certificates: []}",
    "tls.certificates",
    /is empty; write at least one/,
  ],
  [
    "a proxy that is no network",
    "trusted_proxies: [proxy]",
    "trusted_proxies[0]",
    /write it like 192.0.2.0\/24/,
  ],
  ["no worker", "workers: 0", "workers", /must be 1 or more/],
  ["an unknown field with nothing in it", "groupes:", "groupes", /unknown field/],
  ["many workers in words", "workers: many", "workers", /must be a whole number from 1, or auto/],
  ["a store that is none", "store: mysql://h/d", "store", /is not a store; write sqlite:/],
  ["a store without a place", 'store: "sqlite:"', "store", /write sqlite:/],
  [
    "a store that looks like a host",
    "store: sqlite://data/postern.db",
    "store",
    /write sqlite:\.\/data\/postern\.db/,
  ],
  [
    "a database of nobody",
    "store: postgres://h/d",
    "store",
    /names no user; write postgres:\/\/postern:PASSWORD@db\.example\.com\/postern/,
  ],
  ["a server without a database", "store: postgres://u@h", "store", /is not a database/],
  ["a database without a server", "store: postgres://u@/d", "store", /names no host/],
  [
    "a server that may have a certificate or not",
    "store: postgres://u@h/d?sslmode=prefer",
    "store",
    /sslmode that promises nothing; write one of disable, require, verify-ca, verify-full/,
  ],
  [
    "a database with an argument of another program",
    "store: postgres://u@h/d?pool=5",
    "store",
    /argument that is not known here; host, sslmode/,
  ],
  ["a mail server without a sender", "smtp: {url: smtp://localhost}", "smtp.from", /is missing/],
  [
    "a mail server that is none",
    "smtp: {url: localhost, from: a@b.c}",
    "smtp.url",
    /write smtp:\/\/localhost/,
  ],
  ["an unknown log level", "log: {level: loud}", "log.level", /must be one of debug, info/],
  [
    "a duration without its unit",
    'limits: {idle_timeout: "75"}',
    "limits.idle_timeout",
    /"75" is not a duration; write 75s/,
  ],
  [
    "a time that is none",
    "limits: {header_timeout: 0s}",
    "limits.header_timeout",
    /"0s" is no time to wait; write one from 1ms to 24h/,
  ],
  [
    "a time beyond what can be waited",
    "limits: {body_timeout: 600h}",
    "limits.body_timeout",
    /from 1ms to 24h/,
  ],
  [
    "a limit below its bounds",
    "limits: {header_bytes: 1}",
    "limits.header_bytes",
    /must be 4096 or more/,
  ],
  [
    "keys that rotate each day",
    "key_rotation_interval_days: 1",
    "key_rotation_interval_days",
    /must be 21 or more/,
  ],
];

testMistakes(settings);

test("somebody with many mistakes hears all of them at once, in the order of the file, one hiding no other", () => {
  const text = `auth_domain: login.localhost
listen: nowhere
stoer: sqlite:./x
tls: {certificates: [{cert_file: /nowhere.pem, key_file: /nowhere.key}]}
store: "sqlite:"
ingress:
  - {hostname: a b, service: http://a}
  - {hostname: c.test, path: ^/x, service: http://a}
  - {service: ftp://a}
identity_providers:
  - {id: corp, name: Corp, type: oidc, surprise: 1, config: {issuer: "https://idp.test"}}
groups:
  - name: staff
    include: [{email: {email: ada}}, {"the moon": {}}]
  - include:
      - everyone: {}
    name: staff
  - {name: nobody, include: []}
service_tokens:
  - {name: a, client_id: a}
policies:
  - {name: p, decision: perhaps, include: [{group: {name: unknown}}]}
applications:
  - name: a
    session_duration: soon
    domain: login.localhost.
    policies:
      - {name: x, decision: allow, include: [{login_method: {name: Corp}}, {group: {name: nobody}}, {ip: {ip: here}}]}
      - {name: y, decision: allow, include: [{email: 7}], session_duration: never}
  - {name: b, domain: b.test, allowed_idps: [nobody], policies: [elsewhere]}
`;
  const places = complaints(() => loadText(text)).map((line) =>
    withoutNames(line)
      .slice(file.length + 1)
      .split(": ", 2)
      .join(" "),
  );
  assert.deepEqual(places, [
    "2 listen",
    "3 stoer",
    "4 tls.certificates[0].cert_file",
    "4 tls.certificates[0].key_file",
    "5 store",
    "7 ingress[0].hostname",
    "8 ingress[1].path",
    "9 ingress[2].service",
    "11 identity_providers[0].surprise",
    "11 identity_providers[0].config.client_id",
    "14 groups[0].include[0].email.email",
    '14 groups[0].include[1]."the moon"',
    "17 groups[1].name",
    "18 groups[2].include",
    "20 service_tokens[0]",
    "22 policies[0].decision",
    "22 policies[0].include[0].group.name",
    "25 applications[0].session_duration",
    "28 applications[0].policies[0].include[2].ip.ip",
    "29 applications[0].policies[1].include[0].email",
    "29 applications[0].policies[1].session_duration",
    "30 applications[1].allowed_idps[0]",
    "30 applications[1].policies[0]",
  ]);
});

test("a null is a field that is not set", () => {
  const { config } = loadText(
    JSON.stringify({
      ...soundSections(),
      smtp: null,
      log: { level: null },
      applications: [{ name: "a", domain: "a.test", aud: null }],
    }),
  );
  assert.equal(config.smtp, undefined);
  assert.equal(config.log.level, "info");
  assert.equal(Object.hasOwn(config.applications[0] ?? {}, "aud"), false);
});
