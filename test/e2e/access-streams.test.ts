// `postern access tcp`, the built command line: how a stream begins, is carried and ends, by the
// standard streams and by a listener.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { leaveOut, needs } from "../support/requirements.ts";
import { startTcpService } from "../support/tcp-service.ts";
import { until } from "../support/until.ts";
import { connected, received, runTool, streamScene, whenClosed } from "./access-stream-fixture.ts";
import { anOperator, openTo } from "./gateway-process-fixture.ts";

test("the standard streams reach the service, and each direction ends by itself", async (context) => {
  // It answers only what has ended, as `nc -N` and `tar` wait for it.
  const service = await startTcpService(context, (socket) => {
    let size = 0;
    socket.on("data", (piece: Buffer) => {
      size += piece.length;
    });
    socket.on("end", () => socket.end(`${size} bytes`));
  });
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  const input = "x".repeat(3_000_000);
  const answer = await person.run(["access", "tcp", "--hostname", host], {}, input);
  assert.deepEqual([answer.status, answer.stdout], [0, "3000000 bytes"], answer.stderr);
});

test("what the service sends until it ends arrives whole, though nothing was sent to it", async (context) => {
  const bytes = randomBytes(5_000_000).toString("base64");
  const service = await startTcpService(context, (socket) => void socket.end(bytes));
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  const answer = await person.run(["access", "tcp", host]);
  assert.equal(answer.status, 0, answer.stderr);
  assert.ok(answer.stdout === bytes);
});

test("the end of what the service sends is told at once, while the program still sends", async (context) => {
  const service = await startTcpService(context, (socket) => {
    socket.end("that is all");
    socket.on("data", () => undefined);
  });
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  const running = person.start(["access", "tcp", "--hostname", host]);
  await once(running.child.stdout, "end");
  assert.equal(running.stdout(), "that is all");
  assert.equal(running.child.exitCode, null);
  running.child.stdin.end("goodbye");
  assert.equal(await running.ended, 0);
  assert.equal(service.received(), "goodbye");
});

test("a listener carries many connections at once, each in order", async (context) => {
  const service = await startTcpService(context);
  const { listener } = await streamScene(context, `tcp://${service.address}`);
  const { port, running } = await listener();
  const all = Array.from({ length: 40 }, async (_, nth) => {
    const bytes = randomBytes(50_000 + nth).toString("base64");
    const socket = await connected(port);
    const answer = received(socket);
    socket.end(bytes);
    assert.ok((await answer) === bytes);
  });
  await Promise.all(all);
  assert.equal(service.sockets.length, 40);
  running.child.kill("SIGINT");
  assert.equal(await running.ended, 130);
  assert.match(running.stderr(), /^Ended; 0 connections were cut\.$/m);
});

test("Ctrl-C ends a listener, and tells how many connections it has cut", async (context) => {
  const service = await startTcpService(context);
  const { listener } = await streamScene(context, `tcp://${service.address}`);
  const { port, running } = await listener();
  const sockets = await Promise.all([connected(port), connected(port), connected(port)]);
  for (const socket of sockets) socket.write("hello");
  await Promise.all(sockets.map((socket) => once(socket, "data")));
  running.child.kill("SIGINT");
  assert.equal(await running.ended, 130);
  assert.match(running.stderr(), /^Ended; 3 connections were cut\.$/m);
  await until(() => service.sockets.every((socket) => socket.destroyed));
});

test("Ctrl-C ends the standard streams, and the service hears of it", async (context) => {
  const service = await startTcpService(context);
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  const running = person.start(["access", "tcp", "--hostname", host]);
  running.child.stdin.write("hello");
  await running.until(/hello/);
  running.child.kill("SIGINT");
  await running.ended;
  assert.equal(running.child.signalCode, "SIGINT", "as a shell tells apart, with 130");
  await until(() => service.sockets.every((socket) => socket.destroyed));
});

test("under the official client's name its command line is read as that client reads it", async (context) => {
  const service = await startTcpService(context);
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  const official = join(person.directory, "cloudflared");
  symlinkSync(join(import.meta.dirname, "../../packages/cli/dist/postern.cjs"), official);
  for (const args of [
    ["--loglevel", "debug", "access", "tcp", "--hostname", host, "--loglevel", "info"],
    ["access", "ssh", "-hostname", host, "--logfile", join(person.directory, "log")],
    ["forward", "rdp", "-T", host, "--log-directory", person.directory],
  ]) {
    const answer = await runTool(
      process.execPath,
      [official, ...args],
      person.environment,
      "hello",
    );
    assert.deepEqual([answer.status, answer.output], [0, "hello"], answer.errors);
  }
});

test("a Unix socket is for its owner alone, and one that was left behind is in nobody's way", async (context) => {
  const service = await startTcpService(context);
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  const path = join(person.directory, "db.sock");
  const args = ["access", "tcp", "--hostname", host, "--url", `unix:${path}`];
  const first = person.start(args);
  await first.until(/^Listening on unix:/m);
  assert.equal(lstatSync(path).mode & 0o777, 0o600);
  first.child.kill("SIGKILL");
  await first.ended;
  assert.ok(existsSync(path));

  const second = person.start(args);
  await second.until(/^Listening on unix:/m);
  const socket = connect(path);
  const answer = received(socket);
  socket.end("hello");
  assert.equal(await answer, "hello");

  const file = join(person.directory, "file");
  writeFileSync(file, "mine");
  const refused = await person.run([...args.slice(0, -1), `unix:${file}`]);
  assert.equal(refused.status, 2);
  assert.match(refused.stderr, /is there already and no socket/);
  assert.ok(existsSync(file), "a file of somebody's stays");
});

test("a listener is for this machine alone unless an address is written, and then says so", async (context) => {
  const service = await startTcpService(context);
  const { person, host } = await streamScene(context, `tcp://${service.address}`);
  for (const [url, says] of [
    ["0", /^Listening on localhost:\d+ for db/m],
    [":0", /^Listening on localhost:\d+ for db/m],
    ["tcp://localhost:0", /^Listening on localhost:\d+ for db/m],
    ["127.0.0.1:0", /^Listening on 127\.0\.0\.1:\d+ for db/m],
    ["[::1]:0", /^Listening on \[::1\]:\d+ for db/m],
    [
      "0.0.0.0:0",
      /^Other machines that reach 0\.0\.0\.0:\d+ use .* as you\.\nListening on 0\.0\.0\.0:\d+/m,
    ],
  ] as const) {
    const running = person.start(["access", "tcp", host, "-L", url]);
    await running.until(says);
    assert.equal(/Other machines/.test(running.stderr()), url.startsWith("0.0"), url);
    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 143);
  }
});

const runsAsRoot = process.getuid?.() === 0 && process.platform === "linux";

test(
  "a listener for this machine carries nothing for its other users (C9)",
  runsAsRoot ? needs("bash") : leaveOut("root, to run as another user"),
  async (context) => {
    const service = await startTcpService(context);
    const { listener } = await streamScene(context, `tcp://${service.address}`);
    const { running, port } = await listener();
    const script = `exec 3<>/dev/tcp/127.0.0.1/${port}; echo secret >&3; head -c 1 <&3`;
    const asUser = { uid: 65_534, gid: 65_534, timeout: 20_000 };
    const { stdout } = spawnSync("bash", ["-c", script], { ...asUser, encoding: "utf8" });
    assert.equal(stdout, "");
    await running.until(/^A connection was refused: it is another user's of this machine\.$/m);
    assert.equal(service.sockets.length, 0);

    const own = await connected(port);
    own.end("hello");
    assert.equal(await received(own), "hello");
  },
);

test("the end of the session ends streams with the gateway's sentence", async (context) => {
  const service = await startTcpService(context);
  const scene = await streamScene(context, `tcp://${service.address}`);
  const { person, host, session, fixture } = scene;
  const { port, running } = await scene.listener();
  const socket = await connected(port);
  const closed = whenClosed(socket);
  socket.write("hello");
  await once(socket, "data");
  const standard = person.start(["access", "tcp", "--hostname", host]);
  standard.child.stdin.write("hello");
  await standard.until(/hello/);

  await fixture.parts.sessions.end(session.id);
  assert.equal(await standard.ended, 1);
  const says = "the gateway ended the connection: Your session has ended. Sign in again";
  assert.match(standard.stderr(), new RegExp(`^postern: http://db\\S+: ${says}$`, "m"));
  await running.until(new RegExp(`^A connection to db\\S+ was cut: ${says}\\.$`, "m"));
  await closed;

  // The next connection signs in by itself where it can, and says so where it cannot.
  const refused = await connected(port);
  await whenClosed(refused);
  await running.until(/^No connection to db\S+: not signed in to /m);
  assert.equal(service.sockets.length, 2);
});

test("a listener whose session has ended takes the next one, once, for every connection", async (context) => {
  const service = await startTcpService(context);
  const scene = await streamScene(context, `tcp://${service.address}`);
  const { port } = await scene.listener();
  await scene.fixture.parts.sessions.end(scene.session.id);
  await scene.signIn();
  const answers = Array.from({ length: 10 }, async () => {
    const socket = await connected(port);
    const answer = received(socket);
    socket.end("hello");
    return answer;
  });
  assert.deepEqual(await Promise.all(answers), Array(10).fill("hello"));
});

test("a gateway that is killed cuts streams with a sentence, and a listener goes on once it is back", async (context) => {
  const service = await startTcpService(context);
  const operator = await anOperator(context, {});
  const sections = openTo(`tcp://${service.address}`, "db.localhost");
  operator.write({ ...sections, auth_domain: `login.localhost:${operator.port}` });
  const gateway = await operator.start();
  const { person, host, listener } = await streamScene(context, "http_status:404", {
    at: `db.localhost:${operator.port}`,
  });
  const { port, running } = await listener();
  const standard = person.start(["access", "tcp", "--hostname", host]);
  standard.child.stdin.write("hello");
  await standard.until(/hello/);
  const socket = await connected(port);
  socket.write("hello");
  await once(socket, "data");

  gateway.child.kill("SIGKILL");
  assert.equal(await standard.ended, 1);
  assert.match(standard.stderr(), /the gateway broke the connection off$/m);
  await running.until(/was cut: the gateway broke the connection off\.$/m);

  // Somebody connects while it is away: the listener waits for it, within reason.
  await gateway.ended;
  const waiting = await connected(port);
  waiting.end("hello");
  await running.until(/nothing answers at .*; trying again$/m);
  await operator.start();
  await until(async () => {
    const next = await connected(port);
    const answer = received(next).catch(() => "");
    next.end("hello again");
    return (await answer) === "hello again";
  });
});

test("a program that starts a listener learns what happens by lines of JSON, which take the place of words", async (context) => {
  const service = await startTcpService(context);
  const { person, host, session, fixture } = await streamScene(context, `tcp://${service.address}`);
  const args = ["access", "tcp", "--json", "--hostname", host, "--url", "localhost:0"];
  const running = person.start(args);
  const events = () => {
    const lines = running.stdout().split("\n").slice(0, -1);
    return lines.map((line) => JSON.parse(line) as Record<string, unknown>);
  };
  await until(() => events().length > 0);
  const address = String(events()[0]?.["address"]);
  assert.deepEqual(events(), [{ event: "ready", application: `http://${host}`, address }]);
  const port = Number(/^localhost:(\d+)$/.exec(address)?.[1]);

  const first = await connected(port);
  const answer = received(first);
  first.end("hello");
  await answer;
  const closed = () => events().filter(({ event }) => event === "connection_closed");
  await until(() => closed().length === 1);
  const second = await connected(port);
  const isClosed = whenClosed(second);
  second.write("hello");
  await once(second, "data");
  await fixture.parts.sessions.end(session.id);
  await isClosed;
  await until(() => closed().length === 2);
  running.child.kill("SIGINT");
  assert.equal(await running.ended, 130);
  const [, , , , cut, end] = events();
  assert.match(String(cut?.["reason"]), /session/);
  assert.deepEqual(
    events().map(({ event }) => event),
    [
      "ready",
      ...["opened", "closed", "opened", "closed"].map((what) => `connection_${what}`),
      "ended",
    ],
  );
  assert.deepEqual(end, { event: "ended", cut: 0 });
  assert.doesNotMatch(running.stderr(), /Listening|connection|Ended/);

  const bare = await person.run(["access", "tcp", "--json", host]);
  assert.deepEqual([bare.status, bare.stdout], [2, ""]);
  assert.match(bare.stderr, /^\{"error":\{"code":"usage","message":"--json needs --url/);
});

test("what a listener tells goes to a file as well, as much of it as is asked for", async (context) => {
  const service = await startTcpService(context);
  const { person, listener } = await streamScene(context, `tcp://${service.address}`);
  const file = join(person.directory, "stream.log");
  const { port, running } = await listener(["--logfile", file, "--loglevel", "debug"]);
  const socket = await connected(port);
  const answer = received(socket);
  socket.end("hello");
  await answer;
  await running.until(/^a connection to db\S+ ended$/m);
  running.child.kill("SIGINT");
  await running.ended;
  assert.equal(lstatSync(file).mode & 0o777, 0o600);
  const log = readFileSync(file, "utf8");
  assert.match(log, /^\d{4}-\S+Z INFO Listening on /m);
  assert.match(log, /^\d{4}-\S+Z DEBUG a connection to db\S+ began$/m);
});
