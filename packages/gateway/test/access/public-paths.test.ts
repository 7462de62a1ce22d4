// Public paths of an application (`destinations[].overrides`): nobody is asked who they are there,
// and every path that an origin could take for another one stays as protected as the rest.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  ada,
  application,
  identityIn,
  only,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

function publicAt(...paths: string[]): unknown {
  return paths.map((path_pattern) => ({ path_pattern, behavior: "public" }));
}

const settings = {
  domain: undefined,
  destinations: [
    {
      uri: "app.localhost",
      overrides: publicAt("/sw.js", "/assets/*", "/docs/*/intro", "/open/"),
    },
    { uri: "app.localhost/assets/private" },
    { uri: "*.wild.localhost", overrides: publicAt("/health") },
  ],
};

const start = (context: TestContext) =>
  startAccessFixture(context, [
    application("app", [only(ada)], settings),
    application("other", [only(ada)], { domain: "app.localhost/assets/other" }),
  ]);

test("a public path is everybody's, without identity and without what clients claim to be", async (context) => {
  const { passed, refused, token } = await start(context);
  for (const path of [
    "/sw.js",
    "/sw.js?v=2",
    "/assets/",
    "/assets/a/b.css",
    "/docs/a/b/intro",
    "/open/",
  ])
    assert.equal(identityIn(await passed(path)), undefined, path);
  await passed("/health", [], { host: "one.wild.localhost" });
  const seen = await passed("/sw.js", [
    "Cf-Access-Jwt-Assertion: forged",
    "Cf-Access-Authenticated-User-Email: eve@example.com",
    `Cf-Access-Token: ${await token("app")}`,
    ...robotPair,
  ]);
  for (const name of [
    "cf-access-jwt-assertion",
    "cf-access-authenticated-user-email",
    "cf-access-token",
    "cf-access-client-id",
    "cf-access-client-secret",
  ])
    assert.equal(seen.header(name), undefined, name);
  const signedIn = [`Cookie: CF_Authorization=${await token("app")}`];
  assert.equal(identityIn(await passed("/sw.js", signedIn)), undefined);
  assert.equal(identityIn(await passed("/", signedIn)), ada);
  await refused(302, "/");
});

test("what is beside or below a public path, or on another destination, is protected", async (context) => {
  const { refused } = await start(context);
  const protectedPaths = [
    "/sw.js/",
    "/sw.js/x",
    "/sw.jsx",
    "/SW.js",
    "/sw.js;x=1",
    "/assets",
    "/open",
    "/open/x",
  ];
  for (const path of [...protectedPaths, "/docs/intro", "/docs/a/introduction", "/docs/a/intro/x"])
    await refused(302, path);
  await refused(302, "/assets/private/a");
  await refused(302, "/assets/other");
  await refused(302, "/sw.js", [], { host: "one.wild.localhost" });
});

test("no spelling of a protected path is public (case P3)", async (context) => {
  const { ask, fixture } = await start(context);
  const spellings = [
    "/assets/../admin",
    "/assets/%2e%2e/admin",
    "/assets/.%2E/admin",
    "/assets/..%2fadmin",
    "/assets/..%5cadmin",
    "/assets/..\\admin",
    "/assets/..;/admin",
    "/assets/..;x/admin",
    "/assets/%2e%2e;x/admin",
    "/assets/x/..;/..;/admin",
    "/assets/..%20/admin",
    "/assets//..//..//admin",
    "//assets/..//admin",
    "/assets/..%252fadmin/../../admin",
    "/assets/private",
    "/assets/PRIVATE",
    "/assets/private.",
    "/assets/private%20",
    "/assets/private;x",
    "/assets//private",
    "/assets/%70rivate",
    "/assets/private::$DATA",
    "/assets/other;x/a",
  ];
  for (const path of spellings) {
    const { status } = await ask(path);
    assert.ok(status === 302 || status === 400, `${path}: ${status}`);
    assert.equal(fixture.upstream.requests.length, 0, `the origin saw ${path}`);
  }
});

test("encoded slashes that an application takes lead out of no public path", async (context) => {
  const { passed, refused, ask, fixture } = await startAccessFixture(context, [
    application("app", [only(ada)], {
      domain: undefined,
      allow_encoded_slashes: true,
      destinations: [{ uri: "app.localhost", overrides: publicAt("/assets/*") }],
    }),
  ]);
  await passed("/assets/a%2Fb");
  await refused(302, "/assets/..%2Fadmin");
  await refused(302, "/assets/x%2F..%2F..%2Fadmin");
  await refused(302, "/assets/..%5Cadmin");
  await ask("/assets/%2e%2e%2fadmin");
  assert.equal(fixture.upstream.requests.length, 0);
});

test("a service token that does not hold is no worse than none at a public path, and opens no other", async (context) => {
  const { passed, refused } = await start(context);
  const wrong = ["CF-Access-Client-Id: robot.access", "CF-Access-Client-Secret: wrong"];
  await passed("/sw.js", wrong);
  await refused(401, "/", wrong);
});
