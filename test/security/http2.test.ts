// Requests over HTTP/2 that no library would send: what RFC 9113 calls malformed resets the stream,
// what has two meanings is refused as over HTTP/1.1, and nothing of either reaches an origin.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { simpleSections, startGateway, type TestGateway } from "../support/gateway.ts";
import * as h2 from "../support/h2-frames.ts";
import { startUpstream, type Upstream } from "../support/upstream.ts";

const host = "app.localhost";
const open = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];

interface Scene {
  gateway: TestGateway;
  upstream: Upstream;
  /** sends frames on a connection of its own, and says how stream 1 ended */
  send(...frames: readonly Buffer[]): Promise<h2.StreamOutcome>;
}

/** An application that lets everybody in, so that only the reading of a request can stop it. */
async function scene(context: TestContext): Promise<Scene> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  const sections = simpleSections(upstream.origin);
  const [application] = sections["applications"] as [Record<string, unknown>];
  const gateway = await startGateway({
    sections: { ...sections, applications: [{ ...application, policies: open }] },
  });
  context.after(() => gateway.close());
  return {
    gateway,
    upstream,
    async send(...frames) {
      const client = await h2.FrameClient.open(gateway.port);
      context.after(() => client.close());
      client.send(...frames);
      return client.outcome(1);
    },
  };
}

const sound = h2.requestFields(host);
/** The request that is in order, with one of its pseudo-header fields in another way. */
const having = (name: string, value: string) =>
  sound.map((field): h2.Field => (field[0] === name ? [name, value] : field));
const without = (name: string) => sound.filter((field) => field[0] !== name);

const malformed: Record<string, readonly h2.Field[]> = {
  "a transfer coding": [...sound, ["transfer-encoding", "chunked"]],
  Connection: [...sound, ["connection", "close, cf-access-token"]],
  Upgrade: [...sound, ["upgrade", "websocket"]],
  "Keep-Alive": [...sound, ["keep-alive", "timeout=5"]],
  "Proxy-Connection": [...sound, ["proxy-connection", "close"]],
  "TE other than trailers": [...sound, ["te", "gzip"]],
  "a name in upper case": [...sound, ["X-Forwarded-For", "10.0.0.1"]],
  "a length and no body": [...sound, ["content-length", "5"]],
  "a length that is none": [...sound, ["content-length", "0x5"]],
  "a length with a sign": [...sound, ["content-length", "+5"]],
  "two lengths": [...sound, ["content-length", "0"], ["content-length", "0"]],
  "a pseudo-header field behind the others": [...without(":path"), ["a", "b"], [":path", "/"]],
  "an unknown pseudo-header field": [[":origin", "x"], ...sound],
  "a pseudo-header field of answers": [[":status", "200"], ...sound],
  "two paths": [...sound, [":path", "/b"]],
  "two authorities": [...sound, [":authority", "app2.localhost"]],
  "no path": without(":path"),
  "an empty path": having(":path", ""),
  "no scheme": without(":scheme"),
  "no method": without(":method"),
  "no host at all": without(":authority"),
  "an empty authority": having(":authority", ""),
  "a user in its authority": having(":authority", `root@${host}`),
  "a space in its authority": having(":authority", `${host} evil`),
  "two hosts": [...without(":authority"), ["host", host], ["host", host]],
  "a path without a slash (P12)": having(":path", "admin/x"),
  "an absolute address as its path (P11)": having(":path", `http://${host}/`),
  "a path with a space in it": having(":path", "/a HTTP/1.1"),
  "a path with a line break": having(":path", "/ HTTP/1.1\r\nx: y"),
  "a path with a NUL": having(":path", "/a\0b"),
  "a method with a line break": having(":method", "GET / HTTP/1.1\r\n"),
  "a method that is no token": having(":method", "GE T"),
  "CONNECT with a path": having(":method", "CONNECT"),
  "a protocol without CONNECT": [[":protocol", "websocket"], ...sound],
};

test("a malformed request over HTTP/2 resets its stream and reaches no origin (H7, H8, P11, P12)", async (context) => {
  const { upstream, send } = await scene(context);
  for (const [what, fields] of Object.entries(malformed)) {
    const outcome = await send(h2.headers(1, fields));
    assert.deepEqual([outcome.status, outcome.error], [undefined, h2.errors.PROTOCOL_ERROR], what);
    assert.equal(upstream.requests.length, 0, `the origin saw ${what}`);
  }
});

const ambiguous: Record<string, readonly [status: number, fields: readonly h2.Field[]]> = {
  "a host beside the authority that differs (P11, H10)": [
    400,
    [...sound, ["host", "app2.localhost"]],
  ],
  "a host without authority that nobody serves (H11)": [
    403,
    [...without(":authority"), ["host", "no.test"]],
  ],
  "an authority that nobody serves (H11)": [403, having(":authority", "unknown.test")],
  "an address as authority (H11)": [403, having(":authority", "127.0.0.1")],
  "another port in its authority": [421, having(":authority", `${host}:1`)],
  "another scheme": [400, having(":scheme", "ftp")],
  "a fragment (P2)": [400, having(":path", "/a#b")],
  "bytes beyond ASCII in its path": [400, having(":path", "/\xe9")],
  "an encoded slash (P4)": [400, having(":path", "/public%2f..%2fadmin")],
  "a backslash (P4)": [400, having(":path", "/public\\..\\admin")],
  "an encoded NUL (P8)": [400, having(":path", "/adm%00in")],
  "overlong UTF-8 (P8)": [400, having(":path", "/%c0%ae%c0%ae/admin")],
  "an asterisk for a path": [400, h2.requestFields(host, "*", [], "OPTIONS")],
  TRACE: [405, having(":method", "TRACE")],
  "TRACE in lower case (H9)": [405, having(":method", "trace")],
  "CONNECT in mixed case (H9)": [405, having(":method", "Connect")],
  "the method of HTTP/2's preface": [405, having(":method", "PRI")],
  "GET in mixed case": [405, having(":method", "Get")],
  "CONNECT to another host (H9)": [
    405,
    [
      [":method", "CONNECT"],
      [":authority", "10.0.0.1:22"],
    ],
  ],
  "CONNECT for a protocol that is none here (H9)": [
    405,
    [[":protocol", "connect-udp"], ...having(":method", "CONNECT")],
  ],
  "300 fields (H13)": [
    431,
    [...sound, ...Array.from({ length: 300 }, (_, index): h2.Field => [`x-${index}`, "v"])],
  ],
};

test("a request over HTTP/2 with two meanings is refused as over HTTP/1.1 (H9, H10, H11, H13, P2, P4, P8)", async (context) => {
  const { upstream, send } = await scene(context);
  for (const [what, [status, fields]] of Object.entries(ambiguous)) {
    assert.equal((await send(h2.headers(1, fields))).status, status, what);
    assert.equal(upstream.requests.length, 0, `the origin saw ${what}`);
  }
});

test("bytes that end a line never reach the origin, nor the field that holds them (H8)", async (context) => {
  const { upstream, send } = await scene(context);
  const values = ["a\r\nx-injected: b", "a\nb", "a\rb", "a\0b", "a\x01b", "a\x7fb"];
  const names = ["x-injected\r\nx", "x-injected:", "x injected", "x-\0injected"];
  const fields: h2.Field[] = [
    ...values.map((value): h2.Field => ["x-value", value]),
    ...names.map((name): h2.Field => [name, "a"]),
  ];
  for (const field of fields) {
    await send(h2.headers(1, [...sound, field, ["x-last", "here"]]));
    for (const { rawHeaders } of upstream.requests)
      assert.doesNotMatch(rawHeaders.join("\n"), /x-value|injected/i, JSON.stringify(field));
  }
  assert.deepEqual(upstream.malformed, []);
});

test("a body of another length than was said is cut off at the origin as well (H7, H8)", async (context) => {
  const { upstream, send } = await scene(context);
  const fields = h2.requestFields(host, "/", [["content-length", "5"]], "POST");
  for (const body of ["longer than five", "four"]) {
    const outcome = await send(h2.headers(1, fields, 0), h2.data(1, body));
    assert.equal(outcome.status, undefined, body);
    assert.ok(outcome.error !== undefined && outcome.error !== h2.errors.NO_ERROR, body);
    for (const request of upstream.requests) {
      await request.ended;
      assert.equal(request.aborted, true, body);
    }
    assert.deepEqual(upstream.malformed, []);
    upstream.reset();
  }
});

test("cookies that were split over fields are one, and a host that says the same is none too many (H10)", async (context) => {
  const { upstream, send } = await scene(context);
  const more: h2.Field[] = [
    ["cookie", "a=1"],
    ["x-between", "yes"],
    ["cookie", "CF_Authorization=nobody; b=2"],
    ["host", "APP.localhost"],
    ["cookie", "c=3"],
  ];
  assert.equal((await send(h2.headers(1, [...sound, ...more]))).status, 200);
  const [seen] = upstream.requests;
  assert.equal(seen?.header("cookie"), "a=1; b=2; c=3");
  assert.equal(seen?.header("host"), host);
});

test("a body without a stated length goes on whole, also an empty one", async (context) => {
  const { upstream, send } = await scene(context);
  const post = h2.requestFields(host, "/", [], "POST");
  for (const body of ["", "some bytes"]) {
    const outcome = await send(h2.headers(1, post, 0), h2.data(1, body));
    assert.equal(outcome.status, 200);
    assert.equal(upstream.requests.at(-1)?.body, body);
  }
});

test("an upload that is refused has its answer at once, and is not waited for (H9)", async (context) => {
  const { gateway, upstream } = await scene(context);
  const client = await h2.FrameClient.open(gateway.port);
  context.after(() => client.close());
  const fields = h2.requestFields("unknown.test", "/", [["content-length", "1000000"]], "POST");
  client.send(h2.headers(1, fields, 0), h2.data(1, "begun", 0));
  // The client need not send the rest (RFC 9113 8.1).
  const reset = await client.next("RST_STREAM", 1);
  assert.equal(reset?.payload.readUInt32BE(0), h2.errors.NO_ERROR);
  const { status, body } = await client.outcome(1);
  assert.equal(status, 403);
  assert.match(body, /Ray ID/);
  assert.equal(upstream.requests.length, 0);
});

test("trailers that name who asks do not reach the origin (H1, H2)", async (context) => {
  const { upstream, send } = await scene(context);
  const post = h2.requestFields(host, "/", [["trailer", "x-sum"]], "POST");
  const trailers: h2.Field[] = [
    ["x-sum", "7"],
    ["cf-access-authenticated-user-email", "root@example.com"],
  ];
  const frames = [h2.headers(1, post, 0), h2.data(1, "body", 0), h2.headers(1, trailers)];
  assert.equal((await send(...frames)).status, 200);
  const [seen] = upstream.requests;
  await seen?.ended;
  assert.deepEqual({ ...seen?.trailers }, { "x-sum": "7" });
});
