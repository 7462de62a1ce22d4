// Clients of HTTP/2 that take more than they may (case O6): each costs its own connection or
// stream, what it can make the gateway keep is bounded, and others do not notice.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { freePort } from "../../../../test/support/free-port.ts";
import * as h2 from "../../../../test/support/h2-frames.ts";
import { until } from "../../../../test/support/until.ts";
import { createListener } from "../../src/http/listeners.ts";
import type { ServerLimits } from "../../src/http/server-limits.ts";
import type { Exchange } from "../../src/http/transport.ts";
import type { GatewayEvent } from "../../src/observe/events.ts";

const patient: ServerLimits = {
  header_bytes: 65_536,
  header_timeout: 60_000,
  idle_timeout: 60_000,
  body_timeout: 60_000,
  http2_streams: 16,
};

interface Scene {
  port: number;
  events: GatewayEvent[];
  /** requests that nobody has answered or broken off */
  open: Set<Exchange>;
  /** requests that came, by their path */
  asked: string[];
  /** drains and closes the listener */
  close(graceMs: number): Promise<void>;
}

/** `/held` is never answered, `/large` with more than any window holds, all else at once. */
async function scene(context: TestContext, limits: Partial<ServerLimits> = {}): Promise<Scene> {
  const port = await freePort();
  const events: GatewayEvent[] = [];
  const open = new Set<Exchange>();
  const asked: string[] = [];
  const listener = await createListener({
    listen: { kind: "tcp", host: "127.0.0.1", port },
    limits: { ...patient, ...limits },
    transport: "postern",
    http2: true,
    record: (event) => void events.push(event),
    noteRefusal: () => "0123456789abcdef",
    handler(exchange) {
      const { head, response } = exchange;
      asked.push(head.target);
      open.add(exchange);
      exchange.onAbort = () => open.delete(exchange);
      response.onFinish = () => open.delete(exchange);
      if (head.target === "/held") return;
      if (head.target === "/unread") {
        exchange.body.read({ data: () => answerUnread(exchange), end: () => undefined });
        return;
      }
      response.start({ status: 200, rawHeaders: [] });
      if (head.target === "/large") response.write(Buffer.alloc(262_144));
      else response.end("answered");
    },
  });
  context.after(() => listener.close(0));
  return { port, events, open, asked, close: (graceMs) => listener.close(graceMs) };
}

/** As one does whose origin takes nothing more of the request and answers. */
function answerUnread({ body, response }: Exchange): void {
  body.pause();
  body.stop();
  response.start({ status: 200, rawHeaders: [] });
  response.end("answered");
}

async function connect(context: TestContext, port: number): Promise<h2.FrameClient> {
  const client = await h2.FrameClient.open(port);
  context.after(() => client.close());
  return client;
}

const get = (path: string) => h2.requestFields("a.test", path);
const streamOf = (index: number) => 2 * index + 1;

/** Sends what `frames` makes again and again, until the other side ends the connection. */
async function flood(
  client: h2.FrameClient,
  frames: (index: number) => readonly Buffer[],
): Promise<void> {
  for (let index = 0; !client.closed; index++) {
    client.send(...frames(index));
    if (index % 100 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

const floods: Record<string, (client: h2.FrameClient) => Promise<void>> = {
  "a client that opens streams and resets them at once loses its connection alone (CVE-2023-44487, O6)":
    (client) =>
      flood(client, (index) => [
        h2.headers(streamOf(index), get("/held")),
        h2.rstStream(streamOf(index)),
      ]),
  "a client that never ends its header block loses its connection alone (CVE-2024-27983, O6)": (
    client,
  ) => {
    client.send(h2.frame("HEADERS", h2.flags.END_STREAM, 1, h2.block(get("/"))));
    return flood(client, (index) => [
      h2.frame("CONTINUATION", 0, 1, h2.block([[`x-${index}`, ""]])),
    ]);
  },
  "a client that continues its header block with nothing loses its connection alone (O6)": (
    client,
  ) => {
    client.send(h2.frame("HEADERS", h2.flags.END_STREAM, 1, h2.block(get("/"))));
    return flood(client, () => [h2.frame("CONTINUATION", 0, 1)]);
  },
  "a client that sends a body of empty frames loses its connection alone (CVE-2019-9518, O6)": (
    client,
  ) => {
    client.send(h2.headers(1, h2.requestFields("a.test", "/held", [], "POST"), 0));
    return flood(client, () => [h2.data(1, "", 0)]);
  },
  "a client that asks for acknowledgements that it never reads loses its connection alone (CVE-2019-9512, O6)":
    (client) => {
      client.socket.pause();
      const pings = Array.from({ length: 500 }, () => h2.ping());
      return flood(client, () => pings);
    },
  "a client that opens streams beyond their number without end loses its connection alone (O6)": (
    client,
  ) => flood(client, (index) => [h2.headers(streamOf(index), get("/held"))]),
  "a client that sends malformed requests without end loses its connection alone (O6)": (client) =>
    flood(client, (index) => [h2.headers(streamOf(index), [...get("/"), ["Upper", "case"]])]),
  "a client that makes the gateway reset streams loses its connection alone (CVE-2025-8671, O6)": (
    client,
  ) =>
    flood(client, (index) => [
      h2.headers(streamOf(index), get("/held")),
      h2.windowUpdate(streamOf(index), 0),
    ]),
};

for (const [name, act] of Object.entries(floods)) {
  test(name, async (context) => {
    const { port, events, open, asked } = await scene(context);
    const neighbour = await connect(context, port);
    const client = await connect(context, port);
    await act(client);
    await until(() => open.size === 0);
    assert.ok(asked.length < 2_000, `${asked.length} requests came through`);
    assert.deepEqual(
      events.map(({ event }) => event),
      ["http2_ended"],
    );
    neighbour.send(h2.headers(1, get("/")));
    assert.deepEqual(await neighbour.outcome(1), {
      status: 200,
      body: "answered",
      error: undefined,
    });
  });
}

test("a client that goes away without a word, or ends its side, breaks no rule and its requests off", async (context) => {
  const { port, events, open } = await scene(context);
  const leaves = [
    (client: h2.FrameClient) => client.socket.resetAndDestroy(),
    (client: h2.FrameClient) => client.socket.end(),
    (client: h2.FrameClient) =>
      client.send(h2.frame("GOAWAY", 0, 0, Buffer.from([0, 0, 0, 0, 0, 0, 0, 2]))),
  ];
  for (const leave of leaves) {
    const client = await connect(context, port);
    client.send(h2.headers(1, get("/held")));
    await until(() => open.size === 1);
    leave(client);
    await until(() => open.size === 0);
  }
  assert.deepEqual(events, []);
});

test("a header block that unpacks to more than a head may be is refused unread (O6)", async (context) => {
  const { port, asked } = await scene(context);
  const client = await connect(context, port);
  // One field of nearly 4 kB goes into the table, and a byte each asks for it again.
  const indexed = Buffer.from([0x40]);
  const bomb = [indexed, h2.stringLiteral("x-bomb"), h2.stringLiteral("a".repeat(3_900))];
  const again = Buffer.alloc(8_000, 0x80 | 62);
  const flags = h2.flags.END_HEADERS | h2.flags.END_STREAM;
  const payload = Buffer.concat([h2.block(get("/")), ...bomb, again]);
  client.send(h2.frame("HEADERS", flags, 1, payload));
  const { status, error } = await client.outcome(1);
  assert.deepEqual([status, error], [undefined, h2.errors.ENHANCE_YOUR_CALM]);
  assert.deepEqual(asked, []);
});

test("a head is held to limits.header_bytes, whether or not the client has acknowledged the limit (H13)", async (context) => {
  const { port, asked } = await scene(context, { header_bytes: 8_192 });
  for (const acknowledges of [false, true]) {
    const client = await connect(context, port);
    await client.next("SETTINGS");
    if (acknowledges) client.send(h2.frame("SETTINGS", h2.flags.ACK, 0));
    client.send(h2.headers(1, [...get("/large-head"), ["x-large", "x".repeat(8_000)]]));
    const { status, error } = await client.outcome(1);
    assert.deepEqual([status, error], [undefined, h2.errors.ENHANCE_YOUR_CALM]);
    client.send(h2.headers(3, [...get("/"), ["x-smaller", "x".repeat(7_500)]]));
    assert.equal((await client.outcome(3)).status, 200);
  }
  assert.deepEqual(asked, ["/", "/"]);
});

test("a client that opens more streams than it may is refused those alone", async (context) => {
  const { port, open } = await scene(context);
  const client = await connect(context, port);
  const streams = Array.from({ length: 20 }, (_, index) => streamOf(index));
  client.send(...streams.map((stream) => h2.headers(stream, get("/held"))));
  const refused = await Promise.all(streams.slice(16).map((stream) => client.outcome(stream)));
  for (const { error } of refused) assert.equal(error, h2.errors.REFUSED_STREAM);
  assert.equal(open.size, 16);
});

test("a client whose windows stay shut is cut off, and its streams are free again (O5)", async (context) => {
  const { port, open, asked } = await scene(context, { body_timeout: 400 });
  const client = await connect(context, port);
  client.send(h2.settings([h2.settingsIds.INITIAL_WINDOW_SIZE, 0]));
  const streams = Array.from({ length: 16 }, (_, index) => streamOf(index));
  client.send(...streams.map((stream) => h2.headers(stream, get("/large"))));
  for (const stream of streams)
    assert.equal((await client.outcome(stream)).error, h2.errors.INTERNAL_ERROR);
  assert.equal(asked.length, 16);
  assert.equal(open.size, 0);
});

test("a client that reads nothing of its connection loses it (O5)", async (context) => {
  const { port, open } = await scene(context, { body_timeout: 400 });
  const client = await connect(context, port);
  client.socket.pause();
  client.send(h2.settings([h2.settingsIds.INITIAL_WINDOW_SIZE, 2 ** 31 - 1]));
  client.send(h2.windowUpdate(0, 2 ** 30));
  for (let index = 0; index < 1_000 && !client.closed; index++) {
    client.send(h2.headers(streamOf(index), get("/large")));
    if (index % 8 === 7) await until(() => open.size < 16 || client.closed);
  }
  await until(() => open.size === 0);
});

const silences: Record<string, Buffer | undefined> = {
  "a client that sends nothing is let go after header_timeout (O5)": undefined,
  "a client that stops in its preface is let go after header_timeout (O5)": h2.preface.subarray(
    0,
    15,
  ),
  "a client that stops behind its preface is let go after header_timeout (O5)": h2.preface,
  "a client that asks for nothing is let go after header_timeout (O5)": Buffer.concat([
    h2.preface,
    h2.settings(),
  ]),
  "a client that stops in the middle of a header block is let go after header_timeout (O5)":
    Buffer.concat([
      ...[h2.preface, h2.settings()],
      h2.frame("HEADERS", h2.flags.END_STREAM, 1, h2.block(get("/"))),
    ]),
};

for (const [name, bytes] of Object.entries(silences)) {
  test(name, async (context) => {
    const { port, asked } = await scene(context, { header_timeout: 300 });
    const client = await h2.FrameClient.connect(port);
    context.after(() => client.close());
    if (bytes !== undefined) client.send(bytes);
    await client.until(() => client.closed);
    assert.deepEqual(asked, []);
  });
}

test("a connection without requests is let go after idle_timeout, and told so", async (context) => {
  const { port } = await scene(context, { idle_timeout: 300 });
  const client = await connect(context, port);
  client.send(h2.headers(1, get("/")));
  assert.equal((await client.outcome(1)).status, 200);
  await client.until(() => client.closed);
  assert.equal(client.goAway, h2.errors.NO_ERROR);
});

test("a connection with a request in progress is kept, however long that takes", async (context) => {
  const { port, open } = await scene(context, { idle_timeout: 200, header_timeout: 200 });
  const client = await connect(context, port);
  const idle = await connect(context, port);
  client.send(h2.headers(1, get("/held")));
  // Two that come and go one after the other take longer than both limits.
  await idle.until(() => idle.closed);
  const next = await connect(context, port);
  await next.until(() => next.closed);
  assert.equal(client.closed, false);
  for (const { response } of open) {
    response.start({ status: 200, rawHeaders: [] });
    response.end("late");
  }
  assert.equal((await client.outcome(1)).body, "late");
});

test("first bytes that come one by one are read as what they are", async (context) => {
  const { port, asked } = await scene(context);
  const client = await h2.FrameClient.connect(port);
  context.after(() => client.close());
  for (const byte of h2.preface) {
    client.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  client.send(h2.settings([h2.settingsIds.HEADER_TABLE_SIZE, 0]), h2.headers(1, get("/two")));
  assert.equal((await client.outcome(1)).status, 200);

  const plain = await h2.FrameClient.connect(port);
  let text = "";
  plain.socket.on("data", (chunk) => {
    text += String(chunk);
  });
  for (const byte of Buffer.from(
    "PROPFIND /one HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
  )) {
    plain.send(Buffer.from([byte]));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await plain.until(() => plain.closed);
  assert.match(text, /^HTTP\/1\.1 200 /);
  assert.deepEqual(asked, ["/two", "/one"]);
});

test("a server that ends answers what it has begun, and says which requests to ask for again", async (context) => {
  const { port, open, asked, close } = await scene(context);
  const client = await connect(context, port);
  client.send(h2.headers(1, get("/held")));
  await until(() => open.size === 1);
  const closed = close(60_000);
  const goAway = await client.next("GOAWAY");
  assert.equal(goAway?.payload.readUInt32BE(0), 1, "the last stream that is answered");
  assert.equal(client.goAway, h2.errors.NO_ERROR);
  // It was on its way when the notice came.
  client.send(h2.headers(3, get("/too late")));
  for (const { response } of open) {
    response.start({ status: 200, rawHeaders: [] });
    response.end("late");
  }
  assert.equal((await client.outcome(1)).body, "late");
  await closed;
  await client.until(() => client.closed);
  assert.deepEqual(asked, ["/held"]);
});

test("a stream whose body nobody has read to its end closes with its answer", async (context) => {
  const { port } = await scene(context, { idle_timeout: 200 });
  const client = await connect(context, port);
  client.send(h2.headers(1, h2.requestFields("a.test", "/unread", [], "POST"), 0));
  for (let count = 0; count < 3; count++) client.send(h2.data(1, Buffer.alloc(16_000), 0));
  client.send(h2.data(1, "last"));
  assert.equal((await client.outcome(1)).status, 200);
  // Only a connection without streams is idle.
  await client.until(() => client.closed);
});

test("connections that end in the middle of trailers do not end the process (O6)", async (context) => {
  const { port, open } = await scene(context);
  const trailers = h2.headers(1, [
    ["x-whole", "a field that has arrived"],
    ["x-half", "a field that has not"],
  ]);
  // Where Node ends the process, it is within some hundred connections, when they are collected.
  const cutMany = async () => {
    for (let count = 0; count < 100; count++) {
      const client = await h2.FrameClient.open(port);
      client.send(h2.headers(1, h2.requestFields("a.test", "/held", [], "POST"), 0));
      await client.next("SETTINGS");
      client.send(trailers.subarray(0, -5));
      await pause(2);
      client.close();
    }
  };
  await Promise.all(Array.from({ length: 12 }, cutMany));
  await until(() => open.size === 0);
  const client = await connect(context, port);
  client.send(h2.headers(1, get("/")));
  assert.equal((await client.outcome(1)).status, 200);
});
