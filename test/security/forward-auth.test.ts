// nginx, HAProxy and Caddy with the configuration that `postern render` writes, attacked: with the
// headers of every dialect and of every identity, with paths that a proxy, the gateway and an
// application may read in different ways, with credentials wherever they can stand. Each test looks
// at what the origin saw.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { WebSocket, WebSocketServer } from "ws";
import { startGrant } from "../../packages/gateway/src/tokens/start-grant.ts";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import {
  ada,
  bob,
  clientId,
  clientSecret,
  type ForwardAuthScene,
  forEachProxy,
  startScene,
} from "../conformance/forward-auth-fixture.ts";
import { freePort } from "../support/free-port.ts";
import { rawExchange, rawRequest } from "../support/raw-request.ts";
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

function hostOf({ port }: ForwardAuthScene): string {
  return `Host: app.localhost:${port}`;
}

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
      const answer = await rawRequest(scene.port, "GET /admin/x HTTP/1.1", [
        hostOf(scene),
        ...forged,
      ]);
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
      const host = path === "/" ? `Host: bob.localhost:${scene.port}` : hostOf(scene);
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
      const lines = [hostOf(scene), `${cookie}; theme=dark`, ...forged];
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
    await rawRequest(scene.port, "GET /x HTTP/1.1", [hostOf(scene), cookie, listed]);
    const [seen] = scene.upstream.requests;
    assert.equal(seen?.header("cf-access-authenticated-user-email"), ada);
    assert.match(seen.header("cf-access-jwt-assertion") ?? "", /^eyJ/);
    assert.equal(seen.header("x-forwarded-for"), "127.0.0.1");
    assert.equal(seen.header("x-forwarded-proto"), "http");
    for (const header of ["X-Original-URL", "X-Forwarded-Uri", "X-Forwarded-Method", "Cookie"]) {
      const line = `Connection: close, ${header}`;
      const { status } = await rawRequest(scene.port, "GET /admin/x HTTP/1.1", [
        hostOf(scene),
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
        hostOf(scene),
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
      hostOf(scene),
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
  "however a path is written, policy and origin read the same (P1 to P8, P11)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie();
    const { port, upstream, admin } = scene;
    for (const target of [
      "/public/../admin/x",
      "/public/%2e%2e/admin/x",
      "/public/.%2E/admin/x",
      "/public/..;/admin/x",
      "/public/..;x=1/admin/x",
      "/public%2f..%2fadmin/x",
      "/public/..%2fadmin/x",
      "/public/..%5cadmin/x",
      "/public/..\\admin/x",
      "//admin/x",
      "/public//../admin/x",
      "/public/./../admin/x",
      "/public/%252e%252e/admin/x",
      "/%61dmin/x",
      "/admin;/x",
      "/admin;jsessionid=1/x",
      "/adm%00in/x",
      "/%c0%ae%c0%ae/admin/x",
      "/public/%zz",
      "/admin/x?y=/public/x",
      "/admin/x#/public/x",
      "/admin/x%23/public/x",
      "/admin%2fx",
      "/cdn-cgi/access/certs/../../../admin/x",
      "/cdn-cgi/access/%2e%2e/%2e%2e/admin/x",
      `http://bob.localhost:${port}/x`,
      `http://app.localhost:${port}/admin/x`,
    ]) {
      for (const credential of [[], [cookie]]) {
        const lines = [hostOf(scene), ...credential];
        const { status } = await rawRequest(port, `GET ${target} HTTP/1.1`, lines);
        const said = `${target} ${credential.length} ${status}`;
        assert.equal(admin.requests.length, 0, said);
        for (const seen of upstream.requests.splice(0)) {
          assert.doesNotMatch(
            seen.url,
            /\/\.\.?(?:[/?;]|$)|\/%2e%2e\/|^\/admin(?:[/?;]|$)|^\/\//i,
            said,
          );
          if (credential.length === 0) assert.match(seen.url, /^\/public\//, said);
        }
      }
    }
  },
);

forEachProxy(
  "an origin gets the very path that was decided about, escapes and queries included (P6, P9)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie();
    const paths = [
      "/caf%C3%A9?q=%2F&a=b",
      "/a%20b/c",
      "/x;y=1/z?token=theirs&x=%zz",
      "/x?",
      "/%7Eada",
      "/caf%c3%a9",
      "/fetch/https://img.example.com/a.png",
      "/{env.HOME}?q={env.HOME}&v=%[env(HOME)]",
    ];
    for (const path of paths) {
      const { status } = await rawRequest(scene.port, `GET ${path} HTTP/1.1`, [
        hostOf(scene),
        cookie,
      ]);
      if (path.includes("{")) assert.ok([200, 400].includes(status), path);
      else assert.equal(status, 200, path);
      const [seen] = scene.upstream.requests.splice(0);
      if (seen === undefined) continue;
      const expected = path === "/x?" ? "/x" : path.replace("%7E", "~").replace("%c3%a9", "%C3%A9");
      assert.equal(seen.url.replaceAll("%7B", "{").replaceAll("%7D", "}"), expected);
    }
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
      const { status } = await rawRequest(scene.port, "GET /x HTTP/1.1", [hostOf(scene), cookie]);
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
      [hostOf(scene), `cf-access-token: ${token}`, ...lines],
      wish,
    );
    assert.equal(asked.status, 200);
    const pass = JSON.parse(asked.body).token;
    const get = (target: string) =>
      rawRequest(scene.port, `GET ${target} HTTP/1.1`, [
        hostOf(scene),
        "X-Access-Accept: credential",
      ]);
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
    const host = hostOf(scene);
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
  "WebSockets pass for whom policy lets in, and not for pages of other sites (W1, W2)",
  async (context, name) => {
    const port = await freePort();
    const sockets = new WebSocketServer({ host: "127.0.0.1", port });
    context.after(() => {
      for (const socket of sockets.clients) socket.terminate();
      sockets.close();
    });
    let email: string | string[] | undefined;
    sockets.on("connection", (socket, request) => {
      email = request.headers["cf-access-authenticated-user-email"];
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const scene = await startScene(context, name, {
      ingress: [{ service: `http://127.0.0.1:${port}` }],
    });
    const cookie = (await scene.cookie()).replace("Cookie: ", "");
    const open = (headers: Record<string, string>) =>
      new WebSocket(`ws://127.0.0.1:${scene.port}/chat`, [], {
        headers: { Host: `app.localhost:${scene.port}`, ...headers },
      });
    for (const [headers, status] of [
      [{}, 401],
      [{ Cookie: cookie, Origin: "https://evil.example.com" }, 403],
    ] as const) {
      const refused = open(headers);
      const [, answer] = await once(refused, "unexpected-response");
      assert.equal(answer.statusCode, status);
      refused.on("error", () => undefined).terminate();
    }
    assert.equal(email, undefined);

    const socket = open({
      Cookie: cookie,
      Origin: scene.app,
      "Cf-Access-Authenticated-User-Email": bob,
    });
    await once(socket, "open");
    const echoed = once(socket, "message");
    socket.send("through the proxy");
    assert.equal(String((await echoed)[0]), "through the proxy");
    assert.equal(email, ada);
  },
);

forEachProxy("nothing passes while the gateway is away (O9)", async (context, name) => {
  const scene = await startScene(context, name);
  const cookie = await scene.cookie();
  assert.equal(
    (await rawRequest(scene.port, "GET /x HTTP/1.1", [hostOf(scene), cookie])).status,
    200,
  );
  scene.upstream.reset();
  await scene.gateway.close();
  for (const path of ["/x", "/public/x", "/admin/x"]) {
    const { status } = await rawRequest(scene.port, `GET ${path} HTTP/1.1`, [
      hostOf(scene),
      cookie,
    ]);
    assert.ok([502, 503].includes(status), `${path}: ${status}`);
  }
  assert.ok(scene.sawNothing());
});

forEachProxy(
  "no connection goes on in a protocol that nobody looks at (H7, H9)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie();
    for (const upgrade of [["h2c"], ["websocket, h2c"], ["h2c", "websocket"], ["TLS/1.0"]]) {
      const lines = [
        "Connection: Upgrade, HTTP2-Settings",
        "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ...upgrade.map((value) => `Upgrade: ${value}`),
      ];
      await rawRequest(scene.port, "GET /x HTTP/1.1", [hostOf(scene), cookie, ...lines]);
      for (const seen of scene.upstream.requests.splice(0)) {
        assert.doesNotMatch(seen.header("upgrade") ?? "", /h2c|tls/i, upgrade.join());
        assert.equal(seen.header("http2-settings"), undefined);
      }
    }
  },
);

forEachProxy("each request of a connection is decided about by itself", async (context, name) => {
  const scene = await startScene(context, name);
  const cookie = await scene.cookie();
  const head = (path: string, ...lines: string[]) =>
    [`GET ${path} HTTP/1.1`, hostOf(scene), ...lines, "", ""].join("\r\n");
  const requests = [
    head("/1", cookie),
    head("/2"),
    head("/admin/3", cookie),
    head("/4", cookie),
    head("/5", "Connection: close"),
  ];
  const { raw } = await rawExchange(scene.port, requests.join(""));
  const statuses = [...raw.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  assert.deepEqual(statuses.slice(0, 2), ["200", "302"]);
  const paths = scene.upstream.requests.map(({ url }) => url);
  assert.deepEqual(
    paths.filter((path) => !["/1", "/4"].includes(path)),
    [],
  );
  assert.equal(scene.admin.requests.length, 0);
});

forEachProxy(
  "a body without a length arrives whole, and method and count are those of the request",
  async (context, name) => {
    const scene = await startScene(context, name);
    const { sessions, catalogs } = scene.gateway.parts;
    const cookie = await scene.cookie();
    const chunk = "x".repeat(1_000);
    const body = `${`3e8\r\n${chunk}\r\n`.repeat(300)}0\r\n\r\n`;
    for (const path of ["/x", "/%78"]) {
      const lines = [hostOf(scene), cookie, "Transfer-Encoding: chunked"];
      const { status } = await rawRequest(scene.port, `PUT ${path} HTTP/1.1`, lines, body);
      assert.equal(status, 200, path);
      const [seen] = scene.upstream.requests.splice(0);
      await seen?.ended;
      assert.deepEqual([seen?.method, seen?.bodySize], ["PUT", 300_000]);
    }

    const [application] = catalogs.current().applications;
    assert.ok(application !== undefined);
    const parent = await sessions.start({
      kind: "browser",
      identity: identityOf(ada),
      userAgent: "test",
      lifetimeMs: 36e5,
    });
    const grant = await startGrant(
      { ...scene.gateway.parts, randomBytes },
      {
        application,
        htu: `${scene.app}/`,
        scope: { methods: ["GET"], count: 2 },
        label: undefined,
        lifetimeMs: 36e5,
        parent,
        userAgent: "a terminal",
      },
    );
    const ask = async (method: string) => {
      const lines = [hostOf(scene), `cf-access-token: ${grant.token}`];
      return (await rawRequest(scene.port, `${method} /x HTTP/1.1`, lines)).status;
    };
    assert.deepEqual([await ask("POST"), await ask("DELETE")], [403, 403]);
    assert.deepEqual([await ask("GET"), await ask("GET"), await ask("GET")], [200, 200, 403]);
    assert.equal(scene.upstream.requests.length, 2);
  },
);
