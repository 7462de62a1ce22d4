// Teams of Cloudflare Access itself: their names end in .cloudflareaccess.com, their terminals poll
// a relay of Cloudflare's, and what they say of an application has none of our extensions. Played
// by a gateway that answers under these names, over TLS, behind an edge that writes down what it
// is asked.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type IncomingMessage, request as onwardRequest, type ServerResponse } from "node:http";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { Visitor } from "../../packages/cli/src/library/visitor.ts";
import { startProxy } from "../../packages/cli/test/support/proxy.ts";
import { type Machine, machine } from "../../packages/cli/test/support/terminal.ts";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import { needs } from "../support/requirements.ts";
import { certificateFor } from "../support/tls.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const team = "acme.cloudflareaccess.com";
const relay = "login.cloudflareaccess.org";
const federalRelay = "login.fed.cloudflareaccess.org";
const app = "app.example.test";
const url = `https://${app}`;
const ada = "ada@example.com";

interface Asked {
  method: string;
  host: string;
  path: string;
  headers: IncomingMessage["headers"];
}

interface Edge {
  port: number;
  asked: Asked[];
  /** true when it has answered itself */
  answer: ((asked: Asked, response: ServerResponse) => boolean) | undefined;
}

interface Scene {
  edge: Edge;
  gateway: TestGateway;
  upstream: Upstream;
  person: Machine;
  ca: string;
}

/** Ends TLS for every name, as Cloudflare's edge does, and hands everything on. */
async function startEdge(
  context: TestContext,
  gatewayPort: number,
  files: { cert_file: string; key_file: string },
): Promise<Edge> {
  const pair = { cert: readFileSync(files.cert_file), key: readFileSync(files.key_file) };
  const server = createServer(pair, (request, response) => {
    const { method = "", url: path = "", headers } = request;
    const asked = { method, host: headers.host ?? "", path, headers };
    edge.asked.push(asked);
    if (edge.answer?.(asked, response) === true) return;
    const forwarded = { "x-forwarded-for": "192.0.2.9", "x-forwarded-proto": "https" };
    const onward = onwardRequest(
      { host: "127.0.0.1", port: gatewayPort, method, path, headers: { ...headers, ...forwarded } },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.close();
    server.closeAllConnections();
  });
  const edge: Edge = {
    port: (server.address() as AddressInfo).port,
    asked: [],
    answer: undefined,
  };
  return edge;
}

/** Cloudflare's description of an application has the claims that its own client reads. */
function leaveOutExtensions({ parts: { tokens } }: TestGateway): void {
  const issue = tokens.issueMatch;
  tokens.issueMatch = ({ hostname, aud, app_hostname }, network) =>
    issue({ hostname, aud, app_hostname }, network);
}

async function scene(context: TestContext): Promise<Scene> {
  const upstream = await startUpstream();
  const gateway = await startGateway({
    sections: {
      ...simpleSections(upstream.origin, [app]),
      auth_domain: team,
      relay_hosts: [relay, federalRelay],
      public_ports: [443],
      trusted_proxies: ["127.0.0.1"],
    },
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  leaveOutExtensions(gateway);
  const files = certificateFor(context, [team, app, relay, federalRelay]);
  const edge = await startEdge(context, gateway.port, files);
  const proxy = await startProxy(context, edge.port);
  const person = machine(context, "exit 0");
  Object.assign(person.environment, { HTTPS_PROXY: proxy.url, POSTERN_CA_FILE: files.ca_file });
  return { edge, gateway, upstream, person, ca: files.ca };
}

async function logIn(
  { person, gateway, edge, ca }: Scene,
  flags: string[] = [],
): Promise<{ status: number; stderr: string }> {
  const login = person.start(["access", "login", ...flags, url]);
  const [address] = await login.until(/https:\/\/\S+\/cdn-cgi\/access\/cli\S+/);
  const visitor = new Visitor({ ca, address: "127.0.0.1", port: edge.port });
  await visitor.visit(address);
  await visitor.press("Send me a code", { email: ada });
  await visitor.press("Sign in", { code: gateway.pin(ada) ?? "" });
  await visitor.settle();
  await visitor.press("Approve");
  await visitor.settle();
  assert.equal(visitor.heading(), "You are signed in", visitor.page.text);
  return { status: await login.ended, stderr: login.stderr() };
}

const toRelays = ({ asked }: Edge) => asked.filter(({ path }) => path.startsWith("/transfer/"));

test(
  "a developer signs in to a team of Cloudflare's by its relay, and login, token, curl, put, whoami, list and logout work",
  needs("openssl", "curl"),
  async (context) => {
    const here = await scene(context);
    const { edge, upstream, person } = here;
    const login = await logIn(here);
    assert.equal(login.status, 0, login.stderr);
    assert.match(login.stderr, /team domain\s+acme\.cloudflareaccess\.com|acme\.cloudflare/);
    const polls = toRelays(edge);
    assert.ok(polls.length > 0);
    for (const { method, host } of polls) assert.deepEqual([method, host], ["GET", relay]);
    assert.ok(person.opened().every((address) => address.startsWith(`${url}/cdn-cgi/access/cli`)));

    const token = await person.run(["access", "token", `-app=${url}`]);
    assert.match(token.stdout, /^[\w-]+\.[\w-]+\.[\w-]+$/, token.stderr);
    const curl = await person.run(["access", "curl", "-sSf", `${url}/orders`]);
    assert.equal(curl.status, 0, curl.stderr);
    const put = await person.run([
      "access",
      "put",
      "--via",
      "env",
      "--app",
      url,
      "--",
      "sh",
      "-c",
      'printf %s "$ACCESS_TOKEN"',
    ]);
    assert.equal(put.stdout, token.stdout, put.stderr);
    const whoami = await person.run(["access", "whoami", url]);
    assert.match(whoami.stdout, /ada@example\.com/, whoami.stderr);
    assert.deepEqual(
      upstream.requests.map((each) => [
        each.url,
        each.header("cf-access-authenticated-user-email"),
      ]),
      [["/orders", ada]],
    );
    const list = await person.run(["access", "list", "--json"]);
    assert.match(list.stdout, /acme\.cloudflareaccess\.com/, list.stderr);

    const logout = await person.run(["access", "logout", url]);
    assert.equal(logout.status, 0, logout.stderr);
    const after = await person.run(["access", "token", url]);
    assert.deepEqual([after.status, after.stdout], [3, ""]);
  },
);

test(
  "a team that issues no passes is told so, and what to do instead",
  needs("openssl"),
  async (context) => {
    const here = await scene(context);
    assert.equal((await logIn(here)).status, 0);
    here.edge.answer = ({ path }, response) => {
      if (path !== "/cdn-cgi/access/pass") return false;
      response.writeHead(404).end();
      return true;
    };
    const put = await here.person.run(["access", "put", "--via", "query", "echo", `${url}/x`]);
    assert.equal(put.status, 125);
    assert.equal(put.stdout, "");
    assert.match(put.stderr, /does not issue passes; use --via/);
  },
);

test(
  "with --fedramp the terminal polls the relay for federal agencies, and no other",
  needs("openssl"),
  async (context) => {
    const here = await scene(context);
    const login = await logIn(here, ["--fedramp"]);
    assert.equal(login.status, 0, login.stderr);
    const hosts = new Set(toRelays(here.edge).map(({ host }) => host));
    assert.deepEqual([...hosts], [federalRelay]);
    assert.ok(toRelays(here.edge).every(({ method }) => method === "GET"));
  },
);

test(
  "a host that answers with the old unsigned headers alone is refused with that reason, and gets nothing",
  needs("openssl", "curl"),
  async (context) => {
    const here = await scene(context);
    const { edge, upstream, person } = here;
    assert.equal((await logIn(here)).status, 0);
    const aud = here.gateway.aud(app);
    await person.run(["access", "forget", app]);
    edge.asked.length = 0;
    edge.answer = ({ host, headers }, response) => {
      if (host !== app || headers["cf-access-metadata-request"] === undefined) return false;
      const login = `https://${team}/cdn-cgi/access/login/${app}?kid=${aud}&redirect_url=%2F`;
      const old = { "CF-Access-Aud": aud, "CF-Access-Domain": app, Location: login };
      response.writeHead(302, old).end();
      return true;
    };
    const commands: [string[], number][] = [
      [["login"], 5],
      [["token"], 5],
      [["whoami"], 5],
      [["curl", "-s"], 125],
      [["put", "--via", "query", "echo"], 125],
    ];
    for (const [words, status] of commands) {
      const run = await person.run(["access", ...words, url]);
      assert.equal(run.status, status, `${words.join(" ")}: ${run.stderr}`);
      assert.equal(run.stdout, "");
      assert.match(run.stderr, /did not identify itself \(no cf-access-metadata\)/);
    }
    assert.equal(upstream.requests.length, 0);
    const withToken = edge.asked.filter(
      ({ headers }) => headers["cf-access-token"] !== undefined || headers.cookie !== undefined,
    );
    assert.deepEqual(withToken, []);
  },
);
