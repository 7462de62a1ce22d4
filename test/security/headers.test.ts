// What a client says in headers about itself, its connection and its way here (security-cases 2.2).
// The origin believes what the gateway sets, so the client must not be able to set, double or
// remove it.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type LoginFixture,
  startLoginFixture,
} from "../../packages/gateway/test/login/login-fixture.ts";
import { simpleSections, startGateway } from "../support/gateway.ts";
import { type RawAnswer, rawRequest } from "../support/raw-request.ts";
import { startUpstream } from "../support/upstream.ts";

const alice = "alice@example.com";
const onlyAlice = [
  { name: "only Alice", decision: "allow", include: [{ email: { email: alice } }] },
];

interface Scene {
  fixture: LoginFixture;
  token: string;
  ask(path: string, lines?: string[]): Promise<RawAnswer>;
  asAlice(path: string, lines?: string[]): Promise<RawAnswer>;
}

async function scene(context: TestContext, sections: Record<string, unknown> = {}): Promise<Scene> {
  const application = (domain: string, policies: unknown) => ({
    name: domain,
    type: "self_hosted",
    domain,
    policies,
  });
  const applications = [
    application("app.localhost", onlyAlice),
    application("app.localhost/open", [
      { name: "open", decision: "bypass", include: [{ everyone: {} }] },
    ]),
    application("app.localhost/office", [
      { name: "office", decision: "bypass", include: [{ ip: { ip: "10.0.0.0/8" } }] },
    ]),
    application("app.localhost/machines", [
      { name: "machines", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
    ]),
    application("app2.localhost", onlyAlice),
  ];
  const service_tokens = [
    { name: "robot", client_id: "robot.access", client_secret: "the robot's long secret" },
  ];
  const fixture = await startLoginFixture(context, {
    sections: { applications, service_tokens, ...sections },
  });
  const [app] = fixture.parts.catalogs.current().applications;
  assert.ok(app !== undefined);
  const token = await fixture.parts.tokens.issueApp(
    await fixture.session("browser", alice),
    app,
    36e5,
  );
  const ask: Scene["ask"] = (path, lines = []) =>
    rawRequest(fixture.port, `GET ${path} HTTP/1.1`, ["Host: app.localhost", ...lines]);
  return {
    fixture,
    token,
    ask,
    asAlice: (path, lines = []) => ask(path, [`cf-access-token: ${token}`, ...lines]),
  };
}

/**
 * Every header of the one request that the origin saw whose name reads the same once dashes and
 * underscores are one.
 */
function seenAs(fixture: LoginFixture, name: string): [string, string][] {
  assert.equal(fixture.upstream.requests.length, 1);
  const raw = fixture.upstream.requests[0]?.rawHeaders ?? [];
  const folded = (text: string) => text.toLowerCase().replaceAll("_", "-");
  return raw.flatMap((each, index): [string, string][] =>
    index % 2 === 0 && folded(each) === folded(name) ? [[each, raw[index + 1] ?? ""]] : [],
  );
}

test("no character in place of a dash lets a name of ours through, in headers or in trailers (H1)", async (context) => {
  const { fixture, token } = await scene(context);
  const ours = [
    "Cf-Access-Authenticated-User-Email",
    "Cf-Access-Jwt-Assertion",
    "Cf-Access-Token",
    "Cf-Access-Client-Secret",
    "Cf-Access-Anything-New",
    "X-Forwarded-For",
    "X-Forwarded-User",
    "X-Real-IP",
    "True-Client-IP",
    "Cf-Connecting-IP",
    "Cf-Ray",
    "Content-Length",
    "Transfer-Encoding",
    "Proxy-Authorization",
    "Keep-Alive",
  ];
  const characters = [..."!#$%&'*+.^_`|~"];
  const spellings = ours.flatMap((name) => [
    ...characters.map((character) => name.replaceAll("-", character)),
    // One dash only, and two characters in turn.
    name.replace("-", "."),
    name.toUpperCase().replace(/-(?=[^-]*$)/, "~"),
  ]);
  const harmless = ["X.Request.Id", "X_Api_Key", "Cf.Accessory", "Content.Md5", "x~y"];
  for (let start = 0; start < spellings.length; start += 100) {
    const names = [...spellings.slice(start, start + 100), ...harmless];
    const lines = names.map((name) => `${name}: 7`);
    const { status } = await rawRequest(
      fixture.port,
      "POST /x HTTP/1.1",
      [
        "Host: app.localhost",
        `cf-access-token: ${token}`,
        "Transfer-Encoding: chunked",
        "Trailer: X-Checksum",
        ...lines,
      ],
      `1\r\na\r\n0\r\nX-Checksum: 1\r\n${lines.join("\r\n")}\r\n\r\n`,
    );
    assert.equal(status, 200);
    const [seen] = fixture.upstream.requests.splice(0);
    assert.ok(seen !== undefined);
    const arrived = seen.rawHeaders.filter((_, index) => index % 2 === 0);
    const odd = (name: string) => /[^a-z0-9-]/i.test(name);
    assert.deepEqual(arrived.filter(odd), harmless.filter(odd));
    assert.deepEqual(
      Object.keys(seen.trailers).toSorted(),
      ["x-checksum", ...harmless.map((name) => name.toLowerCase())].toSorted(),
    );
    for (const name of ["cf-access-anything-new", "x-real-ip", "cf-access-token"])
      assert.deepEqual(seen.header(name), undefined, name);
  }
});

test("nobody believes X-Forwarded headers of a peer that is no trusted proxy (H4)", async (context) => {
  const { fixture, ask } = await scene(context);
  const lies = [
    "X-Forwarded-Uri: /open/x",
    "X-Forwarded-Host: app2.localhost",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Prefix: /open",
    "X-Original-URL: /open/x",
    "X-Rewrite-URL: /open/x",
    "Forwarded: for=10.0.0.1;host=app2.localhost;proto=https",
    "X-Original-Host: app2.localhost",
    "X-Forwarded-Ssl: on",
    "X-Forwarded-Scheme: https",
    "X-Forwarded-Client-Cert: By=a;Subject=root",
    "X-Forwarded: for=10.0.0.1",
    "Front-End-Https: on",
    "X-Url-Scheme: https",
    "X-Client-IP: 10.0.0.1",
    "X-Cluster-Client-IP: 10.0.0.1",
    "Client-IP: 10.0.0.1",
    "Remote-User: root",
    "X-Remote-User: root",
    "X-Auth-Request-Email: root@example.com",
    "X_Auth_Request.Groups: admins",
  ];
  const denied = await ask("/admin/x", lies);
  assert.equal(denied.status, 302);
  assert.match(
    denied.headers["location"] ?? "",
    new RegExp(`^${fixture.team}/cdn-cgi/access/login/app\\.localhost\\?`),
  );
  assert.equal(fixture.upstream.requests.length, 0);

  assert.equal((await ask("/open/x", lies)).status, 200);
  assert.equal(fixture.upstream.requests[0]?.url, "/open/x");
  for (const line of lies) {
    const name = line.split(":")[0] ?? "";
    const ours = { "X-Forwarded-Host": "app.localhost", "X-Forwarded-Proto": "http" }[name];
    assert.deepEqual(
      seenAs(fixture, name).map(([, value]) => value),
      ours === undefined ? [] : [ours],
      name,
    );
  }
});

test("behind a trusted proxy the last address that is not a proxy's counts, and what cannot be read denies (H5)", async (context) => {
  const upstream = await startUpstream();
  const applications = [
    {
      name: "office",
      type: "self_hosted",
      domain: "app.localhost",
      policies: [{ name: "office", decision: "bypass", include: [{ ip: { ip: "10.0.0.0/8" } }] }],
    },
  ];
  const gateway = await startGateway({
    sections: {
      ...simpleSections(upstream.origin),
      applications,
      trusted_proxies: ["127.0.0.1", "192.0.2.0/24"],
    },
  });
  context.after(async () => {
    await gateway.close();
    await upstream.close();
  });
  const status = async (...values: string[]) => {
    const lines = ["Host: app.localhost", ...values.map((value) => `X-Forwarded-For: ${value}`)];
    return (await rawRequest(gateway.port, "GET /x HTTP/1.1", lines)).status;
  };
  assert.equal(await status("10.1.1.1"), 200);
  assert.equal(await status("10.1.1.1, 192.0.2.7"), 200, "the proxy in the middle is trusted too");
  assert.equal(await status("::ffff:10.1.1.1"), 200, "IPv4 in IPv6 is IPv4");
  assert.equal(await status("10.1.1.1:80"), 200, "load balancers add the port");
  upstream.reset();
  for (const values of [
    ["10.1.1.1, 203.0.113.9"],
    ["10.1.1.1", "203.0.113.9"],
    ["203.0.113.9"],
    ["a"],
    ["10.1.1.1, "],
    [""],
    [],
    ["010.1.1.1"],
    ["10.1.1.1:"],
    ["10.1.1.1:http"],
    ["10.1.1.1:123456"],
    ["[10.1.1.1]x"],
    ["unknown"],
    ["_hidden"],
    ["10.1"],
  ]) {
    assert.ok([400, 403].includes(await status(...values)), values.join(" | "));
  }
  assert.equal(upstream.requests.length, 0);
});

test("a host that is none, unknown, doubled or missing gets nothing of any application (H11)", async (context) => {
  const { fixture } = await scene(context);
  const cases: [string, number[], string[]][] = [
    ["an unknown host", [403], ["Host: unknown.example"]],
    ["an address", [403], ["Host: 127.0.0.1"]],
    ["another port", [421], ["Host: app.localhost:444"]],
    ["userinfo", [400], ["Host: app.localhost:443@evil"]],
    ["userinfo in front", [400], ["Host: evil@app.localhost"]],
    ["a space", [400], ["Host: app.localhost evil"]],
    ["two values in one", [400], ["Host: app.localhost, evil"]],
    ["two lines", [400], ["Host: app.localhost", "Host: app2.localhost"]],
    ["nothing", [400], ["Host: "]],
    ["no line", [400], []],
    ["a path", [400], ["Host: app.localhost/open"]],
    ["a bad port", [400], ["Host: app.localhost:0"]],
    ["a port that is no number", [400], ["Host: app.localhost:8o"]],
    ["an empty label", [400], ["Host: app..localhost"]],
    ["dots alone", [400], ["Host: ."]],
    ["an escape", [400], ["Host: app%2elocalhost"]],
    ["a look-alike", [400], ["Host: \xe4pp.localhost"]],
  ];
  for (const [what, statuses, lines] of cases) {
    const answer = await rawRequest(fixture.port, "GET /open/x HTTP/1.1", lines);
    assert.ok(statuses.includes(answer.status), `${what}: ${answer.status}`);
    assert.doesNotMatch(answer.raw, /app2?\.localhost(?!\/cdn)/i, what);
    assert.equal(fixture.upstream.requests.length, 0, what);
  }
});
