// The listener at which proxies ask (wire-protocol 12), without a proxy: each dialect, what it
// takes for the request, and what becomes of every kind of credential.
import assert from "node:assert/strict";
import { request } from "node:http";
import { type TestContext, test } from "node:test";
import { freePort } from "../../../../test/support/free-port.ts";
import { type RawAnswer, rawExchange } from "../../../../test/support/raw-request.ts";
import { holder } from "../login/possession-fixture.ts";
import {
  type AccessFixture,
  ada,
  application,
  bob,
  everybody,
  machines,
  only,
  open,
  robotJson,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";
import { grantFor } from "./grant-fixture.ts";
import { startTokenIssuer } from "./token-issuer.ts";

const dialects = ["nginx", "forwarded", "envoy", "haproxy"] as const;
type Dialect = (typeof dialects)[number];

interface Asked {
  method?: string;
  host?: string;
  path?: string;
  /** default: the address of this machine */
  from?: string;
}

interface Scene extends AccessFixture {
  decisions: number;
  /** asks as a proxy of this dialect does */
  question(dialect: Dialect, lines?: readonly string[], asked?: Asked): Promise<RawAnswer>;
  /** asks with these lines alone */
  rawQuestion(requestLine: string, lines: readonly string[]): Promise<RawAnswer>;
}

const prefix = "/cdn-cgi/access/forward-auth/";

async function startScene(
  context: TestContext,
  applications: Record<string, unknown>[],
  sections: Record<string, unknown> = {},
): Promise<Scene> {
  const decisions = await freePort();
  const access = await startAccessFixture(context, applications, {
    trusted_proxies: ["127.0.0.1"],
    forward_auth: {
      listen: `127.0.0.1:${decisions}`,
      proxies: dialects.map((dialect) => ({ cidr: "127.0.0.1", dialect })),
    },
    ...sections,
  });
  const rawQuestion: Scene["rawQuestion"] = (requestLine, lines) =>
    rawExchange(decisions, [requestLine, ...lines, "Connection: close", "", ""].join("\r\n"));
  return {
    ...access,
    decisions,
    rawQuestion,
    question: (dialect, lines = [], asked = {}) => rawQuestion(...spoken(dialect, lines, asked)),
  };
}

/** What a proxy of this dialect sends. */
function spoken(
  dialect: Dialect,
  lines: readonly string[],
  { method = "GET", host = "app.localhost", path = "/", from = "127.0.0.1" }: Asked,
): [requestLine: string, lines: string[]] {
  const client = `X-Forwarded-For: ${from}`;
  switch (dialect) {
    case "nginx": {
      const own = [`X-Original-URL: http://${host}${path}`, `X-Original-Method: ${method}`];
      return [`GET ${prefix}nginx HTTP/1.1`, ["Host: postern", client, ...own, ...lines]];
    }
    case "forwarded": {
      const own = [
        `X-Forwarded-Method: ${method}`,
        "X-Forwarded-Proto: http",
        `X-Forwarded-Host: ${host}`,
        `X-Forwarded-Uri: ${path}`,
      ];
      return [`GET ${prefix}forwarded HTTP/1.1`, ["Host: postern", client, ...own, ...lines]];
    }
    default:
      return [`${method} ${prefix}${dialect}${path} HTTP/1.1`, [`Host: ${host}`, client, ...lines]];
  }
}

const cookieOf = (token: string) => `Cookie: CF_Authorization=${token}`;

function errorIn({ body }: RawAnswer): unknown {
  return JSON.parse(body).error;
}

const json = "Accept: application/json";

/** A test for each dialect. */
function forEachDialect(
  title: string,
  run: (context: TestContext, dialect: Dialect) => Promise<void>,
): void {
  for (const dialect of dialects) test(`${dialect}: ${title}`, (context) => run(context, dialect));
}

forEachDialect(
  "a request that may pass has an answer with all that the origin is told",
  async (context, dialect) => {
    const scene = await startScene(context, [application("app", [only(ada), machines])]);
    const token = await scene.token("app");
    const lines = [`${cookieOf(token)}; theme=dark`, "Cookie: __Host-postern_x=1; a=b"];
    const asked = { method: "POST", path: "/x?a=b", from: "203.0.113.7" };
    const { status, headers, body } = await scene.question(dialect, lines, asked);
    assert.equal(status, 200);
    assert.equal(body, "");
    assert.equal(headers["cf-access-authenticated-user-email"], ada);
    assert.match(headers["cf-access-jwt-assertion"] ?? "", /^eyJ/);
    assert.equal(headers["cookie"], "theme=dark; a=b");
    assert.equal(headers["x-forwarded-for"], "203.0.113.7");
    assert.equal(headers["x-forwarded-proto"], "http");
    assert.equal(headers["x-forwarded-host"], "app.localhost");
    assert.equal(headers["x-access-host"], "app.localhost");
    assert.match(headers["x-access-service"] ?? "", /^postern_[0-9a-f]{12}$/);
    assert.match(headers["cf-ray"] ?? "", /^[0-9a-f]{16}/);
    assert.equal(headers["cache-control"], "private, no-store");
  },
);

forEachDialect(
  "what an answer has nothing to say of is there and empty (H2)",
  async (context, dialect) => {
    const scene = await startScene(context, [
      application("app", [machines]),
      application("open", [open]),
    ]);
    const forged = "Cf-Access-Authenticated-User-Email: root@example.com";
    const program = await scene.question(dialect, [...robotPair, forged]);
    const bypass = await scene.question(dialect, [forged], { host: "open.localhost" });
    for (const { status, raw } of [program, bypass]) {
      assert.equal(status, 200);
      assert.match(raw, /\r\nCf-Access-Authenticated-User-Email: ?\r\n/);
      assert.match(raw, /\r\nCookie: ?\r\n/);
    }
    assert.match(bypass.raw, /\r\nCf-Access-Jwt-Assertion: ?\r\n/);
    assert.match(program.headers["cf-access-jwt-assertion"] ?? "", /^eyJ/);
  },
);

forEachDialect(
  "who is not signed in gets 401 with the way to sign in, or 302 where the proxy asks for that",
  async (context, dialect) => {
    const scene = await startScene(context, [application("app", [only(ada)])]);
    const asked = { path: "/x?a=b" };
    const plain = await scene.question(dialect, [], asked);
    assert.equal(plain.status, 401);
    assert.match(plain.headers["location"] ?? "", /\/cdn-cgi\/access\/login\/app\.localhost\?kid=/);
    assert.equal(plain.headers["x-access-login"], plain.headers["location"]);
    assert.match(plain.headers["set-cookie"] ?? "", /^CF_AppSession=/);
    const redirect = await scene.question(dialect, ["X-Access-Login: redirect"], asked);
    assert.equal(redirect.status, 302);
    const program = await scene.question(dialect, [json], asked);
    assert.deepEqual([program.status, errorIn(program)], [401, "not_signed_in"]);
    assert.equal(program.headers["location"], undefined);
    const denied = await scene.question(dialect, [cookieOf(await scene.token("app", bob)), json]);
    assert.deepEqual([denied.status, errorIn(denied)], [403, "denied"]);
    const nowhere = await scene.question(dialect, [json], { host: "nowhere.localhost" });
    assert.deepEqual([nowhere.status, errorIn(nowhere)], [403, "no_application"]);
  },
);

forEachDialect("headers of the other dialects mean nothing (H4)", async (context, dialect) => {
  const scene = await startScene(context, [
    application("app", [only(ada)]),
    application("app/public", [open]),
  ]);
  const others = dialects.filter((each) => each !== dialect && each !== "envoy");
  const [, lines] = spoken("nginx", [], { path: "/public/x" });
  const [, more] = spoken("forwarded", [], { path: "/public/x" });
  const foreign = [
    ...(others.includes("nginx") ? lines : []),
    ...(others.includes("forwarded") ? more : []),
  ];
  const unread = foreign.filter((line) => !/^(?:Host|X-Forwarded-For)/.test(line));
  assert.ok(unread.length > 0);
  assert.equal((await scene.question(dialect, unread, { path: "/private" })).status, 401);
  assert.equal((await scene.question(dialect, unread, { path: "/public/x" })).status, 200);
});

forEachDialect(
  "a malformed cookie or token is none, and never a 200 (T12)",
  async (context, dialect) => {
    const scene = await startScene(context, [application("app", [everybody])]);
    const values = ["%", "", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "x".repeat(50_000), '"', "a=b"];
    for (const value of values) {
      const cookie = await scene.question(dialect, [cookieOf(value)]);
      assert.equal(cookie.status, 401, value.slice(0, 20));
      const header = await scene.question(dialect, [`cf-access-token: ${value}`]);
      assert.equal(header.status, 401, value.slice(0, 20));
    }
  },
);

forEachDialect(
  "a path in another form than policy saw is the gateway's to carry (P3 to P5)",
  async (context, dialect) => {
    const scene = await startScene(context, [
      application("app", [only(ada)]),
      application("app/public", [open]),
    ]);
    for (const path of [
      "/public/../x",
      "/public/%2e%2e/x",
      "/public//../x",
      "/./public/x",
      "/%70ublic/x",
    ]) {
      const answer = await scene.question(dialect, [json], { path });
      assert.deepEqual([answer.status, errorIn(answer)], [403, "hand_over_other_form"], path);
    }
    for (const path of ["/public%2f..%2fx", "/public/..;/x", "/public/%zz", "/public/..%5cx"]) {
      const answer = await scene.question(dialect, [json], { path });
      assert.ok([400, 401, 403].includes(answer.status), `${path} ${answer.status}`);
    }
    assert.equal((await scene.question(dialect, [], { path: "/public/%252e%252e/x" })).status, 200);
  },
);

forEachDialect(
  "a pass or a count is worth no more than in front of the gateway",
  async (context, dialect) => {
    const scene = await startScene(context, [application("app", [everybody])]);
    const grant = await grantFor(scene, "app", { methods: ["GET"], paths: ["/v1/*"], count: 2 });
    const ask = (path: string, method = "GET") =>
      scene.question(dialect, [...grant.lines, json], { path, method });
    assert.equal(errorIn(await ask("/v2/x")), "outside_grant");
    assert.equal(errorIn(await ask("/v1/x", "POST")), "outside_grant");
    assert.equal(errorIn(await ask("/v1/%78")), "hand_over_other_form");
    assert.equal((await ask("/v1/x")).status, 200);
    assert.equal((await ask("/v1/x")).status, 200);
    assert.equal(errorIn(await ask("/v1/x")), "used_up");

    const token = await scene.token("app");
    const wish = JSON.stringify({ url_prefix: "http://app.localhost/v1/", ttl: 600 });
    const made = await scene.ask(
      `${"/cdn-cgi/access/pass"}`,
      [
        `cf-access-token: ${token}`,
        "X-Forwarded-For: 127.0.0.1",
        `Content-Length: ${wish.length}`,
        "Content-Type: application/json",
      ],
      { method: "POST", body: wish },
    );
    const pass = JSON.parse(made.body).token;
    const path = `/v1/x?a=b&token=${pass}`;
    assert.equal(
      errorIn(await scene.question(dialect, [json], { path })),
      "hand_over_token_in_address",
    );
    const accepts = "X-Access-Accept: credential";
    assert.equal((await scene.question(dialect, [accepts], { path })).status, 200);
    const elsewhere = await scene.question(dialect, [accepts, json], {
      path: `/v2/x?token=${pass}`,
    });
    assert.deepEqual([elsewhere.status, errorIn(elsewhere)], [401, "bad_pass"]);
  },
);

test("a proof of possession is for the request that the proxy asks about, and is used once", async (context) => {
  const scene = await startScene(context, [
    application("app", [everybody], { proof_of_possession: true }),
  ]);
  const owner = await holder();
  const session = await scene.fixture.parts.sessions.start({
    kind: "terminal",
    identity: (await scene.fixture.session("terminal")).identity,
    userAgent: "test",
    lifetimeMs: 36e5,
    jkt: owner.jkt,
  });
  const token = await scene.token("app", ada, session);
  const url = "http://app.localhost/x";
  for (const dialect of dialects) {
    const ask = (proof: string, path = "/x") =>
      scene.question(dialect, [`cf-access-token: ${token}`, `cf-access-dpop: ${proof}`], { path });
    const proof = await owner.proof("GET", url, token);
    assert.equal((await ask(await owner.proof("POST", url, token))).status, 401);
    assert.equal((await ask(await owner.proof("GET", `${url}y`, token))).status, 401);
    assert.equal((await ask(proof)).status, 200, dialect);
    assert.equal((await ask(proof)).status, 401, `${dialect}: again`);
  }
});

test("a job's token and a person's in Authorization mean the same, or are handed over", async (context) => {
  const issuer = await startTokenIssuer(context);
  const rule = {
    issuer: issuer.issuer,
    audience: "http://app.localhost",
    claims: { repository: "acme/shop" },
  };
  const jobs = { name: "jobs", decision: "non_identity", include: [{ oidc_token: rule }] };
  const scene = await startScene(context, [
    application("app", [jobs, everybody], { accept_bearer: true }),
    application("api", [machines], { read_service_tokens_from_header: "X-Api-Key" }),
  ]);
  const job = `cf-access-token: ${await issuer.token({ aud: "http://app.localhost" })}`;
  const bearer = `Authorization: Bearer ${await scene.token("app")}`;
  const key = `X-Api-Key: ${robotJson}`;
  const api = { host: "api.localhost" };
  for (const dialect of dialects) {
    assert.equal((await scene.question(dialect, [job])).status, 200);
    for (const [line, asked] of [
      [bearer, {}],
      [key, api],
    ] as const) {
      const refused = await scene.question(dialect, [line, json], asked);
      assert.equal(errorIn(refused), "hand_over_credential_in_header");
      const accepted = await scene.question(dialect, [line, "X-Access-Accept: credential"], asked);
      assert.equal(accepted.status, 200);
    }
    assert.equal((await scene.question(dialect, robotPair, api)).status, 200);
  }
});

test("what the gateway answers itself is never let through", async (context) => {
  const scene = await startScene(context, [
    application("app", [open], { options_preflight_bypass: true }),
    application("cors", [everybody], { cors_headers: { allow_all_origins: true } }),
  ]);
  const preflight = ["Origin: https://a.example.com", "Access-Control-Request-Method: PUT"];
  const questions: [string[], Asked][] = [
    [["cf-access-metadata-request: true"], { method: "HEAD" }],
    [[], { path: "/x?cloudflared_token_check=true" }],
    [preflight, { method: "OPTIONS" }],
    [preflight, { method: "OPTIONS", host: "cors.localhost" }],
    [[], { path: "/cdn-cgi/access/certs" }],
    [[], { path: "/cdn-cgi/access/forward-auth/nginx" }],
    [[], { host: `login.localhost:${scene.fixture.port}` }],
  ];
  for (const dialect of dialects)
    for (const [lines, asked] of questions)
      assert.equal(
        (await scene.question(dialect, lines, asked)).status,
        403,
        JSON.stringify(asked),
      );
  assert.deepEqual(
    scene.fixture.events.filter(({ event }) => event === "error_page_shown"),
    [],
  );
});

test("names that a proxy does not take away are handed over, in whatever spelling (H1)", async (context) => {
  const scene = await startScene(context, [application("app", [open])]);
  for (const name of [
    "Cf_Access_Jwt_Assertion",
    "CF-ACCESS_AUTHENTICATED-USER_EMAIL",
    "cf.access.token",
    "Cf-Access-Whatever",
    "X_Forwarded_Email",
    "X-Forwarded-Anything",
    "X-Auth-Request-Anything",
    "X-Remote-User-Anything",
    "Content_Length",
  ])
    for (const dialect of dialects)
      assert.equal(
        errorIn(await scene.question(dialect, [`${name}: 1`, json])),
        "hand_over_odd_header",
      );
});

test("a proxy is given the assertion as a cookie, and hands over what is told in other headers", async (context) => {
  const { question, token } = await startScene(context, [
    application("app", [everybody], { origin_cookie: true }),
    application("told", [everybody], { identity_headers: ["authelia"] }),
  ]);
  const lines = [`Cookie: CF_Authorization=${await token("app")}; theme=dark`];
  const given = await question("nginx", lines);
  assert.equal(given.status, 200);
  const assertion = given.headers["cf-access-jwt-assertion"];
  assert.equal(given.headers["cookie"], `CF_Authorization=${assertion}; theme=dark`);
  const told = [`cf-access-token: ${await token("told")}`];
  const handed = await question("nginx", told, { host: "told.localhost" });
  assert.equal(handed.status, 403);
  assert.match(handed.body, /headers that the proxy does not set/);
});

test("a service that the proxy does not have is handed over, and a changed one has another name", async (context) => {
  const scene = await startScene(context, [application("app", [open])]);
  const { headers } = await scene.question("nginx");
  const name = headers["x-access-service"] ?? "";
  const ask = (services: string) =>
    scene.question("nginx", [`X-Access-Services: ${services}`, json]);
  assert.equal((await ask(`other ${name}`)).status, 200);
  const inTwoLines = ["X-Access-Services: other", `X-Access-Services: ${name}`];
  assert.equal((await scene.question("nginx", inTwoLines)).status, 200);
  for (const services of ["", "other", name.slice(0, -1), `${name}0`])
    assert.equal(errorIn(await ask(services)), "hand_over_other_service");

  const lines = (...names: string[]) => names.map((each) => `X-Access-Services: ${each}`);
  const askInLines = (...names: string[]) => scene.question("nginx", [...lines(...names), json]);
  assert.equal((await askInLines("other", name)).status, 200);
  assert.equal(errorIn(await askInLines("other", "another")), "hand_over_other_service");
});

test("a question that does not say which request it is about is a 400, never more (P10)", async (context) => {
  const scene = await startScene(context, [application("app", [open])]);
  const client = ["Host: app.localhost", "X-Forwarded-For: 127.0.0.1"];
  const nginx = (...lines: string[]) => [`GET ${prefix}nginx HTTP/1.1`, lines] as const;
  const forwarded = (...lines: string[]) => [`GET ${prefix}forwarded HTTP/1.1`, lines] as const;
  const get = "X-Original-Method: GET";
  const url = (text: string) => nginx(get, `X-Original-URL: ${text}`);
  const own = [
    "X-Forwarded-Method: GET",
    "X-Forwarded-Proto: http",
    "X-Forwarded-Host: app.localhost",
    "X-Forwarded-Uri: /",
  ];
  const questions = [
    nginx(),
    nginx(get),
    nginx("X-Original-URL: http://app.localhost/"),
    nginx(get, get, "X-Original-URL: http://app.localhost/"),
    nginx(get, "X-Original-URL: http://app.localhost/", "X-Original-URL: http://app.localhost/"),
    ...["%zz", "", "//", "/", "app.localhost/", "x".repeat(10_000), "http://", "http:///x"].map(
      url,
    ),
    ...["ftp://app.localhost/", "http://app.localhost", "http://a@app.localhost/"].map(url),
    ...["http://app.localhost/%zz", "http://app.localhost/a b", "http://app.localhost/#x"].map(url),
    ...["http://app.localhost:x/", "http://app.localhost, b/", "HTTP://app.localhost/ "].map(url),
    ...own.map((_, index) => forwarded(...own.filter((__, other) => other !== index))),
    ...own.map((line) => forwarded(...own, line)),
    forwarded(...own.slice(0, 3), "X-Forwarded-Uri: http://app.localhost/"),
    forwarded(...own.slice(0, 3), "X-Forwarded-Uri: x"),
    forwarded(
      ...own.slice(0, 2),
      "X-Forwarded-Host: a.localhost, app.localhost",
      "X-Forwarded-Uri: /",
    ),
    forwarded("X-Forwarded-Method: GET", "X-Forwarded-Proto: http, https", ...own.slice(2)),
    [`GET ${prefix}haproxy HTTP/1.1`, []] as const,
    [`GET ${prefix}envoy?x HTTP/1.1`, []] as const,
    [`GET ${prefix}envoy/%zz HTTP/1.1`, []] as const,
    [`GET ${prefix}haproxy/ HTTP/1.1`, ["Host: app.localhost"]] as const,
  ];
  for (const [line, lines] of questions) {
    const { status } = await scene.rawQuestion(line, [...client, ...lines]);
    const said = `${line} ${lines.join(" | ").slice(0, 100)}: ${status}`;
    assert.equal(status, 400, said);
  }
  for (const dialect of dialects) {
    const [line, lines] = spoken(dialect, [], {});
    const unsigned = lines.filter((each) => !each.startsWith("X-Forwarded-For"));
    assert.equal((await scene.rawQuestion(line, unsigned)).status, 400, dialect);
    assert.equal((await scene.question(dialect, [], { from: "a" })).status, 400);
    assert.equal((await scene.question(dialect)).status, 200);
  }
});

test("only a proxy of an entry is answered, in the dialect of its entry, and nowhere else", async (context) => {
  const decisions = await freePort();
  const proxies = [
    { cidr: "127.0.0.0/8", dialect: "haproxy" },
    { cidr: "127.0.0.1", dialect: "nginx" },
    { cidr: "127.0.0.2", dialect: "envoy" },
  ];
  const scene = await startScene(context, [application("app", [open])], {
    forward_auth: { listen: `127.0.0.1:${decisions}`, proxies },
  });
  const from = (localAddress: string, dialect: Dialect) =>
    new Promise<number | undefined>((resolve, reject) => {
      const [requestLine, lines] = spoken(dialect, [], {});
      const [method = "", path = ""] = requestLine.split(" ");
      const headers = Object.fromEntries(lines.map((line) => line.split(": ", 2)));
      const options = { host: "127.0.0.1", port: decisions, localAddress, method, path, headers };
      const asked = request({ ...options, agent: false }, (answer) => {
        answer.resume();
        answer.once("end", () => resolve(answer.statusCode));
      });
      asked.once("error", reject);
      asked.end();
    });
  assert.equal(await from("127.0.0.1", "nginx"), 200);
  assert.equal(await from("127.0.0.2", "envoy"), 200);
  assert.equal(await from("127.0.0.3", "haproxy"), 200);
  for (const [address, dialect] of [
    ["127.0.0.1", "haproxy"],
    ["127.0.0.1", "forwarded"],
    ["127.0.0.2", "nginx"],
    ["127.0.0.3", "envoy"],
  ] as const)
    assert.equal(await from(address, dialect), 404, `${address} ${dialect}`);

  const [line, lines] = spoken("nginx", [], {});
  const atPublic = await rawExchange(
    scene.fixture.port,
    [line, "Host: app.localhost", ...lines.slice(1), "Connection: close", "", ""].join("\r\n"),
  );
  assert.equal(atPublic.status, 404);
});

test("every other address of the listener is a 404 that says nothing", async (context) => {
  const scene = await startScene(context, [application("app", [open])]);
  const lines = ["Host: app.localhost", "X-Forwarded-For: 127.0.0.1"];
  for (const target of [
    "/",
    "/x",
    prefix,
    `${prefix}other/`,
    `${prefix}nginxx`,
    `${prefix}nginx/x`,
    `${prefix}forwarded/`,
    `${prefix}envoyx/`,
    "/cdn-cgi/access/certs",
    "http://app.localhost/",
  ]) {
    const answer = await scene.rawQuestion(`GET ${target} HTTP/1.1`, lines);
    assert.deepEqual([answer.status, answer.body], [404, "Not found.\n"], target);
  }
});

test("a rule about addresses sees the client that the proxy names, and no hop that a client made up (H5)", async (context) => {
  const inside = { name: "inside", decision: "bypass", include: [{ ip: { ip: "10.0.0.0/8" } }] };
  const scene = await startScene(context, [application("app", [inside])]);
  for (const dialect of dialects) {
    const status = async (from: string) => (await scene.question(dialect, [json], { from })).status;
    assert.equal(await status("10.1.1.1"), 200);
    assert.equal(await status("203.0.113.7, 10.1.1.1"), 200);
    assert.equal(await status("10.1.1.1, 203.0.113.7"), 403);
    assert.equal(await status("203.0.113.7"), 403);
    assert.equal(
      await status("10.1.1.1, 127.0.0.1"),
      200,
      "hops of trusted proxies are passed over",
    );
    assert.equal(await status("10.1.1.1, a"), 400);
  }
});

test("a session that ends, and a policy that changes, count with the next question (T8)", async (context) => {
  const scene = await startScene(context, [application("app", [everybody])]);
  const session = await scene.fixture.session("browser");
  const cookie = cookieOf(await scene.token("app", ada, session));
  assert.equal((await scene.question("nginx", [cookie])).status, 200);
  await scene.fixture.parts.sessions.end(session.id);
  assert.equal((await scene.question("nginx", [cookie])).status, 401);
});

test("an upgrade in somebody's name is refused to pages of other sites, though nothing is upgraded here (W1)", async (context) => {
  const scene = await startScene(context, [application("app", [everybody])]);
  const cookie = cookieOf(await scene.token("app"));
  for (const dialect of dialects) {
    const ask = (origin: string) =>
      scene.question(dialect, [cookie, "Upgrade: websocket", `Origin: ${origin}`, json]);
    assert.equal((await ask("http://app.localhost")).status, 200);
    assert.equal(errorIn(await ask("https://evil.example.com")), "foreign_page");
    assert.equal((await scene.question(dialect, ["Upgrade: websocket"])).status, 401);
    for (const upgrade of [["h2c"], ["websocket, h2c"], ["h2c", "websocket"], ["TLS/1.0"]]) {
      const lines = [cookie, json, ...upgrade.map((value) => `Upgrade: ${value}`)];
      assert.equal(errorIn(await scene.question(dialect, lines)), "hand_over_other_protocol");
    }
  }
});
