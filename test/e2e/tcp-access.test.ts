// Who gets to a TCP service: what a dial without a token, with a dead one, of a browser and of a
// program is answered, and what ends a stream whose person may not have it any more. What is
// refused is asked with the service in view: nobody has connected there.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import {
  type AccessFixture,
  application,
  bob,
  everybody,
  forged,
  machines,
  only,
  open,
  robotPair,
  startAccessFixture,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { type Dialled, dial, refusedDial } from "../support/stream-dial.ts";
import { startTcpService, type TcpService } from "../support/tcp-service.ts";
import { until } from "../support/until.ts";

interface Scene extends AccessFixture {
  port: number;
  service: TcpService;
  /** the answer to a dial that must open nothing */
  denied(status: number, asked?: Dialled): ReturnType<typeof refusedDial>;
}

async function scene(
  context: TestContext,
  policies: unknown[] = [everybody],
  service?: TcpService,
): Promise<Scene> {
  const tcp = service ?? (await startTcpService(context));
  const fixture = await startAccessFixture(context, [application("db", policies)], {
    ingress: [
      { hostname: "db.localhost", service: `tcp://${tcp.address}` },
      { hostname: "web.localhost", service: "http://127.0.0.1:9" },
      { service: "http_status:404" },
    ],
  });
  const { port } = fixture.fixture;
  return {
    ...fixture,
    port,
    service: tcp,
    async denied(status, asked) {
      const answer = await refusedDial(port, asked);
      assert.equal(answer.status, status, answer.body);
      assert.equal(tcp.sockets.length, 0, "somebody connected to the service");
      return answer;
    },
  };
}

const withToken = (token: string) => ({ headers: { "cf-access-token": token } });
const robot = Object.fromEntries(robotPair.map((line) => line.split(": ") as [string, string]));

test("a first dial without a token is led to the sign-in page, as the official client wants it", async (context) => {
  const { denied } = await scene(context);
  const { headers } = await denied(302);
  const location = new URL(String(headers["location"]));
  assert.equal(location.hostname, "login.localhost");
  assert.ok(location.pathname.startsWith("/cdn-cgi/access/login/db.localhost"));
  assert.ok(headers["set-cookie"]?.[0]?.startsWith("CF_AppSession="));
});

test("a dial with a token that holds opens, and with a dead one is led to the sign-in page", async (context) => {
  const { fixture, port, token, denied, service } = await scene(context);
  const session = await fixture.session("terminal");
  const good = await token("db", undefined, session);
  for (const dead of [forged(good), "nonsense", await tokenOfEnded(fixture, token)]) {
    const { headers } = await denied(302, withToken(dead));
    assert.match(String(headers["location"]), /\/cdn-cgi\/access\/login\//);
  }
  const client = dial(port, withToken(good));
  await client.opened;
  client.socket.send("hello");
  await until(() => client.received() === "hello");
  assert.equal(service.sockets.length, 1);
  client.socket.terminate();
});

async function tokenOfEnded(
  fixture: AccessFixture["fixture"],
  token: AccessFixture["token"],
): Promise<string> {
  const session = await fixture.session("terminal");
  const dead = await token("db", undefined, session);
  await fixture.parts.sessions.end(session.id);
  return dead;
}

test("without WebSocket a dead token is an error as everywhere", async (context) => {
  const { fixture, token, refused } = await scene(context);
  const dead = await tokenOfEnded(fixture, token);
  const answer = await refused(401, "/", [`cf-access-token: ${dead}`], { host: "db.localhost" });
  assert.equal(answer.headers["cf-access-error"], "session_ended");
});

test("a page of another site opens nothing, with or without a cookie (W1, W2)", async (context) => {
  const { token, denied } = await scene(context);
  const good = await token("db");
  await denied(401, { headers: { Origin: "http://db.localhost" } });
  await denied(401, { headers: { Origin: "https://evil.test" } });
  await denied(401, { headers: { Origin: "https://evil.test", "cf-access-token": forged(good) } });
  await denied(403, {
    headers: { Origin: "https://evil.test", Cookie: `CF_Authorization=${good}` },
  });
});

test("a person whom no policy lets in is refused, and told so", async (context) => {
  const { token, denied } = await scene(context, [only(bob)]);
  const { body } = await denied(403, withToken(await token("db")));
  assert.match(body, /You are signed in, but you may not use this application/);
});

test("a service token opens on the first dial, and a wrong one is never led anywhere", async (context) => {
  const { port, denied, service } = await scene(context, [machines]);
  for (const headers of [
    { "CF-Access-Client-Id": "robot.access", "CF-Access-Client-Secret": "wrong" },
    { "CF-Access-Client-Id": "nobody.access", "CF-Access-Client-Secret": "wrong" },
    { "CF-Access-Client-Id": "robot.access" },
  ]) {
    const answer = await denied(401, { headers });
    assert.equal(answer.headers["location"], undefined);
    assert.equal(answer.headers["set-cookie"], undefined);
  }
  const client = dial(port, { headers: robot });
  await client.opened;
  assert.equal(service.sockets.length, 1);
  client.socket.terminate();
});

test("the service gets bytes alone: no header, no token and no cookie", async (context) => {
  const { port, token, service } = await scene(context);
  const client = dial(port, withToken(await token("db")));
  await client.opened;
  client.socket.send("x");
  await until(() => client.received() === "x");
  assert.equal(service.received(), "x");
  client.socket.terminate();
});

test("the end of its session ends a stream at both ends, and no other (W3, T17)", async (context) => {
  const { fixture, port, token, service } = await scene(context);
  const [ending, staying] = [await fixture.session("terminal"), await fixture.session("terminal")];
  const ended = dial(port, withToken(await token("db", undefined, ending)));
  const stays = dial(port, withToken(await token("db", undefined, staying)));
  await Promise.all([ended.opened, stays.opened]);

  await fixture.parts.sessions.end(ending.id);
  assert.deepEqual(await ended.closed, {
    code: 1008,
    reason: "Your session has ended. Sign in again",
  });
  await until(() => service.sockets.filter((socket) => socket.destroyed).length === 1);
  stays.socket.send("still here");
  await until(() => stays.received() === "still here");
  const event = fixture.events.find(({ event }) => event === "stream_ended");
  assert.ok(event !== undefined && "reason" in event);
  assert.equal(event.reason, "session_ended");
  stays.socket.terminate();
});

test("a client that takes nothing is ended with its session all the same (W3)", async (context) => {
  const service = await startTcpService(context, (socket) => {
    socket.write(Buffer.alloc(64 * 1024 * 1024, "x"));
    socket.on("data", () => undefined);
  });
  const { fixture, port, token } = await scene(context, [everybody], service);
  const session = await fixture.session("terminal");
  const client = dial(port, withToken(await token("db", undefined, session)));
  await client.opened;
  const { _socket: tcp } = client.socket as unknown as { _socket: { pause(): void } };
  tcp.pause();
  await fixture.parts.sessions.end(session.id);
  await until(() => service.sockets.every((socket) => socket.destroyed));
  client.socket.terminate();
});

test("an edit that takes a person's access ends the stream, and another edit does not (W4)", async (context) => {
  const { fixture, port, token, service } = await scene(context);
  const client = dial(port, withToken(await token("db")));
  await client.opened;
  const sections = (policies: unknown[]) => ({
    ingress: [{ service: `tcp://${service.address}` }],
    applications: [application("db", policies), application("another", [everybody])],
  });
  await fixture.change(sections([everybody]));
  client.socket.send("still here");
  await until(() => client.received() === "still here");

  await fixture.change(sections([only(bob)]));
  assert.deepEqual(await client.closed, {
    code: 1008,
    reason: "You may not use this application any more",
  });
});

test("a session that expires ends its stream", async (context) => {
  const { fixture, port, token } = await scene(context);
  const session = await fixture.session("terminal");
  const client = dial(port, withToken(await token("db", undefined, session)));
  await client.opened;
  fixture.clock.ahead = 2 * 36e5;
  assert.deepEqual(await client.closed, {
    code: 1008,
    reason: "Your session has expired. Sign in again",
  });
});

test("a gateway that ends says so to every stream", async (context) => {
  const { fixture, port } = await scene(context, [open]);
  const client = dial(port);
  await client.opened;
  fixture.parts.handler.endStreams();
  const { code, reason } = await client.closed;
  assert.deepEqual([code, reason], [1001, "The gateway is shutting down. Connect again"]);
});
