// `postern render PROXY`: what an operator gets who asks for a proxy's configuration, and what is
// said where there is none.
import assert from "node:assert/strict";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { runPostern, temporaryHome } from "../support/cli.ts";

const good = `auth_domain: login.localhost:8600
listen: 127.0.0.1:8610
public_ports: [8600]
store: sqlite:./data/postern.db
secret_key_file: ./data/secret.key
trusted_proxies: [127.0.0.1]
forward_auth:
  listen: 127.0.0.1:8611
  proxies:
    - {cidr: 127.0.0.1, dialect: nginx}
    - {cidr: 127.0.0.1, dialect: haproxy}
    - {cidr: 127.0.0.1, dialect: forwarded}
    - {cidr: 127.0.0.1, dialect: envoy}
identity_providers:
  - {id: corp, name: Corp, type: oidc, config: {client_id: a, issuer: "https://idp.test"}}
ingress:
  - {hostname: freight.localhost, service: "http://127.0.0.1:3000"}
  - {service: "http_status:404"}
applications:
  - name: Freight API
    domain: freight.localhost
    accept_bearer: true
    policies: [{name: people, decision: allow, include: [{email_domain: {domain: example.com}}]}]
`;

function fileWith(context: TestContext, text: string): { folder: string; file: string } {
  const folder = temporaryHome(context);
  const file = join(folder, "postern.yaml");
  writeFileSync(file, text);
  return { folder, file };
}

test("somebody who asks for a proxy's configuration gets it on standard output, and nothing is made", async (context) => {
  const { folder, file } = fileWith(context, good);
  for (const proxy of ["nginx", "caddy", "haproxy"]) {
    const { status, stdout, stderr } = await runPostern(["render", proxy, "--config", file], {});
    assert.deepEqual([status, stderr], [0, ""], proxy);
    for (const text of ["127.0.0.1:8610", "127.0.0.1:8611", "127.0.0.1:3000", "login.localhost"])
      assert.ok(stdout.includes(text), `${proxy}: ${text}`);
    const [, lua] = /lua-load-per-thread '(.*)'/.exec(stdout) ?? [];
    assert.equal(lua !== undefined && existsSync(lua), proxy === "haproxy");
  }
  assert.deepEqual(readdirSync(folder), ["postern.yaml"]);
});

test("an application whose credential the proxy would pass on is refused, unless it is accepted in so many words", async (context) => {
  const { file } = fileWith(context, good);
  for (const proxy of ["traefik", "envoy"]) {
    const refused = await runPostern(["render", proxy, "--config", file], {});
    assert.equal(refused.status, 2);
    assert.equal(refused.stdout, "");
    assert.match(refused.stderr, /cannot keep a credential in Authorization from the application/);
    const args = ["render", proxy, "--accept-credential-at-origin", "--config", file];
    const accepted = await runPostern(args, {});
    assert.deepEqual([accepted.status, accepted.stderr], [0, ""]);
    assert.match(accepted.stdout, /"X-Access-Accept|x-access-accept/i);
  }
});

test("somebody who asks for what cannot be written hears what to do", async (context) => {
  const { file } = fileWith(context, good.replace(/forward_auth:[\s\S]*?identity/, "identity"));
  const says = async (...args: string[]) => {
    const { status, stdout, stderr } = await runPostern(["render", ...args], {});
    assert.deepEqual([status, stdout], [2, ""]);
    return stderr;
  };
  assert.match(await says("nginx", "--config", file), /add forward_auth: \{listen/);
  assert.match(await says("apache", "--config", file), /takes the name of a proxy: nginx, caddy/);
  assert.match(await says("--config", file), /takes the name of a proxy/);
  assert.match(await says("nginx", "extra", "--config", file), /not "extra"/);
  assert.match(await says("nginx"), /render nginx needs a configuration/);
});
