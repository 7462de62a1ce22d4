// nginx, HAProxy and Caddy with the configuration that `postern render` writes, attacked with
// requests that a proxy, the gateway and an application may read in different ways: paths, bodies,
// upgrades, HTTP/2. Each test looks at what the origin saw.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { WebSocket, WebSocketServer } from "ws";
import { startGrant } from "../../packages/gateway/src/tokens/start-grant.ts";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { Person } from "../../packages/gateway/test/login/person.ts";
import { ada, bob, forEachProxy, startScene } from "../conformance/forward-auth-fixture.ts";
import { freePort } from "../support/free-port.ts";
import { rawExchange, rawRequest } from "../support/raw-request.ts";

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
        const lines = [scene.host, ...credential];
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
      const { status } = await rawRequest(scene.port, `GET ${path} HTTP/1.1`, [scene.host, cookie]);
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
  "an address with scheme and host reaches the application as its path alone, or not at all (P11)",
  async (context, name) => {
    const scene = await startScene(context, name);
    const cookie = await scene.cookie();
    const here = `app.localhost:${scene.port}`;
    for (const target of [
      `http://${here}/x?a=b`,
      `HTTP://APP.localhost:${scene.port}/x?a=b`,
      `https://${here}/x?a=b`,
      `http://ada:secret@${here}/x?a=b`,
      `http://bob.localhost@${here}/x?a=b`,
      `http://bob.localhost:${scene.port}/x?a=b`,
      `http://${here}`,
      `http://${here}?a=/../admin/x`,
      `ftp://${here}/x?a=b`,
    ]) {
      const line = `GET ${target} HTTP/1.1`;
      const { status } = await rawRequest(scene.port, line, [scene.host, cookie]);
      for (const { requestLine, header } of scene.upstream.requests.splice(0)) {
        assert.match(requestLine, /^GET \/(?:x\?a=b|\?a=\/\.\.\/admin\/x)? HTTP\/1\.1$/, target);
        assert.equal(header("host")?.toLowerCase(), here, `${target} ${status}`);
      }
      assert.equal(scene.admin.requests.length, 0, target);
    }
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
      sections: { ingress: [{ service: `http://127.0.0.1:${port}` }] },
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
  assert.equal((await rawRequest(scene.port, "GET /x HTTP/1.1", [scene.host, cookie])).status, 200);
  scene.upstream.reset();
  await scene.gateway.close();
  for (const path of ["/x", "/public/x", "/admin/x"]) {
    const { status } = await rawRequest(scene.port, `GET ${path} HTTP/1.1`, [scene.host, cookie]);
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
      await rawRequest(scene.port, "GET /x HTTP/1.1", [scene.host, cookie, ...lines]);
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
    [`GET ${path} HTTP/1.1`, scene.host, ...lines, "", ""].join("\r\n");
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
      const lines = [scene.host, cookie, "Transfer-Encoding: chunked"];
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
      const lines = [scene.host, `cf-access-token: ${grant.token}`];
      return (await rawRequest(scene.port, `${method} /x HTTP/1.1`, lines)).status;
    };
    assert.deepEqual([await ask("POST"), await ask("DELETE")], [403, 403]);
    assert.deepEqual([await ask("GET"), await ask("GET"), await ask("GET")], [200, 200, 403]);
    assert.equal(scene.upstream.requests.length, 2);
  },
);

forEachProxy(
  "over https a sign-in stays with its browser, and HTTP/2 opens nothing else (P11, P12, H8)",
  async (context, name) => {
    const scene = await startScene(context, name, { domain: "example.test" });
    const { upstream, port, ca } = scene;
    const person = new Person(undefined, undefined, ca);
    await person.open(`${scene.app}/x`);
    await person.press("Send me a code", { email: ada });
    await person.press("Sign in", { code: scene.gateway.pin(ada) ?? "" });
    assert.equal(person.page.status, 200);
    const [seen] = upstream.requests.splice(0);
    assert.equal(seen?.header("x-forwarded-proto"), "https");
    assert.equal(seen.header("host"), `app.example.test:${port}`);
    assert.doesNotMatch(seen.rawHeaders.join("\n"), /CF_Authorization|CF_AppSession|postern_/);

    const cookies = person.cookiesOf("app.example.test");
    const authorization = `CF_Authorization=${cookies.get("CF_Authorization")}`;
    const others = [...cookies].filter(([each]) => each !== "CF_Authorization");
    const bound = others.map(([each, value]) => `${each}=${value}`);
    const ask = async (path: string, fields: Record<string, string | string[]>) => {
      const options = { ca, servername: "app.example.test" };
      const session = connectHttp2(`https://127.0.0.1:${port}`, options);
      session.on("error", () => undefined);
      const authority = `app.example.test:${port}`;
      const browser = { "sec-fetch-mode": "navigate", "sec-fetch-site": "none" };
      const head = { ":path": path, ":authority": authority, ...browser, ...fields };
      const stream = session.request(head);
      stream.on("error", () => undefined);
      const answer = await Promise.race([once(stream, "response"), once(stream, "close")]);
      session.destroy();
      return answer[0]?.[":status"];
    };
    assert.equal(await ask("/y", { cookie: [authorization, ...bound, "theme=dark"] }), 200);
    const [overHttp2] = upstream.requests.splice(0);
    assert.equal(overHttp2?.header("cf-access-authenticated-user-email"), ada);
    assert.equal(overHttp2.header("cookie"), "theme=dark");
    assert.equal(await ask("/y", { cookie: authorization }), 302, "a token without its browser");
    for (const path of ["/admin/x", "//admin/x", "/public/../admin/x", "/public/..;/admin/x"])
      assert.notEqual(await ask(path, { cookie: [authorization, ...bound] }), 200, path);
    const elsewhere = await ask("/y", {
      cookie: [authorization, ...bound],
      host: `bob.example.test:${port}`,
    });
    for (const request of upstream.requests.splice(0))
      assert.equal(request.header("host"), `app.example.test:${port}`, `${elsewhere}`);
    assert.equal(scene.admin.requests.length, 0);
  },
);
