// How a path is read (security-cases 2.1): by the gateway as by the origin, or not at all. Alice is
// an engineer; the public parts are open to everybody, /admin to Olga alone. Whoever is refused,
// the origin has seen nothing.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type LoginFixture,
  startLoginFixture,
} from "../../packages/gateway/test/login/login-fixture.ts";
import fc from "../support/properties.ts";
import { type RawAnswer, rawRequest } from "../support/raw-request.ts";

const alice = "alice@example.com";

interface Scene {
  fixture: LoginFixture;
  /** raw request target, as Alice unless `anonymous` */
  ask(
    target: string,
    options?: { anonymous?: boolean; host?: string; lines?: string[] },
  ): Promise<RawAnswer>;
  refused(
    target: string,
    options?: { anonymous?: boolean; host?: string; lines?: string[] },
  ): Promise<void>;
  /** the request target that the origin got */
  passed(target: string, options?: { anonymous?: boolean; host?: string }): Promise<string>;
}

const only = (email: string) => [
  { name: "only", decision: "allow", include: [{ email: { email } }] },
];
const open = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];

async function scene(context: TestContext, more: Record<string, unknown>[] = []): Promise<Scene> {
  const application = (domain: string, policies: unknown, settings = {}) => ({
    name: domain,
    type: "self_hosted",
    domain,
    policies,
    ...settings,
  });
  const applications = [
    application("app.localhost", only(alice)),
    application("app.localhost/public", open),
    application("app.localhost/open/*/status", open),
    application("app.localhost/admin", only("olga@example.com")),
    application("*.corp.localhost", only(alice)),
    application("app2.localhost", only("bob@example.com")),
    ...more,
  ];
  const fixture = await startLoginFixture(context, { sections: { applications } });
  const session = await fixture.session("browser", alice);
  const tokens = await Promise.all(
    fixture.parts.catalogs.current().applications.map(async (each) => {
      const token = await fixture.parts.tokens.issueApp(session, each, 36e5);
      return `Cookie: CF_Authorization=${token}`;
    }),
  );
  const [wholeHost = ""] = tokens;
  const tokenOf = (host: string) =>
    tokens[
      fixture.parts.catalogs
        .current()
        .applications.findIndex(({ domains: [domain = ""] }) => domain === host)
    ] ?? wholeHost;
  const ask: Scene["ask"] = (
    target,
    { anonymous = false, host = "app.localhost", lines = [] } = {},
  ) => {
    const own = host.toLowerCase().endsWith(".corp.localhost")
      ? tokenOf("*.corp.localhost")
      : tokenOf(host);
    return rawRequest(fixture.port, `GET ${target} HTTP/1.1`, [
      `Host: ${host}`,
      ...(anonymous ? [] : [own]),
      ...lines,
    ]);
  };
  return {
    fixture,
    ask,
    async refused(target, options) {
      const { status } = await ask(target, options);
      assert.ok([302, 400, 401, 403, 404].includes(status), `${target}: ${status}`);
      assert.deepEqual(
        fixture.upstream.requests.map(({ url }) => url),
        [],
        target,
      );
    },
    async passed(target, options) {
      fixture.upstream.reset();
      const { status } = await ask(target, options);
      assert.equal(status, 200, target);
      assert.equal(fixture.upstream.requests.length, 1, target);
      const url = fixture.upstream.requests[0]?.url ?? "";
      fixture.upstream.reset();
      return url;
    },
  };
}

test("whatever the spelling, nobody gets to /admin, and what passes is what was decided on", async (context) => {
  const { ask, fixture } = await scene(context);
  const piece = fc.constantFrom(
    "/",
    "//",
    "/.",
    "/..",
    "/admin",
    "/public",
    "/%61dmin",
    "/%2e%2e",
    "/..;",
    ";",
    "%2f",
    "%5c",
    "/open",
    "/status",
    "/x",
    "?",
    "/%2E",
    "%252e",
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 7 }), async (pieces) => {
      fixture.upstream.reset();
      const target = pieces.join("");
      const { status } = await ask(target.startsWith("/") ? target : `/${target}`);
      for (const { url } of fixture.upstream.requests) {
        assert.equal(status, 200);
        // As a tolerant origin would read it.
        const tolerant = url.replaceAll(/;[^/?]*/g, "").replaceAll(/\/+/g, "/");
        const path = new URL(tolerant, "http://origin").pathname;
        assert.doesNotMatch(path, /^\/admin(?:\/|$)/, url);
      }
    }),
    { numRuns: 400 },
  );
});

test("decoded, stripped or both: whatever an origin makes of a path, it stays in the application (P3, P4)", async (context) => {
  const wanted = {
    name: "files",
    type: "self_hosted",
    domain: "files.localhost",
    policies: open,
    allow_encoded_slashes: true,
  };
  const closed = {
    name: "admin of files",
    type: "self_hosted",
    domain: "files.localhost/admin",
    policies: only("olga@example.com"),
  };
  const { refused, passed } = await scene(context, [wanted, closed]);
  for (const target of [
    "/x;%2F..%2Fadmin/y",
    "/x%2F..%2Fadmin",
    "/x;/..;%2Fadmin",
    "/%2Fadmin;/y",
    "/y/..%2F;/admin",
    "/x;%5C..%5Cadmin",
  ])
    await refused(target, { host: "files.localhost", anonymous: true });
  assert.equal(
    await passed("/x;v=1%2F2/y", { host: "files.localhost", anonymous: true }),
    "/x;v=1%2F2/y",
  );
});

test("an origin that forgets case finds no other application than policy did (P7)", async (context) => {
  const twice = (domain: string) => ({ name: domain, type: "self_hosted", domain, policies: open });
  const { ask, refused, passed } = await scene(context, [
    twice("two.localhost/a"),
    twice("two.localhost/A"),
  ]);
  for (const target of ["/ADMIN/x", "/Admin", "/aDmin/"]) {
    await refused(target);
    assert.equal((await ask(target)).status, 400, target);
  }
  await refused("/PUBLIC/x", { anonymous: true });
  assert.equal(await passed("/public/X", { anonymous: true }), "/public/X");
  assert.equal(await passed("/Administration"), "/Administration");
  for (const target of ["/a/x", "/A/x"])
    assert.equal(await passed(target, { host: "two.localhost", anonymous: true }), target);
});

test("no reading that forgets case gets past a pattern, whichever application owns the others (P7)", async (context) => {
  const olga = only("olga@example.com");
  const on = (domain: string, policies: unknown, more: string[] = []) => ({
    name: `${domain} of ${JSON.stringify(policies).length}`,
    type: "self_hosted",
    domain,
    self_hosted_domains: more,
    policies,
  });
  const { refused, passed } = await scene(context, [
    // The laxer application has a more specific pattern than the one in question.
    on("deep.localhost", open, ["deep.localhost/admin/help/public"]),
    on("deep.localhost/admin", olga),
    on("odd.localhost", open),
    on("odd.localhost/Reports", olga),
    on("odd.localhost/caf%C3%A9", olga, ["odd.localhost/a%40b"]),
    on("odd.localhost/x;y", olga, ["odd.localhost/*/Private"]),
  ]);
  const anonymous = true;
  for (const target of [
    "/ADMIN",
    "/Admin/x",
    "/ADMIN/HELP",
    "//ADMIN",
    "/ADMIN;x",
    "/x/..;/Admin",
    "/%41dmin",
    "/;/ADMIN/x",
    "/x;/..;/aDMIN",
  ])
    await refused(target, { host: "deep.localhost", anonymous });
  for (const target of [
    "/reports",
    "/REPORTS/1",
    "/rep%6frts",
    "/CAF%C3%89",
    "/Caf%c3%a9/x",
    "/a@b",
    "/A@B/x",
    "/A%40b",
    "/x",
    "/x%3By",
    "/X;Y",
    "/team/private",
    "/team/PRIVATE/x",
    "/team//Private",
  ])
    await refused(target, { host: "odd.localhost", anonymous });
  const kept = { "/admin/help/public": "deep", "/Administration": "deep", "/Report": "odd" };
  for (const [target, name] of Object.entries(kept))
    assert.equal(await passed(target, { host: `${name}.localhost`, anonymous }), target);
});

test("runs of slashes reach the origin as they were sent, where every reading is one application and service (P5)", async (context) => {
  const files = { name: "files", type: "self_hosted", domain: "files.localhost", policies: open };
  const { passed, refused, fixture } = await scene(context, [
    files,
    { ...files, name: "secret", domain: "files.localhost/secret", policies: only("olga@x.test") },
  ]);
  const host = "files.localhost";
  const anonymous = true;
  for (const target of [
    "/fetch/https://img.example.com/a.png",
    "//bucket//key",
    "/a//",
    "//",
    "///x?u=//y",
    "/a;v=1//b",
    "/caf%C3%A9//x",
    "/x//Y",
  ])
    assert.equal(await passed(target, { host, anonymous }), target);
  // What a dot segment removes depends on who merges first: nothing is left to be merged.
  assert.equal(await passed("/a//../b", { host, anonymous }), "/b");
  assert.equal(await passed("/a/./b//c/../d", { host, anonymous }), "/a/b//d");
  for (const target of [
    "//secret",
    "/x//../secret",
    "/x/..//secret",
    "//SECRET/x",
    "/;//secret",
    "//%73ecret",
  ])
    await refused(target, { host, anonymous });
  assert.equal(fixture.upstream.requests.length, 0);
});

test("an application says what becomes of its slashes: merged, or kept where its origin alone tells them apart (P5)", async (context) => {
  const application = (host: string, path: string, policies: unknown, double_slashes?: string) => ({
    name: host + path,
    type: "self_hosted",
    domain: `${host}.localhost${path}`,
    policies,
    double_slashes,
  });
  const { passed, refused } = await scene(context, [
    application("merging", "", open, "merge"),
    application("keeping", "", open, "keep"),
    application("keeping", "/admin", only("olga@example.com"), "keep"),
    application("half", "", open, "keep"),
    application("half", "/admin", only("olga@example.com")),
  ]);
  const anonymous = true;
  assert.equal(await passed("/a//b", { host: "merging.localhost", anonymous }), "/a/b");
  assert.equal(await passed("//admin", { host: "keeping.localhost", anonymous }), "//admin");
  assert.equal(await passed("/a//b", { host: "half.localhost", anonymous }), "/a//b");
  await refused("//admin", { host: "half.localhost", anonymous });
  for (const target of ["/admin", "/admin//x", "//x/..;/..;/admin", "/x/../admin"])
    await refused(target, { host: "keeping.localhost", anonymous });
});

test("a path that leads to one service in one reading and to another in another is refused or merged (P9)", async (context) => {
  const { fixture, ask, passed } = await scene(context, [
    { name: "two", type: "self_hosted", domain: "two.localhost", policies: open },
  ]);
  const { ingress, ...sections } = { ingress: [{ service: fixture.upstream.origin }] };
  await fixture.change({
    ...sections,
    applications: [
      {
        name: "two",
        type: "self_hosted",
        domain: "two.localhost",
        policies: open,
        allow_encoded_slashes: true,
      },
    ],
    ingress: [
      { hostname: "two.localhost", path: "/internal", service: "http_status:403" },
      ...ingress,
    ],
  });
  const at = { host: "two.localhost", anonymous: true };
  for (const target of ["/internal;x/y", "/x/..;/internal", "/;/internal", "/x%2F..%2Finternal"]) {
    const { status } = await ask(target, at);
    assert.equal(status, 400, target);
  }
  assert.equal((await ask("//internal/x", at)).status, 403, "merged: the same as /internal/x");
  assert.equal(fixture.upstream.requests.length, 0);
  for (const target of ["/internals;x", "/a//b", "/x%2Fy"])
    assert.equal(await passed(target, at), target);
});
