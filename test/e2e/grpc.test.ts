// gRPC through the gateway: a service and a client of @grpc/grpc-js, over HTTP/2 on both sides. Who
// may call is the same policy as for every other request.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { status } from "@grpc/grpc-js";
import { identityOf } from "../../packages/gateway/test/login/login-fixture.ts";
import { freePort, startGateway, type TestGateway } from "../support/gateway.ts";
import {
  GrpcClient,
  type GrpcService,
  type MetadataEntries,
  startGrpcService,
} from "../support/grpc.ts";
import { needs } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const host = "rpc.localhost";
const secret = "the robot's long secret";
const robot = { "cf-access-client-id": "robot.access", "cf-access-client-secret": secret };
const policies = [
  { name: "machines", decision: "non_identity", include: [{ any_valid_service_token: {} }] },
  { name: "ada", decision: "allow", include: [{ email: { email: "ada@example.com" } }] },
];

interface Scene {
  service: GrpcService;
  gateway: TestGateway;
  /** a channel to the gateway as somebody; as a program unless told otherwise */
  client(metadata?: MetadataEntries): GrpcClient;
  /** an application token of a terminal, and its session */
  signIn(email: string): Promise<{ token: string; session: string }>;
}

function sectionsTo({ address }: GrpcService): Record<string, unknown> {
  return {
    identity_providers: [{ id: "pin", name: "One-time PIN", type: "onetimepin", config: {} }],
    service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: secret }],
    ingress: [{ service: `http://${address}`, originRequest: { http2Origin: true } }],
    applications: [{ name: "RPC", type: "self_hosted", domain: host, policies }],
  };
}

async function scene(context: TestContext, more: Record<string, unknown> = {}): Promise<Scene> {
  const service = await startGrpcService();
  context.after(() => service.close());
  const gateway = await startGateway({ sections: { ...sectionsTo(service), ...more } });
  context.after(() => gateway.close());
  const client: Scene["client"] = (metadata = robot) => {
    const opened = new GrpcClient(`127.0.0.1:${gateway.port}`, metadata, {
      "grpc.default_authority": host,
    });
    context.after(() => opened.close());
    return opened;
  };
  const signIn = async (email: string) => {
    const { tokens, sessions, catalogs } = gateway.parts;
    const identity = identityOf(email);
    const session = await sessions.start({
      kind: "terminal",
      identity,
      userAgent: "test",
      lifetimeMs: 36e5,
    });
    const [application] = catalogs.current().applications;
    assert.ok(application !== undefined);
    return { token: await tokens.issueApp(session, application, 36e5), session: session.id };
  };
  return { service, gateway, client, signIn };
}

const texts = (answers: readonly Buffer[]) => answers.map((answer) => answer.toString());

test("all four kinds of call work, with metadata in both directions and errors as they are", async (context) => {
  const { service, client } = await scene(context);
  const robotClient = client({ ...robot, "x-tag": "blue", "x-raw-bin": Buffer.from([0, 254]) });
  const trailer = (kind: string) => ({ "x-kind": kind, "x-bytes-bin": Buffer.from([0, 255]) });

  const unary = await robotClient.unary("hello");
  assert.deepEqual([unary.code, texts(unary.answers)], [status.OK, ["hello"]]);
  assert.deepEqual(unary.trailer, trailer("unary"));
  const [seen] = service.calls;
  assert.equal(seen?.metadata["x-tag"], "blue");
  assert.deepEqual(seen?.metadata["x-raw-bin"], Buffer.from([0, 254]));
  assert.equal(seen?.metadata["cf-access-client-secret"], undefined);
  assert.match(String(seen?.metadata["cf-access-jwt-assertion"]), /^ey/);

  const collect = robotClient.begin("Collect");
  for (const message of ["a", "bc", "def"]) collect.stream.write(Buffer.from(message));
  collect.stream.end();
  assert.deepEqual(texts((await collect.outcome).answers), ["6"]);

  const count = await robotClient.begin("Count", "5").outcome;
  assert.deepEqual([count.code, texts(count.answers)], [status.OK, ["0", "1", "2", "3", "4"]]);
  assert.deepEqual(count.trailer, trailer("count"));

  const chat = robotClient.begin("Chat");
  for (const message of ["one", "two", "three"]) {
    chat.stream.write(Buffer.from(message));
    await until(() => chat.answers.at(-1)?.toString() === message);
  }
  chat.stream.end();
  assert.deepEqual((await chat.outcome).trailer, trailer("chat"));

  const failed = await robotClient.unary("fail");
  assert.deepEqual([failed.code, failed.details], [status.NOT_FOUND, "no such thing: é"]);
  const broken = robotClient.begin("Chat");
  broken.stream.write(Buffer.from("fine"));
  await until(() => broken.answers.length === 1);
  broken.stream.write(Buffer.from("fail"));
  assert.equal((await broken.outcome).code, status.NOT_FOUND);
  assert.equal((await robotClient.unary("after all that")).code, status.OK);
});

test("a deadline and a cancellation reach the service", async (context) => {
  const { service, client } = await scene(context);
  const robotClient = client();
  const late = await robotClient.unary("hang", { deadline: Date.now() + 300 });
  assert.equal(late.code, status.DEADLINE_EXCEEDED);
  assert.ok(Number(service.calls[0]?.deadline) < Number.POSITIVE_INFINITY);
  await until(() => service.calls[0]?.cancelled === true);

  for (const kind of ["Count", "Chat"] as const) {
    const call = robotClient.begin(kind, "-3");
    if (kind === "Chat") call.stream.write(Buffer.from("x"));
    await until(() => call.answers.length > 0);
    call.stream.cancel();
    assert.equal((await call.outcome).code, status.CANCELLED);
    await until(() => service.calls.at(-1)?.cancelled === true);
  }
});

test("who may not call is told so as a program, and the service sees nothing", async (context) => {
  const { service, client, signIn } = await scene(context);
  const codeFor = async (metadata: Record<string, string>) => {
    const { code } = await client(metadata).unary("hello");
    return code;
  };
  const { token: ada } = await signIn("ada@example.com");
  assert.equal(await codeFor({ "cf-access-token": ada }), status.OK);
  assert.equal(service.calls.splice(0).length, 1);

  assert.equal(await codeFor({}), status.UNAUTHENTICATED);
  assert.equal(
    await codeFor({ "cf-access-token": `${ada.slice(0, -8)}AAAAAAAA` }),
    status.UNAUTHENTICATED,
  );
  assert.equal(
    await codeFor({ ...robot, "cf-access-client-secret": "no" }),
    status.UNAUTHENTICATED,
  );
  const { token: eve } = await signIn("eve@example.com");
  assert.equal(await codeFor({ "cf-access-token": eve }), status.PERMISSION_DENIED);
  for (const kind of ["Collect", "Count", "Chat"] as const) {
    const { code } = await client({}).begin(kind, "1").outcome;
    assert.equal(code, status.UNAUTHENTICATED, kind);
  }
  assert.equal(service.calls.length, 0);
});

test("a service that is down, or speaks no HTTP/2, is UNAVAILABLE", async (context) => {
  const { service, client } = await scene(context);
  service.close();
  assert.equal((await client().unary("hello")).code, status.UNAVAILABLE);
});

test("a call under way ends with its session or its access, with a status that says so, and others go on", async (context) => {
  const { service, gateway, client, signIn } = await scene(context);
  const robotChat = client().begin("Chat");
  robotChat.stream.write(Buffer.from("x"));
  await until(() => robotChat.answers.length === 1);

  // 1. Signed out in the middle of an answer, and before one has begun.
  const { token, session } = await signIn("ada@example.com");
  const ofAda = client({ "cf-access-token": token });
  const chat = ofAda.begin("Chat");
  chat.stream.write(Buffer.from("x"));
  const collect = ofAda.begin("Collect");
  collect.stream.write(Buffer.from("x"));
  await until(() => chat.answers.length === 1 && service.calls.length === 3);
  await gateway.parts.sessions.end(session);
  for (const call of [chat, collect]) {
    const { code, details } = await call.outcome;
    assert.deepEqual([code, details], [status.UNAUTHENTICATED, "the session has ended"]);
  }
  await until(() => service.calls.filter(({ cancelled }) => cancelled).length === 2);

  // 2. Policy does not let its caller in any more.
  assert.equal(robotChat.answers.length, 1);
  robotChat.stream.write(Buffer.from("y"));
  await until(() => robotChat.answers.length === 2);
  const [, ...people] = policies;
  const applications = [{ name: "RPC", type: "self_hosted", domain: host, policies: people }];
  await gateway.change({ ...sectionsTo(service), applications });
  assert.equal((await robotChat.outcome).code, status.PERMISSION_DENIED);
  await until(() => service.calls.every(({ cancelled }) => cancelled));
});

test("large messages arrive whole, and none is read ahead of who takes it", async (context) => {
  const { client } = await scene(context);
  const robotClient = client();
  const large = Buffer.alloc(20 * 1024 * 1024, "0123456789");
  const { answers } = await robotClient.unary(large);
  assert.ok(answers[0]?.equals(large));

  // A reader that has stopped holds the service back; then everything comes.
  const total = 500;
  const count = robotClient.begin("Count", `${total}x65536`);
  await until(() => count.answers.length > 0);
  count.stream.pause();
  await until(async () => {
    const before = count.answers.length;
    await new Promise((resolve) => setTimeout(resolve, 50));
    return count.answers.length === before;
  });
  assert.ok(count.answers.length < total);
  count.stream.resume();
  const { code } = await count.outcome;
  assert.deepEqual([code, count.answers.length], [status.OK, total]);
  assert.ok(count.answers.every((answer, index) => Number(answer) === index));
});

test("thousands of small calls share one channel, each with its own answer", async (context) => {
  const { client, gateway } = await scene(context);
  const robotClient = client();
  let next = 0;
  const call = async () => {
    while (next < 3_000) {
      const message = String(next++);
      const { code, answers } = await robotClient.unary(message);
      assert.deepEqual([code, texts(answers)], [status.OK, [message]]);
    }
  };
  await Promise.all(Array.from({ length: 60 }, call));
  assert.deepEqual(
    gateway.events.filter(({ event }) => event === "origin_failed"),
    [],
  );
});

test(
  "behind nginx all four kinds of call work, and refusals keep their status",
  needs("nginx"),
  async (context) => {
    const { gateway, service } = await scene(context, { trusted_proxies: ["127.0.0.1/32"] });
    const port = await startNginx(context, gateway.port);
    const client = (metadata: MetadataEntries) => {
      const opened = new GrpcClient(`127.0.0.1:${port}`, metadata, {
        "grpc.default_authority": host,
      });
      context.after(() => opened.close());
      return opened;
    };
    const robotClient = client(robot);
    assert.deepEqual(texts((await robotClient.unary("hello")).answers), ["hello"]);
    const collect = robotClient.begin("Collect");
    collect.stream.write(Buffer.from("ab"));
    collect.stream.end();
    assert.deepEqual(texts((await collect.outcome).answers), ["2"]);
    assert.equal((await robotClient.begin("Count", "5").outcome).answers.length, 5);
    const chat = robotClient.begin("Chat");
    for (const message of ["one", "two"]) {
      chat.stream.write(Buffer.from(message));
      await until(() => chat.answers.at(-1)?.toString() === message);
    }
    chat.stream.end();
    assert.deepEqual((await chat.outcome).trailer["x-kind"], "chat");

    const seen = service.calls.length;
    assert.equal((await client({}).unary("hello")).code, status.UNAUTHENTICATED);
    assert.equal(service.calls.length, seen);
  },
);

/** nginx without TLS in front of the gateway. @returns its port */
async function startNginx(context: TestContext, gateway: number): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), "postern-grpc-"));
  const port = await freePort();
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    .map((name) => `${name}_temp_path ${folder}/${name};`)
    .join(" ");
  writeFileSync(
    join(folder, "nginx.conf"),
    `daemon off; pid ${folder}/pid; error_log stderr; events {}
http {
  access_log off; ${temporary}
  server {
    listen 127.0.0.1:${port} http2;
    location / {
      grpc_pass grpc://127.0.0.1:${gateway};
      grpc_set_header Host $host;
      grpc_set_header X-Forwarded-For $remote_addr;
      grpc_set_header X-Forwarded-Proto $scheme;
      grpc_set_header X-Forwarded-Host "";
      grpc_read_timeout 1h;
    }
  }
}`,
  );
  const child = spawn("/usr/sbin/nginx", ["-e", "stderr", "-c", join(folder, "nginx.conf")], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  const ended = once(child, "exit");
  context.after(async () => {
    child.kill();
    await ended;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  });
  await until(() => accepts(port));
  return port;
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true));
    socket.once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}
