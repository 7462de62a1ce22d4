// The official client's `access tcp` and `access ssh` over TLS: its dials, what it takes for a dead
// token, how it signs in again, and where the program itself is at hand, the program.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { type TestContext, test } from "node:test";
import { needs } from "../../support/requirements.ts";
import { startTcpService } from "../../support/tcp-service.ts";
import { until } from "../../support/until.ts";
import { describe, exchange, scene, signIn } from "./conversation.ts";
import { type Dialled, dialAsClient } from "./dial.ts";
import { current } from "./wire.ts";

const everybody = { name: "everybody", decision: "allow", include: [{ everyone: {} }] };
const robots = {
  name: "robots",
  decision: "non_identity",
  include: [{ any_valid_service_token: {} }],
};
const secret = "the robot's long secret";
const robot = { "CF-Access-Client-Id": "robot.access", "CF-Access-Client-Secret": secret };

/** A database at `app.example.test` and a bastion at `other.example.test`. */
async function streamScene(context: TestContext) {
  const service = await startTcpService(context);
  const application = (name: string) => ({
    name,
    domain: `${name}.example.test`,
    session_duration: "8h",
    policies: [everybody, robots],
  });
  const { gateway, ca } = await scene(context, undefined, {
    service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: secret }],
    applications: [application("app"), application("other")],
    ingress: [
      { hostname: "app.example.test", service: `tcp://${service.address}` },
      {
        service: "bastion",
        originRequest: { bastionDestinations: [`localhost:${service.port}`] },
      },
    ],
  });
  const wire = { ca, userAgent: current };
  return { gateway, wire, service, url: gateway.origin("app.example.test") };
}

/** The client gives up on anything but a stream and a way to the login. */
function streamOf(dialled: Dialled) {
  assert.ok(dialled.stream !== undefined, `the answer was ${dialled.status}`);
  return dialled.stream;
}

async function echoes(stream: ReturnType<typeof streamOf>): Promise<void> {
  stream.send("hello");
  await until(() => stream.received === "hello");
}

test(
  "access tcp: dials, is led to the login, signs in, dials with its token",
  needs("openssl"),
  async (context) => {
    const { gateway, wire, service, url } = await streamScene(context);

    // 1. The first dial bears no token.
    const first = await dialAsClient(wire, url);
    assert.ok(first.location !== undefined, `the answer was ${first.status}`);
    assert.equal(service.sockets.length, 0);

    // 2. Now it asks who guards the host, and signs in there.
    const match = await describe(wire, gateway, url);
    assert.equal(match["hostname"], "app.example.test");
    const tokens = await signIn(wire, gateway, url, String(match["aud"]));

    // 3. The second dial bears the token, and carries bytes.
    const stream = streamOf(await dialAsClient(wire, url, { "Cf-Access-Token": tokens.app_token }));
    await echoes(stream);

    // 4. It ends without a close frame, and so does the connection to the service.
    stream.end();
    await until(() => service.sockets.every((socket) => socket.destroyed));
  },
);

test(
  "access tcp: a token that is dead is a way to the login, and its org token gets another",
  needs("openssl"),
  async (context) => {
    const { gateway, wire, service, url } = await streamScene(context);
    const aud = String((await describe(wire, gateway, url))["aud"]);
    const tokens = await signIn(wire, gateway, url, aud);

    // 1. A stored token that the gateway does not take: dropped, and exchanged without a browser.
    const spoilt = `${tokens.app_token.slice(0, -8)}AAAAAAAA`;
    const refused = await dialAsClient(wire, url, { "Cf-Access-Token": spoilt });
    assert.ok(refused.location !== undefined, `the answer was ${refused.status}`);
    const exchanged = await exchange(wire, gateway, url, tokens.org_token);
    await echoes(streamOf(await dialAsClient(wire, url, { "Cf-Access-Token": exchanged })));

    // 2. The session is ended while the stream is open: the stream ends, and both tokens are dead.
    const [, payload = ""] = exchanged.split(".");
    const { identity_nonce: session } = JSON.parse(Buffer.from(payload, "base64url").toString());
    await gateway.parts.sessions.end(session);
    await until(() => service.sockets.every((socket) => socket.destroyed));
    const dead = await dialAsClient(wire, url, { "Cf-Access-Token": exchanged });
    assert.ok(dead.location !== undefined, `the answer was ${dead.status}`);
    await assert.rejects(exchange(wire, gateway, url, tokens.org_token));

    // 3. So it signs in again, in the browser.
    const anew = await signIn(wire, gateway, url, aud);
    await echoes(streamOf(await dialAsClient(wire, url, { "Cf-Access-Token": anew.app_token })));
  },
);

test(
  "access tcp: a service token goes with the first dial, and a wrong one ends the attempt",
  needs("openssl"),
  async (context) => {
    const { wire, service, url } = await streamScene(context);
    const wrong = { ...robot, "CF-Access-Client-Secret": "wrong" };
    const refused = await dialAsClient(wire, url, wrong);
    assert.deepEqual([refused.status, refused.location], [401, undefined]);
    assert.equal(service.sockets.length, 0);
    await echoes(streamOf(await dialAsClient(wire, url, robot)));
  },
);

test(
  "access ssh with a destination: it is named on every dial, through the login too",
  needs("openssl"),
  async (context) => {
    const { gateway, wire, service } = await streamScene(context);
    const url = gateway.origin("other.example.test");
    const headers = { "Cf-Access-Jump-Destination": `localhost:${service.port}` };
    assert.ok((await dialAsClient(wire, url, headers)).location !== undefined);
    const match = await describe(wire, gateway, url);
    const tokens = await signIn(wire, gateway, url, String(match["aud"]));
    const token = { "Cf-Access-Token": tokens.app_token };
    await echoes(streamOf(await dialAsClient(wire, url, { ...headers, ...token })));

    const elsewhere = { "Cf-Access-Jump-Destination": "localhost:1" };
    const refused = await dialAsClient(wire, url, { ...elsewhere, ...token });
    assert.deepEqual([refused.status, refused.location], [403, undefined]);
  },
);

const program = process.env["POSTERN_CLOUDFLARED"];
const withoutProgram = "POSTERN_CLOUDFLARED names no cloudflared";

// Nothing can bring the program, so that it is missing is no failure where everything must run.
if (program !== undefined || process.env["POSTERN_REQUIRE_ALL"] !== "1")
  test(
    "the program itself carries its standard streams to the service, with a service token",
    program === undefined ? { skip: withoutProgram } : needs("openssl"),
    async (context) => {
      const { gateway, service } = await streamScene(context);
      const flags = [
        ...["access", "tcp", "--hostname", "app.example.test"],
        // Its way to test: SNI, port and address.
        ...["--connect-to", `app.example.test:${gateway.port}:127.0.0.1`],
        ...["--service-token-id", "robot.access", "--service-token-secret", secret],
      ];
      const child = spawn(program ?? "", flags, { stdio: ["pipe", "pipe", "inherit"] });
      context.after(() => child.kill());
      child.stdin.write("hello");
      const [piece] = await once(child.stdout, "data");
      assert.equal(String(piece), "hello");
      child.kill();
      await until(() => service.sockets.every((socket) => socket.destroyed));
    },
  );
