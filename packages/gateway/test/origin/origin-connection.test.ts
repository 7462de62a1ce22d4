// One connection to an origin in the moments that a whole gateway cannot be made to meet on
// purpose.
import assert from "node:assert/strict";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../../../test/support/until.ts";
import { pieceBytes } from "../../src/http/write-buffers.ts";
import { type Dial, OriginConnection } from "../../src/origin/origin-connection.ts";
import type {
  OriginEvents,
  OriginFault,
  OriginRequestHead,
} from "../../src/origin/origin-request.ts";

type OnRead = Parameters<Dial>[0];

/** A connection to an origin that answers every request alike, and the way its bytes come in. */
async function openConnection(
  context: TestContext,
  answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
) {
  const got: string[] = [];
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    socket.on("data", (bytes) => {
      got.push(bytes.toString("latin1"));
      socket.write(answer);
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  context.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  let onread: OnRead | undefined;
  let strays = 0;
  let writes = 0;
  const connection = new OriginConnection(
    (given) => {
      onread = given;
      const socket = connect({
        port: (server.address() as { port: number }).port,
        host: "127.0.0.1",
        onread: given,
      });
      const { _write, _writev } = socket;
      socket._write = function (...write) {
        writes++;
        _write.apply(this, write);
      };
      socket._writev = function (...write) {
        writes++;
        _writev?.apply(this, write);
      };
      return socket;
    },
    {
      connectTimeout: 60_000,
      bodyTimeout: 60_000,
      idleTimeout: 60_000,
      onFree: () => undefined,
      onUnusable: () => undefined,
      onStray: () => void strays++,
    },
  );
  context.after(() => connection.destroy());
  return {
    connection,
    got,
    strays: () => strays,
    /** writes that the system was asked for */
    writes: () => writes,
    arrive: (text: string) => onread?.callback(text.length, Buffer.from(text, "latin1")),
  };
}

function exchange(): OriginEvents & {
  heads: number;
  body: string;
  fault: OriginFault | undefined;
  over: Promise<void>;
} {
  const { promise, resolve } = Promise.withResolvers<void>();
  const seen = {
    heads: 0,
    body: "",
    fault: undefined as OriginFault | undefined,
    over: promise,
    information: () => undefined,
    head: () => void seen.heads++,
    data: (chunk: Buffer) => {
      seen.body += chunk.toString();
    },
    flush: () => undefined,
    end: () => resolve(),
    fail: (fault: OriginFault) => {
      seen.fault = fault;
      resolve();
    },
    drain: () => undefined,
  };
  return seen;
}

const request: OriginRequestHead = {
  method: "GET",
  target: "/",
  rawHeaders: ["Host", "x"],
  framing: "none",
  expectsContinue: false,
};

test("what an origin says before its request has left is no answer, and the request does not leave any more (H9)", async (context) => {
  const { connection, got, arrive } = await openConnection(context);
  const first = exchange();
  connection.start(request, first);
  await first.over;
  assert.equal(first.body, "ok");

  const second = exchange();
  connection.start(request, second);
  arrive("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
  await second.over;
  assert.deepEqual(
    [second.fault, second.heads, connection.answered, connection.usable],
    ["closed", 0, false, false],
  );
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(got.length, 1);
});

test("what an origin says to nobody ends its connection (H9)", async (context) => {
  const { connection, arrive } = await openConnection(context);
  const first = exchange();
  connection.start(request, first);
  await first.over;
  assert.equal(connection.usable, true);
  arrive("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  assert.equal(connection.usable, false);
});

test("a mistake in what is done with an answer costs its connection and not the process", async (context) => {
  const { connection } = await openConnection(context);
  const broken = exchange();
  broken.head = () => {
    throw new Error("a mistake of ours");
  };
  connection.start(request, broken);
  await broken.over;
  assert.equal(broken.fault, "malformed");
  assert.equal(connection.usable, false);
});

test("a large answer is read a piece at a time, with room for all other connections in between", async (context) => {
  const length = 64 * pieceBytes;
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`;
  const { connection } = await openConnection(context, head + "x".repeat(length));
  const large = exchange();
  const bytesOfTurns: number[] = [];
  const endTurn = () => {
    bytesOfTurns.push(0);
    turn = setImmediate(endTurn);
  };
  let turn = setImmediate(endTurn);
  context.after(() => clearImmediate(turn));
  large.data = (chunk) => {
    bytesOfTurns.push((bytesOfTurns.pop() ?? 0) + chunk.length);
  };
  connection.start(request, large);
  await large.over;
  const total = bytesOfTurns.reduce((sum, bytes) => sum + bytes, 0);
  assert.deepEqual([total, large.fault], [length, undefined]);
  assert.ok(Math.max(...bytesOfTurns) <= pieceBytes, `${Math.max(...bytesOfTurns)} in one turn`);
});

test("a body that comes byte by byte leaves in one write a turn, and its end with it", async (context) => {
  for (const framing of ["chunked", "length"] as const) {
    const { connection, got, writes } = await openConnection(context);
    const upload = exchange();
    const rawHeaders = framing === "length" ? ["Content-Length", "1000"] : [];
    connection.start({ ...request, method: "POST", rawHeaders, framing }, upload);
    for (let piece = 0; piece < 1_000; piece++) connection.write(Buffer.from("x"));
    connection.end([]);
    await until(() =>
      got.join("").endsWith(framing === "length" ? "x".repeat(1_000) : "0\r\n\r\n"),
    );
    const expected =
      framing === "length" ? "x".repeat(1_000) : `${"1\r\nx\r\n".repeat(1_000)}0\r\n\r\n`;
    assert.equal(got.join("").split("\r\n\r\n").slice(1).join("\r\n\r\n"), expected);
    assert.ok(writes() <= 2, `${writes()} writes`);
  }
});
