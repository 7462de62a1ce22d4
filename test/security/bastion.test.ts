// A bastion reaches what its list has, and nothing else in any spelling. Decoys listen at what an
// attacker wants: nobody may have connected to one, and no name that is not listed is looked up.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { chooseDestination } from "../../packages/gateway/src/access/choose-destination.ts";
import { bastionDestination } from "../../packages/gateway/src/model/bastion-destination.ts";
import {
  application,
  everybody,
  open,
  startAccessFixture,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { dial, rawDial, refusedDial } from "../support/stream-dial.ts";
import { startTcpService } from "../support/tcp-service.ts";
import { until } from "../support/until.ts";

const jump = (destination: string) => ({
  host: "bastion.localhost",
  headers: { "Cf-Access-Jump-Destination": destination },
});

/** A bastion with this list, open to everybody. */
async function scene(context: TestContext, list: string[], policies: unknown[] = [open]) {
  const { fixture, token } = await startAccessFixture(context, [application("bastion", policies)], {
    ingress: [{ service: "bastion", originRequest: { bastionDestinations: list } }],
  });
  return { port: fixture.port, token, events: fixture.events };
}

test("a bastion leads to what its list has, by name and by address", async (context) => {
  const service = await startTcpService(context);
  const { port } = await scene(context, [
    `localhost:${service.port}`,
    `*.lab.localhost:${service.port}`,
    `127.0.0.0/8:${service.port}`,
  ]);
  const listed = ["localhost", "LOCALHOST", "box.lab.localhost", "127.0.0.1", "[::ffff:127.0.0.1]"];
  for (const [index, host] of listed.entries()) {
    const client = dial(port, jump(`${host}:${service.port}`));
    await client.opened;
    client.socket.send(host);
    await until(() => client.received() === host);
    assert.equal(service.sockets.length, index + 1);
    client.socket.terminate();
  }
});

/** What means this machine, or may, to one program or another. @param port of the decoy */
const spellings = (port: number): string[] => [
  `127.0.0.1:${port}`,
  `127.0.0.2:${port}`,
  `localhost:${port}`,
  `LOCALHOST:${port}`,
  `localhost.:${port}`,
  `a.localhost:${port}`,
  `0.0.0.0:${port}`,
  `0:${port}`,
  `[::1]:${port}`,
  `[::]:${port}`,
  `[0:0:0:0:0:0:0:1]:${port}`,
  `[::ffff:127.0.0.1]:${port}`,
  `[::ffff:7f00:1]:${port}`,
  `[::127.0.0.1]:${port}`,
  `[64:ff9b::7f00:1]:${port}`,
  `[2002:7f00:1::]:${port}`,
  `[::ffff:0:127.0.0.1]:${port}`,
  `[2001:0:7f00:1::]:${port}`,
  `[::1%lo]:${port}`,
  `::1:${port}`,
  `2130706433:${port}`,
  `0x7f000001:${port}`,
  `0x7f.0.0.1:${port}`,
  `017700000001:${port}`,
  `0177.0.0.1:${port}`,
  `127.1:${port}`,
  `127.0.1:${port}`,
  `127.000.000.001:${port}`,
  `127.0.0.1.:${port}`,
  `①②⑦.0.0.1:${port}`,
  `box.test@127.0.0.1:${port}`,
  `box.test:22@127.0.0.1:${port}`,
  `box.test#@127.0.0.1:${port}`,
  `127.0.0.1:${port}/box.test:22`,
  `127.0.0.1:${port}?box.test:22`,
  `127.0.0.1:${port}#box.test:22`,
  `tcp://127.0.0.1:${port}`,
  `ssh://box.test:22`,
  `//127.0.0.1:${port}`,
  `box.test:22, 127.0.0.1:${port}`,
  `box.test:22 127.0.0.1:${port}`,
  `box.test:22,127.0.0.1:${port}`,
  `127.0.0.1%3A${port}:22`,
  `127.0.0.1\t:${port}`,
  "127.0.0.1",
  "127.0.0.1:",
  "127.0.0.1:0",
  "127.0.0.1:65536",
  `127.0.0.1:0${port}`,
  `127.0.0.1:+${port}`,
  `127.0.0.1:${port}.0`,
  `127.0.0.1:0x${port.toString(16)}`,
  `:${port}`,
  "169.254.169.254:80",
  "[::ffff:169.254.169.254]:80",
  "[fd00:ec2::254]:80",
  "0xa9fea9fe:80",
  "2852039166:80",
  "metadata.google.internal:80",
  "/var/run/docker.sock",
  "unix:/var/run/docker.sock",
  "evilbox.test:22",
  "box.test.evil.test:22",
  "box.test:2222",
];

test("no spelling of what is not listed leads anywhere", async (context) => {
  const decoy = await startTcpService(context);
  // Wide networks, and names that are no part of any spelling.
  const { port } = await scene(context, [
    "box.test:22",
    "*.lab.test:22",
    `0.0.0.0/0:${decoy.port}`,
    "0.0.0.0/0:80",
    "[::]/0:80",
    `[::]/0:${decoy.port}`,
  ]);
  for (const destination of spellings(decoy.port)) {
    const lines = [
      "Connection: Upgrade",
      "Upgrade: websocket",
      "Sec-WebSocket-Version: 13",
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
      `Cf-Access-Jump-Destination: ${destination}`,
    ];
    const { status, text } = await rawDial(port, "bastion.localhost", lines).answer;
    assert.ok(status === 400 || status === 403, `${destination}: ${status}`);
    assert.doesNotMatch(text, /127\.0\.0\.1|box\.test/, "the answer repeats nothing");
  }
  assert.equal(decoy.sockets.length, 0);
});

test("a wide network does not cover this machine's own addresses, and an entry of their own does", () => {
  const choose = (list: string[], asked: string, own = ["10.0.0.5"]) => {
    const destinations = list.map((entry) => bastionDestination.parse(entry));
    return chooseDestination(destinations, [asked], own).ok;
  };
  assert.equal(choose(["10.0.0.0/8:22"], "10.0.0.6:22"), true);
  assert.equal(choose(["10.0.0.0/8:22"], "10.0.0.5:22"), false);
  assert.equal(choose(["10.0.0.0/8:22", "10.0.0.5:22"], "10.0.0.5:22"), true);
  assert.equal(choose(["0.0.0.0/0:80"], "169.254.169.254:80"), false);
  assert.equal(choose(["169.0.0.0/8:80"], "169.254.169.254:80"), false);
  assert.equal(choose(["169.254.0.0/16:80"], "169.254.169.254:80"), true);
  assert.equal(choose(["169.254.169.254:80"], "169.254.169.254:80"), true);
  assert.equal(choose(["[::]/0:80"], "[fe80::1]:80"), false);
  assert.equal(choose(["[fe80::]/10:80"], "[fe80::1]:80"), true);
});

test("exactly one destination is named", async (context) => {
  const service = await startTcpService(context);
  const { port } = await scene(context, [`localhost:${service.port}`]);
  const none = await refusedDial(port, { host: "bastion.localhost" });
  assert.equal(none.status, 400);
  assert.match(none.body, /must be told where to connect.*--destination/);
  const lines = [
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    `Cf-Access-Jump-Destination: localhost:${service.port}`,
    `cf-access-jump-destination: localhost:${service.port}`,
  ];
  assert.equal((await rawDial(port, "bastion.localhost", lines).answer).status, 400);
  assert.equal(service.sockets.length, 0);
});

test("a destination that is not listed is a 403 with its line in the log", async (context) => {
  const { port, events } = await scene(context, ["box.test:22"]);
  const { status, body } = await refusedDial(port, jump("other.test:22"));
  assert.equal(status, 403);
  assert.match(body, /ask the people who run this gateway to list it \(bastionDestinations\)/);
  const event = events.find((each) => each.event === "error_page_shown");
  assert.ok(event !== undefined && "reason" in event);
  assert.equal(event.reason, "unlisted_destination");
});

test("a header names no destination to whom policy does not let in", async (context) => {
  const service = await startTcpService(context);
  const { port } = await scene(context, [`localhost:${service.port}`], [everybody]);
  const { status } = await refusedDial(port, jump(`localhost:${service.port}`));
  assert.equal(status, 302);
  assert.equal(service.sockets.length, 0);
});

test("what is no bastion leads to its own service, whatever the header says", async (context) => {
  const [service, decoy] = [await startTcpService(context), await startTcpService(context)];
  const { fixture } = await startAccessFixture(context, [application("db", [open])], {
    ingress: [{ service: `tcp://${service.address}` }],
  });
  const headers = { "Cf-Access-Jump-Destination": decoy.address };
  const client = dial(fixture.port, { host: "db.localhost", headers });
  await client.opened;
  assert.equal(service.sockets.length, 1);
  assert.equal(decoy.sockets.length, 0);
  client.socket.terminate();
});
