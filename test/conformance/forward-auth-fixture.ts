// A gateway that lends its decisions to a real proxy, which has the configuration that `postern
// render` writes: three origins behind it, one for everybody, one for people, one for Bob.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { loadConfig } from "../../packages/gateway/src/config/load-config.ts";
import { type ProxyName, renderProxy } from "../../packages/gateway/src/render/render-proxy.ts";
import { freePort, startGateway, type TestGateway } from "../support/gateway.ts";
import { pathOf, proxyPrograms, startProxy } from "../support/proxy-process.ts";
import { leaveOut } from "../support/requirements.ts";
import { signIn } from "../support/sign-in.ts";
import { certificateFor, type TestCertificate } from "../support/tls.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

export const ada = "ada@example.com";
export const bob = "bob@example.com";
export const clientId = `${"1".repeat(32)}.access`;
export const clientSecret = "2".repeat(64);

type TestedProxy = ProxyName & ("nginx" | "haproxy" | "caddy");

export interface ForwardAuthScene {
  gateway: TestGateway;
  /** of the proxy */
  port: number;
  /** where the gateway is asked for decisions */
  decisions: number;
  /** `http://app.localhost:<port>` */
  app: string;
  /** the `Host` line of the application */
  host: string;
  /** PEM of whom the proxy's certificate is from */
  ca: string;
  /** of `app.localhost` below `/admin`, which is Bob's */
  admin: Upstream;
  /** of everything else on `app.localhost` */
  upstream: Upstream;
  /** a browser's session at an application: its `Cookie` line */
  cookie(email?: string, application?: string): Promise<string>;
  /** asserts that no origin saw anything */
  sawNothing(): boolean;
}

const tested: TestedProxy[] = ["nginx", "haproxy", "caddy"];

/** A test with each proxy that is here. */
export function forEachProxy(
  title: string,
  run: (context: TestContext, name: TestedProxy) => Promise<void>,
): void {
  for (const name of tested) {
    const options = leaveOut(pathOf(name) === undefined ? name : undefined);
    test(`${name}: ${title}`, options, (context) => run(context, name));
  }
}

const luaFile = fileURLToPath(
  new URL("../../packages/gateway/haproxy/postern.lua", import.meta.url),
);

const dialects = { nginx: "nginx", haproxy: "haproxy", caddy: "forwarded" } as const;

interface SceneOptions {
  /** in place of those of the scene */
  sections?: Record<string, unknown>;
  /** over https, on hosts below it; default: http, below `localhost` */
  domain?: string;
  /** of the operator's own, before the rendered part of the proxy's configuration */
  before?: string;
}

/** Starts origins, gateway and proxy. */
export async function startScene(
  context: TestContext,
  name: TestedProxy,
  { sections: more = {}, domain = "localhost", before = "" }: SceneOptions = {},
): Promise<ForwardAuthScene> {
  const [upstream, admin] = await Promise.all([startUpstream(), startUpstream()]);
  const [port, own, decisions] = [await freePort(), await freePort(), await freePort()];
  const allow = (include: Record<string, unknown>) => [
    { name: "some", decision: "allow", include: [include] },
  ];
  const people = [
    ...allow({ email: { email: ada } }),
    { name: "bob", decision: "allow", include: [{ email: { email: bob } }] },
    { name: "programs", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
  ];
  const open = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];
  const application = (domain: string, policies: unknown, fields: object = {}) => {
    return { name: domain, type: "self_hosted", domain, policies, ...fields };
  };
  const sections = {
    organization: { name: "Test" },
    auth_domain: `login.${domain}:${port}`,
    public_ports: [port],
    trusted_proxies: ["127.0.0.1"],
    forward_auth: {
      listen: `127.0.0.1:${decisions}`,
      proxies: [{ cidr: "127.0.0.1", dialect: dialects[name] }],
    },
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    service_tokens: [{ id: "ci", name: "ci", client_id: clientId, client_secret: clientSecret }],
    applications: [
      application(`app.${domain}`, people),
      application(`app.${domain}/public`, open),
      application(`app.${domain}/admin`, allow({ email: { email: bob } })),
      application(`app.${domain}/proven`, people, { proof_of_possession: true }),
      application(`bob.${domain}`, allow({ email: { email: bob } })),
    ],
    ingress: [
      { hostname: `app.${domain}`, path: "/admin", service: admin.origin },
      { hostname: `app.${domain}`, service: upstream.origin },
      { hostname: `bob.${domain}`, service: upstream.origin },
      { service: "http_status:404" },
    ],
    ...more,
  };
  const gateway = await startGateway({ sections, port: own });
  context.after(() => Promise.all([gateway.close(), upstream.close(), admin.close()]));
  const file = JSON.stringify({
    listen: `127.0.0.1:${own}`,
    store: "sqlite::memory:",
    ...sections,
  });
  const { config } = loadConfig({ text: file, file: "test.yaml", environment: {} });
  const text = renderProxy(config, name, { luaFile, acceptsCredential: false });
  const isSecure = domain !== "localhost";
  const certificate = isSecure ? certificateFor(context, hostsBelow(domain)) : undefined;
  const part = certificate === undefined ? text : withTls(name, text, certificate);
  await startProxy(context, proxyPrograms[name], before + part, port);
  return {
    gateway,
    port,
    decisions,
    app: `${isSecure ? "https" : "http"}://app.${domain}:${port}`,
    host: `Host: app.${domain}:${port}`,
    ca: certificate?.ca ?? "",
    upstream,
    admin,
    async cookie(email = ada, application = `app.${domain}`) {
      const { tokens, catalogs } = gateway.parts;
      const { session } = await signIn(gateway, email);
      const own = catalogs.current().applicationByAud.get(gateway.aud(application));
      assert.ok(own !== undefined);
      return `Cookie: CF_Authorization=${await tokens.issueApp(session, own, 36e5)}`;
    },
    sawNothing: () => upstream.requests.length + admin.requests.length === 0,
  };
}

function hostsBelow(domain: string): string[] {
  return ["login", "app", "bob"].map((name) => `${name}.${domain}`);
}

/** What the operator has beside a rendered configuration. */
function withTls(
  name: TestedProxy,
  text: string,
  { cert_file, key_file }: TestCertificate,
): string {
  switch (name) {
    case "nginx":
      return `ssl_certificate ${cert_file}; ssl_certificate_key ${key_file};\n${text}`;
    case "caddy":
      return text.replaceAll(/^https:.*\{$/gm, `$&\n  tls ${cert_file} ${key_file}`);
    case "haproxy": {
      const both = `${cert_file}.both`;
      writeFileSync(both, readFileSync(cert_file, "utf8") + readFileSync(key_file, "utf8"));
      return text.replace("/etc/haproxy/postern.pem", both);
    }
  }
}
