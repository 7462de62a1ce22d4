// The configurations of proxies, as text: the proxies themselves find no fault with them, and
// nothing of ours can become a directive of theirs (case O10).
import assert from "node:assert/strict";
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parse } from "yaml";
import {
  checkProxy,
  type ProxyProgram,
  pathOf,
  proxyPrograms,
} from "../../../../test/support/proxy-process.ts";
import { leaveOut } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { type ProxyName, renderProxy } from "../../src/render/render-proxy.ts";
import { load, type Sections } from "../config/written-file.ts";

const luaFile = new URL("../../haproxy/postern.lua", import.meta.url).pathname;
const names: ProxyName[] = ["nginx", "caddy", "haproxy", "traefik", "envoy"];
const dialects = {
  nginx: "nginx",
  caddy: "forwarded",
  haproxy: "haproxy",
  traefik: "forwarded",
  envoy: "envoy",
};

const policies = [{ name: "all", decision: "allow", include: [{ everyone: {} }] }];

function application(domain: string, fields: object = {}): object {
  return { name: domain, type: "self_hosted", domain, policies, ...fields };
}

function sectionsFor(name: ProxyName, more: Sections = {}): Sections {
  return {
    auth_domain: "login.example.com",
    listen: "127.0.0.1:8600",
    trusted_proxies: ["127.0.0.1"],
    forward_auth: {
      listen: "127.0.0.1:8601",
      proxies: [{ cidr: "127.0.0.1", dialect: dialects[name] }],
    },
    applications: [application("app.example.com"), application("*.corp.example.com")],
    ingress: [
      { hostname: "app.example.com", path: "/admin", service: "http://10.0.0.5:3000" },
      { hostname: "app.example.com", service: "http://10.0.0.6" },
      { hostname: "tls.example.com", service: "https://10.0.0.7" },
      { hostname: "*.corp.example.com", service: "http://wiki.internal:8080" },
      { service: "http_status:404" },
    ],
    ...more,
  };
}

function render(name: ProxyName, more: Sections = {}, acceptsCredential = false): string {
  return renderProxy(load(sectionsFor(name, more)).config, name, { luaFile, acceptsCredential });
}

const longHost = `${"a".repeat(60)}.${"b".repeat(60)}.example.com`;
const manyServices = Array.from({ length: 500 }, (_, index) => ({
  hostname: `application-number-${index}.example.com`,
  service: `http://10.0.0.5:${3_000 + index}`,
}));

/** Configurations that proxies have limits for, by what is unusual about them. */
const unusual: Record<string, Sections> = {
  nothing: { ingress: [{ service: "http://10.0.0.5:3000" }] },
  "a long host": {
    auth_domain: `login.${longHost}`,
    applications: [application(longHost), application(`*.${longHost}`)],
    ingress: [{ service: "http://10.0.0.5:3000" }],
  },
  "hundreds of services": {
    applications: manyServices.map(({ hostname }) => application(hostname)),
    ingress: [...manyServices, { service: "http_status:404" }],
  },
};

for (const program of Object.values(proxyPrograms) as ProxyProgram[]) {
  const here = leaveOut(pathOf(program.name) === undefined ? program.name : undefined);
  test(
    `${program.name} itself finds no fault with the configuration that is written for it`,
    here,
    (context) => {
      const { cert_file, key_file } = certificateFor(context, ["*.example.com"]);
      const both = `${cert_file}.both`;
      writeFileSync(both, readFileSync(cert_file, "utf8") + readFileSync(key_file, "utf8"));
      // What the operator has beside it: certificates.
      const certificate = `ssl_certificate ${cert_file}; ssl_certificate_key ${key_file};\n`;
      for (const [what, sections] of Object.entries(unusual)) {
        const text = render(program.name, sections).replace("/etc/haproxy/postern.pem", both);
        const part = program.name === "nginx" ? certificate + text : text;
        assert.equal(checkProxy(context, program, part), "", what);
      }
    },
  );
}

test("services that a proxy reaches itself are those over plain HTTP, each by a name for all that its rule says", () => {
  const text = render("nginx");
  assert.match(text, /server 10\.0\.0\.5:3000;/);
  assert.match(text, /server 10\.0\.0\.6:80;/);
  assert.doesNotMatch(text, /10\.0\.0\.7/);
  const nameOf = (ingress: object) =>
    /upstream (postern_[0-9a-f]{12}) /.exec(render("nginx", { ingress: [ingress] }))?.[1];
  const service = "http://10.0.0.5:3000";
  assert.equal(nameOf({ service }), nameOf({ service }));
  assert.notEqual(nameOf({ service }), nameOf({ service: "http://10.0.0.5:3001" }));
  const originRequest = { httpHostHeader: "inner.example.com" };
  assert.notEqual(nameOf({ service }), nameOf({ service, originRequest }));
});

test(
  "HAProxy finds the Lua file wherever the gateway is installed",
  leaveOut(pathOf("haproxy") === undefined ? "haproxy" : undefined),
  (context) => {
    const sections = sectionsFor("haproxy", { auth_domain: "login.localhost:8600" });
    const { config } = load(sections);
    const folder = mkdtempSync(join(tmpdir(), "postern-lua-"));
    context.after(() => rmSync(folder, { recursive: true }));
    const names = ["a b", "a(1)", "é", "a'b", 'a"b', "$HOME", "a#b", "a\\nb", "%[env(A)]"];
    for (const name of names) {
      const file = join(folder, name, "postern.lua");
      mkdirSync(join(folder, name));
      copyFileSync(luaFile, file);
      const text = renderProxy(config, "haproxy", { luaFile: file, acceptsCredential: false });
      const part = text.replaceAll("wiki.internal", "127.0.0.1");
      assert.equal(checkProxy(context, proxyPrograms.haproxy, part), "", name);
    }
  },
);

test("what cannot be written safely into a proxy's configuration is refused (O10)", () => {
  for (const service of [
    "http://a;b.example.com",
    "http://a{b.example.com",
    'http://a"b.example.com',
    "http://$host.example.com",
    "http://a`b`.example.com",
    "unix:/run/a b.sock",
    "unix:/run/a;b.sock",
    'unix:/run/a".sock',
    "unix:/run/$a.sock",
    "unix:/run/a\nb.sock",
    "unix:/run/{env.HOME}.sock",
  ])
    for (const name of names)
      assert.throws(
        () => render(name, { ingress: [{ service }] }),
        /cannot be written|is not a service|names no host/,
        `${name} ${service}`,
      );
});

test("names of people's choice stand in no configuration of a proxy (O10)", () => {
  const odd = 'x"; } include /etc/passwd; # {env.HOME} `\n%[env(HOME)]';
  for (const name of names) {
    const text = render(name, {
      organization: { name: odd },
      applications: [application("app.example.com", { name: odd, custom_deny_message: odd })],
    });
    assert.doesNotMatch(text, /passwd|HOME/, name);
  }
});

test("the files for Traefik and Envoy are YAML, and route every service by its name", () => {
  const traefik = parse(render("traefik"));
  assert.equal(Object.keys(traefik.http.services).length, 4);
  assert.equal(traefik.http.middlewares["postern-decision"].forwardAuth.trustForwardHeader, false);
  const envoy = parse(render("envoy"));
  const [listener] = envoy.static_resources.listeners;
  const { http_filters } = listener.filter_chains[0].filters[0].typed_config;
  assert.equal(http_filters[0].typed_config.failure_mode_allow, false);
  assert.equal(envoy.static_resources.clusters.length, 5);
});

test("a proxy that hands nothing over is refused where an application would get a credential, unless somebody says so", () => {
  for (const fields of [
    { accept_bearer: true },
    { read_service_tokens_from_header: "X-Api-Key" },
  ]) {
    const applications = [application("app.example.com", fields)];
    for (const name of ["traefik", "envoy"] as const) {
      assert.throws(() => render(name, { applications }), /accept-credential-at-origin/);
      assert.match(render(name, { applications }, true), /"credential"/);
      assert.doesNotMatch(render(name), /"credential"/);
    }
    for (const name of ["nginx", "caddy", "haproxy"] as const)
      assert.doesNotThrow(() => render(name, { applications }));
  }
});

test("without an entry for the proxy, or with TLS at the gateway, nothing is written", () => {
  assert.throws(() => render("nginx", { forward_auth: undefined }), /dialect: nginx/);
  const proxies = [{ cidr: "127.0.0.1", dialect: "haproxy" }];
  const forward_auth = { listen: "127.0.0.1:8601", proxies };
  assert.throws(() => render("nginx", { forward_auth }), /dialect: nginx/);
  assert.throws(() => render("nginx", { listen: "unix:/run/p.sock" }), /add host:port to listen/);
});

test("a proxy that the gateway would not believe, or that has nothing to serve, gets no configuration", () => {
  assert.throws(() => render("nginx", { trusted_proxies: ["10.0.0.1"] }), /add 127\.0\.0\.1\/32/);
  assert.throws(() => render("nginx", { applications: [] }), /no applications/);
});

test("a thousand services fit into the configuration of nginx, HAProxy and Caddy", (context) => {
  const rules = Array.from({ length: 1_000 }, (_, index) => ({
    hostname: `app${index}.corp.example.com`,
    service: `http://10.0.${index >> 8}.${index & 255}:3000`,
  }));
  const ingress = [...rules, { service: "http_status:404" }];
  for (const program of Object.values(proxyPrograms) as ProxyProgram[]) {
    if (pathOf(program.name) === undefined) continue;
    const text = render(program.name, {
      ingress,
      auth_domain: "login.localhost:8443",
      public_ports: [8443],
      applications: [application("app.localhost")],
    });
    assert.equal(checkProxy(context, program, text), "");
  }
});

test("paths and hosts that a proxy would choose by otherwise than the gateway are refused", () => {
  const rest = { service: "http_status:404" };
  const glob = [{ path: "/v1/*/items", service: "http://10.0.0.5" }, rest];
  assert.throws(() => render("traefik", { ingress: glob }), /as the gateway does/);
  const applications = [application("a*.example.com")];
  assert.throws(() => render("caddy", { applications }), /asterisk/);
  assert.match(render("nginx", { applications }), /"~\^a\[\^\.\]\*\\\.example\\\.com\$"/);
});
