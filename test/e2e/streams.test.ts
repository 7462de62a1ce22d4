// WebSockets, event streams and the end of both, with the clients that people have: Chromium, and
// the `ws` library at both ends; in one gateway, in two with one store, and while one ends.
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { Page } from "playwright-core";
import { WebSocket, WebSocketServer } from "ws";
import { browserOptions, withPage } from "../support/browser.ts";
import {
  freePort,
  simpleSections,
  startGateway,
  type TestGateway,
  type TestGatewayOptions,
} from "../support/gateway.ts";
import { signIn } from "../support/sign-in.ts";
import { certificateFor } from "../support/tls.ts";
import { until } from "../support/until.ts";

const ada = "ada@example.com";

interface ChatServer {
  origin: string;
  sockets: Set<WebSocket>;
  /** answers of event streams that are open */
  events: Set<ServerResponse>;
  /** of the last WebSocket that was opened */
  lastRequest(): IncomingMessage | undefined;
}

/** Echoes what WebSockets send, and counts in `/events`; every other path is a page. */
async function startChat(context: TestContext): Promise<ChatServer> {
  const server = createServer((request, response) => {
    if (request.url?.startsWith("/events") !== true) {
      response.setHeader("Content-Type", "text/html");
      response.end("<h1>Chat</h1>");
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    response.flushHeaders();
    events.add(response);
    response.once("close", () => events.delete(response));
  });
  const events = new Set<ServerResponse>();
  let last: IncomingMessage | undefined;
  const sockets = new WebSocketServer({
    server,
    perMessageDeflate: { threshold: 0 },
    handleProtocols: (offered) => (offered.has("superchat") ? "superchat" : false),
  });
  sockets.on("connection", (socket, request) => {
    last = request;
    socket.on("error", () => undefined);
    socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    sockets: sockets.clients,
    events,
    lastRequest: () => last,
  };
}

async function start(
  context: TestContext,
  chat: ChatServer,
  options: Partial<TestGatewayOptions> = {},
): Promise<TestGateway> {
  const gateway = await startGateway({ sections: simpleSections(chat.origin), ...options });
  context.after(() => gateway.close());
  return gateway;
}

function openSocket(port: number, token: string, protocols: string[] = []): WebSocket {
  const headers = { Host: "app.localhost", "cf-access-token": token };
  return new WebSocket(`ws://127.0.0.1:${port}/chat`, protocols, {
    headers,
    perMessageDeflate: { threshold: 0 },
  });
}

async function answerTo(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
  const answered = once(socket, "message");
  socket.send(message);
  const [data] = (await answered) as [Buffer];
  return data;
}

test("the ws library talks through the gateway: extensions, subprotocols, large and broken up messages, close codes", async (context) => {
  const chat = await startChat(context);
  const gateway = await start(context, chat);
  const { token } = await signIn(gateway);
  const socket = openSocket(gateway.port, token, ["chat", "superchat"]);
  await once(socket, "open");
  assert.equal(socket.protocol, "superchat");
  assert.equal(socket.extensions, "permessage-deflate");
  assert.equal(chat.lastRequest()?.headers["cf-access-authenticated-user-email"], ada);
  assert.equal(chat.lastRequest()?.headers["cf-access-token"], undefined);

  const large = randomBytes(20 * 1024 * 1024);
  assert.deepEqual(await answerTo(socket, large), large);
  assert.equal(String(await answerTo(socket, "grüße")), "grüße");
  const answered = once(socket, "message");
  socket.send("in ", { fin: false });
  socket.send("three ", { fin: false });
  socket.send("pieces", { fin: true });
  assert.equal(String((await answered)[0]), "in three pieces");
  const ponged = once(socket, "pong");
  socket.ping("there?");
  assert.equal(String((await ponged)[0]), "there?");

  const [atOrigin] = chat.sockets;
  assert.ok(atOrigin !== undefined);
  const closedAtOrigin = once(atOrigin, "close");
  const closed = once(socket, "close");
  socket.close(4321, "done");
  const [code, reason] = await closedAtOrigin;
  assert.deepEqual([code, String(reason)], [4321, "done"]);
  assert.equal((await closed)[0], 4321);
});

async function signInWithPin(page: Page, gateway: TestGateway): Promise<void> {
  await page.getByLabel("Email").fill(ada);
  await page.getByRole("button", { name: "Send me a code" }).click();
  await page.getByRole("heading", { name: "Enter your code" }).waitFor();
  await page.getByLabel("Code").fill(gateway.pin(ada) ?? "");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "Chat" }).waitFor();
}

/** What a page sees of a WebSocket and an event stream that it opens. */
const openBoth = `new Promise((resolve, reject) => {
  window.seen = [];
  const source = new EventSource("/events");
  source.onmessage = ({ data }) => window.seen.push("event " + data);
  source.onerror = () => window.seen.push("source " + source.readyState);
  const socket = new WebSocket(location.origin.replace("http", "ws") + "/chat");
  socket.onmessage = ({ data }) => window.seen.push("message " + data);
  socket.onclose = ({ code }) => window.seen.push("closed " + code);
  socket.onopen = () => { socket.send("hello"); resolve(socket.extensions); };
  socket.onerror = () => reject(new Error("no WebSocket"));
})`;

const openFrom = (url: string) => `new Promise((resolve) => {
  const socket = new WebSocket(${JSON.stringify(url)});
  socket.onopen = () => resolve("open");
  socket.onclose = () => resolve("closed");
})`;

test(
  "Chromium's WebSocket and EventSource work behind the sign-in over https, and end with the session (T17, W1)",
  browserOptions(),
  async (context) => {
    const chat = await startChat(context);
    const hosts = ["login.chat.test", "app.chat.test", "evil.chat.test"];
    const gateway = await start(context, chat, {
      teamHost: "login.chat.test",
      tls: [certificateFor(context, hosts)],
      sections: {
        ...simpleSections(chat.origin, ["app.chat.test"]),
        applications: ["app.chat.test", "evil.chat.test"].map((domain) => ({
          name: domain,
          type: "self_hosted",
          domain,
          same_site_cookie_attribute: "none",
          policies: [
            domain.startsWith("evil")
              ? { name: "open", decision: "bypass", include: [{ everyone: {} }] }
              : { name: "everybody", decision: "allow", include: [{ everyone: {} }] },
          ],
        })),
      },
    });
    await withPage(async (page) => {
      const seen = () => page.evaluate("window.seen") as Promise<string[]>;
      await page.goto(gateway.origin("app.chat.test"));
      await signInWithPin(page, gateway);
      assert.match(await page.evaluate(openBoth), /permessage-deflate/);
      await until(() => chat.events.size === 1);
      // No buffer holds back what is shorter than it.
      for (const response of chat.events) response.write("data: 1\n\n");
      await until(async () => (await seen()).includes("event 1"));
      await until(async () => (await seen()).includes("message hello"));

      // A page of a sibling host has no WebSocket, though the cookie goes along.
      const other = await page.context().newPage();
      await other.goto(gateway.origin("evil.chat.test"));
      const url = `${gateway.origin("app.chat.test").replace("https", "wss")}/chat`;
      assert.equal(await other.evaluate(openFrom(url)), "closed");
      assert.equal(chat.sockets.size, 1);
      const refusal = gateway.events.findLast(({ event }) => event === "request_refused");
      assert.ok(refusal?.event === "request_refused");
      assert.equal(refusal.origin, gateway.origin("evil.chat.test"));

      await other.goto(`${gateway.origin("app.chat.test")}/cdn-cgi/access/logout`);
      await until(async () => (await seen()).includes("closed 1006"));
      await until(() => chat.sockets.size === 0 && chat.events.size === 0);
      await until(async () => (await seen()).some((each) => each.startsWith("source")));
    });
  },
);

test("a session that ends in one gateway ends its streams in the other one of the store", async (context) => {
  const chat = await startChat(context);
  const folder = mkdtempSync(join(tmpdir(), "postern-streams-"));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const teamPort = await freePort();
  const options = {
    secretKey: randomBytes(32),
    store: join(folder, "postern.db"),
    sections: {
      ...simpleSections(chat.origin),
      auth_domain: `login.localhost:${teamPort}`,
      public_ports: [teamPort],
    },
  };
  const one = await start(context, chat, options);
  const two = await start(context, chat, options);
  const [adas, bobs] = [await signIn(one), await signIn(one, "bob@example.com")];
  const open = async (token: string) => {
    const sockets = [one, two].map(({ port }) => openSocket(port, token));
    for (const socket of sockets) socket.on("error", () => undefined);
    await Promise.all(sockets.map((socket) => once(socket, "open")));
    return sockets;
  };
  const ofAda = await open(adas.token);
  const ofBob = await open(bobs.token);
  const closed = Promise.all(ofAda.map((socket) => once(socket, "close")));
  await one.parts.sessions.end(adas.session.id);
  await closed;
  for (const socket of ofBob) assert.equal(String(await answerTo(socket, "on")), "on");
  assert.equal(chat.sockets.size, 2);
});

test("streams go on while the gateway ends, until its grace is nearly over, and it says that it ended them", async (context) => {
  const chat = await startChat(context);
  const gateway = await startGateway({ sections: simpleSections(chat.origin) });
  const { token } = await signIn(gateway);
  const socket = openSocket(gateway.port, token);
  await once(socket, "open");
  const closed = once(socket, "close");
  const isOver = gateway.gateway.close(3_000);
  assert.equal(String(await answerTo(socket, "still here")), "still here");
  assert.equal((await closed)[0], 1006);
  await isOver;
  const ended = gateway.events.find(({ event }) => event === "stream_ended");
  assert.ok(ended?.event === "stream_ended");
  assert.equal(ended.reason, "gateway_ending");
});

test("a gateway whose streams have ended by themselves does not wait for its grace to be over", async (context) => {
  const chat = await startChat(context);
  const gateway = await startGateway({ sections: simpleSections(chat.origin) });
  const { token } = await signIn(gateway);
  const socket = openSocket(gateway.port, token);
  await once(socket, "open");
  const isOver = gateway.gateway.close(10 * 60_000);
  socket.close();
  await isOver;
  assert.equal(
    gateway.events.find(({ event }) => event === "stream_ended"),
    undefined,
  );
});
