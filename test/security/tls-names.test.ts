// A host that differs from the name of its TLS connection (case H12): the name chooses a
// certificate and nothing else. What decides is the host of each request, on every connection
// anew; there are no client certificates here, so a connection proves nothing of anybody.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import * as h2 from "../support/h2-frames.ts";
import { certificateFor } from "../support/tls.ts";
import { waysIn } from "../support/ways-in.ts";
import { type House, openHouse } from "./house.ts";

const denied = [302, 401, 403];

interface Asked {
  /** of the handshake; undefined: none is said */
  servername?: string | undefined;
  host: string;
  lines?: readonly string[];
  /** of an earlier connection, to go on with */
  session?: Buffer | undefined;
}

async function secureHouse(context: TestContext, way: (typeof waysIn)[number]): Promise<House> {
  const tls = [
    certificateFor(context, ["app.localhost"]),
    certificateFor(context, ["app2.localhost"]),
  ];
  const house = await openHouse(way, {}, tls);
  context.after(() => house.close());
  return house;
}

/** One request over HTTP/1.1 on a connection of its own. */
async function ask(
  { door }: House,
  { servername, host, lines = [], session }: Asked,
): Promise<{ status: number; text: string; session: Buffer | undefined; isResumed: boolean }> {
  const socket: TLSSocket = connect({
    host: "127.0.0.1",
    port: door.port,
    rejectUnauthorized: false,
    ...(servername === undefined ? {} : { servername }),
    ...(session === undefined ? {} : { session }),
  });
  let ticket: Buffer | undefined;
  let text = "";
  socket.on("session", (each: Buffer) => {
    ticket = each;
  });
  socket.on("data", (chunk) => {
    text += chunk;
  });
  await once(socket, "secureConnect");
  const isResumed = socket.isSessionReused();
  socket.write(
    [`GET /x HTTP/1.1`, `Host: ${host}`, ...lines, "Connection: close", "", ""].join("\r\n"),
  );
  await once(socket, "close");
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]);
  return { status, text, session: ticket, isResumed };
}

for (const way of waysIn.filter(({ kind }) => kind === "http1"))
  test(`H12 the host of a request decides, whatever the connection was named, ${way.name}`, async (context) => {
    const house = await secureHouse(context, way);
    const { upstream } = house;
    const ofApp = await house.credentials("alice", "app.localhost");
    const names = ["app.localhost", "app2.localhost", "login.localhost", "evil.example", undefined];
    for (const servername of names) {
      const stranger = await ask(house, { servername, host: "app.localhost" });
      assert.ok(denied.includes(stranger.status), `${servername}: ${stranger.status}`);
      assert.match(stranger.text, /\/login\/app\.localhost\?/, "led to the sign-in of its host");
      const other = await ask(house, { servername, host: "app2.localhost", lines: ofApp });
      assert.ok(denied.includes(other.status), `${servername}: ${other.status}`);
      assert.equal(upstream.requests.length, 0);
      const own = await ask(house, { servername, host: "app.localhost", lines: ofApp });
      assert.equal(own.status, 200);
      upstream.reset();
    }
    const first = await ask(house, {
      servername: "app.localhost",
      host: "app.localhost",
      lines: ofApp,
    });
    upstream.reset();
    for (const servername of ["app.localhost", "app2.localhost"]) {
      const resumed = await ask(house, {
        servername,
        host: "app2.localhost",
        session: first.session,
      });
      assert.ok(
        denied.includes(resumed.status),
        `${resumed.status}, resumed: ${resumed.isResumed}`,
      );
      const again = await ask(house, { servername, host: "app.localhost", session: first.session });
      assert.ok(denied.includes(again.status), "a session of TLS is nobody's session here");
    }
    assert.equal(upstream.requests.length, 0);
  });

for (const way of waysIn.filter(({ kind }) => kind === "http2"))
  test(`H12 hosts that share a connection are decided on one by one, ${way.name}`, async (context) => {
    const house = await secureHouse(context, way);
    const { door, upstream } = house;
    const client = await h2.FrameClient.open(door.port, { servername: "app2.localhost" });
    context.after(() => client.close());
    const credentials = await house.credentials("alice", "app.localhost");
    const lines = credentials.map((line): h2.Field => ["cookie", line.slice("Cookie: ".length)]);
    let stream = -1;
    const askFor = async (host: string, more: readonly h2.Field[]) => {
      stream += 2;
      const fields = h2
        .requestFields(host, "/x", more)
        .map((field): h2.Field => (field[0] === ":scheme" ? [":scheme", "https"] : field));
      client.send(h2.headers(stream, fields));
      return (await client.outcome(stream)).status ?? 0;
    };
    assert.equal(await askFor("app.localhost", lines), 200);
    upstream.reset();
    for (let time = 0; time < 3; time++) {
      assert.ok(
        denied.includes(await askFor("app.localhost", [])),
        "who was let in a stream before",
      );
      assert.ok(denied.includes(await askFor("app2.localhost", lines)));
      assert.ok(denied.includes(await askFor("app2.localhost", [])));
      assert.equal(await askFor("unknown.example", lines), 403);
      assert.equal(upstream.requests.length, 0);
      assert.equal(await askFor("app.localhost", lines), 200);
      upstream.reset();
    }
  });
