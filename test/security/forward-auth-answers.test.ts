// nginx, HAProxy and Caddy with the configuration that `postern render` writes: what an application
// answers is an answer to its client, and makes the proxy do nothing else.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { forEachProxy, startScene } from "../conformance/forward-auth-fixture.ts";
import { rawRequest } from "../support/raw-request.ts";

/** Carried by the proxy, and handed over to the gateway. */
const ways = ["/x", "/%78"];

forEachProxy("no answer of an application sends the proxy anywhere else", async (context, name) => {
  const scene = await startScene(context, name);
  const cookie = await scene.cookie();
  for (const place of [
    "/admin/x",
    "/x",
    "/cdn-cgi/access/forward-auth/nginx",
    "/cdn-cgi/access/certs",
    "@postern_gateway",
  ]) {
    scene.upstream.answerWith((_request, response) => {
      response.writeHead(200, { "X-Accel-Redirect": place });
      response.end("of the application");
    });
    for (const way of ways) {
      const lines = [scene.host, cookie];
      const { status, raw, body } = await rawRequest(scene.port, `GET ${way} HTTP/1.1`, lines);
      const said = `${place} ${way}`;
      assert.equal(status, 200, said);
      assert.match(body, /of the application/, said);
      assert.doesNotMatch(raw, /jwt-assertion|eyJ/i, said);
      assert.equal(scene.upstream.requests.splice(0).length, 1, said);
      assert.equal(scene.admin.requests.length, 0, said);
    }
  }
});

forEachProxy(
  "an application answers once, whatever it answers, and whatever nginx does elsewhere",
  async (context, name) => {
    // What an operator may have in `http { … }` for other sites.
    const before = name === "nginx" ? "proxy_intercept_errors on;\n" : "";
    const scene = await startScene(context, name, { before });
    const cookie = await scene.cookie();
    for (const expected of [200, 302, 400, 401, 403, 404, 500, 502, 503]) {
      scene.upstream.answerWith((_request, response) => {
        response.writeHead(expected, { Location: "http://elsewhere.example.com/" });
        response.end("of the application");
      });
      for (const way of ways) {
        const lines = [scene.host, cookie, "Content-Length: 1"];
        const { status, body } = await rawRequest(scene.port, `POST ${way} HTTP/1.1`, lines, "x");
        assert.equal(status, expected, way);
        assert.match(body, /of the application/, `${expected} ${way}`);
        assert.equal(scene.upstream.requests.splice(0).length, 1, `${expected} ${way}`);
      }
    }
  },
);

forEachProxy(
  "no decision is kept for the next who asks, whatever nginx keeps elsewhere",
  async (context, name) => {
    const folder = mkdtempSync(join(tmpdir(), "postern-cache-"));
    // nginx's worker may be somebody else.
    chmodSync(folder, 0o777);
    context.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 10 }));
    // What an operator may have in `http { … }` for other sites.
    const caching = [
      `proxy_cache_path ${folder} keys_zone=all:1m;`,
      "proxy_cache all;",
      "proxy_cache_valid any 10m;",
      "proxy_ignore_headers Cache-Control Expires Set-Cookie Vary;\n",
    ];
    const scene = await startScene(context, name, {
      before: name === "nginx" ? caching.join("\n") : "",
    });
    const cookie = await scene.cookie();
    for (const way of ways) {
      const get = async (...lines: string[]) =>
        (await rawRequest(scene.port, `GET ${way} HTTP/1.1`, [scene.host, ...lines])).status;
      assert.deepEqual([await get(), await get(cookie), await get(cookie)], [302, 200, 200], way);
      scene.upstream.reset();
      assert.equal(await get(), 302, way);
      assert.ok(scene.sawNothing(), way);
    }
  },
);
