// What must not get out, and to whom answers belong (security-cases L19 to L21): secrets are in no
// log line, URL, page or referrer; what is said to one person is kept by no cache; a page's script
// is told, not redirected.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ada,
  applications,
  type LoginFixture,
  startLoginFixture,
} from "../../packages/gateway/test/login/login-fixture.ts";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { rawRequest } from "../support/raw-request.ts";

const robotSecret = "the robot's long secret";

function withRobot(): Record<string, unknown> {
  const [first, ...rest] = applications();
  const machines = {
    name: "machines",
    decision: "non_identity",
    include: [{ any_valid_service_token: {} }],
  };
  const people = first?.["policies"] as unknown[];
  return {
    applications: [{ ...first, policies: [machines, ...people] }, ...rest],
    service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: robotSecret }],
  };
}

async function tokenFor(fixture: LoginFixture): Promise<string> {
  const [application] = fixture.parts.catalogs.current().applications;
  assert.ok(application !== undefined);
  return await fixture.parts.tokens.issueApp(await fixture.session("browser"), application, 36e5);
}

test("no token, PIN, secret or nonce is in a log line, a redirect of ours, a page or what the origin gets (L19)", async (context) => {
  const fixture = await startLoginFixture(context, { sections: withRobot(), mail: true });
  const person = new Person();
  await fixture.signIn(`${fixture.app("app")}/x`, ada, person);
  const appToken = person.cookiesOf("app.localhost").get("CF_Authorization") ?? "";
  const orgToken = person.cookiesOf("login.localhost").get("CF_Authorization") ?? "";
  assert.ok(appToken !== "" && orgToken !== "");
  const host = `Host: app.localhost:${fixture.port}`;
  await rawRequest(fixture.port, "GET /robot HTTP/1.1", [
    host,
    "CF-Access-Client-Id: robot.access",
    `CF-Access-Client-Secret: ${robotSecret}`,
  ]);
  await rawRequest(fixture.port, "GET /robot HTTP/1.1", [
    host,
    "CF-Access-Client-Id: robot.access",
    "CF-Access-Client-Secret: not this one",
  ]);
  await rawRequest(fixture.port, `GET /q?token=${appToken}&a=b HTTP/1.1`, [host]);
  await rawRequest(fixture.port, `GET /q?token=${appToken.slice(0, -4)}AAAA HTTP/1.1`, [host]);
  const passed = await rawRequest(fixture.port, "POST /cdn-cgi/access/pass HTTP/1.1", [
    host,
    `cf-access-token: ${appToken}`,
    "Content-Type: application/json",
    "Content-Length: 0",
  ]);
  assert.equal(passed.status, 400);
  const again = await rawRequest(
    fixture.port,
    `GET /?token=${appToken.slice(0, -4)}AAAA&keep=1 HTTP/1.1`,
    [host],
  );
  assert.equal(again.status, 302);
  assert.doesNotMatch(
    again.headers["location"] ?? "",
    /token%3D|token=ey/,
    "our own arguments do not come back in redirect_url",
  );

  const secrets = [
    appToken,
    orgToken,
    robotSecret,
    "not this one",
    ...(fixture.mail?.messages ?? []).flatMap(({ text }) => /\b\d{6}\b/.exec(text) ?? []),
  ];
  const signature = (secret: string) => secret.split(".").at(-1) ?? secret;
  for (const secret of secrets) {
    for (const event of fixture.events) {
      const line = JSON.stringify(event);
      assert.ok(!line.includes(signature(secret)), line);
    }
    for (const { url, text } of person.history) {
      assert.ok(!url.includes(signature(secret)), url);
      // The application's own page shows what it got; every other page is ours.
      if (!url.startsWith(`${fixture.app("app")}/x`))
        assert.ok(!text.includes(signature(secret)), url);
    }
  }
  for (const { rawHeaders, url } of fixture.upstream.requests) {
    assert.doesNotMatch(url, /token=/);
    for (const secret of [appToken, orgToken, robotSecret])
      assert.ok(!rawHeaders.some((value) => value.includes(secret)));
  }
});

test("every page of ours forbids referrers, and every answer of ours forbids caches (L19, L20)", async (context) => {
  const fixture = await startLoginFixture(context);
  const token = await tokenFor(fixture);
  const app = `Host: app.localhost:${fixture.port}`;
  const team = `Host: login.localhost:${fixture.port}`;
  const answers: [string, string[]][] = [
    ["/x.css", [app]],
    ["/x.css", [app, "Accept: application/json"]],
    ["/x.css", [app, `Cookie: CF_Authorization=${token.slice(0, -4)}AAAA`]],
    ["/x.css", [app, "CF-Access-Client-Id: a", "CF-Access-Client-Secret: b"]],
    ["/", [`Host: bob.localhost:${fixture.port}`, `Cookie: CF_Authorization=${token}`]],
    ["/", ["Host: unknown.localhost"]],
    ["/%00", [app]],
    ["/cdn-cgi/access/login", [team]],
    ["/cdn-cgi/access/callback", [team]],
    ["/cdn-cgi/access/authorized", [app]],
    ["/cdn-cgi/access/get-identity", [app, `cf-access-token: ${token}`]],
    ["/cdn-cgi/access/logout", [app]],
    ["/cdn-cgi/access/cli", [app]],
    ["/cdn-cgi/access/unknown", [app]],
    ["/", [team]],
  ];
  for (const [path, lines] of answers) {
    const { status, headers } = await rawRequest(fixture.port, `GET ${path} HTTP/1.1`, lines);
    assert.equal(headers["cache-control"], "private, no-store", `${path}: ${status}`);
    assert.match(headers["vary"] ?? "", /Cookie/, path);
    assert.equal(headers["referrer-policy"], "no-referrer", path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
  }
  const certs = await rawRequest(fixture.port, "GET /cdn-cgi/access/certs HTTP/1.1", [app]);
  assert.match(certs.headers["cache-control"] ?? "", /public/);
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a script of a page gets 401 with CORS for the origins that may read it: no redirect, no cookie (L21)", async (context) => {
  const cors_headers = {
    allowed_origins: ["https://front.example"],
    allowed_methods: ["GET", "POST"],
    allow_credentials: true,
    allowed_headers: ["content-type"],
    max_age: 60,
  };
  const [first, ...rest] = applications();
  const fixture = await startLoginFixture(context, {
    sections: { applications: [{ ...first, cors_headers }, ...rest] },
  });
  const host = `Host: app.localhost:${fixture.port}`;
  for (const lines of [
    ["Sec-Fetch-Mode: cors", "Accept: */*"],
    ["Sec-Fetch-Mode: no-cors"],
    ["Sec-Fetch-Mode: same-origin"],
    ["X-Requested-With: XMLHttpRequest", "Accept: text/html"],
    ["Accept: application/json"],
    ["Accept: image/png"],
    ["Accept: application/vnd.docker.distribution.manifest.v2+json"],
  ]) {
    const answer = await rawRequest(fixture.port, "GET /x HTTP/1.1", [
      host,
      "Origin: https://front.example",
      ...lines,
    ]);
    assert.equal(answer.status, 401, lines.join());
    assert.equal(answer.headers["set-cookie"], undefined);
    assert.equal(answer.headers["location"], undefined);
    assert.ok(answer.headers["www-authenticate"]);
    assert.equal(answer.headers["access-control-allow-origin"], "https://front.example");
    assert.equal(answer.headers["access-control-allow-credentials"], "true");
    assert.equal(answer.headers["cf-access-domain"], "app.localhost");
    assert.equal(JSON.parse(answer.body).error, "not_signed_in");
    const elsewhere = await rawRequest(fixture.port, "GET /x HTTP/1.1", [
      host,
      "Origin: https://front.example.evil",
      ...lines,
    ]);
    assert.equal(elsewhere.headers["access-control-allow-origin"], undefined);
  }
  for (const lines of [
    [],
    ["Accept: */*"],
    ["Accept: text/html,application/xhtml+xml"],
    ["Sec-Fetch-Mode: navigate", "Accept: text/html"],
    ["Sec-Fetch-Mode: websocket"],
  ]) {
    const answer = await rawRequest(fixture.port, "GET /x HTTP/1.1", [host, ...lines]);
    assert.equal(answer.status, 302, lines.join());
    assert.match(
      answer.headers["set-cookie"] ?? "",
      /^CF_AppSession=[\w-]{32}; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    assert.match(answer.body, /postern access curl http:\/\/app\.localhost:\d+\/x/);
  }
  const kept = await rawRequest(fixture.port, "GET /x HTTP/1.1", [
    host,
    "Cookie: CF_AppSession=abcdefghijklmnopqrstuvwxyz012345",
  ]);
  assert.equal(kept.headers["set-cookie"], undefined, "two tabs share one nonce");

  const preflight = await rawRequest(fixture.port, "OPTIONS /x HTTP/1.1", [
    host,
    "Origin: https://front.example",
    "Access-Control-Request-Method: POST",
  ]);
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers["access-control-allow-methods"], "GET, POST");
  assert.equal(preflight.headers["access-control-max-age"], "60");
  const foreign = await rawRequest(fixture.port, "OPTIONS /x HTTP/1.1", [
    host,
    "Origin: https://evil.example",
    "Access-Control-Request-Method: POST",
  ]);
  assert.equal(foreign.headers["access-control-allow-methods"], undefined);
  assert.equal(fixture.upstream.requests.length, 0);
});
