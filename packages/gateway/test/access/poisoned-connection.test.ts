// Connections to origins on which bytes are left that belong to nobody's answer (case H9): no other
// person may get them. Origins here are raw sockets that do what real ones were seen to do.
import assert from "node:assert/strict";
import { once } from "node:events";
import type { Socket } from "node:net";
import { test } from "node:test";
import { type RawAnswer, rawExchange, rawRequest } from "../../../../test/support/raw-request.ts";
import { answerOf, ask, gatewayTo, host, rawOrigin } from "./forward-fixture.ts";

const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const own = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";

/** Sends more a moment after an answer: when it is complete and its connection could be idle. */
function sendLater(socket: Socket, bytes: string): void {
  setTimeout(() => socket.write(bytes), 5);
}

interface Attack {
  what: string;
  request: string;
  /** what the origin answers, before it sends the poison */
  answer: string;
}

const get = `GET / HTTP/1.1\r\nHost: ${host}\r\n`;
const withBody = (method: string, more = "") =>
  `${method} / HTTP/1.1\r\nHost: ${host}\r\n${more}Content-Length: 4\r\n\r\nbody`;

const attacks: Attack[] = [
  ...["Content-Length: 6", "Content-Length: 0", "Transfer-Encoding: chunked", "X: no length"].map(
    (line) => ({
      what: `HEAD, answered with "${line}"`,
      request: `HEAD / HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
      answer: `HTTP/1.1 200 OK\r\n${line}\r\n\r\n`,
    }),
  ),
  {
    what: "204 without a length",
    request: `${get}\r\n`,
    answer: "HTTP/1.1 204 No Content\r\n\r\n",
  },
  {
    what: "204 with the length 0",
    request: withBody("PUT"),
    answer: "HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
  },
  {
    what: "304 with the length of the body that it leaves out",
    request: `${get}If-None-Match: x\r\n\r\n`,
    answer: "HTTP/1.1 304 Not Modified\r\nContent-Length: 6\r\n\r\n",
  },
  ...["GET", "DELETE", "OPTIONS", "PURGE"].map((method) => ({
    what: `a body that an origin does not expect of ${method}`,
    request: withBody(method),
    answer: own,
  })),
  {
    what: "a POST refused without a look at its body",
    request: withBody("POST"),
    answer: "HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n",
  },
  {
    what: "a POST redirected without a look at its body",
    request: withBody("POST"),
    answer: "HTTP/1.1 307 Temporary Redirect\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
  },
  {
    what: "a go-ahead that the origin does not know",
    request: withBody("POST", "Expect: 100-continue\r\n"),
    answer: own,
  },
  {
    what: "HTTP/1.0",
    request: `${get}\r\n`,
    answer: "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nown",
  },
];

for (const { what, request, answer } of attacks)
  test(`after ${what}, nobody else is served on that connection (H9)`, async (context) => {
    const { origin, sockets } = await rawOrigin(context, (socket, count) => {
      socket.on("data", () => {
        if (count > 1) {
          socket.write(own);
          return;
        }
        socket.write(answer);
        sendLater(socket, poison);
      });
    });
    const gateway = await gatewayTo(context, [{ service: origin }]);
    const attacked = rawRequestText(gateway.port, request);
    assert.notEqual((await attacked).status, 502);
    const victims = await Promise.all(Array.from({ length: 4 }, () => askOnce(gateway.port)));
    assert.deepEqual(
      victims.map(({ body }) => body),
      ["own", "own", "own", "own"],
    );
    assert.ok(sockets.length >= 2, "the connection was used again");
  });

test("an answer that comes before the request has ended costs its connection (H9)", async (context) => {
  const { origin, sockets } = await rawOrigin(context, (socket) => {
    // What follows the head of the request is the next request to this origin.
    socket.on("data", (bytes) => socket.write(/^(GET|POST) /.test(String(bytes)) ? own : poison));
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  for (const framing of [{ "Content-Length": "30" }, { "Transfer-Encoding": "chunked" }]) {
    const before = sockets.length;
    const asked = ask(gateway, { method: "POST", headers: framing });
    asked.flushHeaders();
    const answered = answerOf(asked);
    await once(asked, "response");
    asked.end("x".repeat(30));
    assert.equal((await answered).body.toString(), "own");
    assert.equal((await askOnce(gateway.port)).body, "own");
    assert.ok(sockets.length > before, JSON.stringify(framing));
  }
});

test("what has its answer whole, and a body that was read, keeps its connection", async (context) => {
  const answers: Record<string, string> = {
    "/length": own,
    "/chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nown\r\n0\r\n\r\n",
    "/redirect": "HTTP/1.1 302 Found\r\nLocation: /x\r\nContent-Length: 0\r\n\r\n",
    "/missing": "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "/hint": `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n${own}`,
    "/created": "HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
  };
  const { origin, sockets } = await rawOrigin(context, (socket) => {
    socket.on("data", (bytes) => {
      const [, path = ""] = bytes.toString("latin1").split(" ");
      socket.write(answers[path] ?? own);
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  for (const path of Object.keys(answers)) {
    const method = path === "/created" ? "POST" : "GET";
    const lines = method === "POST" ? ["Content-Length: 4"] : [];
    const body = method === "POST" ? "body" : "";
    const line = `${method} ${path} HTTP/1.1`;
    const answer = await rawRequest(gateway.port, line, [`Host: ${host}`, ...lines], body);
    assert.notEqual(answer.status, 502, path);
  }
  assert.equal(sockets.length, 1);
});

test("a status without a body that announces one is not passed on (H9)", async (context) => {
  for (const head of [
    "HTTP/1.1 204 No Content\r\nContent-Length: 6\r\n\r\npoison",
    "HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n",
    `HTTP/1.1 103 Early Hints\r\nContent-Length: 6\r\n\r\npoison${own}`,
    `HTTP/1.1 100 Continue\r\nTransfer-Encoding: chunked\r\n\r\n${own}`,
    `HTTP/1.1 103 Early Hints\r\n\r\npoison${own}`,
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n6\r\npoison\r\n0\r\n\r\n",
  ]) {
    const { origin } = await rawOrigin(
      context,
      (socket) => void socket.on("data", () => socket.write(head)),
    );
    const gateway = await gatewayTo(context, [{ service: origin }]);
    const answer = await askOnce(gateway.port);
    assert.equal(answer.status, 502, head);
    assert.doesNotMatch(answer.raw, /poison/);
  }
});

test("an origin that was caught with a byte too many gets a connection for each request, and the log says so once (H9)", async (context) => {
  const excesses: Record<string, (socket: Socket) => void> = {
    "after its answer": (socket) => {
      socket.write(own);
      sendLater(socket, poison);
    },
    "a line end after its answer": (socket) => {
      socket.write(own);
      sendLater(socket, "\r\n");
    },
    "a go-ahead after its answer": (socket) => {
      socket.write(own);
      sendLater(socket, "HTTP/1.1 100 Continue\r\n\r\n");
    },
  };
  for (const [what, excess] of Object.entries(excesses)) {
    const { origin, sockets } = await rawOrigin(context, (socket, count) => {
      socket.on("data", () => (count === 1 ? excess(socket) : socket.write(own)));
    });
    const gateway = await gatewayTo(context, [{ service: origin }]);
    await askOnce(gateway.port);
    const noted = () => gateway.events.filter(({ event }) => event === "origin_distrusted").length;
    while (noted() === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    for (let count = 0; count < 3; count++)
      assert.equal((await askOnce(gateway.port)).body, "own", what);
    assert.deepEqual([sockets.length, noted()], [4, 1], what);
  }
});

test("a server that says 408 before it closes an idle connection is not distrusted", async (context) => {
  const { origin, sockets } = await rawOrigin(context, (socket, count) => {
    socket.on("data", () => {
      socket.write(own);
      if (count === 1)
        setTimeout(
          () => socket.end("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n"),
          5,
        );
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  await askOnce(gateway.port);
  while (sockets[0]?.destroyed === false) await new Promise((resolve) => setTimeout(resolve, 5));
  for (let count = 0; count < 3; count++) assert.equal((await askOnce(gateway.port)).body, "own");
  assert.equal(sockets.length, 2);
  assert.equal(gateway.events.filter(({ event }) => event === "origin_distrusted").length, 0);
});

test("beside an attacker's HEADs, revalidations and unread bodies, everybody gets the answer to one's own request (H9)", async (context) => {
  // Reads heads alone: a body is the next request. Sends a body whatever the method and status.
  const { origin } = await rawOrigin(context, (socket) => {
    let text = "";
    socket.on("data", (bytes) => {
      text += bytes.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        answerCarelessly(socket, text.slice(0, end));
        text = text.slice(end + 4);
      }
    });
  });
  const gateway = await gatewayTo(context, [{ service: origin }]);
  const smuggled = "GET /poison HTTP/1.1\r\nHost: x\r\n\r\n";
  const carrying = (method: string) =>
    `${method} /attack HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}`;
  const attackers = [
    `HEAD /attack HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
    `GET /attack HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nIf-None-Match: x\r\n\r\n`,
    carrying("GET"),
    carrying("DELETE"),
    carrying("POST"),
  ];
  let isOver = false;
  const attacking = attackers.map(async (text) => {
    while (!isOver) await rawExchange(gateway.port, text);
  });
  const people = Array.from({ length: 16 }, async (_, person) => {
    for (let count = 0; count < 40; count++) {
      const path = `/person-${person}/${count}`;
      const { body } = await rawRequest(gateway.port, `GET ${path} HTTP/1.1`, [`Host: ${host}`]);
      assert.equal(body, path);
    }
  });
  await Promise.all(people);
  isOver = true;
  await Promise.all(attacking);
});

/** The path as the body of the answer, a moment after its head; 304 and 405 where one would. */
function answerCarelessly(socket: Socket, head: string): void {
  const [method, path = ""] = head.split(" ");
  let status = "200 OK";
  if (head.includes("If-None-Match")) status = "304 Not Modified";
  if (method === "POST") status = "405 Method Not Allowed";
  socket.write(`HTTP/1.1 ${status}\r\nContent-Length: ${path.length}\r\n\r\n`);
  if (method === "GET" && status === "200 OK") socket.write(path);
  else setTimeout(() => socket.write(path), Math.random() * 3);
}

function askOnce(port: number): Promise<RawAnswer> {
  return rawRequest(port, "GET / HTTP/1.1", [`Host: ${host}`]);
}

/** A request as written, on a connection that ends after its answer. */
function rawRequestText(port: number, text: string): Promise<RawAnswer> {
  return rawExchange(port, text.replace("\r\nHost:", "\r\nConnection: close\r\nHost:"));
}
