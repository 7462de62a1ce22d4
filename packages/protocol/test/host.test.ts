// The grammar of hosts that gateway and command line share; each of them adds conditions of its
// own.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  fitsDns,
  isBracketedAddress,
  isHostName,
  isLoopbackHost,
  isPort,
  loopbackAddress,
  parseAuthority,
  withoutBrackets,
  withoutFinalDot,
} from "../src/host.ts";

test("host and port are split, and the host is in lower case", () => {
  const authorities: [string, string, number | undefined][] = [
    ["api.example.com", "api.example.com", undefined],
    ["API.Example.com:8443", "api.example.com", 8443],
    ["a:080", "a", 80],
    ["a_b-.example.com.:1", "a_b-.example.com.", 1],
    ["192.0.2.7:65535", "192.0.2.7", 65_535],
    ["[2001:DB8::1]", "[2001:db8::1]", undefined],
    ["[::ffff:192.0.2.7]:443", "[::ffff:192.0.2.7]", 443],
  ];
  for (const [text, host, port] of authorities)
    assert.deepEqual(parseAuthority(text), { host, port }, text);
});

test("nothing but characters of a host and a port is an authority", () => {
  for (const text of [
    "",
    ":80",
    "a:",
    "a:b",
    "a:123456",
    "a:-1",
    "a:1:2",
    "a b",
    " a",
    "a\n",
    "ada@a",
    "a/",
    "a?",
    "a#",
    "a%41",
    "a,b",
    "*.a",
    "::1",
    "[::1",
    "[]",
    "[::1%lo]",
    "[::1]a",
    "b\u00fccher.example",
    // The Kelvin sign: its lower case is an ordinary k.
    "\u212aa",
  ])
    assert.equal(parseAuthority(text), undefined, JSON.stringify(text));
});

test("a host name is labels of letters, digits, underscores and inner dashes", () => {
  for (const text of ["a", "a.b", "_dmarc.a-b.example", "xn--mnchen-3ya.example", "192.0.2.7", "1"])
    assert.ok(isHostName(text), text);
  for (const text of ["", ".", "a.", ".a", "a..b", "-a", "a-", "a.-b", "A", "a b", "*", "[::1]"])
    assert.ok(!isHostName(text), text);
});

test("an address in brackets is told from a name", () => {
  for (const text of ["[::1]", "[2001:db8::1]", "[::ffff:192.0.2.7]"]) {
    assert.ok(isBracketedAddress(text), text);
    assert.equal(withoutBrackets(text), text.slice(1, -1));
  }
  for (const text of ["::1", "[]", "[a", "[g::1]", "a"]) assert.ok(!isBracketedAddress(text), text);
  assert.equal(withoutBrackets("a.example"), "a.example");
});

test("a name that no resolver can be asked for is too long", () => {
  const label = "a".repeat(63);
  assert.ok(fitsDns([label, label, label, "a".repeat(61)].join(".")));
  assert.ok(!fitsDns([label, label, label, "a".repeat(62)].join(".")));
  assert.ok(!fitsDns("a".repeat(64)));
});

test("ports go from 1 to 65535", () => {
  for (const port of [1, 80, 65_535]) assert.ok(isPort(port), String(port));
  for (const port of [0, -1, 65_536, 1.5, Number.NaN]) assert.ok(!isPort(port), String(port));
});

test("the dot of the root is no part of a name", () => {
  assert.equal(withoutFinalDot("example.com."), "example.com");
  assert.equal(withoutFinalDot("example.com"), "example.com");
  assert.equal(withoutFinalDot("example.com.."), "example.com.", "one dot, and not all");
});

const names = [
  "localhost",
  "LOCALHOST",
  "localhost.",
  "app.localhost",
  "a.b.localhost",
  "App.LocalHost.",
];
const addresses = ["127.0.0.1", "127.0.0.255", "127.255.1.99", "::1", "[::1]"];

test("http is allowed for localhost, what lies below it, and loopback addresses (wire-protocol 9)", () => {
  for (const host of [...names, ...addresses]) assert.ok(isLoopbackHost(host), host);
});

test("nothing that only looks like this machine is it", () => {
  for (const host of [
    "",
    "example.com",
    "localhost.example.com",
    "app.localhost.evil",
    "xlocalhost",
    "local-host",
    "localhost..",
    "localhost:80",
    "127.0.0.1.example.com",
    "127.1",
    "127.0.0.256",
    "127.0.0.999",
    "127.0.0.01",
    "127.0.0.1:80",
    "1127.0.0.1",
    "128.0.0.1",
    "0.0.0.0",
    "10.0.0.1",
    "2130706433",
    "0x7f.0.0.1",
    "::",
    "[::1]:80",
    "::1%lo",
    "[::2]",
    "::ffff:10.0.0.1",
  ]) {
    assert.ok(!isLoopbackHost(host), host);
  }
});

test("a name below localhost is dialled at 127.0.0.1 without asking anybody; an address is dialled as it is", () => {
  for (const host of names) assert.equal(loopbackAddress(host), "127.0.0.1", host);
  for (const host of [...addresses, "example.com", "localhost.evil", ""])
    assert.equal(loopbackAddress(host), undefined, host);
});
