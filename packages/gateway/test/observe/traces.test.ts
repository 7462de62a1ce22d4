// Traces as a collector gets them, by OTLP over HTTP: one for each request that was decided on. It
// is part of another one only where a trusted proxy says so, and holds nobody's secrets.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import {
  ada,
  application,
  everybody,
  machines,
  open,
  robotPair,
  startAccessFixture,
} from "../access/access-fixture.ts";

interface Span {
  traceId: string;
  spanId: string;
  parentSpanId: string;
  name: string;
  kind: number;
  startTimeUnixNano: string;
  endTimeUnixNano: string;
  attributes: { key: string; value: { stringValue?: string; intValue?: string } }[];
}

/** A collector that keeps what it gets. */
async function startCollector(context: TestContext, status = 200) {
  const bodies: string[] = [];
  const keys: unknown[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      if (request.url === "/v1/traces" && request.method === "POST") bodies.push(body);
      keys.push(request.headers["x-key"]);
      response.writeHead(status).end("{}");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const spans = () =>
    bodies.flatMap((body): Span[] => JSON.parse(body).resourceSpans[0].scopeSpans[0].spans);
  return { endpoint: `http://127.0.0.1:${port}`, bodies, keys, spans };
}

const applications = [application("app", [everybody]), application("open", [open])];

const attributesOf = ({ attributes }: Span) =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  );

test("a request is a trace with its decision and its origin, which is told of it, and the ray ID", async (context) => {
  const collector = await startCollector(context);
  const otlp = { endpoint: collector.endpoint, headers: { "x-key": "k" } };
  const access = await startAccessFixture(context, applications, { otlp });
  const token = await access.token("app");
  const lines = [
    `cf-access-token: ${token}`,
    `traceparent: 00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
  ];
  const seen = await access.passed("/v1?secret=s3cret", lines);
  await until(() => collector.spans().length >= 3);

  const [whole, decision, origin] = collector.spans();
  assert.ok(whole !== undefined && decision !== undefined && origin !== undefined);
  assert.deepEqual([whole.name, whole.kind, whole.parentSpanId], ["GET app", 2, ""]);
  assert.notEqual(whole.traceId, "a".repeat(32), "no client says which trace it is part of");
  const { "postern.ray_id": ray, "client.address": _, ...rest } = attributesOf(whole);
  assert.equal(ray, seen.header("cf-ray"));
  assert.deepEqual(rest, {
    "http.request.method": "GET",
    "http.response.status_code": 200,
    "server.address": "app.localhost",
    "url.path": "/v1",
    "postern.application": "app",
    "postern.outcome": "allow",
  });
  for (const { traceId, parentSpanId } of [decision, origin])
    assert.deepEqual([traceId, parentSpanId], [whole.traceId, whole.spanId]);
  assert.equal(attributesOf(decision)["postern.policy"], "everybody");
  for (const span of [decision, origin]) assert.equal(attributesOf(span)["postern.ray_id"], ray);
  assert.ok(BigInt(origin.endTimeUnixNano) >= BigInt(origin.startTimeUnixNano));
  assert.ok(BigInt(whole.endTimeUnixNano) >= BigInt(decision.endTimeUnixNano));
  const told = `00-${whole.traceId}-${origin.spanId}-01`;
  assert.equal(seen.header("traceparent"), told);
  assert.deepEqual(collector.keys, ["k"]);
  const text = collector.bodies.join();
  assert.doesNotMatch(text, new RegExp(`s3cret|${ada}|eyJ`), "no query, person or token (L19)");
});

test("a trusted proxy says which trace a request is part of, and whether it is kept", async (context) => {
  const collector = await startCollector(context);
  const otlp = { endpoint: collector.endpoint, sample_ratio: 0 };
  const access = await startAccessFixture(context, applications, {
    otlp,
    trusted_proxies: ["127.0.0.1"],
  });
  const trace = "0af7651916cd43dd8448eb211c80319c";
  const asked = { host: "open.localhost" };
  const proxied = ["X-Forwarded-For: 192.0.2.9", "X-Forwarded-Proto: http"];
  const parent = (flags: string) => [
    ...proxied,
    `traceparent: 00-${trace}-b7ad6b7169203331-${flags}`,
  ];
  await access.passed("/kept", parent("01"), asked);
  const unkept = await access.passed("/unkept", parent("00"), asked);
  assert.equal(unkept.header("traceparent"), `00-${trace}-b7ad6b7169203331-00`, "it goes along");
  await access.passed("/none", proxied, asked);
  for (const odd of ["00-0-0-01", `00-${"0".repeat(32)}-b7ad6b7169203331-01`, "x".repeat(500)])
    await access.passed("/odd", [...proxied, `traceparent: ${odd}`], asked);
  await until(() => collector.spans().length >= 3);
  const wholes = collector.spans().filter(({ kind }) => kind === 2);
  assert.deepEqual(
    wholes.map((span) => [span.traceId, span.parentSpanId, attributesOf(span)["url.path"]]),
    [[trace, "b7ad6b7169203331", "/kept"]],
  );
});

test("a stranger says of no request that it is traced, kept or not, and the origin hears nothing of that", async (context) => {
  const collector = await startCollector(context);
  const otlp = { endpoint: collector.endpoint, sample_ratio: 0 };
  const access = await startAccessFixture(context, applications, { otlp });
  const lines = [
    `traceparent: 00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    "tracestate: stranger=1",
    "Accept: text/plain",
  ];
  const seen = await access.passed("/", lines, { host: "open.localhost" });
  assert.deepEqual([seen.header("traceparent"), seen.header("tracestate")], [undefined, undefined]);
  assert.equal(seen.header("accept"), "text/plain");
  await access.fixture.parts.traces?.exporter.close();
  assert.deepEqual(collector.spans(), []);
});

test("whatever vendors say of a trace goes along with that of a trusted proxy", async (context) => {
  const collector = await startCollector(context);
  const access = await startAccessFixture(context, applications, {
    otlp: { endpoint: collector.endpoint },
    trusted_proxies: ["127.0.0.1"],
  });
  const lines = [
    "X-Forwarded-For: 192.0.2.9",
    "X-Forwarded-Proto: http",
    `traceparent: 00-${"a".repeat(32)}-${"b".repeat(16)}-01`,
    "tracestate: vendor=1",
  ];
  const seen = await access.passed("/", lines, { host: "open.localhost" });
  assert.equal(seen.header("tracestate"), "vendor=1");
  assert.match(
    seen.header("traceparent") ?? "",
    new RegExp(`^00-${"a".repeat(32)}-[0-9a-f]{16}-01$`),
  );
});

test("no span holds a secret, wherever a client or an administrator put it (L19)", async (context) => {
  const collector = await startCollector(context);
  const otlp = {
    endpoint: collector.endpoint,
    headers: { authorization: "planted-collector-key" },
  };
  const access = await startAccessFixture(
    context,
    [...applications, application("robots", [machines])],
    { otlp },
  );
  const token = await access.token("app");
  const lines = [
    `Cookie: CF_Authorization=${token}; other=planted-cookie`,
    "Authorization: Basic planted-authorization",
    "X-Secret: planted-header",
    "User-Agent: planted-agent",
    "Referer: http://app.localhost/?planted-referer",
  ];
  await access.passed("/a?key=planted-query&code=planted-code", lines);
  await access.passed("/", robotPair, { host: "robots.localhost" });
  await access.refused(401, "/?planted-refused", [`cf-access-token: ${token}x`, "Accept: */*"]);
  const method = "M".repeat(200);
  const long = `/${"x".repeat(4_000)}`;
  await access.ask(long, [`cf-access-token: ${token}`], { method });
  await until(() => collector.spans().filter(({ kind }) => kind === 2).length >= 4);
  const text = collector.bodies.join();
  assert.doesNotMatch(text, new RegExp(`planted|${ada}|eyJ|long secret|${token.slice(-40)}`));
  assert.doesNotMatch(text, /M{21}|x{1025}/, "what a client chose is cut");
});

test("a collector that never answers holds nobody up: so many spans wait, the rest is lost, and the end comes at once", async (context) => {
  const server = createServer(() => undefined);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const access = await startAccessFixture(context, applications, {
    otlp: { endpoint: `http://127.0.0.1:${port}` },
  });
  const { exporter } = access.fixture.parts.traces ?? {};
  assert.ok(exporter !== undefined);
  const asked = { host: "open.localhost" };
  await access.passed("/", [], asked);
  const [span] = [spanOf("a")];
  for (let count = 0; count < 6_000; count++) exporter.add([span]);
  const { waiting, lost } = exporter.readings();
  assert.ok(waiting <= 4_096, `${waiting} wait`);
  assert.equal(waiting + lost >= 6_000, true);
  await access.passed("/", [], asked);
  await exporter.close();
  assert.deepEqual({ ...exporter.readings(), lost: 0 }, { waiting: 0, sent: 0, lost: 0 });
  const { events } = access.fixture;
  assert.ok(events.some(({ event }) => event === "traces_lost"));
});

function spanOf(name: string) {
  const ids = { traceId: "a".repeat(32), spanId: "b".repeat(16), parentId: undefined };
  return {
    ...ids,
    name,
    kind: "server" as const,
    start: 0,
    end: 1,
    attributes: {},
    isError: false,
  };
}

test("a collector that takes nothing costs no request, and the loss is told", async (context) => {
  const collector = await startCollector(context, 503);
  const otlp = { endpoint: collector.endpoint };
  const access = await startAccessFixture(context, applications, { otlp });
  await access.passed("/", [], { host: "open.localhost" });
  const { events } = access.fixture;
  await until(() => events.some(({ event }) => event === "traces_lost"));
  const lost = events.find((event) => event.event === "traces_lost");
  assert.deepEqual(lost, {
    event: "traces_lost",
    spans: 3,
    error: "the collector answered 503",
  });
  await access.passed("/", [], { host: "open.localhost" });
});

test("without a collector an origin gets what the client said of traces, and nothing is made", async (context) => {
  const access = await startAccessFixture(context, applications);
  const parent = `00-${"a".repeat(32)}-${"b".repeat(16)}-01`;
  const seen = await access.passed("/", [`traceparent: ${parent}`], { host: "open.localhost" });
  assert.equal(seen.header("traceparent"), parent);
});
