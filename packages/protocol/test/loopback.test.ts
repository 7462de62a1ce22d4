import assert from "node:assert/strict";
import { test } from "node:test";
import { isLoopbackHost, loopbackAddress } from "../src/index.ts";

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
