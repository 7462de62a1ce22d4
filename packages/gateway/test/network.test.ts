// One reading of addresses and networks, whoever asks: rules, trusted proxies, limits.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  canonicalAddress,
  contains,
  formatNetwork,
  networkOf,
  parseAddress,
  parseNetwork,
  siteOf,
} from "../src/network.ts";

function isInside(network: string, address: string): boolean {
  const reading = parseNetwork(network);
  const parsed = parseAddress(address);
  assert.ok(reading.ok && parsed !== undefined, `${network} ${address}`);
  return contains(reading.network, parsed);
}

test("somebody inside a network is found there however their address is written", () => {
  for (const [network, address] of [
    ["10.0.0.0/8", "10.1.1.1"],
    ["10.0.0.0/8", "::ffff:10.1.1.1"],
    ["::ffff:10.0.0.0/104", "10.1.1.1"],
    ["192.0.2.7", "192.0.2.7"],
    ["2001:db8::/32", "2001:DB8:0::1"],
  ] as const)
    assert.ok(isInside(network, address), `${network} ${address}`);
  for (const [network, address] of [
    ["10.0.0.0/8", "11.0.0.1"],
    ["192.0.2.7", "192.0.2.8"],
    ["::/0", "10.1.1.1"],
    ["0.0.0.0/0", "::1"],
  ] as const)
    assert.ok(!isInside(network, address), `${network} ${address}`);
});

test("an address that servers read in different ways is no address (H5)", () => {
  for (const text of ["", "a", "010.1.1.1", "0x0a.1.1.1", "10.1", "10.1.1.1, 8.8.8.8", "[::1]"])
    assert.equal(canonicalAddress(text), undefined, text);
  assert.equal(canonicalAddress("2001:DB8:0:0::1"), "2001:db8::1");
});

test("a network has one spelling, and one that cannot be meant is refused", () => {
  const spellings = [
    ["192.0.2.7", "192.0.2.7/32"],
    ["::ffff:10.0.0.0/104", "10.0.0.0/8"],
    ["2001:DB8::/32", "2001:db8::/32"],
  ] as const;
  for (const [text, canonical] of spellings) {
    const reading = parseNetwork(text);
    assert.ok(reading.ok, text);
    assert.equal(formatNetwork(reading.network), canonical);
  }
  for (const text of ["", "a", "10.0.0.0/33", "10.0.0.0/8/8", "10.0.0.0/", "::1%eth0", "::/129"])
    assert.deepEqual(parseNetwork(text), { ok: false, fault: "no_network" }, text);
  assert.deepEqual(parseNetwork("::ffff:0:0/90"), { ok: false, fault: "wider_than_ipv4" });
});

test("a person whose privacy address changes stays one place to what is counted", () => {
  assert.equal(networkOf("2001:db8:1:2:aaaa::1"), networkOf("2001:db8:1:2:bbbb::2"));
  assert.notEqual(networkOf("2001:db8:1:2::1"), networkOf("2001:db8:1:3::1"));
  assert.equal(networkOf("::1"), networkOf("127.0.0.1"));
});

test("the many networks of one IPv6 customer are one site", () => {
  const site = (address: string) => siteOf(networkOf(address));
  assert.equal(site("2001:db8:1::1"), site("2001:db8:1:ffff::9"));
  assert.notEqual(site("2001:db8:1::1"), site("2001:db8:2::1"));
  for (const network of ["192.0.2.1", "127.0.0.1", "no address", "no address/64", ""])
    assert.equal(siteOf(network), network);
});
