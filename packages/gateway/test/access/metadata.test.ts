// `cf-access-metadata-request` (wire-protocol 2, 4 and 6.1): who guards this URL, signed, from the
// gateway alone. Read here as the official client reads it, with nothing of ours.
import assert from "node:assert/strict";
import { test } from "node:test";
import { type Jws, verifyJws } from "../../../../test/conformance/official-client/wire.ts";
import {
  type AccessFixture,
  type Asked,
  ada,
  application,
  everybody,
  hour,
  machines,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const asking = "cf-access-metadata-request: true";

/**
 * The description's text and, with its signature verified by the keys that this host lists, its
 * content.
 */
async function described(
  access: AccessFixture,
  path = "/",
  asked: Asked = {},
  lines: string[] = [],
): Promise<Jws & { text: string }> {
  const answer = await access.refused(204, path, [asking, ...lines], asked);
  const text = answer.headers["cf-access-metadata"] ?? "";
  const certs = await access.ask(
    "/cdn-cgi/access/certs",
    [],
    asked.host === undefined ? {} : { host: asked.host },
  );
  assert.equal(certs.status, 200);
  return { text, ...verifyJws(text, JSON.parse(certs.body)) };
}

test("the description says which application this is, where to sign in, and for which paths that holds", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("app/eng", [everybody]),
    application("*", [everybody]),
    application("glob/a*/x", [everybody]),
  ]);
  const { fixture } = access;
  const before = Math.floor(fixture.parts.now() / 1000);
  const common = {
    type: "match",
    auth_domain: `login.localhost:${fixture.port}`,
    transfer_url: `${fixture.team}/transfer/`,
    login: true,
  };
  const cases: [path: string, host: string, claims: Record<string, unknown>][] = [
    [
      "/v1/users",
      "app.localhost",
      { app_hostname: "app.localhost", name: "app", path_scope: "/v1", max_age: 3600 },
    ],
    [
      "/eng/x/y?q=1",
      "app.localhost",
      { app_hostname: "app.localhost/eng", name: "app/eng", path_scope: "/eng", max_age: 3600 },
    ],
    [
      "/x",
      `w.localhost:${fixture.port}`,
      { app_hostname: "*.localhost", name: "*", path_scope: "/", max_age: 3600 },
    ],
    ["/abc/x", "glob.localhost", { app_hostname: "glob.localhost/a*/x", name: "glob/a*/x" }],
  ];
  for (const [path, host, { name, ...own }] of cases) {
    const { header, claims } = await described(access, path, { host });
    const { iat, ...rest } = claims;
    const hostname = host.replace(/:\d+$/, "");
    assert.deepEqual(
      rest,
      { ...common, hostname, authority: host, aud: access.application(String(name)).aud, ...own },
      path,
    );
    assert.ok(
      Number.isInteger(iat) && Number(iat) >= before && Number(iat) <= before + 60,
      "recent, in whole seconds",
    );
    assert.equal(typeof header["kid"], "string");
  }
});

test("it is answered to any method and to anybody, whatever credentials come along, and never forwarded", async (context) => {
  const access = await startAccessFixture(context, [application("app", [machines, everybody])]);
  const { text } = await described(access);
  for (const method of ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND"]) {
    const answer = await access.refused(
      204,
      "/",
      [asking, ...(method === "POST" ? ["Content-Length: 4"] : [])],
      {
        method,
        body: method === "POST" ? "body" : "",
      },
    );
    assert.equal(answer.headers["cf-access-metadata"], text, method);
    assert.equal(answer.headers["cache-control"], "private, no-store");
    assert.equal(answer.headers["set-cookie"], undefined);
    assert.equal(answer.headers["location"], undefined);
    assert.equal(answer.body, "");
  }
  const good = await access.token("app", ada);
  for (const lines of [
    [`cf-access-token: ${good}`],
    [`Cookie: CF_Authorization=${good}`],
    robotPair,
    ["cf-access-token: x"],
    ["Accept: application/json"],
  ]) {
    assert.equal((await described(access, "/", {}, lines)).text, text, "the same for all who ask");
  }
  for (const value of ["false", "1", "TRUE", ""]) {
    const answer = await access.refused(302, "/", [`cf-access-metadata-request: ${value}`]);
    assert.equal(answer.headers["cf-access-metadata"], undefined, value);
  }
  const seen = await access.passed("/", [
    "cf-access-metadata-request: no",
    `cf-access-token: ${good}`,
  ]);
  assert.equal(seen.header("cf-access-metadata-request"), undefined, "nor is the question");
});

test("where policy lets everybody through, the description says that no sign-in is needed", async (context) => {
  const office = { name: "office", decision: "bypass", include: [{ ip: { ip: "10.0.0.0/8" } }] };
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("app/open", [open]),
    application("app/office", [office, everybody]),
    application("app/machines", [machines]),
    application("app/nobody", []),
  ]);
  for (const [path, login] of [
    ["/", true],
    ["/open", false],
    ["/open/x", false],
    ["/office", true],
    ["/machines", true],
    ["/nobody", true],
  ] as const)
    assert.equal((await described(access, path)).claims["login"], login, path);
});

test("one description serves a whole part of an application for an hour, and is then made anew", async (context) => {
  const access = await startAccessFixture(context, [
    application("app/v1", [everybody]),
    application("other", [everybody]),
  ]);
  const { text, claims } = await described(access, "/v1");
  for (const path of ["/v1/", "/v1/a", "/v1/a/b/c", "/v1/z?x=1"])
    assert.equal((await described(access, path)).text, text, path);
  assert.notEqual((await described(access, "/", { host: "other.localhost" })).text, text);
  access.fixture.clock.ahead = hour;
  const later = await described(access, "/v1");
  assert.ok(
    Number(later.claims["iat"]) >= Number(claims["iat"]) + 3600,
    "the client takes none that is older than a day",
  );
});

test("a configuration that changes who owns a path is in the next description", async (context) => {
  const applications = [application("app", [everybody])];
  const access = await startAccessFixture(context, applications);
  const first = await described(access, "/eng/x");
  assert.equal(first.claims["path_scope"], "/");
  await access.fixture.change({ applications: [...applications, application("app/eng", [open])] });
  const second = await described(access, "/eng/x");
  assert.equal(second.claims["aud"], access.application("app/eng").aud);
  assert.equal(second.claims["path_scope"], "/eng");
  assert.equal(second.claims["login"], false);
  assert.equal(
    (await described(access, "/x")).claims["path_scope"],
    "/x",
    "no longer the whole host",
  );
});

test("where no application is there is nothing to describe: a 403, and on the team domain the page as ever", async (context) => {
  const access = await startAccessFixture(context, [application("app/only", [everybody])], {
    relay_hosts: ["relay.localhost"],
  });
  for (const [host, path, status] of [
    ["unknown.localhost", "/", 403],
    ["app.localhost", "/elsewhere", 403],
    [`login.localhost:${access.fixture.port}`, "/", 200],
    ["relay.localhost", "/", 404],
    ["app.localhost", "/cdn-cgi/access/x", 404],
  ] as const) {
    const answer = await access.refused(status, path, [asking], { host });
    assert.equal(answer.headers["cf-access-metadata"], undefined, host + path);
    if (status === 403) assert.match(answer.headers["cf-ray"] ?? "", /^[0-9a-f]{16}$/);
  }
});

test("a flood of questions from one address gives nobody else a 429", async (context) => {
  const access = await startAccessFixture(
    context,
    [application("*", [everybody]), application("app", [everybody])],
    { trusted_proxies: ["127.0.0.1"] },
  );
  access.fixture.clock.stoppedAt = performance.now();
  const from = (address: string) => [
    asking,
    `X-Forwarded-For: ${address}`,
    "X-Forwarded-Proto: http",
  ];
  const statuses: number[] = [];
  for (let nth = 0; nth < 150; nth++) {
    const asked = { host: `host-${nth}.localhost` };
    statuses.push((await access.ask("/", from("203.0.113.7"), asked)).status);
  }
  assert.ok(statuses.includes(429), "somebody who asks without end is told to wait");
  const others = ["198.51.100.1", "198.51.100.2", "2001:db8::1", "203.0.113.8"];
  for (const [nth, address] of others.entries()) {
    const asked = { host: `other-${nth}.localhost` };
    assert.equal((await access.ask("/", from(address), asked)).status, 204, address);
  }
  const known = await access.ask("/", from("203.0.113.7"), { host: "host-0.localhost" });
  assert.equal(known.status, 204, "what is signed already is given to everybody");
});

test("a flood of questions from many addresses leaves a reserve for who has not asked yet", async (context) => {
  const access = await startAccessFixture(context, [application("*", [everybody])], {
    trusted_proxies: ["127.0.0.1"],
  });
  access.fixture.clock.stoppedAt = performance.now();
  const ask = async (host: string, address: string) => {
    const lines = [asking, `X-Forwarded-For: ${address}`, "X-Forwarded-Proto: http"];
    return (await access.ask("/", lines, { host })).status;
  };
  const statuses: number[] = [];
  for (let nth = 0; nth < 400; nth++)
    statuses.push(await ask(`host-${nth}.localhost`, `203.0.113.${nth % 5}`));
  assert.ok(statuses.filter((status) => status === 429).length > 100);
  assert.equal(await ask("late.localhost", "198.51.100.1"), 204);
});
