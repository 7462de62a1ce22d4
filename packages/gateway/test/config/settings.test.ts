// How the process runs, as configured: what may be left out, where files are, and the ways to
// listen that are refused because people's credentials would travel in clear, or nobody would get
// an answer.
import assert from "node:assert/strict";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { selfSignedCertificate } from "../../src/tokens/certificate.ts";
import { complaints, load, loadText, type Sections, withLines } from "./written-file.ts";

test("what is left out has the documented default, and no proxy is trusted (H4)", () => {
  const { config, warnings } = loadText(
    'auth_domain: login.localhost\nlisten: "127.0.0.1:80"\ningress: [{service: "http_status:404"}]',
  );
  const { identity_providers, applications, ingress, ...rest } = config;
  assert.deepEqual(warnings, []);
  assert.deepEqual(rest, {
    auth_domain: "login.localhost",
    issuer: "http://login.localhost",
    team_host: "login.localhost",
    relay_hosts: [],
    listen: [{ kind: "tcp", host: "127.0.0.1", port: 80 }],
    public_ports: [],
    http2: true,
    http1_transport: "postern",
    trusted_proxies: [],
    workers: 1,
    store: "/etc/postern/data/postern.db",
    secret_key_file: "/etc/postern/data/secret.key",
    log: {
      level: "info",
      format: "auto",
      requests: false,
      access_log_retention: 180 * 24 * 36e5,
      decisions_retention: 30 * 24 * 36e5,
      audit_retention: 548 * 24 * 36e5,
    },
    limits: {
      header_bytes: 65_536,
      header_timeout: 15_000,
      idle_timeout: 75_000,
      body_timeout: 60_000,
      http2_streams: 128,
      origin_connections: 1024,
      store_grace: 15_000,
      drain_timeout: 30_000,
      terminal_logins: 60,
    },
    key_rotation_interval_days: 42,
    organization: undefined,
    lists: [],
    tags: [],
    groups: [],
    policies: [],
    service_tokens: [],
  });
});

test("paths are relative to the folder of the file, and memory is memory", () => {
  const place = (store: string, file = "/srv/postern/postern.yaml") =>
    load({ store }, { file }).config.store;
  assert.equal(place("sqlite:./x.db"), "/srv/postern/x.db");
  assert.equal(place("sqlite:../x.db"), "/srv/x.db");
  assert.equal(place("sqlite:/var/lib/x.db"), "/var/lib/x.db");
  assert.equal(place("sqlite:///var/lib/x.db"), "/var/lib/x.db");
  assert.equal(place("sqlite::memory:"), ":memory:");
  assert.equal(place("sqlite:x.db", "postern.yaml"), join(process.cwd(), "x.db"));
  assert.equal(
    load({ secret_key_file: "keys/secret.key" }).config.secret_key_file,
    "/etc/postern/keys/secret.key",
  );
});

test("a database of PostgreSQL is found in each way that its URL is written", () => {
  const place = (store: string) => load({ store }).config.store;
  const local = { host: "localhost", port: 5432, database: "d", user: "u" };
  assert.deepEqual(place("postgres://u@localhost/d"), local);
  assert.deepEqual(place("postgresql://u:p@127.0.0.1:5433/d"), {
    ...local,
    host: "127.0.0.1",
    port: 5433,
    password: "p",
  });
  const socket = { ...local, host: "/run/postgresql" };
  assert.deepEqual(place("postgres://u@/d?host=/run/postgresql"), socket);
  assert.deepEqual(place("postgres://u@%2Frun%2Fpostgresql/d"), socket);
  assert.deepEqual(place("postgres://u@[::1]/d"), { ...local, host: "::1" });
  const remote = { ...local, host: "db.example.com" };
  assert.deepEqual(place("postgres://u@db.example.com/d"), { ...remote, tls: { verify: "host" } });
  assert.deepEqual(place("postgres://u@db.example.com/d?sslmode=disable"), remote);
  for (const [mode, verify] of [
    ["require", "encrypted"],
    ["verify-ca", "authority"],
    ["verify-full", "host"],
  ])
    assert.deepEqual(place(`postgres://u@db.example.com/d?sslmode=${mode}`), {
      ...remote,
      tls: { verify },
    });
});

const fromEnvironment = `\${env:S}`;

test("a password of the database may hold every character", () => {
  const password = (written: string, S = "") => {
    const { store } = load(
      { store: `postgres://u:${written}@localhost/d` },
      { environment: { S } },
    ).config;
    return typeof store === "string" ? undefined : store.password;
  };
  assert.equal(password("p%40%2F%25"), "p@/%");
  for (const secret of ["p@ss:w/rd?#&", "@", "100%", "a b", "ü🗝"])
    assert.equal(password(fromEnvironment, secret), secret);
});

test("each way to write an address to listen on is understood", () => {
  const listen = ["127.0.0.1:8600", "[::1]:8600", "localhost:8600", "unix:/run/postern.sock"];
  assert.deepEqual(load({ listen }).config.listen, [
    { kind: "tcp", host: "127.0.0.1", port: 8600 },
    { kind: "tcp", host: "::1", port: 8600 },
    { kind: "tcp", host: "localhost", port: 8600 },
    { kind: "unix", path: "/run/postern.sock" },
  ]);
  assert.deepEqual(load({ listen: ":8600", trusted_proxies: ["10.0.0.1"] }).config.listen, [
    { kind: "tcp", host: "::", port: 8600 },
  ]);
});

const proxied: Sections = {
  auth_domain: "login.example.com",
  listen: "0.0.0.0:8600",
  trusted_proxies: ["10.0.0.1", "::ffff:10.0.0.0/104"],
};

test("behind a proxy that has the certificate, people use https and the gateway plain HTTP", () => {
  const { config, warnings } = load(proxied);
  assert.equal(config.issuer, "https://login.example.com");
  assert.deepEqual(config.trusted_proxies, ["10.0.0.1/32", "10.0.0.0/8"]);
  assert.deepEqual(warnings, []);
});

test("a Unix socket has a proxy in front of it by its nature, and lies beside the file", () => {
  const { config, warnings } = load({
    auth_domain: "login.example.com",
    listen: ["unix:gateway.sock", "127.0.0.1:8600"],
  });
  assert.equal(config.issuer, "https://login.example.com");
  assert.deepEqual(config.listen[0], { kind: "unix", path: "/etc/postern/gateway.sock" });
  assert.deepEqual(warnings, []);
  const lines = complaints(() =>
    load({ auth_domain: "login.example.com", listen: ["unix:/run/postern.sock", "0.0.0.0:8600"] }),
  );
  assert.match(
    lines.join("\n"),
    /^[^\n]*listen\[1\]: would be plain HTTP for others to read[^\n]*$/,
  );
});

test("the issuer has the port that people see, and no other spelling of it", () => {
  const issuer = (auth_domain: string, more: Sections = {}) =>
    load({ ...proxied, auth_domain, ...more }).config.issuer;
  assert.equal(
    issuer("login.example.com:443", { public_ports: [443] }),
    "https://login.example.com",
  );
  assert.equal(issuer("Login.Example.COM:8600"), "https://login.example.com:8600");
  assert.equal(
    issuer("login.example.com:8443", { public_ports: [8443] }),
    "https://login.example.com:8443",
  );
  assert.equal(
    issuer("login.localhost:8600"),
    "http://login.localhost:8600",
    "this machine's names need no certificate",
  );
  assert.equal(load({ ...proxied, auth_domain: "[::1]:8600" }).config.team_host, "[::1]");
  assert.deepEqual(load({ relay_hosts: ["Relay.Example.com:8600"] }).config.relay_hosts, [
    "relay.example.com",
  ]);
});

const inClear: [what: string, written: string, field: string, says: RegExp][] = [
  [
    "for others to read",
    'listen: "0.0.0.0:8600"',
    "listen",
    /plain HTTP for others to read; add tls, or name the proxy in front/,
  ],
  ["on every address", 'listen: ":8600"', "listen", /listen on 127\.0\.0\.1/],
  [
    "on one address of several",
    'listen: ["127.0.0.1:8600", "192.0.2.7:8600"]',
    "listen[1]",
    /plain HTTP/,
  ],
  [
    "under a name that browsers open with https",
    "auth_domain: login.example.com",
    "auth_domain",
    /reached over https, which nobody here speaks/,
  ],
  [
    "and sends people to https",
    'redirect_http: "0.0.0.0:80"',
    "redirect_http",
    /sends people to https, which nobody here speaks/,
  ],
];

for (const [what, written, field, says] of inClear) {
  test(`without TLS and a proxy, a gateway that would speak plain HTTP ${what} does not start`, () => {
    const lines = complaints(() => loadText(withLines(written).text));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", says);
    assert.equal(lines[0]?.split(": ")[1], field);
  });
}

async function pairIn(folder: string, name: string): Promise<void> {
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const times = { notBefore: new Date(2026, 0, 1), notAfter: new Date(2036, 0, 1) };
  writeFileSync(
    join(folder, `${name}.pem`),
    await selfSignedCertificate({ publicKey, privateKey, commonName: name, ...times, randomBytes }),
  );
  writeFileSync(join(folder, `${name}.key`), privateKey.export({ format: "pem", type: "pkcs8" }));
  writeFileSync(join(folder, `${name}.der`), privateKey.export({ format: "der", type: "pkcs8" }));
  writeFileSync(
    join(folder, `${name}.locked`),
    privateKey.export({ format: "pem", type: "pkcs8", cipher: "aes-256-cbc", passphrase: "x" }),
  );
}

async function certificates(
  context: TestContext,
): Promise<(...pairs: [cert: string, key: string][]) => ReturnType<typeof load>> {
  const folder = mkdtempSync(join(tmpdir(), "postern-tls-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  await pairIn(folder, "one");
  await pairIn(folder, "two");
  return (...pairs) => {
    const tls = { certificates: pairs.map(([cert_file, key_file]) => ({ cert_file, key_file })) };
    return load({ ...proxied, trusted_proxies: [], tls }, { file: join(folder, "postern.yaml") });
  };
}

test("with certificates and their keys the gateway speaks https anywhere", async (context) => {
  const { config } = (await certificates(context))(["one.pem", "one.key"], ["two.pem", "two.key"]);
  assert.equal(config.issuer, "https://login.example.com");
  assert.match(config.tls?.certificates[1]?.key_file ?? "", /^\/.*\/two\.key$/);
});

test("a certificate that cannot be used is a complaint and no surprise at the first request", async (context) => {
  const withPair = await certificates(context);
  const cases: [cert: string, key: string, says: RegExp][] = [
    [
      "one.pem",
      "two.key",
      /certificates\[0\]\.key_file: "two\.key" is not the key of the certificate in cert_file; name the pair/,
    ],
    [
      "none.pem",
      "one.key",
      /cert_file: "none\.pem" cannot be read \(ENOENT\); name a file that this user may read/,
    ],
    [".", "one.key", /cert_file: "\." cannot be read \(no file\)/],
    ["one.key", "one.key", /cert_file: "one\.key" is not a certificate in PEM/],
    ["one.pem", "one.pem", /key_file: "one\.pem" is not a private key in PEM without a passphrase/],
    ["one.pem", "one.der", /key_file: "one\.der" is not a private key in PEM/],
    [
      "one.pem",
      "one.locked",
      /key_file: "one\.locked" is not a private key in PEM without a passphrase/,
    ],
  ];
  for (const [cert, key, says] of cases) {
    const lines = complaints(() => withPair([cert, key]));
    assert.equal(lines.length, 1, lines.join("\n"));
    assert.match(lines[0] ?? "", says);
  }
});

test("proxies ask at a listener of their own, by addresses that the gateway can see", () => {
  const proxied = { listen: "127.0.0.1:8600", trusted_proxies: ["10.0.0.0/8", "127.0.0.1"] };
  const proxies = [{ cidr: "10.1.2.3", dialect: "nginx" }];
  const { config, warnings } = load({
    ...proxied,
    forward_auth: { listen: "127.0.0.1:1", proxies },
  });
  assert.deepEqual(warnings, []);
  assert.deepEqual(config.forward_auth, {
    listen: { kind: "tcp", host: "127.0.0.1", port: 1 },
    proxies: [{ cidr: "10.1.2.3/32", dialect: "nginx" }],
  });

  const says = (listen: string, entries: unknown = proxies) =>
    complaints(() => load({ ...proxied, forward_auth: { listen, proxies: entries } })).join("\n");
  assert.match(says("unix:/run/p.sock"), /forward_auth\.listen.*must be host:port/);
  assert.match(says("127.0.0.1:8600"), /is listened on already/);
  assert.match(says("127.0.0.1:1", []), /proxies/);
  assert.match(says("127.0.0.1:1", [{ cidr: "10.0.0.1", dialect: "apache" }]), /dialect/);
  assert.match(says("127.0.0.1:1", [{ cidr: "x", dialect: "nginx" }]), /cidr/);

  const warns = (listen: string, cidr: string) =>
    load({
      ...proxied,
      forward_auth: { listen, proxies: [{ cidr, dialect: "envoy" }] },
    }).warnings.join("\n");
  assert.match(warns("0.0.0.0:1", "127.0.0.1"), /takes people's credentials in clear/);
  assert.match(warns("127.0.0.1:1", "192.0.2.0/24"), /is not in trusted_proxies/);
  assert.match(warns("127.0.0.1:1", "0.0.0.0/0"), /is every address there is/);
});
