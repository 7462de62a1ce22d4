import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compilePattern,
  decodeTransferKey,
  encodeTransferKey,
  generateTransferKeyPair,
  loginCode,
  openTokens,
  ProtocolError,
  parseDuration,
  sealTokens,
} from "../src/index.ts";

const code = (expected: string) => (error: unknown) => error instanceof ProtocolError && error.code === expected;

test("what one side seals, the other opens, and nobody else", () => {
  const terminal = generateTransferKeyPair();
  const service = generateTransferKeyPair();
  const body = sealTokens({ app_token: "a", org_token: "" }, service, terminal.publicKey);
  assert.deepEqual(openTokens(body, terminal, service.publicKey), { app_token: "a", org_token: "" });
  assert.throws(() => openTokens(body, generateTransferKeyPair(), service.publicKey), code("bad_box"));
});

test("a short, empty or mangled box is an error of one line, never a crash (C3)", () => {
  const terminal = generateTransferKeyPair();
  const sender = generateTransferKeyPair().publicKey;
  for (const length of [0, 1, 23, 24, 39]) {
    assert.throws(() => openTokens(Buffer.alloc(length).toString("base64"), terminal, sender), code("bad_box"));
  }
  assert.throws(() => openTokens("%%%", terminal, sender), code("bad_box"));
  assert.throws(() => openTokens(Buffer.alloc(80).toString("base64"), terminal, new Uint8Array(32)), code("bad_key"));
});

test("a key has one spelling: 32 bytes in padded base64url", () => {
  const { publicKey } = generateTransferKeyPair();
  const text = encodeTransferKey(publicKey);
  assert.equal(text.length, 44);
  assert.deepEqual(Buffer.from(decodeTransferKey(text)), Buffer.from(publicKey));
  for (const bad of [text.slice(0, -1), `${text}=`, "", "a".repeat(44), text.replace("=", " ")]) {
    assert.throws(() => decodeTransferKey(bad), code("bad_key"));
  }
  assert.match(loginCode(publicKey), /^[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}$/);
});

test("application patterns cover what Cloudflare Access says they cover", () => {
  const covers = (pattern: string, host: string, path: string) => {
    const compiled = compilePattern(pattern);
    return compiled.matchesHost(host) && compiled.matchesPath(path);
  };
  assert.ok(covers("*.example.com", "a.example.com", "/"));
  assert.ok(!covers("*.example.com", "example.com", "/"));
  assert.ok(!covers("*.example.com", "a.b.example.com", "/"));
  assert.ok(covers("*test.example.com", "alphatest.example.com", "/"));
  assert.ok(covers("*test.example.com", "test.example.com", "/"));
  assert.ok(!covers("*test.example.com", "a.test.example.com", "/"));
  assert.ok(covers("h.test/alpha/*", "h.test", "/alpha/b"));
  assert.ok(!covers("h.test/alpha/*", "h.test", "/alpha"));
  for (const path of ["/foo/bar", "/food/bar", "/food/stuff/bar", "/foo/bar/baz"]) assert.ok(covers("h.test/foo*/bar", "h.test", path));
  assert.ok(!covers("h.test/foo*/bar", "h.test", "/foo/barn"));
  assert.ok(covers("h.test/eng", "h.test", "/eng/exec"));
  assert.ok(!covers("h.test/eng", "h.test", "/engine"));
  assert.ok(covers("h.test/*", "h.test", "/"));
  for (const bad of ["", "https://h.test", "h.test:80", "h.test/a**b", "*.*a*.test", "h.test/a?b", "h .test"]) {
    assert.throws(() => compilePattern(bad), code("bad_pattern"), bad);
  }
});

test("durations are Go's", () => {
  assert.equal(parseDuration("24h"), 86_400_000);
  assert.equal(parseDuration("1h30m"), 5_400_000);
  assert.equal(parseDuration("300ms"), 300);
  for (const bad of ["", "5", "-1h", "1h 2m", "h", "1.2.3s", "1week"]) assert.throws(() => parseDuration(bad), code("bad_duration"), bad);
});
