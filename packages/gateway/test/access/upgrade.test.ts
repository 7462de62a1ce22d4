// Upgrades on their way to an origin and back: what becomes a tunnel, what does not, and that
// nothing of one is left for anybody else (case H9). Origins and clients speak byte for byte.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { type AddressInfo, createServer as createNetServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import { test } from "node:test";
import { createServer as createTlsServer } from "node:tls";
import { acceptOf } from "@postern/protocol/websocket-handshake";
import { http2Tunnel } from "../../../../test/support/http2-request.ts";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import { until } from "../../../../test/support/until.ts";
import { gatewayTo, host, scene } from "./forward-fixture.ts";
import { dial, requestHead, switching, upgradeScene, webSocketLines } from "./upgrade-fixture.ts";

const upgrade = requestHead(webSocketLines);
const ordinary = `GET /next HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`;
const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";

test("an upgrade reaches its origin as the client wrote it, and its answer the client", async (context) => {
  const answerLines = [
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
    "Sec-WebSocket-Extensions: permessage-deflate",
    "Sec-WebSocket-Protocol: superchat",
    "Set-Cookie: chat=1",
    "Set-Cookie: CF_Authorization=stolen",
    "Cf-Access-Jwt-Assertion: forged",
    "Keep-Alive: timeout=5",
    "Content-Length: 0",
  ];
  const { port, origins } = await upgradeScene(context, (peer) => {
    if (peer.body === "") peer.send(switching("WebSocket", answerLines));
  });
  const lines = [
    ...webSocketLines,
    "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-other",
    "Sec-WebSocket-Protocol: chat, superchat",
    "Cf-Access-Authenticated-User-Email: root@example.com",
  ];
  const client = dial(context, port, requestHead(lines, "GET /chat?room=1 HTTP/1.1"));
  await until(() => client.hasHead);

  const [origin] = origins;
  assert.ok(origin !== undefined);
  assert.match(origin.received, /^GET \/chat\?room=1 HTTP\/1\.1\r\n/);
  for (const line of lines.slice(1, -1))
    assert.ok(origin.received.includes(`\r\n${line}\r\n`), line);
  assert.match(origin.received, /\r\nConnection: Upgrade\r\n/);
  assert.doesNotMatch(origin.received, /root@example/);

  assert.match(client.received, /^HTTP\/1\.1 101 Switching Protocols\r\n/);
  assert.match(client.received, /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  for (const line of answerLines.slice(0, 4))
    assert.ok(client.received.includes(`\r\n${line}\r\n`), line);
  assert.doesNotMatch(client.received, /CF_Auth|forged|Keep-Alive|Content-Length/i);
  assert.match(client.received, /\r\nCf-Ray: [0-9a-f]{16}\r\n/);
});

test("what either side sends right behind its head arrives first", async (context) => {
  const { port, origins } = await upgradeScene(context, (peer) => {
    if (!peer.received.includes("later")) peer.send(`${switching()}from the origin;`);
  });
  const client = dial(context, port, `${upgrade}from the client;`);
  await until(() => client.hasHead);
  client.send("later");
  await until(() => origins[0]?.body === "from the client;later");
  assert.match(client.body, /^from the origin;/);
});

test("a side that ends leaves the other one open", async (context) => {
  const { port, origins } = await upgradeScene(context, (peer) => {
    if (peer.body === "") peer.send(switching());
  });
  for (const index of [0, 1]) {
    const client = dial(context, port, upgrade);
    await until(() => client.hasHead);
    const origin = origins[index];
    assert.ok(origin !== undefined);
    const [first, second] = index === 0 ? [client, origin] : [origin, client];
    // An origin of this fixture is half open as long as it does not answer.
    origin.socket.allowHalfOpen = true;
    first.socket.end("the last word", "latin1");
    await until(() => second.ended);
    assert.match(second.received, /the last word$/);
    second.socket.end("and the answer to it", "latin1");
    await until(() => first.ended);
    assert.match(first.received, /and the answer to it$/);
    await until(() => client.closed && origin.closed);
  }
});

test("a side that is gone closes the other one", async (context) => {
  const { port, origins } = await upgradeScene(context, (peer) => {
    if (peer.body === "") peer.send(switching());
  });
  for (const index of [0, 1]) {
    const client = dial(context, port, upgrade);
    await until(() => client.hasHead);
    const origin = origins[index];
    assert.ok(origin !== undefined);
    const [gone, left] = index === 0 ? [client, origin] : [origin, client];
    gone.socket.resetAndDestroy();
    await until(() => left.closed || left.ended);
    left.socket.end();
    await until(() => left.closed);
  }
});

test("hundreds of megabytes pass in both directions at once, unchanged, and wait for a slow reader", async (context) => {
  const size = 128 * 1024 * 1024;
  const block = randomBytes(1024 * 1024);
  const expected = createHash("sha256");
  for (let sent = 0; sent < size; sent += block.length) expected.update(block);
  const digest = expected.digest("hex");

  const server = createServer();
  context.after(() => server.close());
  const received: Promise<string>[] = [];
  server.on("upgrade", (_request, socket) => {
    socket.write(switching());
    received.push(digestOf(socket as Socket, size));
    pour(socket as Socket, block, size);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const gateway = await gatewayTo(context, [{ service: `http://127.0.0.1:${port}` }]);

  const client = dial(context, gateway.port, upgrade);
  await until(() => client.hasHead);
  client.socket.removeAllListeners("data").pause();
  const before = process.memoryUsage().rss;
  pour(client.socket, block, size);
  // What the client has got with the head is left out of account.
  const rest = size - client.body.length;
  await until(() => received.length === 1);
  const atOrigin = await received[0];
  const grown = process.memoryUsage().rss - before;
  assert.equal(atOrigin, digest);
  assert.ok(grown < size, `${grown} bytes were kept for a client that did not read`);

  let taken = 0;
  client.socket.on("data", (chunk: Buffer) => {
    taken += chunk.length;
  });
  client.socket.resume();
  await until(() => taken === rest);
});

function pour(socket: Socket, block: Buffer, size: number): void {
  let sent = 0;
  const push = () => {
    while (sent < size) {
      sent += block.length;
      if (!socket.write(block)) return;
    }
  };
  socket.on("drain", push);
  push();
}

/** The hash of the first bytes that arrive. */
function digestOf(socket: Socket, size: number): Promise<string> {
  return new Promise((resolve) => {
    const hash = createHash("sha256");
    let taken = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk: Buffer) => {
      taken += chunk.length;
      hash.update(chunk);
      if (taken >= size) resolve(hash.digest("hex"));
    });
  });
}

const refusals: Record<string, { answer: string; status: number; body?: string }> = {
  "200 with a length": {
    answer: "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown",
    status: 200,
    body: "own",
  },
  "200 in chunks": {
    answer: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n",
    status: 200,
  },
  "400 with a page": {
    answer: "HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\n\r\nno ws",
    status: 400,
    body: "no ws",
  },
  "a redirect": {
    answer: "HTTP/1.1 302 Found\r\nLocation: /sign-in\r\nContent-Length: 0\r\n\r\n",
    status: 302,
    body: "",
  },
  "204": { answer: "HTTP/1.1 204 No Content\r\n\r\n", status: 204, body: "" },
  "426 of its own": {
    answer: "HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\nUpgrade: foo\r\n\r\n",
    status: 426,
    body: "",
  },
};

test("an origin that does not switch answers as ever, and its connection is never used again (H9)", async (context) => {
  for (const [what, { answer, status, body }] of Object.entries(refusals)) {
    const { port, origins } = await upgradeScene(context, (peer, count) => {
      if (count === 1) peer.send(answer + poison);
      else peer.send("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean");
    });
    const refused = await rawExchange(port, upgrade);
    assert.equal(refused.status, status, what);
    if (body !== undefined) assert.equal(refused.body, body, what);
    assert.equal(refused.headers["connection"], "close", what);
    assert.doesNotMatch(refused.raw, /poison/, what);
    const next = await rawExchange(port, ordinary);
    assert.equal(next.body, "clean", what);
    assert.equal(origins.length, 2, `${what}: the connection was used again`);
    await until(() => origins[0]?.ended === true || origins[0]?.closed === true);
  }
});

const broken: Record<string, { answer?: string; status: number }> = {
  "another protocol": { answer: switching("h2c"), status: 502 },
  "two protocols": { answer: switching("websocket, h2c"), status: 502 },
  "no protocol": { answer: "HTTP/1.1 101 Switching Protocols\r\n\r\n", status: 502 },
  "a body behind 101": {
    answer: switching("websocket", ["Transfer-Encoding: chunked"]),
    status: 502,
  },
  junk: { answer: "\x00\x01\r\n\r\n", status: 502 },
  "the end of the connection": { status: 502 },
};

test("an origin that goes on with what nobody asked for, or with nothing, is a fault of the origin", async (context) => {
  for (const [what, { answer, status }] of Object.entries(broken)) {
    const { port, origins } = await upgradeScene(context, (peer) => {
      if (answer === undefined) peer.socket.destroy();
      else peer.send(answer);
    });
    const { status: actual, raw } = await rawExchange(port, upgrade);
    assert.equal(actual, status, what);
    assert.doesNotMatch(raw, / 101 /, what);
    await until(() => origins[0]?.ended === true || origins[0]?.closed === true);
  }
});

test("an origin that cannot be reached, or does not answer in time, is told as that", async (context) => {
  const silent = await upgradeScene(context, () => undefined, { responseTimeout: "100ms" });
  assert.equal((await rawExchange(silent.port, upgrade)).status, 504);
  const { gateway, upstream } = await scene(context);
  await upstream.refuse();
  assert.equal((await rawExchange(gateway.port, upgrade)).status, 502);
});

const withoutLine = (name: string, ...instead: string[]) =>
  requestHead([...webSocketLines.filter((line) => !line.startsWith(name)), ...instead]);

const improper: Record<string, [request: string, status: number]> = {
  "another Connection": [withoutLine("Connection", "Connection: close"), 400],
  "HTTP/1.0": [requestHead(webSocketLines, "GET /chat HTTP/1.0"), 400],
  "two protocols in one line": [withoutLine("Upgrade", "Upgrade: websocket, h2c"), 400],
  "two protocols": [requestHead([...webSocketLines, "Upgrade: h2c"]), 400],
  "WebSocket twice": [requestHead([...webSocketLines, "Upgrade: websocket"]), 400],
  "a version of the protocol": [withoutLine("Upgrade", "Upgrade: websocket/13"), 400],
  POST: [requestHead([...webSocketLines, "Content-Length: 0"], "POST /chat HTTP/1.1"), 400],
  "a body": [`${requestHead([...webSocketLines, "Content-Length: 4"])}body`, 400],
  "a body in chunks": [
    `${requestHead([...webSocketLines, "Transfer-Encoding: chunked"])}0\r\n\r\n`,
    400,
  ],
  "no version": [withoutLine("Sec-WebSocket-Version"), 426],
  "another version": [withoutLine("Sec-WebSocket-Version", "Sec-WebSocket-Version: 8"), 426],
  "two versions": [requestHead([...webSocketLines, "Sec-WebSocket-Version: 8"]), 426],
  "no key": [withoutLine("Sec-WebSocket-Key"), 400],
  "a short key": [withoutLine("Sec-WebSocket-Key", "Sec-WebSocket-Key: YWJj"), 400],
  "two keys": [
    requestHead([...webSocketLines, "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="]),
    400,
  ],
};

test("what asks for a WebSocket and is no proper upgrade is told so, and no origin hears of it", async (context) => {
  const { gateway, upstream } = await scene(context);
  for (const [what, [request, status]] of Object.entries(improper)) {
    const answer = await rawExchange(gateway.port, request);
    assert.equal(answer.status, status, what);
    if (status === 426) {
      assert.equal(answer.headers["sec-websocket-version"], "13", what);
      assert.equal(answer.headers["upgrade"], "websocket", what);
      assert.match(answer.headers["connection"] ?? "", /upgrade/i, what);
    }
    assert.equal(upstream.requests.length, 0, `the origin saw: ${what}`);
    assert.equal(upstream.malformed.length, 0, what);
  }
});

test("an upgrade to another kind of HTTP, or to TLS, is an ordinary request", async (context) => {
  const { gateway, upstream } = await scene(context);
  for (const protocol of ["h2c", "h2", "HTTP/2.0", "http/1.1", "TLS/1.2", "tls", "foo, bar"]) {
    for (const body of ["", "body"]) {
      const lines = [
        "Connection: Upgrade, HTTP2-Settings",
        `Upgrade: ${protocol}`,
        "HTTP2-Settings: AAMAAABkAAQAAP__",
        `Content-Length: ${body.length}`,
      ];
      const method = body === "" ? "GET" : "POST";
      const head = requestHead(lines, `${method} /chat HTTP/1.1`);
      const answer = await rawExchange(gateway.port, head + body);
      assert.equal(answer.status, 200, protocol);
      assert.equal(answer.headers["connection"], "close", protocol);
      const [seen] = upstream.requests.splice(0);
      await seen?.ended;
      assert.equal(seen?.bodySize, body.length, protocol);
      assert.equal(seen?.header("upgrade"), undefined, protocol);
      assert.equal(seen?.header("http2-settings"), undefined, protocol);
    }
  }
});

test("other protocols than WebSocket are tunnels as well, whatever the method", async (context) => {
  const { port, origins } = await upgradeScene(context, (peer) => {
    const [, protocol] = /\r\nUpgrade: (.*)\r\n/.exec(peer.received) ?? [];
    if (peer.body === "") peer.send(switching(protocol));
  });
  for (const [index, protocol] of ["SPDY/3.1", "tcp", "x-anything/1"].entries()) {
    const lines = ["Connection: Upgrade", `Upgrade: ${protocol}`, "Content-Length: 0"];
    const client = dial(context, port, requestHead(lines, "POST /exec HTTP/1.1"));
    await until(() => client.hasHead);
    assert.match(client.received, new RegExp(`\r\nUpgrade: ${protocol}\r\n`));
    client.send("hello");
    await until(() => origins[index]?.body === "hello");
    origins[index]?.send("there");
    await until(() => client.body === "there");
    client.socket.destroy();
  }
});

test("requests before an upgrade on its connection have their answers first", async (context) => {
  const { port, origins } = await upgradeScene(context, (peer) => {
    const path = [...peer.received.matchAll(/GET \/(\w+)/g)].at(-1)?.[1];
    if (path !== "chat") peer.send(`HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n${path}`);
    else if (peer.body === "") peer.send(switching());
  });
  const kept = (path: string) => `GET /${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const client = dial(context, port, `${kept("aaaa")}${kept("bbbb")}${upgrade}first`);
  await until(() => client.received.includes(" 101 "));
  assert.match(client.received, /200 OK[\s\S]*aaaa[\s\S]*200 OK[\s\S]*bbbb[\s\S]*101 Switching/);
  client.send(" second");
  await until(() => origins.some(({ body }) => body === "first second"));
});

test("a client that goes away before its origin answers takes the connection to the origin with it", async (context) => {
  const { port, origins } = await upgradeScene(context, () => undefined);
  const client = dial(context, port, upgrade);
  await until(() => origins[0]?.hasHead === true);
  client.socket.resetAndDestroy();
  await until(() => origins[0]?.ended === true || origins[0]?.closed === true);
});

test("over HTTP/2 a WebSocket reaches its origin with a key of the gateway's own, whose proof the origin must give", async (context) => {
  let proves = true;
  const { port, origins } = await upgradeScene(context, (peer) => {
    if (peer.body !== "") return;
    const [, key = ""] = /\r\nSec-WebSocket-Key: (.*)\r\n/.exec(peer.received) ?? [];
    const proof = acceptOf(proves ? key : "another");
    peer.send(switching("websocket", [`Sec-WebSocket-Accept: ${proof}`, "X-Of-Origin: yes"]));
  });
  const options = {
    host: "127.0.0.1",
    port,
    path: "/chat",
    headers: { Host: host, "sec-websocket-version": "13", "sec-websocket-protocol": "chat" },
  };
  const { headers, tunnel } = await http2Tunnel(options, "websocket");
  assert.equal(headers["x-of-origin"], "yes");
  assert.equal(headers["sec-websocket-accept"], undefined);
  const [origin] = origins;
  assert.match(origin?.received ?? "", /^GET \/chat HTTP\/1\.1\r\n/);
  assert.match(origin?.received ?? "", /\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n/);
  assert.match(origin?.received ?? "", /\r\nsec-websocket-protocol: chat\r\n/i);
  assert.equal(origin?.received.match(/sec-websocket-key/gi)?.length, 1);
  tunnel.write("hello");
  await until(() => origin?.body === "hello");
  tunnel.destroy();
  await until(() => origin?.closed === true || origin?.ended === true);

  proves = false;
  await assert.rejects(http2Tunnel(options, "websocket"), /answered 502/);
});

test("a tunnel to an origin over TLS, or at a Unix socket, ends side by side as well", async (context) => {
  const folder = mkdtempSync(join(tmpdir(), "postern-upgrade-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const { cert_file, key_file, ca_file } = certificateFor(context, ["localhost"]);
  const files = { cert: readFileSync(cert_file), key: readFileSync(key_file) };
  const speak = (socket: Duplex) => {
    socket.on("error", () => undefined);
    socket.once("data", () => {
      socket.write(`${switching()}first;`);
      let text = "";
      socket.on("data", (chunk: Buffer) => {
        text += chunk.toString();
      });
      // Answers after the client's end.
      socket.on("end", () => socket.end(`echo ${text}`));
    });
  };
  const tls = createTlsServer({ ...files, allowHalfOpen: true }, speak).listen(0, "127.0.0.1");
  const path = join(folder, "origin.sock");
  const unix = createNetServer({ allowHalfOpen: true }, speak).listen(path);
  context.after(() => [tls, unix].map((server) => server.close()));
  await Promise.all([tls, unix].map((server) => once(server, "listening")));
  const { port: tlsPort } = tls.address() as AddressInfo;
  for (const rule of [
    { service: `https://localhost:${tlsPort}`, originRequest: { caPool: ca_file } },
    { service: `unix:${path}` },
  ]) {
    const { port } = await gatewayTo(context, [rule]);
    const client = dial(context, port, upgrade);
    await until(() => client.body === "first;");
    client.socket.end("the last word");
    await until(() => client.ended);
    assert.equal(client.body, "first;echo the last word", rule.service);
  }
});
