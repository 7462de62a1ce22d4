// `access mcp` where something goes wrong, or ends before its time: the answer to its own request
// tells the agent, which goes on.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SessionServer } from "../support/mcp-server.ts";
import { until } from "../support/until.ts";
import { opened, scene } from "./mcp-fixture.ts";

test("what breaks off, is too large, or is no MCP is an error with the id of its request", async (context) => {
  const server = new SessionServer();
  const { startAgent, upstream } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  const says = async (id: number, method: string) => (await agent.ask(id, method)).error?.message;
  assert.match((await says(1, "break")) ?? "", /the answer of http.* broke off; ask again/);
  assert.match((await says(2, "huge")) ?? "", /sent more than \d+ bytes/);
  assert.equal((await agent.ask(3, "nothing")).error?.code, -32601);
  const answers: [status: number, type: string, body: string, says: RegExp][] = [
    [200, "text/html", "<title>Welcome</title>", /sent no message of MCP; check its path/],
    [200, "application/json", "[]", /what is no message of JSON-RPC/],
    [200, "application/json", '{"hello":1}', /what is no message of JSON-RPC/],
    [401, "text/plain", "", /wants a sign-in of its own \(401\)/],
    [404, "text/html", "<h1>Gone</h1>", /is not there \(404\)/],
    [405, "text/plain", "", /takes no messages \(405\)/],
    [500, "text/plain", "no \x1b[2J luck\nmore", /answered 500: no \\x1b\[2J luck$/],
    [
      400,
      "application/json",
      '{"jsonrpc":"2.0","id":null,"error":{"code":-3,"message":"no"}}',
      /^no$/,
    ],
  ];
  for (const [index, [status, type, body, expected]] of answers.entries()) {
    upstream.answerWith((request, response) => {
      request.resume();
      // The session's id makes a 404 the end of the session.
      response.writeHead(status, { "content-type": type }).end(body);
    });
    const isLost = status === 404;
    const message = await says(10 + index, "echo");
    if (isLost) assert.match(message ?? "", /is not there|has ended the session/);
    else assert.match(message ?? "", expected);
  }
  assert.equal(agent.running.child.exitCode, null);
});

test("what is no message is answered at once, and nothing of it is sent", async (context) => {
  const { startAgent, upstream } = await scene(context, new SessionServer());
  const agent = startAgent();
  const lines = [
    "{",
    "[]",
    "7",
    '{"id":1,"method":"echo"}',
    '{"jsonrpc":"2.0","id":{},"method":"x"}',
  ];
  for (const line of lines) agent.say(line);
  agent.say("");
  agent.running.child.stdin.write(`${"x".repeat(33 * 1024 * 1024)}\n`);
  await until(() => agent.heard().length === lines.length + 1);
  for (const { id, error } of agent.heard()) assert.deepEqual([id, error?.code], [null, -32600]);
  assert.equal(upstream.requests.length, 0);
  assert.equal(await agent.leave(), 0);
});

test("a request that the agent cancels has no answer any more", async (context) => {
  const server = new SessionServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  agent.say({ id: 1, method: "hold" });
  await until(() => server.held.has(1));
  agent.say({ method: "notifications/cancelled", params: { requestId: 1 } });
  await until(() => server.abandoned.includes(1));
  assert.equal(server.received.at(-1)?.method, "notifications/cancelled");
  await agent.ask(2, "echo");
  assert.equal(
    agent.heard().some(({ id }) => id === 1),
    false,
  );
});

test("a session that the server has forgotten is opened again, once, and the agent goes on", async (context) => {
  const server = new SessionServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  await until(() => server.streams.size === 1);
  server.sessions.clear();
  for (const stream of server.streams.values()) stream.destroy();
  const ids = [1, 2, 3, 4, 5];
  for (const id of ids) agent.say({ id, method: "echo", params: { text: `${id}` } });
  for (const id of ids) assert.deepEqual((await agent.answerTo(id)).result, { text: `${id}` });
  assert.deepEqual([...server.sessions], ["session-2"]);
  const handshakes = server.received.filter(({ method }) => method === "initialize");
  assert.equal(handshakes.length, 2);
  assert.equal(
    agent.heard().filter(({ id }) => id === "hello").length,
    1,
    "the second is not shown",
  );
  await until(() => server.streams.size === 1);
  server.announce("again");
  await until(() => agent.heard().some(({ params }) => params?.["data"] === "again"));
});

test("a dead session at the gateway is replaced without the agent, and where nobody is signed in it is told what to do", async (context) => {
  const server = new SessionServer();
  const { startAgent, endSession, signInAgain, session, upstream, person } = await scene(
    context,
    server,
  );
  const agent = startAgent();
  await opened(agent);
  await agent.ask(1, "echo");
  await endSession(session);
  const seen = upstream.requests.filter(({ method }) => method === "POST").length;
  const refused = await agent.ask(2, "echo");
  assert.match(refused.error?.message ?? "", /sign in with: postern access login http/);
  assert.deepEqual(refused.error?.data, { code: "not_signed_in" });
  const seenThen = upstream.requests.filter(({ method }) => method === "POST").length;
  assert.equal(seenThen, seen, "nothing reached the server");
  await signInAgain();
  let id = 3;
  await until(async () => (await agent.ask(id++, "echo")).error === undefined);
  assert.deepEqual(person.opened(), [], "nobody was asked");
});
