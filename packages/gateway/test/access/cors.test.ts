// CORS (access-features 12, case P15): with `cors_headers` the gateway answers preflights itself,
// with `options_preflight_bypass` the application does, and OPTIONS is otherwise a method like any
// other.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  application,
  everybody,
  machines,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const front = "Origin: https://front.example";
const preflight = [front, "Access-Control-Request-Method: PUT"];
const allow = (headers: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(headers).filter(([name]) => name.startsWith("access-control-")),
  );

test("with cors_headers the gateway answers preflights, with what is configured and for whom", async (context) => {
  const listed = {
    allowed_origins: ["https://front.example", "null"],
    allowed_methods: ["GET", "PUT"],
    allowed_headers: ["x-a", "x-b"],
    allow_credentials: true,
    max_age: 60,
  };
  const all = { allow_all_origins: true, allow_all_methods: true, allow_all_headers: true };
  const access = await startAccessFixture(context, [
    application("app", [everybody], { cors_headers: listed }),
    application("app/all", [everybody], { cors_headers: all }),
  ]);
  const ask = async (path: string, lines: string[]) => {
    const answer = await access.refused(204, path, lines, { method: "OPTIONS" });
    assert.match(answer.headers["vary"] ?? "", /Origin/);
    return allow(answer.headers);
  };
  const answered = {
    "access-control-allow-origin": "https://front.example",
    "access-control-allow-credentials": "true",
    "access-control-allow-methods": "GET, PUT",
    "access-control-allow-headers": "x-a, x-b",
    "access-control-max-age": "60",
  };
  assert.deepEqual(await ask("/x", preflight), answered);
  assert.deepEqual(
    await ask("/x", [...preflight, "Cookie: CF_Authorization=x", ...robotPair]),
    answered,
    "whoever asks",
  );
  assert.deepEqual(await ask("/x", ["Origin: null", ...preflight.slice(1)]), {
    ...answered,
    "access-control-allow-origin": "null",
  });
  for (const origin of [
    "https://front.example.evil",
    "http://front.example",
    "https://FRONT.example",
    "https://front.example:444",
    "",
  ])
    assert.deepEqual(await ask("/x", [`Origin: ${origin}`, ...preflight.slice(1)]), {}, origin);
  assert.deepEqual(await ask("/all", [...preflight, "Access-Control-Request-Headers: x-c"]), {
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "PUT",
    "access-control-allow-headers": "x-c",
  });
});

test("the pages of allowed origins may read the gateway's own refusals, and no others may (L2)", async (context) => {
  const cors_headers = {
    allowed_origins: ["https://front.example"],
    allow_all_methods: true,
    allow_credentials: true,
  };
  const access = await startAccessFixture(context, [
    application("app", [machines, everybody], { cors_headers }),
  ]);
  for (const [status, lines] of [
    [401, ["Sec-Fetch-Mode: cors"]],
    [401, ["CF-Access-Client-Id: x"]],
    [400, ["cf-access-token: a", "cf-access-token: b"]],
  ] as const) {
    const own = await access.refused(status, "/", [front, ...lines]);
    assert.deepEqual(allow(own.headers), {
      "access-control-allow-origin": "https://front.example",
      "access-control-allow-credentials": "true",
    });
    const foreign = await access.refused(status, "/", ["Origin: https://evil.example", ...lines]);
    assert.deepEqual(allow(foreign.headers), {});
  }
});

test("options_preflight_bypass lets preflights through and nothing else, without a name and without a body (P15, H2)", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody], { options_preflight_bypass: true }),
  ]);
  const forged = [
    "Cf-Access-Authenticated-User-Email: root@example.com",
    "Cf_Access_Jwt_Assertion: evil",
    "X-Forwarded-User: root",
  ];
  const seen = await access.passed(
    "/x",
    [...preflight, ...forged, `cf-access-token: ${await access.token("app")}`],
    { method: "OPTIONS" },
  );
  assert.equal(seen.header("access-control-request-method"), "PUT");
  for (const name of [
    "cf-access-authenticated-user-email",
    "cf-access-jwt-assertion",
    "cf_access_jwt_assertion",
    "x-forwarded-user",
    "cf-access-token",
  ])
    assert.equal(seen.header(name), undefined, name);
  assert.equal(seen.bodySize, 0);
  for (const [lines, method, body] of [
    [[], "OPTIONS", ""],
    [[front], "OPTIONS", ""],
    [preflight.slice(1), "OPTIONS", ""],
    [[...preflight, "Content-Length: 1"], "OPTIONS", "x"],
    [[...preflight, "Transfer-Encoding: chunked"], "OPTIONS", "0\r\n\r\n"],
    [preflight, "GET", ""],
    [preflight, "HEAD", ""],
  ] as const) {
    await access.refused(302, "/x", lines, { method, body });
  }
});

test("where neither is configured a preflight is asked who it is, like everything else (P15)", async (context) => {
  const access = await startAccessFixture(context, [application("app", [everybody])]);
  const answer = await access.refused(401, "/x", [...preflight, "Sec-Fetch-Mode: cors"], {
    method: "OPTIONS",
  });
  assert.deepEqual(allow(answer.headers), {});
  await access.refused(302, "/x", preflight, { method: "OPTIONS" });
  const seen = await access.passed(
    "/x",
    [...preflight, `Cookie: CF_Authorization=${await access.token("app")}`],
    { method: "OPTIONS" },
  );
  assert.ok(seen.header("cf-access-jwt-assertion") !== undefined);
});
