// A day of somebody who administers a gateway, from the first file to the last line of the log. Two
// gateways share one store, as two machines behind a load balancer would.
//
//   node examples/administrators-day/run.mjs [--store postgres://…]
//
// Everything is on this machine, in a folder that goes when it ends. Every step says what it shows,
// and the script ends with status 1 where something is not as it should be.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { store: { type: "string" } } });
const here = import.meta.dirname;
const root = join(here, "../..");
const folder = mkdtempSync(join(tmpdir(), "postern-day-"));
const endings = [];

/** Headers by which a program is told what happened, in place of being led to a sign-in page. */
const program = {
  accept: "application/json",
  "sec-fetch-mode": "cors",
  "x-requested-with": "XMLHttpRequest",
};

/** What runs `postern`: the checkout's own. */
const postern = [process.execPath, join(root, "packages/cli/dist/postern.cjs")];

try {
  await day();
  say("That was the day. Everything was as it should be.");
} finally {
  for (const end of endings.reverse()) await end();
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
}

async function day() {
  // Morning: an origin, an identity provider, two gateways on one store.
  title("Two gateways on one store");
  const origin = await startOrigin();
  const [first, second, admin, provider] = await Promise.all([1, 2, 3, 4].map(freePort));
  const issuer = await startProvider(provider, first);
  const store = values.store ?? `sqlite:${join(folder, "postern.db")}`;
  const environment = { POSTERN_HOME: folder, DEPLOY_SECRET: randomBytes(24).toString("hex") };
  const gateways = [];
  for (const [name, port] of [
    ["one", first],
    ["two", second],
  ]) {
    const config = join(folder, `${name}.yaml`);
    writeFileSync(
      config,
      JSON.stringify(gatewayFile({ name, port, first, admin, store, issuer, origin })),
    );
    gateways.push({ name, port, log: await startGateway(config, environment) });
  }
  const config = join(folder, "one.yaml");
  say(`Gateway one answers at 127.0.0.1:${first}, gateway two at 127.0.0.1:${second}.`);

  const url = `http://127.0.0.1:${admin}`;
  const created = await run([
    "admin-token",
    "create",
    "day",
    "--permission",
    "all",
    "--config",
    config,
  ]);
  const token = created.output.trim();
  const cli = (...args) =>
    run([...args, "--url", url], { ...environment, POSTERN_ADMIN_TOKEN: token });
  const api = await apiOf(url, token);

  // 1. The file.
  title("Apply a file with three applications, groups and a service token");
  const file = join(here, "objects.yaml");
  const difference = await cli("diff", file);
  assert.equal(difference.status, 1, "the file says something new");
  const applied = await cli("apply", file);
  print(applied.output);
  assert.match(applied.output, /Created 7, updated 0/);
  const again = await cli("apply", file);
  print(again.output);
  assert.match(again.output, /^Nothing to change/);

  // 2. People.
  title("A person is let in, another one is denied, with the reason");
  const wiki = `http://wiki.localhost:${first}/`;
  const ada = await signIn(wiki, "ada@example.com", first);
  say(`ada@example.com at the wiki: ${ada.status}`);
  assert.deepEqual([ada.status, ada.text], [200, "the application\n"]);
  const max = await signIn(wiki, "max@contractor.example", first);
  say(`max@contractor.example at the wiki: ${max.status}`);

  assert.equal(max.status, 403);
  const why = await run([
    "access",
    "explain",
    wiki,
    "--as",
    "max@contractor.example",
    "--in-force",
    "--config",
    config,
  ]);
  print(why.output);
  assert.match(why.output, /deny/);

  // 3. A program, while its secret changes.
  title("A service token gets another secret under load, and no request fails");
  const [deploy] = await api("GET", "/access/service_tokens?name=deploy");
  let secret = environment.DEPLOY_SECRET;
  const counts = { passed: 0, failed: 0 };
  let isLoaded = true;
  const load = Array.from({ length: 4 }, async (_each, index) => {
    for (let turn = index; isLoaded; turn++) {
      const { port } = gateways[turn % 2];
      const headers = { "cf-access-client-id": "deploy.access", "cf-access-client-secret": secret };
      const { status } = await ask(`http://orders.localhost:${first}/`, { port, headers });
      counts[status === 200 ? "passed" : "failed"]++;
    }
  });
  await until(() => counts.passed >= 100);
  const before = secret;
  const rotated = await api("POST", `/access/service_tokens/${deploy.id}/rotate`, {
    previous_client_secret_expires_at: new Date(Date.now() + 60_000).toISOString(),
  });
  // The programs go on with the old one for a while: other gateways know of the new one within a
  // second, as of every change.
  const rotatedAt = performance.now();
  await until(() => performance.now() > rotatedAt + 2_000);
  secret = rotated.client_secret;
  const atChange = counts.passed;
  await until(() => counts.passed >= atChange + 200);
  isLoaded = false;
  await Promise.all(load);
  say(
    `${counts.passed >= 400 ? "More than 400" : counts.passed} requests passed over both gateways, ${counts.failed} failed.`,
  );
  assert.equal(counts.failed, 0);
  assert.notEqual(secret, before);

  // 4. Somebody leaves.
  title("A person is revoked at one gateway, and refused at the next request at the other");
  const here2 = await ask(wiki, { port: second, headers: { cookie: ada.cookie, ...program } });
  say(`ada@example.com at gateway two, before: ${here2.status}`);
  assert.equal(here2.status, 200);
  const seen = origin.requests();
  await api("POST", "/access/organizations/revoke_user", { email: "ada@example.com" });
  const refused = await untilRefused(wiki, {
    port: second,
    headers: { cookie: ada.cookie, ...program },
  });
  say(`ada@example.com at gateway two, after: ${refused.status}`);
  assert.equal(refused.status, 401);
  const known = origin.requests();
  await ask(wiki, { port: second, headers: { cookie: ada.cookie, ...program } });
  assert.equal(origin.requests(), known, "the wiki itself saw nothing of it");
  assert.ok(known >= seen);

  // 5. The evening: what is left of the day.
  title("The log shows all of it");
  const rows = await api("GET", "/access/logs/access_requests?limit=100&direction=asc");
  for (const { user_email, app_domain, allowed, action } of rows)
    say(`${allowed ? "allowed" : "denied "}  ${action}  ${user_email}  ${app_domain}`);
  const has = (email, allowed) =>
    rows.some((row) => row.user_email === email && row.allowed === allowed);
  assert.ok(has("ada@example.com", true) && has("max@contractor.example", false));
  const changes = gateways[0]
    .log()
    .filter(({ event }) => event === "admin_changed")
    .map(({ action, kind, name, token_name }) => `${action}  ${kind}  ${name}  (by ${token_name})`);
  for (const change of changes) say(change);
  assert.ok(changes.some((line) => line.startsWith("created  application  Wiki")));
  assert.ok(
    changes.some((line) => /service_token {2}deploy/.test(line) && !line.startsWith("created")),
  );
  assert.ok(
    changes.some((line) => line.includes("ada@example.com")),
    "the revocation is written down",
  );
  const everything =
    JSON.stringify(rows) + gateways.map(({ log }) => JSON.stringify(log())).join("");
  for (const each of [before, secret, token])
    assert.ok(!everything.includes(each), "no secret is in it");
}

/** The file of a gateway: what it is started with, and who vouches for people. */
function gatewayFile({ name, port, first, admin, store, issuer, origin }) {
  return {
    auth_domain: `login.localhost:${first}`,
    public_ports: [first],
    listen: `127.0.0.1:${port}`,
    ...(name === "one" ? { admin: { listen: `127.0.0.1:${admin}` } } : {}),
    store,
    secret_key_file: join(folder, "secret.key"),
    log: { format: "json" },
    identity_providers: [
      {
        ...{ id: "corp", name: "Example SSO", type: "oidc" },
        config: { client_id: "postern", client_secret: "a-secret-for-this-machine-alone", issuer },
      },
    ],
    ingress: [{ service: `http://127.0.0.1:${origin.port}` }],
  };
}

async function startOrigin() {
  let count = 0;
  const server = createServer((_request, response) => {
    count++;
    response.end("the application\n");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  endings.push(() => server.close().closeAllConnections());
  return { port: server.address().port, requests: () => count };
}

async function startProvider(port, first) {
  const redirect = `http://login.localhost:${first}/cdn-cgi/access/callback`;
  const script = join(root, "examples/provider/provider.mjs");
  const child = start([process.execPath, script, "--port", `${port}`, "--redirect", redirect]);
  await child.until("An OpenID Provider is up");
  return `http://127.0.0.1:${port}`;
}

/** @returns what reads its log: the events so far */
async function startGateway(config, environment) {
  const child = start([...postern, "gateway", "--config", config], environment);
  await child.until("the gateway is up");
  return () =>
    child
      .text()
      .split("\n")
      .flatMap((line) => (line.startsWith("{") ? [JSON.parse(line)] : []));
}

/** Starts a program that serves until the day ends. */
function start([program, ...args], environment = {}) {
  const child = spawn(program, args, { env: { PATH: process.env.PATH, ...environment } });
  let text = "";
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (part) => {
      text += part;
    });
  const ended = new Promise((resolve) => child.on("close", resolve));
  endings.push(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  return {
    text: () => text,
    until: (words) =>
      until(() => {
        if (child.exitCode !== null) throw new Error(`${args.join(" ")} ended:\n${text}`);
        return text.includes(words);
      }),
  };
}

/** Runs a command to its end. */
async function run(args, environment = { POSTERN_HOME: folder }) {
  const [program, ...rest] = [...postern, ...args];
  const child = spawn(program, rest, { env: { PATH: process.env.PATH, ...environment } });
  let output = "";
  let said = "";
  child.stdout.setEncoding("utf8").on("data", (part) => {
    output += part;
  });
  child.stderr.setEncoding("utf8").on("data", (part) => {
    said += part;
  });
  const status = await new Promise((resolve) => child.on("close", resolve));
  if (status !== 0 && args[0] !== "diff")
    throw new Error(`postern ${args.join(" ")}: ${status}\n${said}`);
  return { status, output };
}

/** The admin API. */
async function apiOf(url, token) {
  const send = async (method, path, body) => {
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    const answer = await fetch(`${url}/client/v4${path}`, {
      method,
      headers,
      body: JSON.stringify(body),
    });
    const { success, result, errors } = await answer.json();
    assert.ok(success, `${method} ${path}: ${JSON.stringify(errors)}`);
    return result;
  };
  const [{ id }] = await send("GET", "/accounts");
  return (method, path, body) => send(method, `/accounts/${id}${path}`, body);
}

/** A person at a browser: follows redirects, keeps cookies, fills in the provider's form. */
async function signIn(url, email) {
  const jar = new Map();
  let next = { url, method: "GET" };
  for (let hop = 0; hop < 20; hop++) {
    const { host, hostname } = new URL(next.url);
    const own = jar.get(hostname) ?? new Map();
    const cookie = [...own].map(([name, value]) => `${name}=${value}`).join("; ");
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const headers = {
      host,
      accept: "text/html",
      ...(cookie ? { cookie } : {}),
      ...(next.body ? form : {}),
    };
    const answer = await ask(next.url, { ...next, headers });
    for (const line of answer.headers["set-cookie"] ?? []) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      if (/Max-Age=0|01 Jan 1970/.test(line)) own.delete(name);
      else own.set(name, value);
    }
    jar.set(hostname, own);
    const { location } = answer.headers;
    if (location !== undefined) next = { url: new URL(location, next.url).href, method: "GET" };
    else if (answer.text.includes('name="email"'))
      next = { url: next.url, method: "POST", body: `${new URLSearchParams({ email })}` };
    else
      return {
        status: answer.status,
        text: answer.text,
        cookie: [...(jar.get(new URL(url).hostname) ?? [])]
          .map((each) => each.join("="))
          .join("; "),
      };
  }
  throw new Error(`${email} was led in circles`);
}

/** One request. @param port where it goes; default: the one of the URL */
function ask(url, { method = "GET", port, headers = {}, body }) {
  const { host, port: own, pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const options = { host: "127.0.0.1", port: port ?? own, method, path: pathname + search };
    const outgoing = request({ ...options, headers: { host, ...headers } }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (part) => {
        text += part;
      });
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

/** The other gateway hears of it within a second. */
async function untilRefused(url, options) {
  let answer;
  await until(async () => {
    answer = await ask(url, options);
    return answer.status !== 200;
  });
  return answer;
}

async function until(condition) {
  const deadline = performance.now() + 120_000;
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error("waited for two minutes, and in vain");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

function title(text) {
  console.log(`\n== ${text}`);
}

function say(text) {
  console.log(text);
}

function print(text) {
  process.stdout.write(text);
}
