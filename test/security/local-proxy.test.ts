// The local proxy holds a credential that everything on the machine could use: web pages, other
// users, and the tools it is for, which must not come to read it.
import assert from "node:assert/strict";
import { execFile, spawnSync } from "node:child_process";
import { once } from "node:events";
import { connect } from "node:net";
import { test } from "node:test";
import { promisify } from "node:util";
import fc from "fast-check";
import { isReservedPath } from "../../packages/cli/src/local-proxy/reserved-path.ts";
import { isReserved } from "../../packages/gateway/src/catalog/path-choice.ts";
import { canonicalize } from "../../packages/gateway/src/http/canonical-path.ts";
import { readPath } from "../../packages/gateway/src/path-readings.ts";
import { ask, type LocalScene, localScene } from "../e2e/local-proxy-fixture.ts";
import { rawExchange } from "../support/raw-request.ts";
import { leaveOut, needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const run = promisify(execFile);

/** What reached the gateway, and the origin behind it. */
function reached({ upstream, gateway, dials }: LocalScene) {
  return { origin: upstream.requests.length, events: gateway.events.length, dials: dials() };
}

test("a page of another site, and a name that its owner points here, get 403 and nothing else (W5)", async (context) => {
  const scene = await localScene(context);
  assert.equal((await ask(scene, "/")).status, 200, "the proxy works");
  const before = reached(scene);
  const { port } = scene;
  const foreign: Record<string, string>[] = [
    { Host: "evil.test" },
    { Host: `evil.test:${port}` },
    { Host: `localhost.evil.test:${port}` },
    { Host: "localhost" },
    { Host: `localhost:${port + 1}` },
    { Host: `127.0.0.2:${port}` },
    { Host: `0.0.0.0:${port}` },
    { Host: `2130706433:${port}` },
    { Host: `app.localhost:${port}` },
    { Host: scene.app.host },
    { Host: `localhost.:${port}` },
    { Host: `user@localhost:${port}` },
    { Origin: "https://evil.test" },
    { Origin: "null" },
    { Origin: `http://localhost:${port + 1}` },
    { Origin: `https://localhost:${port}` },
    { Origin: "http://localhost" },
    { Origin: scene.app.origin },
    { Origin: `http://localhost:${port}.evil.test` },
    { "Sec-Fetch-Site": "cross-site" },
    { "Sec-Fetch-Site": "same-site" },
    { "Sec-Fetch-Site": "something new" },
  ];
  const form = { "Content-Type": "application/x-www-form-urlencoded" };
  const webSocket = {
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
  };
  for (const headers of foreign) {
    const shown = JSON.stringify(headers);
    assert.equal((await ask(scene, "/", { headers })).status, 403, shown);
    const post = { method: "POST", headers: { ...form, ...headers } };
    assert.equal((await ask(scene, "/", post, "a=1")).status, 403, `POST ${shown}`);
    const lines = Object.entries({ Host: `localhost:${port}`, ...webSocket, ...headers });
    const text = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
    const upgrade = await rawExchange(port, `GET / HTTP/1.1\r\n${text}\r\n`);
    assert.equal(upgrade.status, 403, `upgrade ${shown}`);
    const preflight = { method: "OPTIONS", headers };
    assert.equal((await ask(scene, "/", preflight)).status, 403, `OPTIONS ${shown}`);
  }
  const twice = `GET / HTTP/1.1\r\nHost: localhost:${port}\r\nHost: evil.test\r\nConnection: close\r\n\r\n`;
  assert.ok([400, 403].includes((await rawExchange(port, twice)).status));
  assert.deepEqual(reached(scene), before);
});

test("its own pages, by each of its names, are let through", async (context) => {
  const scene = await localScene(context);
  for (const host of [
    `localhost:${scene.port}`,
    `127.0.0.1:${scene.port}`,
    `[::1]:${scene.port}`,
  ]) {
    const headers = { Host: host, Origin: `http://${host}`, "Sec-Fetch-Site": "same-origin" };
    assert.equal((await ask(scene, "/", { headers })).status, 200, host);
    const typed = { Host: host, "Sec-Fetch-Site": "none" };
    assert.equal((await ask(scene, "/", { headers: typed })).status, 200, host);
  }
  const [seen] = scene.upstream.requests;
  assert.equal(seen?.header("origin"), scene.app.origin);
});

test("it is no forward proxy, and repeats no request", async (context) => {
  const scene = await localScene(context);
  const before = reached(scene);
  const host = `Host: localhost:${scene.port}\r\nConnection: close\r\n\r\n`;
  for (const [line, status] of [
    [`GET http://localhost:${scene.port}/ HTTP/1.1`, 400],
    ["GET http://evil.test/ HTTP/1.1", 400],
    [`GET ${scene.app.origin}/ HTTP/1.1`, 400],
    ["CONNECT app.localhost:443 HTTP/1.1", 400],
    [`CONNECT localhost:${scene.port} HTTP/1.1`, 400],
    ["OPTIONS * HTTP/1.1", 400],
    ["TRACE / HTTP/1.1", 405],
  ] as const)
    assert.equal((await rawExchange(scene.port, `${line}\r\n${host}`)).status, status, line);
  assert.deepEqual(reached(scene), before);
});

/** Spellings of one reserved path, of the kinds that gateways and origins are known to accept. */
const spellings = [
  "/cdn-cgi/access/pass",
  "/cdn-cgi/access",
  "/CDN-CGI/Access/pass",
  "//cdn-cgi/access/pass",
  "/cdn-cgi//access//pass",
  "/./cdn-cgi/./access/pass",
  "/a/../cdn-cgi/access/pass",
  "/cdn-cgi/a/../access/pass",
  "/%63dn-cgi/access/pass",
  "/cdn%2Dcgi/%61ccess/pass",
  "/cdn-cgi%2Faccess%2fpass",
  "/%2e%2e/cdn-cgi/access/pass",
  "/a/%2E%2E/cdn-cgi/access/pass",
  "/a%2f..%2fcdn-cgi/access/pass",
  "/cdn-cgi;a=1/access;b/pass",
  "/a/..;x/cdn-cgi/access/pass",
  "/cdn-cgi%3Ba/access/pass",
  "/cdn-cgi/access%20/pass",
  "/cdn-cgi./access../pass",
  "/cdn-cgi/access::$DATA/pass",
  "/cdn-cgi/access%00/pass",
  "/%2563dn-cgi/access/pass",
  "/cdn-cgi%252Faccess/pass",
  "/cdn-cgi%5Caccess%5cpass",
  "/%EF%BD%83dn-cgi/access/pass",
  "/cdn-cgi/acce%C5%BF%C5%BF/pass",
];

test("pass, logout, get-identity and grants get 403 in every spelling, on a port and on a socket", async (context) => {
  for (const unix of [false, true]) {
    const scene = await localScene(context, { unix });
    assert.equal((await ask(scene, "/")).status, 200);
    const before = reached(scene);
    for (const spelling of spellings)
      for (const name of ["pass", "logout", "get-identity", "grants", "cli", "certs", "login/x"])
        for (const method of ["GET", "POST"]) {
          const path = spelling.replace(/pass$/, name);
          const answer = await ask(scene, path, { method });
          assert.equal(answer.status, 403, `${method} ${path}`);
        }
    assert.equal((await ask(scene, "/cdn-cgi/access/pass?x=/a")).status, 403);
    assert.deepEqual(reached(scene), before);
  }
});

test("a backslash is a slash to some, and what it leads to is refused as well", async (context) => {
  const scene = await localScene(context);
  const before = reached(scene);
  for (const path of [
    "/\\cdn-cgi\\access\\pass",
    "/cdn-cgi\\access/pass",
    "\\cdn-cgi\\access\\pass",
  ]) {
    const host = `Host: localhost:${scene.port}\r\nConnection: close\r\n\r\n`;
    const { status } = await rawExchange(scene.port, `GET ${path} HTTP/1.1\r\n${host}`);
    assert.ok([400, 403].includes(status), path);
  }
  assert.deepEqual(reached(scene), before);
});

test("no path is the gateway's own in a reading of the gateway and the application's to the proxy", () => {
  const pieces = [
    ..."/.;%:\\ ",
    "cdn-cgi",
    "access",
    "CDN-CGI",
    "%61ccess",
    "%2f",
    "%5C",
    "%2e",
    "%3b",
    "%25",
    "..",
    "::$DATA",
    "a",
  ];
  const paths = fc.array(fc.constantFrom(...pieces), { maxLength: 14 });
  const everything = { hasEscapes: true, hasParameters: true, hasNameEndings: true };
  fc.assert(
    fc.property(paths, (texts) => {
      const path = `/${texts.join("")}`;
      const canonical = canonicalize(path);
      if (canonical === undefined || isReservedPath(path)) return true;
      if (isReserved(canonical.path)) return false;
      const readings = [...readPath(canonical.path, everything)];
      return !readings.some(({ text }) => isReserved(text.toLowerCase()));
    }),
    { numRuns: 20_000 },
  );
});

test("paths of applications that only look like it go through", async (context) => {
  const scene = await localScene(context);
  for (const path of [
    "/cdn-cgi/trace",
    "/access/cdn-cgi",
    "/accessories",
    "/a/access/b",
    "/cdn-cgi-access/x",
    "/?p=/cdn-cgi/access/pass",
  ])
    assert.equal((await ask(scene, path)).status, 200, path);
});

test("a tool's own credentials for the gateway take no effect and go no further", async (context) => {
  const scene = await localScene(context);
  const { token, upstream } = scene;
  const headers = {
    "cf-access-token": "eyJhbGciOiJub25lIn0.eyJ0eXBlIjoiYXBwIn0.x",
    "CF-Access-Client-Id": "robot.access",
    "CF-Access-Client-Secret": "guess",
    Cf_Access_Jwt_Assertion: "forged",
    Cookie: "CF_Authorization=forged; theme=dark; __Host-postern_binding=x",
  };
  const answer = await ask(scene, `/a?token=${token}&x=1`, { headers });
  assert.equal(answer.status, 200, answer.body);
  const [seen] = upstream.requests;
  assert.equal(seen?.url, "/a?x=1");
  assert.equal(seen?.header("cookie"), "theme=dark");
  assert.doesNotMatch(JSON.stringify(seen?.rawHeaders), /forged|robot|guess/);
});

test("no answer holds the token, the gateway's cookies or its headers, in no part of it", async (context) => {
  const scene = await localScene(context);
  const { upstream, token } = scene;
  upstream.answerWith((_, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload", "cf-access-token": "x" });
    response.writeHead(200, {
      "Set-Cookie": ["CF_Authorization=x", "CF_AppSession=y", "own=1"],
      "CF-Access-Aud": "x",
      Trailer: "Cf-Access-Error, X-Sum",
    });
    response.write("body");
    response.addTrailers({ "Cf-Access-Error": "x", "X-Sum": "1" });
    response.end();
  });
  const raw = await rawExchange(
    scene.port,
    `GET / HTTP/1.1\r\nHost: localhost:${scene.port}\r\nTE: trailers\r\nConnection: close\r\n\r\n`,
  );
  assert.match(raw.raw, /X-Sum: 1/i);
  assert.match(raw.raw, /own=1/);
  assert.doesNotMatch(raw.raw.replace(/^Trailer:.*$/gim, ""), /cf-access|CF_A/i);
  assert.ok(!raw.raw.includes(token));
});

test("the way to the sign-in page is never shown to a tool", async (context) => {
  const scene = await localScene(context);
  await scene.endSession();
  for (const headers of [{}, { Accept: "text/html" }, { Accept: "application/json" }]) {
    const answer = await ask(scene, "/", { headers });
    assert.equal(answer.status, 401);
    assert.equal(answer.headers.location, undefined);
    assert.doesNotMatch(JSON.stringify(answer), /meta=|CF_|login\//);
  }
});

const runsAsRoot = process.getuid?.() === 0 && process.platform === "linux";

test(
  "another user of the machine can connect to the port, and gets nothing (C9)",
  runsAsRoot ? needs("curl") : leaveOut("root, to run as another user"),
  async (context) => {
    const scene = await localScene(context);
    const before = reached(scene);
    const url = `http://127.0.0.1:${scene.port}/`;
    const asUser = { uid: 65_534, gid: 65_534 };
    const { stdout } = await run("curl", ["-s", "-w", "%{http_code}", url], asUser);
    assert.equal(stdout, "postern: this proxy is another user's\n403");
    assert.deepEqual(reached(scene), before);
    const own = await run("curl", ["-s", "-o", "/dev/null", "-w", "%{http_code}", url]);
    assert.equal(own.stdout, "200");
  },
);

test(
  "another user who sends a request and is gone at once gets nothing done (C9)",
  runsAsRoot ? needs("bash") : leaveOut("root, to run as another user"),
  async (context) => {
    const scene = await localScene(context);
    await ask(scene, "/before");
    const before = reached(scene);
    const request = `DELETE /all HTTP/1.1\r\nHost: localhost:${scene.port}\r\n\r\n`;
    const script = `exec 3<>/dev/tcp/127.0.0.1/${scene.port}; printf %s "$REQUEST" >&3; exec 3>&-; sleep 1`;
    // The proxy is in this process, which waits here: it looks when nobody is there any more.
    const { status } = spawnSync("bash", ["-c", script], {
      uid: 65_534,
      gid: 65_534,
      env: { ...process.env, REQUEST: request },
    });
    assert.equal(status, 0);
    await until(() => scene.cli.told.some((line) => line.includes("another user")));
    assert.deepEqual(reached(scene), before);
  },
);

test("a second request on one connection is looked at like the first", async (context) => {
  const scene = await localScene(context);
  const socket = connect(scene.port, "127.0.0.1");
  const host = `localhost:${scene.port}`;
  let text = "";
  socket.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  socket.write(
    `GET /1 HTTP/1.1\r\nHost: ${host}\r\n\r\nGET /2 HTTP/1.1\r\nHost: evil.test\r\n\r\n`,
  );
  socket.write(`GET /cdn-cgi/access/pass HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  await once(socket, "close");
  const statuses = [...text.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);
  assert.deepEqual(statuses, ["200", "403", "403"]);
  assert.equal(scene.upstream.requests.length, 1);
});
