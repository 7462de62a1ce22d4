// What a program gets that imports the package: the command line's tokens, and requests that bear
// them, from the tarball and in an empty folder.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createPublicKey, type JsonWebKey, verify } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, type TestContext, test } from "node:test";
import { watchProcess } from "../support/cli.ts";
import { simpleSections } from "../support/gateway.ts";
import { findNode20 } from "../support/node-20.ts";
import { leaveOut } from "../support/requirements.ts";
import { signedInMachine } from "../support/signed-in-machine.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";
import { installPackages } from "./installation.ts";

const installation = installPackages();
after(() => installation.remove());

const node20 = findNode20();

async function upstreamOf(context: TestContext): Promise<Upstream> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  return upstream;
}

const robot = { client_id: "robot.access", client_secret: "the-robots-long-secret" };

/** An application at `localhost`, which every resolver knows, and a person who is signed in. */
async function scene(context: TestContext, changes: Record<string, unknown> = {}) {
  const upstream = await upstreamOf(context);
  const sections = simpleSections(upstream.origin, ["localhost"]);
  const [application] = sections["applications"] as Record<string, unknown>[];
  sections["applications"] = [{ ...application, ...changes }];
  sections["service_tokens"] = [{ name: "robot", ...robot }];
  const place = await signedInMachine(context, { sections });
  const url = `${place.gateway.origin("localhost")}/v1/orders`;
  /** Runs a program with `url`, and reads what it prints as JSON. */
  const run = async (
    program: string,
    node = process.execPath,
    variables: Record<string, string> = {},
  ) => {
    const file = join(installation.folder, "program.mjs");
    const start = 'import { fetch, getAccessToken } from "postern";';
    const failure = "(error) => console.log(JSON.stringify({ code: error.code ?? error.name }))";
    const main = `(async () => console.log(JSON.stringify(await (async () => {${program}})())))()`;
    writeFileSync(
      file,
      `${start}\nconst url = process.env.URL_TO_ASK;\n${main}.catch(${failure});`,
    );
    const environment = {
      PATH: "/usr/bin:/bin",
      POSTERN_HOME: place.person.home,
      POSTERN_TOKEN_STORE: "file",
      URL_TO_ASK: url,
      ...variables,
    };
    const running = watchProcess(spawn(node, [file], { env: environment }));
    assert.equal(await running.ended, 0, running.stderr());
    return JSON.parse(running.stdout()) as Record<string, unknown>;
  };
  return { ...place, upstream, url, run };
}

const askForToken = "const { token, ...rest } = await getAccessToken(url); return { token, rest };";
const ask = "const r = await fetch(url); return { status: r.status, text: await r.text() };";

test("a program has the token that the command line prints, and what is known of it", async (context) => {
  const { run, person, url, gateway } = await scene(context);
  const { token, rest } = (await run(askForToken)) as { token: string; rest: { issuer: string } };
  const printed = await person.run(["access", "token", url]);
  assert.equal(token, printed.stdout);
  assert.equal(rest.issuer, gateway.team);
});

test("on Node 20 as well", leaveOut(node20 ? undefined : "Node 20"), async (context) => {
  const { run } = await scene(context);
  assert.match(String((await run(askForToken, node20))["token"]), /^eyJ/);
  assert.equal((await run(ask, node20))["status"], 200);
});

test("a request bears the credential to the gateway, and a body arrives", async (context) => {
  const { run, upstream } = await scene(context);
  const post = 'await fetch(url, { method: "POST", body: "seven" });';
  assert.equal((await run(`${post} return {};`))["code"], undefined);
  const [seen] = upstream.requests;
  assert.deepEqual([seen?.method, seen?.body], ["POST", "seven"]);
  assert.match(seen?.header("cf-access-jwt-assertion") ?? "", /^eyJ/);
});

test("a session that has ended is renewed once where the terminal's can be exchanged", async (context) => {
  const { run, session, endSession, signInAgain, upstream } = await scene(context);
  assert.equal((await run(ask))["status"], 200);
  await endSession(session);
  await signInAgain();
  assert.equal((await run(ask))["status"], 200);
  assert.equal(upstream.requests.length, 2);
});

test("nobody is asked: without a session it is an error with its code, and nothing is sent", async (context) => {
  const { run, session, endSession, upstream } = await scene(context);
  await endSession(session);
  for (const program of [askForToken, ask])
    assert.deepEqual(await run(program), { code: "not_signed_in" });
  assert.deepEqual(upstream.requests, []);
});

test("a program's service token is used for requests, and there is no token to have of it", async (context) => {
  const machines = {
    name: "machines",
    decision: "non_identity",
    include: [{ any_valid_service_token: {} }],
  };
  const { run, session, endSession, upstream } = await scene(context, { policies: [machines] });
  await endSession(session);
  const variables = {
    POSTERN_SERVICE_TOKEN_ID: robot.client_id,
    POSTERN_SERVICE_TOKEN_SECRET: robot.client_secret,
  };
  assert.equal((await run(ask, process.execPath, variables))["status"], 200);
  assert.deepEqual(await run(askForToken, process.execPath, variables), { code: "usage" });
  const wrong = { ...variables, POSTERN_SERVICE_TOKEN_SECRET: "another-one" };
  assert.deepEqual(await run(ask, process.execPath, wrong), { code: "not_signed_in" });
  assert.equal(upstream.requests.length, 1);
});

test("the options are those of the command line: another profile is another person", async (context) => {
  const { run, upstream } = await scene(context);
  const told = `const lines = []; const onMessage = (line) => lines.push(line);
    const access = { profile: "other", onMessage };
    const code = await fetch(url, { access }).then(() => "", (error) => error.code);
    await fetch(url, { access: { onMessage } });
    return { code, told: lines.join() };`;
  const { code, told: lines } = await run(told);
  assert.equal(code, "not_signed_in");
  assert.match(String(lines), /belongs to the team domain/);
  assert.equal(upstream.requests.length, 1);
});

test("a body that can be sent once is not sent again, and a redirect shows in the answer", async (context) => {
  const { run, upstream, session, endSession, signInAgain } = await scene(context);
  await run(ask);
  upstream.answerWith((request, response) => {
    if (request.url === "/v1/orders") response.writeHead(303, { location: "/v1/made" });
    response.end();
  });
  const once = "async function* once() { yield Buffer.from('seven'); }";
  const post = `const r = await fetch(url, { method: "POST", duplex: "half", body: once() }); return { status: r.status, redirected: r.redirected };`;
  assert.deepEqual(await run(`${once} ${post}`), { status: 200, redirected: true });
  await endSession(session);
  await signInAgain();
  assert.equal((await run(`${once} ${post}`))["status"], 401);
  assert.deepEqual(
    upstream.requests.map(({ method, url }) => `${method} ${url}`),
    ["GET /v1/orders", "POST /v1/orders", "GET /v1/made"],
  );
});

test("what is not behind Access gets nothing", async (context) => {
  const { run } = await scene(context);
  const elsewhere = await upstreamOf(context);
  assert.deepEqual(await run(`return fetch(${JSON.stringify(elsewhere.origin)});`), {
    code: "not_behind_access",
  });
  for (const { rawHeaders } of elsewhere.requests)
    assert.doesNotMatch(rawHeaders.join("\n"), /eyJ/);
});

test("a redirect to another origin takes no credential along (C11)", async (context) => {
  const { run, upstream } = await scene(context);
  const elsewhere = await upstreamOf(context);
  upstream.answerWith((request, response) => {
    const target = request.url === "/v1/orders" ? "/v1/moved" : `${elsewhere.origin}/taken`;
    response.writeHead(307, { location: target }).end();
  });
  const headers = '{ authorization: "Bearer secret", cookie: "a=b" }';
  const { status } = await run(
    `const r = await fetch(url, { headers: ${headers} }); return { status: r.status };`,
  );
  assert.equal(status, 200);
  assert.deepEqual(
    upstream.requests.map(({ url }) => url),
    ["/v1/orders", "/v1/moved"],
  );
  const [seen] = elsewhere.requests;
  assert.equal(seen?.url, "/taken");
  assert.doesNotMatch(seen?.rawHeaders.join("\n") ?? "", /eyJ|secret|a=b|cf-access/i);
});

/** The email of an assertion that one of these keys has signed. */
function verifiedEmail(assertion = "", keys: (JsonWebKey & { kid: string })[]): unknown {
  const [header = "", payload = "", signature = ""] = assertion.split(".");
  const parse = (text: string) => JSON.parse(Buffer.from(text, "base64url").toString());
  const key = keys.find(({ kid }) => kid === parse(header).kid);
  assert.ok(key !== undefined);
  const publicKey = createPublicKey({ key, format: "jwk" });
  const signed = Buffer.from(`${header}.${payload}`);
  assert.ok(verify("RSA-SHA256", signed, publicKey, Buffer.from(signature, "base64url")));
  return parse(payload).email;
}

test("an application's tests have a real gateway, whose tokens open it and whose assertions verify", async (context) => {
  const upstream = await upstreamOf(context);
  const program = `
    import { get } from "node:http";
    import { startTestGateway } from "postern/testing";
    const gateway = await startTestGateway({ applications: { orders: "${upstream.origin}" } });
    const people = ["Ada@example.com", "bob@example.com", "bob@example.com"];
    const [{ token, claims }, other, again] = await Promise.all(
      people.map((email) => gateway.tokenFor("orders", email)));
    const ask = (path, token) => new Promise((resolve, reject) => {
      const headers = { host: "orders.localhost:" + gateway.port, "cf-access-token": token };
      get({ port: gateway.port, host: "127.0.0.1", path, headers }, (response) => {
        response.setEncoding("utf8");
        let text = "";
        response.on("data", (piece) => { text += piece; });
        response.on("end", () => resolve({ status: response.statusCode, text }));
      }).on("error", reject);
    });
    const answers = [await ask("/v1", token), await ask("/v1", other.token), await ask("/v1", "x.y.z")];
    const keys = JSON.parse((await ask("/cdn-cgi/access/certs", token)).text).keys;
    const refused = await gateway.tokenFor("nothing", "ada@example.com").catch(({ message }) => message);
    await gateway.stop();
    const { issuer } = gateway;
    const areTwo = other.claims.identity_nonce !== again.claims.identity_nonce;
    console.log(JSON.stringify({ areTwo, statuses: answers.map((each) => each.status), keys, claims, issuer, refused }));`;
  const file = join(installation.folder, "testing.mjs");
  writeFileSync(file, program);
  const running = watchProcess(
    spawn(process.execPath, [file], { env: { PATH: "/usr/bin:/bin", HOME: installation.folder } }),
  );
  assert.equal(await running.ended, 0, running.stderr());
  const { areTwo, statuses, keys, claims, issuer, refused } = JSON.parse(running.stdout());
  assert.deepEqual(statuses, [200, 200, 401]);
  assert.ok(areTwo, "each token has a session of its own");
  assert.deepEqual([claims.email, claims.iss], ["ada@example.com", issuer]);
  assert.match(refused, /asks nobody to sign in \(status 403\)/);
  // The person's browser asks for the page that it came for; the test's requests are the others.
  const asked = upstream.requests.filter(({ url }) => url === "/v1");
  const emails = asked.map((each) => verifiedEmail(each.header("cf-access-jwt-assertion"), keys));
  assert.deepEqual(emails, ["ada@example.com", "bob@example.com"]);
});

test("the types say what the functions take and give", () => {
  const file = join(installation.folder, "consumer.mts");
  const lines = [
    'import { fetch, getAccessToken, type AccessErrorCode } from "postern";',
    'import { startTestGateway, type TestToken } from "postern/testing";',
    'const tokenOf = async (): Promise<TestToken> => (await startTestGateway()).tokenFor("echo", "a@b.example");',
    'const { token, expiresAt } = await getAccessToken("https://a.example", { profile: "work" });',
    "const end: number = expiresAt.getTime();",
    'const answer: Response = await fetch(new URL("https://a.example"), { access: {}, method: "PUT" });',
    'const code: AccessErrorCode = "not_signed_in";',
    "// @ts-expect-error a number is no URL",
    "await getAccessToken(7);",
    "console.log(token, end, answer.status, code, tokenOf);",
  ];
  writeFileSync(file, lines.join("\n"));
  const tsc = join(import.meta.dirname, "../../node_modules/.bin/tsc");
  const options = [
    "--noEmit",
    "--strict",
    "--module",
    "nodenext",
    "--target",
    "es2024",
    "--types",
    "",
  ];
  execFileSync(tsc, [...options, "--lib", "es2024,dom", file], { cwd: installation.folder });
});
