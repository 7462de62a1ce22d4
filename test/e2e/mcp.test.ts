// `access mcp` between an agent and servers of every revision that it knows.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { simpleSections } from "../support/gateway.ts";
import { SessionServer, StandaloneServer } from "../support/mcp-server.ts";
import { signedInMachine } from "../support/signed-in-machine.ts";
import { until } from "../support/until.ts";
import { startUpstream } from "../support/upstream.ts";
import { agentOf, handshake, opened, scene } from "./mcp-fixture.ts";

test("an agent opens a session, asks, and leaves: the session is named, and ended", async (context) => {
  const server = new SessionServer();
  const { upstream, startAgent, person } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  const { result } = await agent.ask(1, "echo", { text: 'ä\u2028 "x"\n' });
  assert.deepEqual(result, { text: 'ä\u2028 "x"\n' });
  await until(() => server.streams.size === 1);
  assert.equal(await agent.leave(), 0);
  assert.deepEqual(server.asked, ["GET", "DELETE"]);
  assert.equal(server.sessions.size, 0);

  const [first, ...rest] = upstream.requests;
  assert.equal(first?.header("mcp-session-id"), undefined);
  assert.equal(first?.header("accept"), "application/json, text/event-stream");
  for (const request of rest) {
    assert.equal(request.header("mcp-session-id"), "session-1");
    assert.equal(request.header("mcp-protocol-version"), "2025-11-25");
  }
  // Neither the agent nor the server sees what opened the gateway.
  const token = storedTokens(person.home);
  assert.ok(token.length > 0);
  for (const secret of token) assert.ok(!agent.running.stdout().includes(secret));
  for (const request of upstream.requests)
    assert.equal(request.header("cf-access-token"), undefined);
});

function storedTokens(home: string): string[] {
  const names = readdirSync(join(home, "tokens"), { recursive: true, encoding: "utf8" });
  const texts = names
    .filter((name) => name.endsWith(".json"))
    .map((name) => readFileSync(join(home, "tokens", name), "utf8"));
  return texts.flatMap((text) => (JSON.parse(text) as { token: string }).token);
}

test("revisions before 2025-06-18 are served as well, with batches", async (context) => {
  const server = new SessionServer({ revision: "2025-03-26", offersStream: false });
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  agent.say([
    { jsonrpc: "2.0", id: 1, method: "echo" },
    { jsonrpc: "2.0", id: "1", method: "echo" },
    { jsonrpc: "2.0", method: "notifications/progress" },
  ]);
  assert.deepEqual((await agent.answerTo(1)).result, {});
  assert.deepEqual((await agent.answerTo("1")).result, {});
  assert.equal(await agent.leave(), 0);
  assert.deepEqual(server.asked, ["GET", "DELETE"]);
});

test("an answer as a stream comes with what precedes it, in its order", async (context) => {
  const { startAgent } = await scene(context, new SessionServer());
  const agent = startAgent();
  await opened(agent);
  assert.deepEqual((await agent.ask(7, "echo/stream", { text: "x" })).result, { text: "x" });
  const heard = agent.heard().slice(1);
  assert.deepEqual(
    heard.map(({ id, method, params }) => [id, method, params?.["progress"]]),
    [
      [undefined, "notifications/progress", 1],
      [undefined, "notifications/progress", 2],
      [7, undefined, undefined],
    ],
  );
});

test("many requests are under way at once, and one that is slow holds up no other", async (context) => {
  const server = new SessionServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  agent.say({ id: "slow", method: "hold" });
  const ids = Array.from({ length: 200 }, (_, index) => index);
  for (const id of ids) agent.say({ id, method: "echo", params: { text: `${id}` } });
  for (const id of ids) assert.deepEqual((await agent.answerTo(id)).result, { text: `${id}` });
  assert.ok(server.held.has("slow"));
  assert.equal(
    agent.heard().some(({ id }) => id === "slow"),
    false,
  );
});

test("the server asks the agent in its turn, and says things by itself", async (context) => {
  const server = new SessionServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  agent.say({ id: 1, method: "ask" });
  await until(() => agent.heard().some(({ method }) => method === "roots/list"));
  agent.say({ id: "question", result: { roots: [] } });
  await until(() => server.received.some(({ id, result }) => id === "question" && !!result));
  server.held.get(1)?.end('data: {"jsonrpc":"2.0","id":1,"result":{}}\n\n');
  assert.deepEqual((await agent.answerTo(1)).result, {});

  await until(() => server.streams.size === 1);
  server.announce("news");
  await until(() => agent.heard().some(({ params }) => params?.["data"] === "news"));
});

test("a stream that the server ends between is resumed from its last event, and the server's own is opened anew", async (context) => {
  const server = new SessionServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  assert.deepEqual((await agent.ask(3, "echo/in-pieces")).result, { text: "whole" });
  assert.deepEqual(
    server.asked.filter((each) => each.startsWith("GET after")),
    ["GET after 3-1", "GET after 3-2"],
  );
  await until(() => server.streams.size === 1);
  for (const stream of server.streams.values()) stream.destroy();
  await until(() => server.streams.size === 0);
  await until(() => server.streams.size === 1);
});

test("from 2026-07-28 on requests stand alone, and say in header fields what they are", async (context) => {
  const server = new StandaloneServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  const _meta = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
  };
  // A call before any list: the bridge asks for the list by itself, since the server wants headers.
  const call = { _meta, name: "greet", arguments: { region: " Köln", place: { floor: 3 } } };
  assert.ok((await agent.ask(1, "tools/call", call)).result !== undefined);
  const { fields } = server.received.at(-1) ?? {};
  assert.deepEqual(fields, {
    "mcp-protocol-version": "2026-07-28",
    "mcp-method": "tools/call",
    "mcp-name": "greet",
    "mcp-param-region": "=?base64?IEvDtmxu?=",
    "mcp-param-floor": "3",
  });
  // A tool whose annotation breaks the rules is left out of its list.
  assert.deepEqual((await agent.ask(2, "tools/list", { _meta })).result?.["tools"], []);
  assert.match(agent.running.stderr(), /The tool odd is left out/);
  // Errors keep their words.
  assert.equal((await agent.ask(3, "server/else", { _meta })).error?.code, -32601);

  // The end of its connection cancels a request, and no message does.
  agent.say({ id: 4, method: "subscriptions/listen", params: { _meta, notifications: {} } });
  await until(() => agent.heard().some(({ method }) => method?.includes("acknowledged") === true));
  agent.say({ method: "notifications/cancelled", params: { requestId: 4 } });
  await until(() => server.abandoned.includes(4));
  const methods = server.received.map(({ message }) => message.method);
  assert.equal(methods.includes("notifications/cancelled"), false);
  assert.equal(await agent.leave(), 0);
  assert.deepEqual(server.others, [], "no GET and no DELETE");
});

test("a program uses its service token, and nobody is asked", async (context) => {
  const upstream = await startUpstream();
  context.after(() => upstream.close());
  upstream.answerWith(new SessionServer().answer);
  const sections = simpleSections(upstream.origin);
  const [application] = sections["applications"] as Record<string, unknown>[];
  const include = [{ any_valid_service_token: {} }];
  const policies = [{ name: "robots", decision: "non_identity", include }];
  const { person, gateway } = await signedInMachine(context, {
    sections: {
      ...sections,
      applications: [{ ...application, policies }],
      service_tokens: [{ name: "robot", client_id: "robot.access", client_secret: "long-secret" }],
    },
  });
  const args = ["access", "mcp", gateway.origin("app.localhost")];
  const secret = (text: string) => ({
    POSTERN_SERVICE_TOKEN_ID: "robot.access",
    POSTERN_SERVICE_TOKEN_SECRET: text,
  });
  const robot = agentOf(person.start(args, secret("long-secret")));
  await opened(robot);
  assert.equal(await robot.leave(), 0);
  const seen = upstream.requests.length;
  const stranger = agentOf(person.start(args, secret("another")));
  const { error } = await stranger.ask(1, "initialize", handshake);
  assert.match(
    error?.message ?? "",
    /refuses the service token robot\.access \(status 401\); check its ID/,
  );
  assert.equal(await stranger.leave(), 0);
  assert.equal(upstream.requests.length, seen);
  assert.deepEqual(person.opened(), []);
});

test("a signal ends the bridge, and the session with it", async (context) => {
  const server = new SessionServer();
  const { startAgent } = await scene(context, server);
  const agent = startAgent();
  await opened(agent);
  agent.say({ id: 1, method: "hold" });
  await until(() => server.held.has(1));
  agent.running.child.kill("SIGTERM");
  assert.equal(await agent.running.ended, 143);
  assert.equal(server.sessions.size, 0);
});
