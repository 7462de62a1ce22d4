// Which ingress rule takes a request: the first that covers host and path, as in cloudflared.
import assert from "node:assert/strict";
import { test } from "node:test";
import { chooseService, compileIngress } from "../../src/catalog/choose-service.ts";
import { loadConfig } from "../../src/config/load-config.ts";

/**
 * Rules as somebody wrote them; each goes to a status of its own, from 200 on, and what none takes
 * to 404.
 */
function rules(...written: { hostname?: string; path?: string }[]) {
  const ingress = [
    ...written.map((rule, index) => ({ ...rule, service: `http_status:${200 + index}` })),
    { service: "http_status:404" },
  ];
  const text = JSON.stringify({
    auth_domain: "login.localhost:8600",
    listen: "127.0.0.1:8600",
    ingress,
  });
  const { config } = loadConfig({ text, file: "test.yaml", environment: {} });
  const compiled = compileIngress(config.ingress);
  return (address: string): number => {
    const slash = address.indexOf("/");
    const service = chooseService(compiled, address.slice(0, slash), address.slice(slash))?.service;
    assert.equal(service?.kind, "status");
    return service.kind === "status" ? service.status : 0;
  };
}

test("the first rule that covers host and path has the request, not the closest", () => {
  const to = rules(
    { hostname: "a.test", path: "/v1" },
    { hostname: "a.test" },
    { hostname: "a.test", path: "/v1/x" },
    { path: "/v1" },
  );
  assert.deepEqual(
    ["a.test/v1", "a.test/v1/x", "a.test/", "b.test/v1/x", "b.test/"].map(to),
    [200, 200, 201, 203, 404],
  );
});

test("a wildcard host covers every level below, and not the name itself, as cloudflared has it", () => {
  const to = rules({ hostname: "*.a.test" });
  assert.deepEqual(
    ["x.a.test/", "x.y.a.test/", "a.test/", "xa.test/", ".a.test/"].map(to),
    [200, 200, 404, 404, 404],
  );
});

test("a host that a rule names goes by the rules for all hosts before it as well, each time", () => {
  const to = rules(
    { hostname: "*.a.test", path: "/x" },
    { hostname: "b.a.test", path: "/y" },
    { path: "/y" },
    { hostname: "b.a.test" },
  );
  for (let time = 0; time < 2; time++)
    assert.deepEqual(
      ["b.a.test/x", "b.a.test/y", "b.a.test/", "c.a.test/y", "c.a.test/", "a.test/x"].map(to),
      [200, 201, 203, 202, 404, 404],
    );
});

test("a path is a prefix on segment boundaries", () => {
  const to = rules({ path: "/eng" }, { path: "/app/" });
  assert.deepEqual(
    ["/eng", "/eng/", "/eng/x", "/engine", "/x/eng", "/ENG"].map(to),
    [200, 200, 200, 404, 404, 404],
  );
  assert.deepEqual(["/app", "/app/x", "/apple"].map(to), [201, 201, 404]);
});

test("a path with wildcards is a glob that crosses slashes and covers what lies below", () => {
  const to = rules({ path: "/v1/*/items" }, { path: "/static*" }, { path: "/x/*" });
  assert.deepEqual(
    ["/v1/7/items", "/v1/7/8/items/9", "/v1/items", "/v1/7/itemsize"].map(to),
    [200, 200, 404, 404],
  );
  assert.deepEqual(["/static", "/statics/x", "/stati"].map(to), [201, 201, 404]);
  assert.deepEqual(["/x/", "/x/y/z", "/x"].map(to), [202, 202, 404]);
});

test("characters with a meaning elsewhere are themselves", () => {
  const to = rules({ path: "/a.b+c" }, { path: "/*/a.b" });
  assert.deepEqual(
    ["/a.b+c", "/axb+c", "/a.bbc", "/x/a.b", "/x/aXb"].map(to),
    [200, 404, 404, 201, 404],
  );
});
