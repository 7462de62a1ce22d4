// What the data path may expect of the tunnels of every transport.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { buffer, text } from "node:stream/consumers";
import { type TestContext, test } from "node:test";
import type { Exchange } from "../../src/http/transport.ts";
import { type ClientTunnel, transports } from "./transport-fixture.ts";

const megabyte = 1024 * 1024;

interface BothEnds {
  server: Duplex;
  client: ClientTunnel;
  exchange: Exchange;
}

/** The gateway's end of the tunnel that an exchange asks for. */
function accept(exchange: Exchange, rawHeaders: string[] = []): Duplex {
  assert.ok(exchange.upgrade !== undefined);
  return exchange.upgrade({ status: 101, rawHeaders });
}

for (const { name, start, openTunnel } of transports) {
  /** Both ends of one tunnel. */
  const openBoth = async (context: TestContext): Promise<BothEnds> => {
    const { promise, resolve } = Promise.withResolvers<{ server: Duplex; exchange: Exchange }>();
    const port = await start(context, (exchange) =>
      resolve({ server: accept(exchange, ["X-Of-Origin", "yes"]), exchange }),
    );
    const client = await openTunnel(port, "websocket");
    return { ...(await promise), client };
  };

  test(`${name}: an upgrade becomes a tunnel, with the head that opens it`, async (context) => {
    const { server, client, exchange } = await openBoth(context);
    assert.equal(exchange.head.upgrade, "websocket");
    assert.equal(client.headers["x-of-origin"], "yes");
    client.tunnel.write("from the client");
    assert.equal(String((await once(server, "data"))[0]), "from the client");
    server.write("from the server");
    assert.equal(String((await once(client.tunnel, "data"))[0]), "from the server");
    assert.equal(exchange.response.closed, true, "no other answer can be given");
    client.tunnel.end();
    server.end();
  });

  test(`${name}: each side of a tunnel ends by itself`, async (context) => {
    const { server, client } = await openBoth(context);
    client.tunnel.end("the last word");
    assert.equal(await text(server), "the last word");
    server.end("and the answer to it");
    assert.equal(await text(client.tunnel), "and the answer to it");
  });

  test(`${name}: a tunnel holds back whoever sends more than is read`, async (context) => {
    const { server, client } = await openBoth(context);
    const total = 64 * megabyte;
    let accepted = 0;
    const block = Buffer.alloc(megabyte, 7);
    while (accepted < total && server.write(block)) accepted += block.length;
    assert.ok(accepted < total, "nothing held it back");
    server.end();
    const arrived = await buffer(client.tunnel);
    assert.equal(arrived.length, accepted + block.length);
  });

  test(`${name}: a tunnel that is cut ends at its other end`, async (context) => {
    const { server, client, exchange } = await openBoth(context);
    client.tunnel.on("error", () => undefined);
    client.tunnel.resume();
    const closed = new Promise((resolve) => client.tunnel.on("close", resolve));
    exchange.destroy();
    await closed;
    assert.equal(server.destroyed, true);
  });

  test(`${name}: a client that goes away closes its tunnel`, async (context) => {
    const { server, client } = await openBoth(context);
    const closed = once(server, "close");
    server.on("error", () => undefined);
    server.resume();
    server.end();
    client.tunnel.destroy();
    await closed;
  });
}
