// What keeps an idle stream alive on its way: pings, and only where nothing else waits.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { StreamPings } from "../../src/access/stream-pings.ts";
import { TcpStream } from "../../src/access/tcp-stream.ts";
import { dialTcp } from "../../src/origin/tcp-dialer.ts";

/** Both ends of a connection on this machine. */
async function pair(context: TestContext): Promise<{ near: Socket; far: Socket; port: number }> {
  const server = createServer({ allowHalfOpen: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const far = connect(port, "127.0.0.1");
  const [near] = (await once(server, "connection")) as [Socket];
  context.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far, port };
}

async function openStream(context: TestContext, pings: StreamPings) {
  const client = await pair(context);
  const service = await pair(context);
  const options = { connectTimeout: 60_000, tcpKeepAlive: 60_000 };
  const address = { host: "127.0.0.1", port: service.port };
  const opened = Promise.withResolvers<void>();
  const origin = dialTcp(address, options, {
    open: opened.resolve,
    fail: (fault) => assert.fail(fault),
  });
  context.after(() => void origin.socket.destroy());
  await opened.promise;
  const stream = new TcpStream({
    tunnel: client.near,
    origin,
    halfClose: false,
    idleTimeout: 0,
    pings,
  });
  return { stream, client: client.far };
}

test("a stream is pinged again and again while it is open, and never after", async (context) => {
  const pings = new StreamPings(5);
  const { stream, client } = await openStream(context, pings);
  let bytes = Buffer.alloc(0);
  client.on("data", (piece) => {
    bytes = Buffer.concat([bytes, piece]);
  });
  await until(() => bytes.length >= 6);
  assert.equal(bytes.subarray(0, 6).toString("hex"), "890089008900");

  stream.end(1001, "over");
  await once(client, "end");
  const close = bytes.subarray(-8);
  assert.equal(close.toString("latin1"), "\x88\x06\x03\xe9over", "nothing follows the close frame");
});
