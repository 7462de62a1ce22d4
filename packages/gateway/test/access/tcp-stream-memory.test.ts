// What one client of a TCP service can make the gateway keep while the service takes nothing.
import assert from "node:assert/strict";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { clientFrame } from "../../../../test/support/client-frame.ts";
import { startTcpService } from "../../../../test/support/tcp-service.ts";
import { until } from "../../../../test/support/until.ts";
import { gatewayTo, megabyte } from "./forward-fixture.ts";
import { requestHead, webSocketLines } from "./upgrade-fixture.ts";

const clientCount = 4;

test("frames of one byte each wait for a slow service as cheaply as long ones", async (context) => {
  const service = await startTcpService(context, (socket) => socket.pause());
  const gateway = await gatewayTo(context, [{ service: `tcp://${service.address}` }]);
  const frame = clientFrame(0x2, "x");
  const frames = Buffer.alloc(150_000 * frame.length, frame);
  const before = heapInUse();

  const clients = Array.from({ length: clientCount }, () => connect(gateway.port, "127.0.0.1"));
  context.after(() => {
    for (const client of clients) client.destroy();
  });
  for (const client of clients) {
    client.on("error", () => undefined).write(requestHead(webSocketLines));
    for (let count = 0; count < 64; count++) client.write(frames);
  }
  await heldBack(clients);

  const kept = (heapInUse() - before) / clients.length;
  assert.ok(kept < 4 * megabyte, `${Math.round(kept)} bytes of each`);
});

/** Waits until these clients have not been able to send for a while. */
async function heldBack(clients: readonly Socket[]): Promise<void> {
  const waiting = () => clients.reduce((sum, { writableLength }) => sum + writableLength, 0);
  let before = -1;
  let looks = 0;
  await until(() => {
    looks = waiting() === before ? looks + 1 : 0;
    before = waiting();
    return before > 0 && looks > 50;
  });
}

function heapInUse(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  return process.memoryUsage().heapUsed;
}
