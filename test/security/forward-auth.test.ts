// nginx, HAProxy and Caddy with the configuration that `postern render` writes, attacked: with the
// headers of every dialect and of every identity, with paths that a proxy, the gateway and an
// application may read in different ways, with credentials wherever they can stand. Each test looks
// at what the origin saw.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request } from "node:http";
import { defined } from "../../packages/gateway/src/defined.ts";
import {
  ada,
  clientId,
  clientSecret,
  forEachProxy,
  startScene,
} from "../conformance/forward-auth-fixture.ts";
import { rawRequest } from "../support/raw-request.ts";
import type { SeenRequest } from "../support/upstream.ts";

/** What a client writes in the hope that somebody believes it. */
const forgedLines = [
  "X-Original-URL: http://app.localhost/public/x",
  "X-Original-URI: /public/x",
  "X-Original-Method: GET",
  "X-Original-Host: app.localhost",
  "X-Rewrite-URL: /public/x",
  "X-Forwarded-Uri: /public/x",
  "X-Forwarded-Method: GET",
  "X-Forwarded-Host: bob.localhost",
  "X-Forwarded-Proto: https",
  "X-Forwarded-For: 10.1.1.1",
  "X-Forwarded-Prefix: /public",
  "X-Forwarded-User: root",
  "X-Forwarded-Email: root@example.com",
  "X-Forwarded-Groups: admins",
  "X-Auth-Request-Email: root@example.com",
  "X-Remote-User: root",
  "X-Real-IP: 10.1.1.1",
  "Forwarded: for=10.1.1.1;host=bob.localhost",
  "Remote-User: root",
  "Cf-Connecting-Ip: 10.1.1.1",
  "X-HTTP-Method-Override: DELETE",
  "Proxy: http://evil.example.com",
  "Cf-Ray: forged",
  "Cf-Access-Jwt-Assertion: forged",
  "Cf-Access-Authenticated-User-Email: root@example.com",
  "X-Access-Host: forged.example.com",
  "X-Access-Service: forged",
  "X-Access-Services: forged",
  "X-Access-Accept: credential",
  "X-Access-Login: redirect",
];

/** Other spellings, and names beyond those that a proxy takes away one by one. */
const oddLines = [
  "Cf_Access_Jwt_Assertion: forged",
  "CF-ACCESS_AUTHENTICATED-USER_EMAIL: root@example.com",
  "Cf.Access.Authenticated.User.Email: root@example.com",
  "Cf-Access-Whatever: forged",
  "X_Forwarded_Email: root@example.com",
  "X-Forwarded-Anything: root",
  "X-Auth-Request-Anything: root",
];

/** What such a header becomes of a value, if it arrives. */
const forgedValue = /forged|root|10\.1\.1\.1|admins|evil|bob\.localhost|DELETE/;

/** What of a request says something that the client made up. */
function forgedIn({ rawHeaders }: SeenRequest): string[] {
  return rawHeaders.filter((value, index) => index % 2 === 1 && forgedValue.test(value));
}

forEachProxy(
  "no header of a client opens an application to a stranger (H1, H4, P14)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const lines = [...forgedLines, ...oddLines];
    for (const forged of [[], ...lines.map((line) => [line]), lines]) {
      const answer = await rawRequest(scene.port, "GET /admin/x HTTP/1.1", [scene.host, ...forged]);
      assert.ok([302, 400, 401, 403].includes(answer.status), `${forged}: ${answer.status}`);
      assert.ok(scene.sawNothing(), String(forged));
    }
  },
);

forEachProxy(
  "no header of a client opens somebody else's application to a person (H1, H4, P14)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie(ada, "app.localhost");
    for (const path of ["/admin/x", "/"]) {
      const host = path === "/" ? `Host: bob.localhost:${scene.port}` : scene.host;
      for (const forged of [
        [],
        ...forgedLines.map((line) => [line]),
        [...forgedLines, ...oddLines],
      ]) {
        const line = `GET ${path} HTTP/1.1`;
        const { status } = await rawRequest(scene.port, line, [host, cookie, ...forged]);
        assert.ok([302, 400, 401, 403].includes(status), `${path} ${forged}: ${status}`);
        assert.ok(scene.sawNothing(), `${path} ${forged}`);
      }
    }
  },
);

forEachProxy(
  "the origin hears of a person from the gateway alone, whatever else the client sends (H1, H3, H4)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie();
    for (const forged of [...[...forgedLines, ...oddLines].map((line) => [line]), forgedLines]) {
      const lines = [scene.host, `${cookie}; theme=dark`, ...forged];
      const { status } = await rawRequest(scene.port, "GET /x?a=b HTTP/1.1", lines);
      assert.equal(status, 200, String(forged));
      const [seen] = scene.upstream.requests.splice(0);
      assert.ok(seen !== undefined);
      assert.equal(seen.requestLine, "GET /x?a=b HTTP/1.1");
      assert.equal(seen.header("cf-access-authenticated-user-email"), ada, String(forged));
      assert.match(seen.header("cf-access-jwt-assertion") ?? "", /^eyJ[^,]*$/, String(forged));
      assert.equal(seen.header("cookie"), "theme=dark");
      assert.equal(seen.header("x-forwarded-for"), "127.0.0.1");
      assert.equal(seen.header("x-forwarded-proto"), "http");
      assert.equal(seen.header("x-forwarded-host"), `app.localhost:${scene.port}`);
      const forgeries = forgedIn(seen).filter(
        (value) => !/^(?:X-Access-|credential|redirect)/.test(value),
      );
      const ownNames = seen.rawHeaders.filter((each) => /^x-access-/i.test(each));
      assert.ok(forgeries.length <= ownNames.length, `${forged}: ${seen.rawHeaders.join(" | ")}`);
    }
  },
);

forEachProxy(
  "a client's Connection header takes nothing from what the origin hears (H3)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie();
    const listed =
      "Connection: close, Cf-Access-Jwt-Assertion, cf-access-authenticated-user-email, X-Forwarded-For, X-Forwarded-Proto, X-Forwarded-Host, Cf-Ray";
    await rawRequest(scene.port, "GET /x HTTP/1.1", [scene.host, cookie, listed]);
    const [seen] = scene.upstream.requests;
    assert.equal(seen?.header("cf-access-authenticated-user-email"), ada);
    assert.match(seen.header("cf-access-jwt-assertion") ?? "", /^eyJ/);
    assert.equal(seen.header("x-forwarded-for"), "127.0.0.1");
    assert.equal(seen.header("x-forwarded-proto"), "http");
    for (const header of ["X-Original-URL", "X-Forwarded-Uri", "X-Forwarded-Method", "Cookie"]) {
      const line = `Connection: close, ${header}`;
      const { status } = await rawRequest(scene.port, "GET /admin/x HTTP/1.1", [
        scene.host,
        cookie,
        line,
      ]);
      assert.ok([302, 400, 401, 403].includes(status), `${header}: ${status}`);
    }
    assert.equal(scene.admin.requests.length, 0);
  },
);

forEachProxy(
  "where nobody is asked who they are, no name reaches the origin (H2)",
  async (context, name) => {
    const scene = await startScene(context, name);
    for (const forged of [
      ...[...forgedLines, ...oddLines].map((line) => [line]),
      [...forgedLines, ...oddLines],
    ]) {
      const { status } = await rawRequest(scene.port, "GET /public/x HTTP/1.1", [
        scene.host,
        ...forged,
      ]);
      assert.equal(status, 200, String(forged));
      const [seen] = scene.upstream.requests.splice(0);
      assert.equal(seen?.header("cf-access-authenticated-user-email") ?? "", "", String(forged));
      assert.equal(seen?.header("cf-access-jwt-assertion") ?? "", "", String(forged));
    }
  },
);

forEachProxy(
  "a program's credentials let it in, stay with the gateway, and bring no e-mail (H2, L19)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const lines = [
      scene.host,
      `CF-Access-Client-Id: ${clientId}`,
      `CF-Access-Client-Secret: ${clientSecret}`,
      "Cf-Access-Authenticated-User-Email: root@example.com",
    ];
    const body = "x".repeat(300_000);
    const length = `Content-Length: ${body.length}`;
    for (const path of ["/x", "//x"]) {
      const { status } = await rawRequest(
        scene.port,
        `POST ${path} HTTP/1.1`,
        [...lines, length],
        body,
      );
      assert.equal(status, 200, path);
      const [seen] = scene.upstream.requests.splice(0);
      await seen?.ended;
      assert.equal(seen?.bodySize, body.length);
      assert.equal(seen.header("cf-access-authenticated-user-email") ?? "", "");
      const [, claims = ""] = (seen.header("cf-access-jwt-assertion") ?? "").split(".");
      assert.equal(JSON.parse(Buffer.from(claims, "base64url").toString()).common_name, clientId);
      assert.doesNotMatch(seen.rawHeaders.join("\n"), new RegExp(clientSecret));
    }
    const wrong = [...lines.slice(0, 2), `CF-Access-Client-Secret: ${"3".repeat(64)}`];
    assert.equal((await rawRequest(scene.port, "GET /x HTTP/1.1", wrong)).status, 401);
    assert.ok(scene.sawNothing());
  },
);

forEachProxy(
  "a malformed cookie is none, and never lets a request pass (T12)",
  async (context, name) => {
    const scene = await startScene(context, name);
    for (const value of [
      "%",
      "",
      "a.b.c",
      "eyJhbGciOiJub25lIn0.e30.",
      "x".repeat(6_000),
      '"',
      "a=b=c",
    ]) {
      const cookie = `Cookie: CF_Authorization=${value}`;
      const { status } = await rawRequest(scene.port, "GET /x HTTP/1.1", [scene.host, cookie]);
      assert.equal(status, 302, value.slice(0, 20));
    }
    assert.ok(scene.sawNothing());
  },
);

forEachProxy(
  "a pass opens its prefix, and the application sees no token of it",
  async (context, name) => {
    const scene = await startScene(context, name);
    const token = (await scene.cookie()).replace("Cookie: CF_Authorization=", "");
    const wish = JSON.stringify({ url_prefix: `${scene.app}/v1/`, ttl: 600 });
    const lines = [`Content-Length: ${wish.length}`, "Content-Type: application/json"];
    const asked = await rawRequest(
      scene.port,
      "POST /cdn-cgi/access/pass HTTP/1.1",
      [scene.host, `cf-access-token: ${token}`, ...lines],
      wish,
    );
    assert.equal(asked.status, 200);
    const pass = JSON.parse(asked.body).token;
    const get = (target: string) =>
      rawRequest(scene.port, `GET ${target} HTTP/1.1`, [scene.host, "X-Access-Accept: credential"]);
    assert.equal((await get(`/v1/x?a=b&token=${pass}`)).status, 200);
    const [seen] = scene.upstream.requests.splice(0);
    assert.equal(seen?.url, "/v1/x?a=b");
    assert.equal(seen.header("cf-access-authenticated-user-email"), ada);
    assert.equal((await get(`/v2/x?token=${pass}`)).status, 401);
    assert.ok(scene.sawNothing());
  },
);

forEachProxy(
  "descriptions, checks and preflights are the gateway's to answer",
  async (context, name) => {
    const scene = await startScene(context, name);
    const host = scene.host;
    const described = await rawRequest(scene.port, "HEAD /x HTTP/1.1", [
      host,
      "cf-access-metadata-request: true",
    ]);
    assert.equal(described.status, 204);
    assert.match(described.headers["cf-access-metadata"] ?? "", /^eyJ/);
    const token = (await scene.cookie()).replace("Cookie: CF_Authorization=", "cf-access-token: ");
    const check = "GET /x?cloudflared_token_check=true HTTP/1.1";
    assert.equal((await rawRequest(scene.port, check, [host, token])).status, 204);
    const preflight = [
      host,
      "Origin: https://evil.example.com",
      "Access-Control-Request-Method: PUT",
    ];
    assert.notEqual((await rawRequest(scene.port, "OPTIONS /x HTTP/1.1", preflight)).status, 200);
    assert.equal(
      (await rawRequest(scene.port, "GET /cdn-cgi/access/nothing HTTP/1.1", [host])).status,
      404,
    );
    assert.ok(scene.sawNothing());
  },
);

forEachProxy(
  "a rule about addresses sees the client of the proxy, and none that it makes up (H5)",
  async (context, name) => {
    const inside = { name: "inside", decision: "bypass", include: [{ ip: { ip: "127.0.0.3" } }] };
    const application = { name: "app", type: "self_hosted", domain: "app.localhost" };
    const sections = { applications: [{ ...application, policies: [inside] }] };
    const scene = await startScene(context, name, { sections });
    const statusFrom = async (localAddress: string, forged?: string) => {
      const headers = {
        host: `app.localhost:${scene.port}`,
        ...defined({ "x-forwarded-for": forged }),
      };
      const options = { host: "127.0.0.1", port: scene.port, localAddress, headers, agent: false };
      const [answer] = await once(request(options).end(), "response");
      answer.resume();
      return answer.statusCode;
    };
    assert.equal(await statusFrom("127.0.0.2"), 403);
    for (const forged of ["127.0.0.3", "127.0.0.3, 127.0.0.3", "a", "::ffff:127.0.0.3", ""])
      assert.notEqual(await statusFrom("127.0.0.2", forged), 200, forged);
    assert.ok(scene.sawNothing());
    assert.equal(await statusFrom("127.0.0.3", "127.0.0.2"), 200);
    assert.equal(scene.upstream.requests[0]?.header("x-forwarded-for"), "127.0.0.3");
  },
);
