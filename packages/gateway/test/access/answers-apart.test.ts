// Large answers share memory one after the other (write-buffers.ts): whoever goes away in the
// middle of one, or reads slowly, must get nothing of another, and leave nothing to the next.
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  type ClientRequest,
  type IncomingMessage,
  type RequestOptions,
  request,
  type ServerResponse,
} from "node:http";
import { request as requestOverTls } from "node:https";
import { type TestContext, test } from "node:test";
import { startGateway, type TestGateway } from "../../../../test/support/gateway.ts";
import { certificateFor, type TestCertificate } from "../../../../test/support/tls.ts";
import { startUpstream } from "../../../../test/support/upstream.ts";
import { host } from "./forward-fixture.ts";

const quickClients = 16;
const requestsOfEach = 10;
/** The ids of those who read nothing until all others have gone: their writes wait meanwhile. */
const slowIds = [1_000, 1_001, 1_004, 1_005];
/** No divisor of a buffer's size: a piece in a wrong place shows as one of another answer does. */
const period = 1_009;

/** A body that no other answer has a piece of. */
function bodyOf(id: number, size: number): Buffer {
  const pattern = Buffer.alloc(period, `<${id}>`);
  return Buffer.alloc(size, pattern);
}

/**
 * From 128 KiB, where buffers are used again, to several of them; for those who read slowly, more
 * than the system takes for a connection.
 */
function sizeOf(id: number): number {
  if (slowIds.includes(id)) return 24_000_000;
  return 130_000 + ((id * 7_919) % 1_000_000);
}

type Write = (response: ServerResponse, body: Buffer) => void;

const writings: readonly Write[] = [
  (response, body) => {
    response.setHeader("Content-Length", body.length);
    response.end(body);
  },
  (response, body) => {
    for (let at = 0; at < body.length; at += 190_003)
      response.write(body.subarray(at, at + 190_003));
    response.addTrailers({ "X-Checked": "yes" });
    response.end();
  },
  // Ends with its connection.
  (response, body) => {
    response.useChunkedEncodingByDefault = false;
    response.shouldKeepAlive = false;
    response.end(body);
  },
  // Dies in the middle of its answer.
  (response, body) => {
    response.setHeader("Content-Length", body.length);
    response.write(body.subarray(0, body.length / 2), () => response.destroy());
  },
];

function isCutByOrigin(id: number): boolean {
  return id % writings.length === 3;
}

function idIn(url = ""): number {
  return Number(url.replace("/", ""));
}

async function gatewayWith(
  context: TestContext,
  certificate: TestCertificate,
  isTls: boolean,
): Promise<TestGateway> {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  upstream.answerWith(({ url }, response) => {
    const id = idIn(url);
    response.setHeader("X-Id", id);
    writings[id % writings.length]?.(response, bodyOf(id, sizeOf(id)));
  });
  const policies = [{ name: "open", decision: "bypass", include: [{ everyone: {} }] }];
  const gateway = await startGateway({
    ...(isTls ? { tls: [certificate], teamHost: "login.test" } : {}),
    sections: {
      identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
      ingress: [{ service: upstream.origin }],
      applications: [{ name: "Open", type: "self_hosted", domain: host, policies }],
    },
  });
  context.after(() => gateway.close());
  return gateway;
}

type Ask = (id: number, options: RequestOptions) => ClientRequest;

function askerOf({ port }: TestGateway, { ca }: TestCertificate, isTls: boolean): Ask {
  return (id, options) => {
    const target = { host: "127.0.0.1", port, path: `/${id}`, agent: false, ...options };
    const headers = { Host: `${host}:${port}` };
    if (isTls) return requestOverTls({ ...target, headers, ca, servername: host });
    return request({ ...target, headers });
  };
}

/**
 * Takes one answer, or goes away within it.
 * @param mayRead resolves when a client may take more than the beginning
 */
async function take(id: number, ask: Ask, mayRead: Promise<unknown>): Promise<void> {
  const asked = ask(id, { method: id % 17 === 0 ? "HEAD" : "GET" });
  asked.on("error", () => undefined);
  asked.end();
  const response = await Promise.race([
    once(asked, "response").then(([answer]) => answer as IncomingMessage),
    once(asked, "close").then(() => undefined),
  ]);
  if (response?.statusCode !== 200) {
    assert.ok(isCutByOrigin(id), `answer ${id}`);
    asked.destroy();
    return;
  }
  assert.equal(response.headers["x-id"], String(id));
  await mayRead;
  const goesAwayAt = id % 3 === 0 ? (id * 104_729) % sizeOf(id) : Number.POSITIVE_INFINITY;
  const expected = bodyOf(id, sizeOf(id));
  let at = 0;
  try {
    for await (const chunk of response as AsyncIterable<Buffer>) {
      // Not `equal`, which would print megabytes.
      assert.ok(chunk.equals(expected.subarray(at, at + chunk.length)), `answer ${id} at ${at}`);
      at += chunk.length;
      if (at > goesAwayAt) break;
    }
  } catch (error) {
    if (error instanceof assert.AssertionError || !isCutByOrigin(id)) throw error;
  }
  asked.destroy();
}

async function takeSeveral(first: number, ask: Ask): Promise<void> {
  for (let turn = 0; turn < requestsOfEach; turn++)
    await take(first + turn * quickClients, ask, Promise.resolve());
}

for (const isTls of [false, true])
  test(`no byte of one person's answer reaches another, whoever goes away within theirs, ${isTls ? "over TLS" : "in the clear"}`, async (context) => {
    const certificate = certificateFor(context, [host, "login.test"]);
    const gateway = await gatewayWith(context, certificate, isTls);
    const ask = askerOf(gateway, certificate, isTls);
    const { promise: othersEnded, resolve: endOthers } = Promise.withResolvers<void>();
    const slow = slowIds.map((id) => take(id, ask, othersEnded));
    const quick = Array.from({ length: quickClients }, (_, index) => takeSeveral(index + 1, ask));
    await Promise.allSettled(quick).then(() => endOthers());
    await Promise.all([...quick, ...slow]);
  });
