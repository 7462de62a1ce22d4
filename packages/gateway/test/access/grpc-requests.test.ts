// Calls of gRPC and gRPC-web as the data path sees them: requests of one content type, whose client
// follows no redirect, and in which either side may be silent. Whole calls, with real clients, are
// tested in test/e2e/grpc.test.ts.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, request } from "node:http";
import { test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import {
  type AccessFixture,
  application,
  everybody,
  forged,
  machines,
  only,
  open,
  robotPair,
  startAccessFixture,
} from "./access-fixture.ts";

const types = ["application/grpc", "application/grpc+proto", "application/grpc-web-text"];

test("a call that nobody is signed in for, or that policy denies, fails as one, and the origin sees nothing", async (context) => {
  const access = await startAccessFixture(context, [
    application("app", [everybody]),
    application("bob", [only("bob@example.com")]),
  ]);
  const token = await access.token("app");
  for (const type of types) {
    const lines = ["Accept: */*", `Content-Type: ${type}`, "TE: trailers"];
    const asked = { method: "POST" };
    const stranger = await access.refused(401, "/pkg.Service/Call", lines, asked);
    assert.equal(JSON.parse(stranger.body).error, "not_signed_in");
    assert.equal(stranger.headers["location"], undefined);
    const dead = [...lines, `cf-access-token: ${forged(token)}`];
    const ended = await access.refused(401, "/pkg.Service/Call", dead, asked);
    assert.equal(JSON.parse(ended.body).error, "revoked");
    const wrong = [...lines, "CF-Access-Client-Id: robot.access", "CF-Access-Client-Secret: no"];
    await access.refused(401, "/pkg.Service/Call", wrong, asked);

    const denied = [...lines, `cf-access-token: ${await access.token("bob")}`];
    const atBobs = { ...asked, host: "bob.localhost" };
    const answer = await access.refused(403, "/pkg.Service/Call", denied, atBobs);
    assert.equal(JSON.parse(answer.body).error, "denied");
    await access.refused(403, "/pkg.Service/Call", [...lines, ...robotPair], atBobs);
  }
});

/** A call whose body has begun. */
function begin({ fixture }: AccessFixture, host: string, headers: Record<string, string>) {
  const options = { host: "127.0.0.1", port: fixture.port, method: "POST", agent: false as const };
  const robot = { "CF-Access-Client-Id": "robot.access", "CF-Access-Client-Secret": secret };
  const asked = request({ ...options, headers: { Host: host, ...robot, ...headers } });
  asked.on("error", () => undefined);
  asked.write("first");
  return asked;
}

const secret = robotPair[1]?.split(": ")[1] ?? "";

async function statusOf(asked: ClientRequest): Promise<number | undefined> {
  const [response] = (await once(asked, "response")) as [IncomingMessage];
  response.resume();
  return response.statusCode;
}

test("a call of somebody who is known may pause for any time, and no other request may", async (context) => {
  const access = await startAccessFixture(
    context,
    [application("app", [machines]), application("open", [open])],
    { limits: { body_timeout: "300ms" } },
  );
  const { upstream } = access.fixture;
  const grpc = { "Content-Type": "application/grpc" };
  const call = begin(access, "app.localhost", grpc);
  await upstream.seen(1);

  // By the time that these have ended, the call has paused for longer than they were waited for.
  const ordinary = begin(access, "app.localhost", { "Content-Type": "text/plain" });
  assert.equal(await statusOf(ordinary), 408);
  const ofStranger = begin(access, "open.localhost", grpc);
  assert.equal(await statusOf(ofStranger), 408);

  const [seen] = upstream.requests;
  assert.deepEqual([seen?.body, seen?.aborted], ["first", false]);
  call.end("last");
  assert.equal(await statusOf(call), 200);
  assert.equal(seen?.body, "firstlast");
});

test("an answer to a call may begin late, and pause in its middle, for any time", async (context) => {
  const access = await startAccessFixture(context, [application("app", [machines])]);
  const { upstream } = access.fixture;
  await access.fixture.change({
    applications: [application("app", [machines])],
    ingress: [
      {
        service: upstream.origin,
        originRequest: { responseTimeout: "200ms", bodyTimeout: "200ms" },
      },
    ],
    service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: secret }],
  });
  const gate = Promise.withResolvers<void>();
  const steps: (() => void)[] = [];
  upstream.answerWith((received, response) => {
    const type = received.headers["content-type"] ?? "";
    if (!type.startsWith("application/grpc")) return;
    steps.push(() => {
      response.writeHead(200, { "Content-Type": type });
      response.write("head.");
      void gate.promise.then(() => response.end("tail."));
    });
  });
  const calls = types.map((type) => {
    const asked = begin(access, "app.localhost", { "Content-Type": type });
    asked.end();
    return asked;
  });
  await until(() => steps.length === types.length);
  const late = async () => {
    const asked = begin(access, "app.localhost", { "Content-Type": "text/plain" });
    asked.end();
    return await statusOf(asked);
  };
  assert.equal(await late(), 504, "longer than the beginning of an answer is waited for");

  const bodies = calls.map(async (asked) => {
    const [response] = (await once(asked, "response")) as [IncomingMessage];
    let body = "";
    for await (const chunk of response) body += String(chunk);
    return body;
  });
  for (const step of steps) step();
  assert.equal(await late(), 504, "and as long again, in the middle of the answers");
  gate.resolve();
  assert.deepEqual(
    await Promise.all(bodies),
    types.map(() => "head.tail."),
  );
});
