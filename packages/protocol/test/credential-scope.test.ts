// What a pass or a grant may be narrowed to, as terminals write it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ProtocolError, readScopePath } from "../src/index.ts";

test("a path of a scope holds no dot segment for an origin that decodes slashes or drops parameters", () => {
  for (const path of [
    "/public/..%2Fadmin",
    "/public/..%2fadmin",
    "/public%2F..%2Fadmin",
    "/public/..%5Cadmin",
    "/public/%2e%2e%2fadmin",
    "/public/..;/admin",
    "/public/..;x=1/admin",
    "/public/..%3B/admin",
    "/public%2f..",
    "/a/.%2Fb",
    "/a%2F%2Fb",
    "/a/%2Fb",
  ])
    assert.throws(
      () => readScopePath(path),
      (error) => error instanceof ProtocolError && error.code === "bad_pattern",
      path,
    );
});

test("an encoded slash inside a name, parameters and dots in names are as good as any", () => {
  for (const path of [
    "/projects/acme%2Fshop/*",
    "/a;v=1/b",
    "/v1..v2",
    "/.well-known/x",
    "/a..%2Fb",
  ])
    assert.equal(readScopePath(path), path);
});
