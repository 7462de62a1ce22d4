// What the soak makes of each request: answered, broken off by itself, or failed.
import assert from "node:assert/strict";
import { once } from "node:events";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { Lane, type Outcome, type Request } from "../../bench/soak/lane.ts";

const request: Request = { bytes: "GET / HTTP/1.1\r\nHost: a\r\n\r\n", length: 5 };
const answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

/** What becomes of `requests`, one after the other, at a server that serves each connection so. */
async function outcomesOf(
  context: TestContext,
  serve: (socket: Socket) => void,
  requests: readonly Request[],
): Promise<Outcome[]> {
  const server = createServer((socket) => serve(socket.on("error", () => undefined)));
  server.listen(0, "127.0.0.1");
  context.after(() => server.close());
  await once(server, "listening");
  let report: (outcome: Outcome) => void = () => undefined;
  const lane = new Lane((server.address() as AddressInfo).port, (outcome) => report(outcome));
  context.after(() => lane.close());
  const outcomes: Outcome[] = [];
  for (const each of requests) {
    const { promise, resolve } = Promise.withResolvers<Outcome>();
    report = resolve;
    lane.ask(each);
    outcomes.push(await promise);
  }
  return outcomes;
}

test("whole answers count as answered, on one connection, however they are cut", async (t) => {
  let connections = 0;
  const serve = (socket: Socket) => {
    connections++;
    socket.on("data", () => {
      socket.write(answer.slice(0, 20));
      setImmediate(() => socket.write(answer.slice(20)));
    });
  };
  const outcomes = await outcomesOf(t, serve, [request, request, request]);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["answered", "answered", "answered"],
  );
  assert.equal(connections, 1);
});

test("a request that is broken off counts as aborted, and the next has a connection", async (t) => {
  const serve = (socket: Socket) => socket.on("data", () => socket.write(answer));
  const aborted = [
    { ...request, abort: "request" as const },
    { ...request, abort: "answer" as const },
  ];
  const outcomes = await outcomesOf(t, serve, [...aborted, request]);
  assert.deepEqual(
    outcomes.map(({ kind }) => kind),
    ["aborted", "aborted", "answered"],
  );
});

test("a connection that ends in the middle of a request fails it, and says the port", async (t) => {
  const ports: (number | undefined)[] = [];
  const serve = (socket: Socket) => {
    ports.push(socket.remotePort);
    socket.once("data", () => socket.end(answer.slice(0, -1)));
  };
  const [outcome] = await outcomesOf(t, serve, [request]);
  assert.deepEqual(outcome, { kind: "failed", why: "the connection ended", port: ports[0] });
});

test("another status, another length and bytes after the answer fail a request", async (t) => {
  const wrong = [
    "HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello!",
    "HTTP/1.1 200 OK\r\n\r\nhello",
    `${answer}HTTP/1.1 200 OK`,
  ];
  for (const bytes of wrong) {
    const serve = (socket: Socket) => socket.on("data", () => socket.write(bytes));
    const [outcome] = await outcomesOf(t, serve, [request]);
    assert.equal(outcome?.kind, "failed", bytes);
  }
});
