// Requests and answers on their way through the gateway: whole, in order, no faster than the other
// side takes them, and with a clear page where the origin fails. The application is open to
// everybody; who may pass is tested elsewhere.
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { rawExchange, rawRequest } from "../../../../test/support/raw-request.ts";
import { needs } from "../../../../test/support/requirements.ts";
import { certificateFor } from "../../../../test/support/tls.ts";
import {
  chunked,
  dyingAfter,
  hangUp,
  held,
  startUpstream,
  type UpstreamOptions,
} from "../../../../test/support/upstream.ts";
import { answerOf, ask, gatewayTo, host, megabyte, rawOrigin, scene } from "./forward-fixture.ts";

/** The same, whatever the origin speaks. */
function testEachOrigin(
  name: string,
  run: (context: TestContext, speaks: UpstreamOptions) => Promise<void>,
): void {
  test(name, (context) => run(context, {}));
  test(`${name} (HTTP/2 to the origin)`, (context) => run(context, { http2: true }));
}

testEachOrigin(
  "an answer streams: its first part is there before its last part exists",
  async (context, speaks) => {
    const { gateway, upstream } = await scene(context, speaks);
    const rest = Promise.withResolvers<void>();
    upstream.answerWith((_request, response) => {
      response.write("first");
      void rest.promise.then(() => response.end("last"));
    });
    const asked = ask(gateway);
    asked.end();
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    const [first] = (await once(response, "data")) as [Buffer];
    assert.equal(first.toString(), "first");
    rest.resolve();
    const [last] = (await once(response, "data")) as [Buffer];
    assert.equal(last.toString(), "last");
  },
);

testEachOrigin(
  "a request streams: the origin has its first part before its last part exists",
  async (context, speaks) => {
    const { gateway, upstream } = await scene(context, speaks);
    const asked = ask(gateway, { method: "POST" });
    asked.write("first");
    await upstream.seen(1);
    const [seen] = upstream.requests;
    while (seen?.bodySize !== 5) await new Promise((resolve) => setImmediate(resolve));
    asked.end("last");
    const { response } = await answerOf(asked);
    assert.equal(response.statusCode, 200);
    assert.equal(seen.body, "firstlast");
  },
);

testEachOrigin(
  "a body of 64 MB arrives whole in both directions, without being held in memory",
  async (context, speaks) => {
    const { gateway, upstream } = await scene(context, speaks);
    const hash = createHash("sha256");
    upstream.answerWith((received, response) => received.pipe(response));
    const asked = ask(gateway, {
      method: "PUT",
      headers: { "Content-Length": String(64 * megabyte) },
    });
    const back = createHash("sha256");
    const echoed = once(asked, "response").then(async ([response]) => {
      for await (const chunk of response as IncomingMessage) back.update(chunk as Buffer);
    });
    const block = randomBytes(megabyte);
    for (let index = 0; index < 64; index++) {
      hash.update(block);
      if (!asked.write(block)) await once(asked, "drain");
    }
    asked.end();
    await echoed;
    assert.equal(back.digest("hex"), hash.digest("hex"));
  },
);

testEachOrigin("a client that does not read holds the origin back", async (context, speaks) => {
  const { gateway, upstream } = await scene(context, speaks);
  let written = 0;
  let blocked = false;
  upstream.answerWith((_request, response) => {
    const block = Buffer.alloc(megabyte);
    const write = () => {
      while (written < 256) {
        written++;
        if (!response.write(block)) {
          blocked = true;
          response.once("drain", write);
          return;
        }
      }
      response.end();
    };
    write();
  });
  const asked = ask(gateway);
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.pause();
  // Sockets and buffers in between take some megabytes; when nothing moves any more, far from all
  // was written.
  for (let before = -1; before !== written; before = written)
    await new Promise((resolve) => setTimeout(resolve, 200));
  assert.ok(blocked && written < 128, `${written} MB were written to nobody`);
  response.resume();
  let size = 0;
  for await (const chunk of response) size += (chunk as Buffer).length;
  assert.equal(size, 256 * megabyte);
});

testEachOrigin(
  "trailers arrive in both directions, but none that names somebody or frames a message",
  async (context, speaks) => {
    const { gateway, upstream } = await scene(context, speaks);
    upstream.answerWith(
      chunked(["a", "b"], { "Grpc-Status": "0", "Set-Cookie": "CF_Authorization=x" }),
    );
    const answer = await rawExchange(
      gateway.port,
      [
        "POST / HTTP/1.1",
        `Host: ${host}`,
        "Connection: close",
        "Transfer-Encoding: chunked",
        "Trailer: X-Checksum",
        "",
        "3",
        "abc",
        "0",
        "X-Checksum: 900150983cd24fb0",
        "Cf-Access-Authenticated-User-Email: root@example.com",
        "",
        "",
      ].join("\r\n"),
    );
    assert.match(answer.raw, /\r\n0\r\ngrpc-status: 0\r\n\r\n$/i);
    const [seen] = upstream.requests;
    assert.equal(seen?.body, "abc");
    assert.equal(seen?.trailers["x-checksum"], "900150983cd24fb0");
    assert.equal(seen?.trailers["cf-access-authenticated-user-email"], undefined);
    assert.equal(seen?.header("trailer"), "X-Checksum");
  },
);

test("a client that asks before it sends its body gets the origin's own go-ahead", async (context) => {
  const go = Promise.withResolvers<void>();
  const { origin } = await rawOrigin(context, (socket) => {
    let got = "";
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      if (got.endsWith("\r\n\r\n"))
        void go.promise.then(() => socket.write("HTTP/1.1 100 Continue\r\n\r\n"));
      if (got.endsWith("the body")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const asked = ask(gateway, {
    method: "POST",
    headers: { Expect: "100-continue", "Content-Length": "8" },
  });
  let continued = false;
  asked.once("continue", () => {
    continued = true;
    asked.end("the body");
  });
  asked.flushHeaders();
  go.resolve();
  const { response, body } = await answerOf(asked);
  assert.equal(response.statusCode, 200);
  assert.equal(body.toString(), "ok");
  assert.equal(continued, true);
});

test("an origin that refuses before the body gets none, and the client learns it without sending one", async (context) => {
  const { origin } = await rawOrigin(context, (socket) => {
    socket.once("data", () =>
      socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"),
    );
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const asked = ask(gateway, {
    method: "POST",
    headers: { Expect: "100-continue", "Content-Length": String(10 * megabyte) },
  });
  let continued = false;
  asked.once("continue", () => {
    continued = true;
  });
  asked.flushHeaders();
  const { response } = await answerOf(asked);
  asked.destroy();
  assert.equal(response.statusCode, 413);
  assert.equal(response.headers.connection, "close");
  assert.equal(continued, false);
});

test("an origin that never heard of 100-continue gets the body all the same", async (context) => {
  const { origin } = await rawOrigin(context, (socket) => {
    let got = "";
    socket.on("data", (chunk) => {
      got += chunk.toString("latin1");
      if (got.endsWith("the body")) socket.end("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const asked = ask(gateway, {
    method: "POST",
    headers: { Expect: "100-continue", "Content-Length": "8" },
  });
  asked.once("continue", () => asked.end("the body"));
  asked.flushHeaders();
  assert.equal((await answerOf(asked)).response.statusCode, 200);
});

testEachOrigin("a client that goes away is gone for the origin too", async (context, speaks) => {
  const { gateway, upstream } = await scene(context, speaks);
  upstream.answerWith(
    (_request, response) => void response.write("the beginning of a long answer"),
  );
  const asked = ask(gateway);
  asked.end();
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  const gone = new Promise<void>((resolve) => {
    const [seen] = upstream.requests;
    void seen?.ended.then(resolve);
  });
  asked.destroy();
  await gone;

  upstream.reset();
  const upload = ask(gateway, { method: "POST", headers: { "Content-Length": "1000" } });
  upload.on("error", () => undefined);
  upload.write("half");
  await upstream.seen(1);
  upload.destroy();
  await upstream.requests[0]?.ended;
  assert.equal(upstream.requests[0]?.aborted, true);
});

testEachOrigin(
  "an origin that is down, hangs up or dies midway gives a page with a ray id, or a visibly broken answer",
  async (context, speaks) => {
    const { gateway, upstream } = await scene(context, speaks);
    const page = async (path = "/") =>
      rawRequest(gateway.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`, "Accept: text/html"]);
    upstream.answerWith(hangUp);
    const hungUp = await page();
    assert.equal(hungUp.status, 502);
    assert.match(hungUp.body, /<h1>The application did not answer<\/h1>/);
    assert.match(hungUp.body, new RegExp(`<code>${hungUp.headers["cf-ray"]}</code>`));
    assert.equal(upstream.requests.length, 1, "asked once: it may have had its effect");

    upstream.answerWith(dyingAfter(100, 1_000));
    const half = await page();
    assert.equal(half.status, 200);
    assert.equal(half.body.length, 100, "less than it promised: the client can tell");

    await upstream.refuse();
    const down = await page();
    assert.equal(down.status, 502);
    assert.match(down.body, /<h1>The application cannot be reached<\/h1>/);
    const failed = gateway.events.findLast(({ event }) => event === "origin_failed");
    assert.partialDeepStrictEqual(failed, { origin: upstream.origin, detail: "ECONNREFUSED" });
    const json = await rawRequest(gateway.port, "GET / HTTP/1.1", [
      `Host: ${host}`,
      "Accept: application/json",
    ]);
    assert.equal(JSON.parse(json.body).error, "origin_unreachable");
  },
);

testEachOrigin(
  "an origin that is slow gives 504: slow to answer, and slow to take the connection",
  async (context, speaks) => {
    const { gateway, upstream } = await scene(context, speaks, { responseTimeout: "100ms" });
    const slow = held();
    upstream.answerWith(slow.answer);
    const answer = await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`]);
    assert.equal(answer.status, 504);
    assert.match(answer.body, /did not answer in time/);
    slow.release();

    // A full backlog takes no connection: nobody accepts here, and one is waiting already.
    const deaf = createServer();
    deaf.listen({ port: 0, host: "127.0.0.1", backlog: 1 });
    await once(deaf, "listening");
    context.after(() => deaf.close());
    const other = await gatewayTo(context, [
      { service: "http://192.0.2.1:9", originRequest: { connectTimeout: "50ms" } },
    ]);
    const unreachable = await rawRequest(other.port, "GET / HTTP/1.1", [`Host: ${host}`]);
    assert.ok([502, 504].includes(unreachable.status));
  },
);

test("a malformed answer is not passed on (H9)", async (context) => {
  for (const bytes of [
    "nonsense\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
  ]) {
    const { origin } = await rawOrigin(
      context,
      (socket) => void socket.once("data", () => socket.write(bytes)),
    );
    const gateway = await gatewayTo(context, [{ service: origin }]);
    const answer = await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`]);
    assert.equal(answer.status, 502, bytes);
    assert.doesNotMatch(answer.raw, /nonsense/);
  }
});

test("what an origin says beyond its answer never becomes the next answer (H9)", async (context) => {
  const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
  const { origin, sockets } = await rawOrigin(context, (socket, count) => {
    socket.on("data", () =>
      socket.write(
        count === 1
          ? `${answer}firstHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison`
          : `${answer}other`,
      ),
    );
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const bodies: string[] = [];
  for (let index = 0; index < 3; index++)
    bodies.push((await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`])).body);
  assert.deepEqual(bodies, ["first", "other", "other"]);
  assert.equal(sockets.length, 2, "the poisoned connection was not used again, the good one was");
});

test("a connection that the origin closes while idle costs no request", async (context) => {
  const { origin, sockets } = await rawOrigin(context, (socket, count) => {
    socket.on("data", () => {
      if (count === 1 && socket.bytesWritten > 0) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const status = async () =>
    (await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`])).status;
  assert.equal(await status(), 200);
  assert.equal(await status(), 200, "sent again on a new connection");
  assert.equal(sockets.length, 2);
});

test("a request that may have had its effect is not sent twice", async (context) => {
  let posts = 0;
  const { origin } = await rawOrigin(context, (socket) => {
    let served = 0;
    socket.on("data", (chunk) => {
      if (chunk.toString().startsWith("POST")) posts++;
      if (served++ > 0) socket.destroy();
      else socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const status = async (method: string) =>
    (await rawRequest(gateway.port, `${method} / HTTP/1.1`, [`Host: ${host}`, "Content-Length: 0"]))
      .status;
  assert.equal(await status("GET"), 200);
  assert.equal(await status("POST"), 502);
  assert.equal(posts, 1);
});

test(
  "an origin behind TLS is verified by name and authority, unless told otherwise",
  needs("openssl"),
  async (context) => {
    const files = certificateFor(context, ["orders.internal"]);
    const { readFileSync } = await import("node:fs");
    const tls = {
      cert: readFileSync(files.cert_file, "utf8"),
      key: readFileSync(files.key_file, "utf8"),
    };
    const upstream = await startUpstream({ tls });
    context.after(() => upstream.close());
    const status = async (originRequest: Record<string, unknown>) => {
      const gateway = await gatewayTo(context, [{ service: upstream.origin, originRequest }]);
      return (await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`])).status;
    };
    assert.equal(await status({}), 502, "an unknown authority");
    assert.equal(await status({ caPool: files.ca_file }), 502, "a certificate for another name");
    assert.equal(upstream.requests.length, 0);
    assert.equal(await status({ caPool: files.ca_file, originServerName: "orders.internal" }), 200);
    assert.equal(await status({ noTLSVerify: true }), 200);
  },
);

test("a service on a Unix socket, a fixed status and another Host", async (context) => {
  const socketPath = join(tmpdir(), `postern-test-${process.pid}.sock`);
  const upstream = await startUpstream({ socketPath });
  context.after(() => upstream.close());
  const gateway = await gatewayTo(context, [
    { path: "/gone", service: "http_status:410", hostname: host },
    {
      hostname: host,
      path: "/renamed",
      service: upstream.origin,
      originRequest: { httpHostHeader: "orders.internal" },
    },
    { service: upstream.origin },
  ]);
  const get = (path: string) => rawRequest(gateway.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`]);
  assert.equal((await get("/gone/x")).status, 410);
  assert.equal(upstream.requests.length, 0);
  assert.equal((await get("/renamed")).status, 200);
  assert.equal(upstream.requests[0]?.header("host"), "orders.internal");
  assert.equal(upstream.requests[0]?.header("x-forwarded-host"), host);
  assert.equal((await get("/gonelike")).status, 200);
  assert.equal(upstream.requests[1]?.header("host"), host);
});

test("a fixed answer is given to whom policy lets pass, and never by the origin", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const robots = { body: "User-agent: *\nDisallow: /é\n" };
  const page = { body: "<p>Gone</p>", contentType: "text/html; charset=utf-8" };
  const gateway = await gatewayTo(context, [
    { path: "/robots.txt", service: "http_status:200", answer: robots },
    { path: "/old", service: "http_status:410", answer: page },
    { service: upstream.origin },
  ]);
  const ask = (line: string, at = host) =>
    rawRequest(gateway.port, `${line} HTTP/1.1`, [`Host: ${at}`]);
  const given = await ask("GET /robots.txt");
  assert.equal(given.status, 200);
  assert.equal(Buffer.from(given.body, "latin1").toString(), robots.body);
  assert.equal(given.headers["content-type"], "text/plain; charset=utf-8");
  assert.equal(given.headers["x-content-type-options"], "nosniff");
  const head = await ask("HEAD /robots.txt");
  assert.equal(head.body, "");
  assert.equal(head.headers["content-length"], String(Buffer.byteLength(robots.body)));
  const gone = await ask("GET /old/x");
  assert.equal(gone.status, 410);
  assert.equal(gone.body, page.body);
  assert.equal(gone.headers["content-type"], page.contentType);
  assert.equal(upstream.requests.length, 0);
  assert.equal((await ask("GET /robots.txtx")).status, 200);
  assert.equal(upstream.requests.length, 1);

  const people = [{ name: "people", decision: "allow", include: [{ everyone: {} }] }];
  const closed = await gatewayTo(
    context,
    [
      { path: "/robots.txt", service: "http_status:200", answer: robots },
      { service: upstream.origin },
    ],
    { applications: [{ name: "Closed", domain: host, policies: people }] },
  );
  const line = "GET /robots.txt HTTP/1.1";
  const refused = await rawRequest(closed.port, line, [`Host: ${host}`]);
  assert.equal(refused.status, 302);
  assert.doesNotMatch(refused.body, /User-agent/);
  assert.equal(upstream.requests.length, 1, "the origin saw nothing of it");
});

test("a body that stops in the middle is not waited for without end", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const gateway = await gatewayTo(context, [{ service: upstream.origin }], {
    limits: { body_timeout: "100ms" },
  });
  const answer = await rawExchange(
    gateway.port,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 100\r\n\r\nhalf`,
  );
  assert.equal(answer.status, 408);
  await upstream.requests[0]?.ended;
  assert.equal(upstream.requests[0]?.aborted, true);
});

test("two requests in one write are two requests, each with its own answer", async (context) => {
  const { gateway, upstream } = await scene(context);
  const one = (path: string, close = "") => `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${close}\r\n`;
  const answer = await rawExchange(
    gateway.port,
    one("/1") + one("/2") + one("/3", "Connection: close\r\n"),
  );
  assert.deepEqual(
    [...answer.raw.matchAll(/"url":"(\/\d)"/g)].map(([, url]) => url),
    ["/1", "/2", "/3"],
  );
  assert.deepEqual(
    upstream.requests.map(({ url }) => url),
    ["/1", "/2", "/3"],
  );
});

test("CONNECT and TRACE are not answered by anybody's application (H9)", async (context) => {
  const { gateway, upstream } = await scene(context);
  assert.equal(
    (await rawRequest(gateway.port, `CONNECT ${host}:443 HTTP/1.1`, [`Host: ${host}`])).status,
    405,
  );
  assert.equal((await rawRequest(gateway.port, "TRACE / HTTP/1.1", [`Host: ${host}`])).status, 405);
  assert.equal(upstream.requests.length, 0);
});

test("smuggled and malformed requests end their connection and reach nobody (H7)", async (context) => {
  const { gateway, upstream } = await scene(context);
  const inner = `GET /smuggled HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
  const head = (lines: string) => `POST / HTTP/1.1\r\nHost: ${host}\r\n${lines}\r\n\r\n`;
  for (const text of [
    `${head("Content-Length: 5\r\nTransfer-Encoding: chunked")}0\r\n\r\n${inner}`,
    head("Transfer-Encoding: xchunked") + inner,
    `${head("Transfer-Encoding: chunked, identity")}0\r\n\r\n${inner}`,
    `${head("Transfer-Encoding : chunked")}0\r\n\r\n${inner}`,
    head("Content-Length : 5") + inner,
    head("Content-Length: 5\r\nContent-Length: 6") + inner,
    head("Content-Length: 5\r\nContent-Length: 5") + inner,
    head("Content-Length: +5") + inner,
    head("X: y\r\n folded: z") + inner,
    head("X: y\rContent-Length: 5") + inner,
    head("X\0: y") + inner,
    `GET / HTTP/1.1\nHost: ${host}\n\n${inner}`,
    `G\0T / HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`,
    `GET / HTTP/9.9\r\nHost: ${host}\r\n\r\n${inner}`,
    `GET /\t HTTP/1.1\r\nHost: ${host}\r\n\r\n${inner}`,
  ]) {
    const answer = await rawExchange(gateway.port, text);
    assert.equal(answer.status, 400, JSON.stringify(text.slice(0, 90)));
    assert.equal(upstream.requests.filter(({ url }) => url === "/smuggled").length, 0);
  }
  const large = await rawExchange(
    gateway.port,
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX: ${"x".repeat(70_000)}\r\n\r\n`,
  );
  assert.equal(large.status, 431);
  const many = await rawRequest(gateway.port, "GET / HTTP/1.1", [
    `Host: ${host}`,
    ...Array.from({ length: 300 }, (_, index) => `X-${index}: y`),
  ]);
  assert.equal(many.status, 431);
});

test("a refused upload is answered before it is read, and its connection ends", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const policies = [
    { name: "nobody", decision: "allow", include: [{ email: { email: "nobody@example.com" } }] },
  ];
  const gateway = await gatewayTo(context, [{ service: upstream.origin }], {
    applications: [{ name: "Closed", type: "self_hosted", domain: host, policies }],
  });
  const answer = await rawExchange(
    gateway.port,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 50\r\n\r\n${"x".repeat(20)}`,
  );
  assert.equal(answer.status, 302);
  const expecting = await rawExchange(
    gateway.port,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 5000000\r\n\r\n`,
  );
  assert.equal(expecting.status, 302, "and no 100 Continue before it");
  const socket = connect(gateway.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(`POST / HTTP/1.1\r\nHost: ${host}\r\nContent-Length: 500000000\r\n\r\n`);
  const block = Buffer.alloc(megabyte);
  const pump = setInterval(() => socket.write(block), 5);
  const [first] = (await once(socket, "data")) as [Buffer];
  assert.match(first.toString(), /^HTTP\/1\.1 302 /);
  await once(socket, "close");
  clearInterval(pump);
  assert.equal(upstream.requests.length, 0);
});

test("a stranger who asks for CONNECT and drops the line ends neither the gateway nor its patience", async (context) => {
  const { gateway, upstream } = await scene(context);
  for (let index = 0; index < 20; index++) {
    const socket = connect(gateway.port, "127.0.0.1");
    socket.on("error", () => undefined);
    socket.write("CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n", () => socket.resetAndDestroy());
    await once(socket, "close");
  }
  const polite = await rawExchange(gateway.port, "CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n");
  assert.equal(polite.status, 405, "and the connection is over");
  assert.equal((await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`])).status, 200);
  assert.equal(upstream.requests.length, 1);
});

test("an origin that announces trailers to whoever cannot have them harms nobody", async (context) => {
  const chunks = "1\r\na\r\n0\r\nX-Sum: 1\r\n\r\n";
  const { origin } = await rawOrigin(context, (socket) => {
    socket.on("data", (bytes) => {
      const body = bytes.toString().startsWith("HEAD") ? "" : chunks;
      socket.write(
        `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n${body}`,
      );
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const head = await rawRequest(gateway.port, "HEAD / HTTP/1.1", [`Host: ${host}`]);
  assert.deepEqual([head.status, head.headers["trailer"]], [200, undefined]);
  const old = await rawRequest(gateway.port, "GET / HTTP/1.0", [`Host: ${host}`]);
  assert.deepEqual([old.status, old.headers["trailer"], old.body], [200, undefined, "a"]);
  const now = await rawRequest(gateway.port, "GET / HTTP/1.1", [`Host: ${host}`]);
  assert.equal(now.headers["trailer"], "X-Sum");
  assert.match(now.body, /X-Sum: 1/);
});

test("an origin that answers at once and keeps talking is not told to continue later", async (context) => {
  const { origin } = await rawOrigin(context, (socket) => {
    socket.once("data", () => {
      socket.write("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
      // Longer than the gateway waits for a go-ahead.
      setTimeout(() => socket.write("cd"), 1_200);
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const answer = await rawExchange(
    gateway.port,
    `POST / HTTP/1.1\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n`,
  );
  assert.equal(answer.body, "abcd");
  assert.doesNotMatch(answer.raw, /100 Continue/);
});

test("a go-ahead is no answer: the time for that still runs", async (context) => {
  const { origin } = await rawOrigin(
    context,
    (socket) => void socket.once("data", () => socket.write("HTTP/1.1 100 Continue\r\n\r\n")),
  );
  const gateway = await gatewayTo(context, [
    { service: origin, originRequest: { responseTimeout: "150ms" } },
  ]);
  const request = `POST / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: 4\r\n\r\nbody`;
  assert.equal((await rawExchange(gateway.port, request)).status, 504);
});

test("an origin that takes nothing of a body is not waited for without end", async (context) => {
  const { origin } = await rawOrigin(context, (socket) => void socket.pause());
  const gateway = await gatewayTo(context, [
    { service: origin, originRequest: { responseTimeout: "200ms" } },
  ]);
  const asked = ask(gateway, {
    method: "POST",
    headers: { "Content-Length": String(64 * megabyte) },
  });
  asked.on("error", () => undefined);
  const answered = once(asked, "response") as Promise<[IncomingMessage]>;
  asked.write(Buffer.alloc(32 * megabyte));
  const [response] = await answered;
  assert.equal(response.statusCode, 504);
  asked.destroy();
});

test("a client of HTTP/1.0 gets no go-ahead", async (context) => {
  const { gateway } = await scene(context);
  const answer = await rawExchange(
    gateway.port,
    `POST / HTTP/1.0\r\nHost: ${host}\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi`,
  );
  assert.equal(answer.status, 200);
});

test("a malformed second request is not the answer to the first", async (context) => {
  const { gateway, upstream } = await scene(context);
  const first = held();
  upstream.answerWith(first.answer);
  const exchanged = rawExchange(
    gateway.port,
    `GET /first HTTP/1.1\r\nHost: ${host}\r\n\r\nnonsense\r\n\r\n`,
  );
  await upstream.seen(1);
  first.release();
  // It is refused after that answer.
  const { raw } = await exchanged;
  const statuses = [...raw.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status);
  assert.deepEqual(statuses, ["200", "400"]);
});

test("a request has its line in the log when it ends, however it ends", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const through = (originRequest: Record<string, string>) =>
    gatewayTo(context, [{ service: upstream.origin, originRequest }], { log: { requests: true } });
  const gateway = await through({});
  const ended = async (path: string, { events } = gateway) => {
    for (;;) {
      const line = events.find(
        (event) =>
          (event.event === "request_passed" || event.event === "request_cut") &&
          event.path === path,
      );
      if (line !== undefined && "status" in line) return [line.event, line.status];
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  };
  const breakOff = async (path: string, options: Parameters<typeof ask>[1] = {}) => {
    const asked = ask(gateway, { path, ...options });
    asked.on("error", () => undefined);
    asked.flushHeaders();
    await upstream.seen(1);
    return asked;
  };

  // 1. Broken off by the client: before the answer, in the middle of it, in the middle of a body.
  upstream.answerWith(() => undefined);
  (await breakOff("/before")).destroy();
  assert.deepEqual(await ended("/before"), ["request_cut", undefined]);
  upstream.reset();
  upstream.answerWith(() => undefined);
  (await breakOff("/reset")).socket?.resetAndDestroy();
  assert.deepEqual(await ended("/reset"), ["request_cut", undefined]);
  upstream.reset();
  upstream.answerWith((_request, response) => void response.write("the beginning"));
  const middle = await breakOff("/middle");
  const [response] = (await once(middle, "response")) as [IncomingMessage];
  response.on("error", () => undefined);
  middle.socket?.resetAndDestroy();
  assert.deepEqual(await ended("/middle"), ["request_cut", 200]);
  upstream.reset();
  const headers = { "Content-Length": "10" };
  (await breakOff("/upload", { method: "POST", headers })).destroy();
  assert.deepEqual(await ended("/upload"), ["request_cut", undefined]);

  // 2. By the origin: it dies, or stops.
  upstream.reset();
  upstream.answerWith(dyingAfter(10, 100));
  await rawRequest(gateway.port, "GET /dies HTTP/1.1", [`Host: ${host}`]);
  assert.deepEqual(await ended("/dies"), ["request_cut", 200]);
  const impatient = await through({ bodyTimeout: "200ms" });
  upstream.answerWith((_request, response) => void response.write("the beginning"));
  await rawRequest(impatient.port, "GET /stops HTTP/1.1", [`Host: ${host}`]);
  assert.deepEqual(await ended("/stops", impatient), ["request_cut", 200]);
  const faults = [gateway, impatient].flatMap(({ events }) =>
    events.flatMap((event) => (event.event === "origin_failed" ? [event.path] : [])),
  );
  assert.deepEqual(faults, ["/dies", "/stops"]);

  // 3. As it should.
  upstream.reset();
  await rawRequest(gateway.port, "GET /whole HTTP/1.1", [`Host: ${host}`]);
  assert.deepEqual(await ended("/whole"), ["request_passed", 200]);
  upstream.answerWith(hangUp);
  await rawRequest(gateway.port, "GET /refused HTTP/1.1", [`Host: ${host}`]);
  assert.deepEqual(await ended("/refused"), ["request_passed", 502]);
});
