// The one form of every path (ADR 0004): what is kept as it is, what becomes another spelling, what
// is refused, and which paths an origin might read in another way. That policy and origin get the
// same is in test/security/paths.test.ts.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import { canonicalize, canonicalPath } from "../../src/http/canonical-path.ts";

function becomes(written: Record<string, string>): void {
  for (const [raw, path] of Object.entries(written))
    assert.equal(canonicalize(raw)?.path, path, raw);
}

const kept = [
  "/",
  "/a",
  "/a/",
  "/a/b.c/d-e_f~g",
  "/a:b@c!$&'()*+,=",
  "/caf%C3%A9",
  "/%20/%22%3C%3E",
  "/.well-known/x",
  "/...",
  "/a..b/.c",
  "/%E2%82%AC/%F0%9F%98%80",
  "/100%25",
  "/%3F%23",
  "/[x]|{y}^`",
];

test("a plain path stays as it is", () => {
  for (const path of kept)
    assert.deepEqual(canonicalize(path), { path, otherReadings: [], encodedSlash: false }, path);
});

test("escapes have one spelling: none where none is needed, capitals elsewhere", () => {
  becomes({
    "/%61%64min": "/admin",
    "/%41%5A%30%39": "/AZ09",
    "/%2d%2e%5f%7E": "/-._~",
    "/caf%c3%a9": "/caf%C3%A9",
    "/%3b%2c%3d": "/%3B%2C%3D",
  });
});

test("slashes are single, and dot segments are resolved, escaped or not", () => {
  becomes({
    "//": "/",
    "//a///b//": "/a/b/",
    "/a/./b": "/a/b",
    "/a/../b": "/b",
    "/a/b/..": "/a/",
    "/a/.": "/a/",
    "/a/..": "/",
    "/..": "/",
    "/../../a": "/a",
    "/a//../b": "/b",
    "/a/%2e/b": "/a/b",
    "/a/%2E%2e/b": "/b",
    "/a/.%2e/b": "/b",
    "/%2e%2e/%2e%2e/a": "/a",
    "/./": "/",
  });
});

test("what is decoded is decoded once: an escaped escape is text", () => {
  becomes({
    "/%252e%252e/a": "/%252e%252e/a",
    "/%2561": "/%2561",
    "/%252F": "/%252F",
    "/%25%32%65": "/%252e",
  });
  assert.equal(canonicalize("/%252F")?.encodedSlash, false);
});

test("control characters, broken escapes, what is no UTF-8, a raw # or backslash and non-ASCII are refused", () => {
  for (const raw of [
    "",
    "a",
    "?",
    "*",
    "/a b",
    "/a\tb",
    "/a\r\nb",
    "/a\u0000",
    "/a\u007f",
    "/é",
    "/a#b",
    "/a\\b",
    "/%",
    "/%4",
    "/%zz",
    "/%%41",
    "/%u0041",
    "/%00",
    "/%0a",
    "/%0D%0A",
    "/%1F",
    "/%7f",
    "/%80",
    "/%C2%85",
    "/%c0%ae",
    "/%C0%AF",
    "/%E0%80%AF",
    "/%ED%A0%80",
    "/%F4%90%80%80",
    "/%FF",
    "/%C3",
    "/%C3x%A9",
    "/x/%C3/%A9",
  ]) {
    assert.equal(canonicalize(raw), undefined, JSON.stringify(raw));
    assert.equal(canonicalPath(raw), undefined, JSON.stringify(raw));
  }
});

test("where an origin may strip parameters or decode slashes, every reading is known", () => {
  const readings: Record<string, string[]> = {
    "/a;x=1/b": ["/a/b"],
    "/a;/b": ["/a/b"],
    "/;/admin": ["/admin"],
    "/public/..;/admin": ["/admin"],
    "/public/..;x=1;y/admin": ["/admin"],
    "/public/.;/admin": ["/public/admin"],
    "/a%2Fb": ["/a/b"],
    "/public%2f..%2fadmin": ["/admin"],
    "/public/..%5cadmin": ["/admin"],
    // An origin that decodes and keeps parameters, one that strips and does not decode, and those
    // that do both.
    "/x;%2F..%2Fadmin/y": ["/admin/y", "/x/y"],
    "/public/..%2f;x/admin": ["/;x/admin", "/public/..%2F/admin", "/admin"],
    "/public/..;%2fadmin": ["/public/..;/admin", "/", "/admin"],
    "/a/b": [],
    "/a%3Bx": [],
  };
  for (const [raw, expected] of Object.entries(readings)) {
    assert.deepEqual(new Set(canonicalize(raw)?.otherReadings), new Set(expected), raw);
    assert.equal(
      canonicalPath(raw),
      expected.length > 0 ? undefined : canonicalize(raw)?.path,
      raw,
    );
  }
  for (const raw of ["/a%2Fb", "/a%2fb", "/a%5Cb"])
    assert.equal(canonicalize(raw)?.encodedSlash, true, raw);
});

const piece = fc.constantFrom(
  "/",
  "//",
  "a",
  "B",
  ".",
  "..",
  "%2e",
  "%2E",
  "%2f",
  "%5C",
  "%61",
  "%25",
  "%252e",
  "%C3%A9",
  "%c3%a9",
  ";",
  ";x=1",
  "~",
  "%",
  "%0",
  "é",
  "#",
);
const written = fc.oneof(
  fc.array(piece, { maxLength: 10 }).map((pieces) => `/${pieces.join("")}`),
  // The query is cut off before.
  fc.string({ unit: "binary-ascii", maxLength: 20 }).map((text) => `/${text.replaceAll("?", "")}`),
  fc.webPath(),
);

test("whatever is written: the form is reached at once, and holds no empty and no dot segment", () => {
  fc.assert(
    fc.property(written, (raw) => {
      const canonical = canonicalize(raw);
      if (canonical === undefined) return;
      const { path, otherReadings } = canonical;
      assert.deepEqual(canonicalize(path), canonical, "the same again");
      for (const each of [path, ...otherReadings]) {
        assert.match(each, /^\/[!-~]*$/);
        assert.doesNotMatch(each, /\/\/|\/\.{1,2}(?:\/|$)|[#\\]/);
      }
      // RFC 3986 6.2.2.1 and 6.2.2.2.
      assert.doesNotMatch(
        path,
        /%(?![0-9A-F]{2})|%(?:2[DE]|3\d|4[1-9A-F]|5[0-9AF]|6[1-9A-F]|7[0-9AE])/,
      );
    }),
    { numRuns: 3_000 },
  );
});

test("whatever is written: decoding says the same before and after, where nothing was resolved", () => {
  fc.assert(
    fc.property(fc.webSegment(), (segment) => {
      fc.pre(!/^(?:\.|%2e){1,2}$/i.test(segment) && segment !== "");
      const canonical = canonicalize(`/${segment}`);
      if (canonical !== undefined)
        assert.equal(decodeURIComponent(canonical.path), decodeURIComponent(`/${segment}`));
    }),
  );
});
