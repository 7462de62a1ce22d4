// What of a head crosses the local proxy, in either direction.
import assert from "node:assert/strict";
import { test } from "node:test";
import { localFields } from "../../src/local-proxy/answer-fields.ts";
import {
  gatewayFields,
  withoutOwnTokens,
  withoutOwnTrailers,
} from "../../src/local-proxy/request-fields.ts";

const sides = { appOrigin: "https://api.example.com", localOrigin: "http://localhost:8080" };

test("credentials for the gateway are dropped from a request, in every spelling of their names", () => {
  const names = [
    "cf-access-token",
    "CF-Access-Client-Id",
    "Cf-Access-Client-Secret",
    "Cf_Access_Token",
    "cf.access.token",
    "Cf-Access-Jwt-Assertion",
    "Cf-Access-Authenticated-User-Email",
    "cf-access-metadata-request",
    "cf-access-dpop",
  ];
  assert.deepEqual(
    gatewayFields(
      names.flatMap((name) => [name, "x"]),
      sides,
    ),
    [],
  );
});

test("the gateway's cookies are dropped from a request, and the application's stay in their order", () => {
  const cookie = (line: string) => gatewayFields(["Cookie", line], sides)[1];
  assert.equal(cookie("a=1; CF_Authorization=t; b=2"), "a=1; b=2");
  assert.equal(
    cookie("CF_AppSession=x; __Host-postern_state=y; postern_binding=z; cf_clearance=1"),
    "cf_clearance=1",
  );
  assert.equal(cookie("a=CF_Authorization"), "a=CF_Authorization");
  assert.equal(cookie("CF_Authorization=t"), undefined);
  assert.equal(cookie(" CF_Authorization =t;CF_Authorization=u"), undefined);
});

test("what belongs to one connection stays on it, by its name or by what Connection says", () => {
  const fields = [
    ["Connection", "keep-alive, X-Hop, Cookie"],
    ["X-Hop", "1"],
    ["Keep-Alive", "timeout=5"],
    ["Proxy-Authorization", "Basic x"],
    ["Transfer-Encoding", "chunked"],
    ["TE", "trailers"],
    ["Host", "localhost:8080"],
    ["Expect", "100-continue"],
    ["Content-Length", "3"],
    ["Cookie", "a=1"],
    ["Authorization", "Bearer of the API"],
    ["X-Twice", "1"],
    ["x-twice", "2"],
  ].flat();
  assert.deepEqual(gatewayFields(fields, sides), [
    "Cookie",
    "a=1",
    "Authorization",
    "Bearer of the API",
    "X-Twice",
    "1",
    "x-twice",
    "2",
  ]);
});

test("the proxy's own origin is the application's to the application", () => {
  const fields = [
    "Origin",
    "http://localhost:8080",
    "Referer",
    "http://localhost:8080/a?b",
    "referer",
    "http://localhost:80801/a",
  ];
  assert.deepEqual(gatewayFields(fields, sides), [
    "Origin",
    "https://api.example.com",
    "Referer",
    "https://api.example.com/a?b",
    "referer",
    "http://localhost:80801/a",
  ]);
});

test("only the team domain's own tokens are taken out of a query", () => {
  const team = "https://login.example.com";
  const tokenOf = (iss: string) => {
    const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    return `${part({ alg: "RS256" })}.${part({ iss })}.c2ln`;
  };
  const own = tokenOf(team);
  const other = tokenOf("https://elsewhere.example.com");
  for (const [target, expected] of [
    ["/a", "/a"],
    [`/a?token=${own}`, "/a"],
    [`/a?x=1&token=${own}&y=%2F`, "/a?x=1&y=%2F"],
    [`/a?%74oken=${own.replace("e", "%65")}&token=${own}`, "/a"],
    [`/a?token=${other}&token=mine`, `/a?token=${other}&token=mine`],
    [`/a?other=${own}`, `/a?other=${own}`],
    ["/a?token=&&=&token", "/a?token=&&=&token"],
  ] as const)
    assert.equal(withoutOwnTokens(target, team), expected);
});

test("nothing of the gateway's own is in an answer, and redirects within the application come back", () => {
  const fields = [
    ["Set-Cookie", "CF_Authorization=t; Path=/"],
    ["set-cookie", "=CF_AppSession=x"],
    ["Set-Cookie", "__Host-postern_binding=x; Secure"],
    ["Set-Cookie", "a=1"],
    ["Set-Cookie", "b=CF_Authorization"],
    ["CF-Access-Aud", "a"],
    ["cf-access-error", "revoked"],
    ["Alt-Svc", 'h3=":443"'],
    ["Connection", "close"],
    ["Location", "https://api.example.com/b?c#d"],
    ["Content-Location", "https://API.example.com:443/e"],
    ["Cf-Ray", "1"],
  ].flat();
  assert.deepEqual(localFields(fields, sides), [
    "Set-Cookie",
    "a=1",
    "Set-Cookie",
    "b=CF_Authorization",
    "Location",
    "http://localhost:8080/b?c#d",
    "Content-Location",
    "http://localhost:8080/e",
    "Cf-Ray",
    "1",
  ]);
  for (const elsewhere of [
    "/b",
    "https://api.example.com.evil.test/",
    "http://api.example.com/",
    "//api.example.com/b",
    "mailto:a@b",
  ])
    assert.deepEqual(localFields(["Location", elsewhere], sides), ["Location", elsewhere]);
});

test("trailers frame nothing and name nobody", () => {
  const fields = [
    "X-Sum",
    "1",
    "Cf-Access-Token",
    "t",
    "Set-Cookie",
    "a=1",
    "Content-Length",
    "9",
    "Transfer-Encoding",
    "chunked",
  ];
  assert.deepEqual(withoutOwnTrailers(fields), ["X-Sum", "1"]);
});
