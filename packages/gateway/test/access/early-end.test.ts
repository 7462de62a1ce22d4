// Clients that end their side, or their request, before what they ask for has opened: the other
// side hears of it all the same, and no connection is left over.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as h2 from "../../../../test/support/h2-frames.ts";
import { startTcpService } from "../../../../test/support/tcp-service.ts";
import { until } from "../../../../test/support/until.ts";
import { application, everybody, startAccessFixture } from "./access-fixture.ts";
import { host } from "./forward-fixture.ts";
import { dial, requestHead, switching, upgradeScene, webSocketLines } from "./upgrade-fixture.ts";

test("a client that ends its side while its origin thinks is heard of by the origin, and leaves it no connection", async (context) => {
  const { port, origins } = await upgradeScene(context, () => undefined);
  for (const [index, hears] of [true, false].entries()) {
    const client = dial(context, port);
    client.socket.end(requestHead(webSocketLines));
    await until(() => origins[index]?.hasHead === true);
    const origin = origins[index];
    assert.ok(origin !== undefined);
    // Another client's whole exchange later the gateway has seen the end.
    const other = dial(context, port, "GET / HTTP/1.1\r\nHost: elsewhere.localhost\r\n\r\n");
    await until(() => other.hasHead);

    origin.socket.allowHalfOpen = true;
    origin.send(`${switching()}hello`);
    await until(() => client.body === "hello");
    if (!hears) client.socket.resetAndDestroy();
    await until(() => origin.ended || origin.closed);
    origin.socket.destroy();
  }
});

test("a client that ends its side while its service is dialled ends the stream", async (context) => {
  const service = await startTcpService(context);
  const ingress = [{ service: `tcp://${service.address}` }];
  const access = await startAccessFixture(context, [application("app", [everybody])], { ingress });
  for (let count = 1; count <= 10; count++) {
    // A token that was not seen before is verified first, and that takes a moment.
    const token = `cf-access-token: ${await access.token("app")}`;
    const head = requestHead([...webSocketLines, token]).replace("open.localhost", "app.localhost");
    const client = dial(context, access.fixture.port);
    client.socket.end(head);
    await until(() => client.ended && service.sockets[count - 1]?.readableEnded === true);
    assert.match(client.received, /^HTTP\/1\.1 101 /);
  }
});

test("a client that resets its request over HTTP/2 is gone for the origin, whatever the code of its reset", async (context) => {
  const { port, origins } = await upgradeScene(context, () => undefined);
  const address: h2.Field[] = [
    [":scheme", "http"],
    [":authority", host],
    [":path", "/chat"],
  ];
  const requests: h2.Field[][] = [
    [[":method", "GET"], ...address],
    [[":method", "POST"], ...address],
    [
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      ...address,
      ["sec-websocket-version", "13"],
    ],
  ];
  for (const fields of requests)
    for (const code of [h2.errors.NO_ERROR, h2.errors.CANCEL, h2.errors.PROTOCOL_ERROR]) {
      const count = origins.length;
      const client = dial(context, port);
      client.socket.write(Buffer.concat([h2.preface, h2.settings(), h2.headers(1, fields, 0)]));
      await until(() => origins[count]?.hasHead === true);
      client.socket.write(h2.rstStream(1, code));
      await until(() => origins[count]?.ended === true || origins[count]?.closed === true);
    }
});
