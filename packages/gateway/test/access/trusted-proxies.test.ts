// What proxies in front of the gateway say of the client, in the forms in which known ones say it;
// believed from trusted peers alone (cases H4, H5).
import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import * as h2 from "../../../../test/support/h2-frames.ts";
import { rawRequest } from "../../../../test/support/raw-request.ts";
import { parseProxies, readClient } from "../../src/access/trusted-proxies.ts";
import { readHeaders } from "../../src/http/request-headers.ts";
import { application, open, startAccessFixture } from "./access-fixture.ts";

/** Address, scheme and hosts of the client; the fault where nobody can tell. */
function clientOf(lines: string[], peer = "127.0.0.1"): unknown {
  const rawHeaders = ["Host: own.test", ...lines].flatMap((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
  const trustedProxies = parseProxies(["127.0.0.1", "10.0.0.0/8", "2001:db8:ffff::/48"]);
  const reading = readClient({ scheme: "http", trustedProxies }, peer, readHeaders(rawHeaders));
  if (!reading.ok) return reading.fault;
  const { address, scheme, host } = reading.client;
  return [address, scheme, ...host].join(" ");
}

const from = "X-Forwarded-For: 203.0.113.7";

test("the address of a client is read with and without its port", () => {
  const addresses: Record<string, string> = {
    "203.0.113.7": "203.0.113.7",
    "203.0.113.7:51234": "203.0.113.7",
    "[2001:db8::7]:443": "2001:db8::7",
    "[2001:DB8::7]": "2001:db8::7",
    "2001:db8::7": "2001:db8::7",
    "[::ffff:203.0.113.7]:1": "203.0.113.7",
    "203.0.113.7:1, 10.0.0.1:2": "203.0.113.7",
    "203.0.113.7:1,10.0.0.1 , [2001:db8:ffff::1]:9": "203.0.113.7",
    "198.51.100.1, 203.0.113.7:1, 10.0.0.1": "203.0.113.7",
    "unknown, 203.0.113.7": "203.0.113.7",
  };
  for (const [value, address] of Object.entries(addresses))
    assert.equal(clientOf([`X-Forwarded-For: ${value}`]), `${address} http own.test`, value);
  for (const value of [
    "203.0.113.7:",
    "203.0.113.7:a",
    "[2001:db8::7",
    "2001:db8::7]:1",
    "unknown",
  ])
    assert.equal(clientOf([`X-Forwarded-For: ${value}`]), "bad_forwarding", value);
});

test("the scheme is read from a list, from several hops, and as proxies name it for WebSockets", () => {
  const https = "203.0.113.7 https own.test";
  for (const lines of [
    ["X-Forwarded-Proto: https,http"],
    ["X-Forwarded-Proto: https, https"],
    ["X-Forwarded-Proto: HTTPS"],
    ["X-Forwarded-Proto: wss"],
    ["X-Forwarded-Proto: https", "X-Forwarded-Proto: https"],
  ])
    assert.equal(clientOf([from, ...lines]), https, lines.join());
  assert.equal(clientOf([from, "X-Forwarded-Proto: ws"]), "203.0.113.7 http own.test");
  // Each hop added to both lists: what the client itself wrote in front counts for nothing.
  const hops = "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.0.0.1";
  assert.equal(clientOf([hops, "X-Forwarded-Proto: http, https, http"]), https);
  for (const lines of [
    ["X-Forwarded-Proto: https", "X-Forwarded-Proto: http"],
    ["X-Forwarded-Proto: gopher"],
    ["X-Forwarded-Proto: gopher, https"],
    ["X-Forwarded-Proto: "],
  ])
    assert.equal(clientOf([from, ...lines]), "bad_forwarding", lines.join());
});

test("the host is read where all say the same, or each hop said its own", () => {
  const asked = "203.0.113.7 http app.test";
  assert.equal(clientOf([from, "X-Forwarded-Host: app.test"]), asked);
  assert.equal(clientOf([from, "X-Forwarded-Host: app.test, app.test"]), asked);
  assert.equal(clientOf([from, "X-Forwarded-Host: app.test:80, App.test"]), asked);
  assert.equal(clientOf([from, "X-Forwarded-Host: app.test", "X-Forwarded-Host: app.test"]), asked);
  const hops = "X-Forwarded-For: 198.51.100.1, 203.0.113.7, 10.0.0.1";
  assert.equal(clientOf([hops, "X-Forwarded-Host: admin.test, app.test, inner.test"]), asked);
  assert.equal(clientOf([from, "X-Forwarded-Host: admin.test, app.test"]), "bad_forwarding");
  assert.equal(clientOf([from, "X-Forwarded-Host: app.test:443, app.test"]), "bad_forwarding");
  assert.equal(
    clientOf([from, "X-Forwarded-Host: admin.test", "X-Forwarded-Host: app.test"]),
    "bad_forwarding",
  );
});

test("a proxy that does not say who the client is, and a peer that is no proxy", () => {
  assert.equal(clientOf([]), "no_forwarded_for");
  assert.equal(clientOf(["X-Forwarded-Proto: https"]), "no_forwarded_for");
  const stranger = [
    "X-Forwarded-For: 10.0.0.1:1",
    "X-Forwarded-Proto: https",
    "X-Forwarded-Host: x",
  ];
  assert.equal(clientOf(stranger, "192.0.2.1"), "192.0.2.1 http own.test");
});

test("behind a TLS proxy the default port is good, and is no part of the name", async (context) => {
  const access = await startAccessFixture(context, [application("app", [open])], {
    trusted_proxies: ["127.0.0.1"],
  });
  const https = [from, "X-Forwarded-Proto: https"];
  for (const [host, lines] of [
    ["app.localhost:443", https],
    ["APP.localhost.:443", https],
    ["app.localhost:80", [from]],
    ["app.localhost", https],
    [`app.localhost:${access.fixture.port}`, https],
  ] as const) {
    const seen = await access.passed("/x", lines, { host });
    const isOwnPort = host.endsWith(`:${access.fixture.port}`);
    assert.equal(seen.header("x-forwarded-host"), isOwnPort ? host : "app.localhost", host);
  }
  for (const [host, lines] of [
    ["app.localhost:443", [from]],
    ["app.localhost:80", https],
    ["app.localhost:8443", https],
  ] as const)
    await access.refused(421, "/x", lines, { host });
});

test("a missing or unreadable header of the proxy is named in the answer and in the log", async (context) => {
  const access = await startAccessFixture(context, [application("app", [open])], {
    trusted_proxies: ["127.0.0.1"],
  });
  const { events } = access.fixture;
  const missing = await access.refused(400, "/x");
  assert.match(missing.body, /sends no X-Forwarded-For/);
  await access.refused(400, "/x", [from, "X-Forwarded-Proto: gopher"]);
  await access.refused(400, "/x", ["X-Forwarded-For: 203.0.113.7;1"]);
  const reasons = events.flatMap((event) => ("reason" in event ? [event.reason] : []));
  assert.deepEqual(reasons, [
    "no_forwarded_for: X-Forwarded-For is missing",
    "bad_forwarding: X-Forwarded-Proto: gopher",
    "bad_forwarding: X-Forwarded-For: 203.0.113.7;1",
  ]);
});

test("a client that resets its connection behind its request passes for no proxy (H4)", async (context) => {
  const inside = { name: "inside", decision: "bypass", include: [{ ip: { ip: "10.9.9.0/24" } }] };
  const { fixture } = await startAccessFixture(context, [application("app", [inside])]);
  const { port, upstream } = fixture;
  const forged = "X-Forwarded-For: 10.9.9.9";
  const http1 = `GET / HTTP/1.1\r\nHost: app.localhost\r\n${forged}\r\n\r\n`;
  const fields = h2.requestFields("app.localhost", "/", [["x-forwarded-for", "10.9.9.9"]]);
  const http2 = Buffer.concat([h2.preface, h2.settings(), h2.headers(1, fields)]);
  for (const request of [http1, `${http1}${http1}`, http2])
    for (let count = 0; count < 20; count++) {
      const socket = connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      await new Promise<void>((resolve) => socket.once("connect", resolve));
      socket.write(request);
      socket.resetAndDestroy();
      // Another client's whole exchange later the gateway has seen it.
      await rawRequest(port, "GET / HTTP/1.1", ["Host: nobody.localhost"]);
    }
  assert.equal(upstream.requests.length, 0);
});
