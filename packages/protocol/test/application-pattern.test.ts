// How patterns are written and ordered (access-features 3.1). What they match is tested where
// requests are matched, in packages/gateway/test/access/match-application.test.ts; here is what
// both sides must agree on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { compareSpecificity, compilePattern, ProtocolError, parsePattern } from "../src/index.ts";

const badPattern = (error: unknown) =>
  error instanceof ProtocolError && error.code === "bad_pattern";
const covers = (pattern: string, host: string, path: string) => {
  const compiled = compilePattern(pattern);
  return compiled.matchesHost(host) && compiled.matchesPath(path);
};

test("a pattern has one spelling, so that two that mean the same are the same", () => {
  const spellings: Record<string, string[]> = {
    "app.test": ["APP.test", "app.test.", "app.test/", "app.test/*", "app.test/*/", "app.test"],
    "app.test/Eng": ["App.Test/Eng", "app.test/Eng/"],
    "app.test/eng/*": ["app.test/eng/*/"],
    "app.test/caf%C3%A9": ["app.test/café", "app.test/caf%c3%a9", "app.test/c%61f%C3%a9/"],
    "app.test/%2F%20%25": ["app.test/%2f%20%25"],
    "*.app.test": ["*.APP.test"],
    "[::1]/x": ["[::1]/x/"],
    "127.0.0.1": ["127.0.0.1/"],
  };
  for (const [text, written] of Object.entries(spellings)) {
    for (const each of written) {
      const pattern = parsePattern(each);
      assert.equal(pattern.text, text, each);
      assert.deepEqual(parsePattern(pattern.text), pattern, "the same again");
    }
  }
});

test("what can match nothing, or means something else than it says, is refused in words", () => {
  const refused: Record<string, RegExp> = {
    "": /has no host/,
    "/eng": /has no host/,
    "https://h.test": /has a scheme/,
    "h.test:80": /has a port/,
    "h.test:80/x": /has a port/,
    "h .test": /not a name/,
    "h..test": /not a name/,
    ".h.test": /not a name/,
    "-h.test": /not a name/,
    "h_.test-": /not a name/,
    "bücher.test": /not a name/,
    "a@h.test": /not a name/,
    "*.*a*.test": /two wildcards between two dots/,
    "**.test": /two wildcards between two dots/,
    "h.test/a**b": /two wildcards between two slashes/,
    "h.test/*a*/b": /two wildcards between two slashes/,
    "h.test/a?b": /query, fragment/,
    "h.test/a#b": /query, fragment/,
    "h.test/a\\b": /query, fragment/,
    "h.test/a b": /query, fragment/,
    "h.test/a\nb": /query, fragment/,
    "h.test//a": /two slashes or a dot segment/,
    "h.test/a//": /two slashes or a dot segment/,
    "h.test/a/../b": /two slashes or a dot segment/,
    "h.test/./a": /two slashes or a dot segment/,
    "h.test/..": /two slashes or a dot segment/,
    "h.test/a/%2e%2E/b": /two slashes or a dot segment/,
    "h.test/a%": /an escape in its path/,
    "h.test/a%4": /an escape in its path/,
    "h.test/a%zz": /an escape in its path/,
    "h.test/a%*": /an escape in its path/,
    "h.test/%00": /an escape in its path/,
    "h.test/%7f": /an escape in its path/,
    "h.test/%C2%85": /an escape in its path/,
    "h.test/%FF": /an escape in its path/,
    "h.test/\u0007": /an escape in its path/,
    "h.test/\ud800": /an escape in its path/,
  };
  for (const [text, says] of Object.entries(refused)) {
    assert.throws(() => compilePattern(text), badPattern, text);
    assert.throws(() => compilePattern(text), says, text);
  }
  assert.throws(
    () => parsePattern(`${"x".repeat(5_000)}:80`),
    (error: Error) => error.message.length < 300,
  );
});

test("characters with a meaning in regular expressions are themselves", () => {
  assert.ok(covers("*.a-b.test", "x.a-b.test", "/"));
  assert.ok(!covers("a.b*.test", "axb.test", "/"));
  assert.ok(!covers("*.b.test", "a.bxtest", "/"));
  for (const path of ["/a.b", "/a+b", "/(x)", "/[x]", "/$", "/^", "/a|b", "/{1}"]) {
    assert.ok(covers(`h.test${path}`, "h.test", path), path);
    assert.ok(covers(`h.test${path}*z`, "h.test", `${path}/z`), path);
    assert.ok(!covers(`h.test${path}`, "h.test", `/x${path.slice(1)}`), path);
  }
});

test("the more specific pattern comes first, whichever was written first", () => {
  const ordered = [
    "a.b.test/x/y",
    "a.b.test/x",
    "a.b.test/*x",
    "a.b.test",
    "b.test",
    "*.*.b.test",
    "a*.b.test/x",
    "a*.b.test",
    "*.b.test/x/*",
    "*.b.test/x",
    "*.b.test",
    "*.test",
  ];
  for (const texts of [ordered, ordered.toReversed(), ordered.toSorted()]) {
    const sorted = texts.map(compilePattern).sort(compareSpecificity);
    assert.deepEqual(
      sorted.map(({ text }) => text),
      ordered,
    );
  }
});
