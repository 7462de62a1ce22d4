// The grammar of HTTP/1.1 as the gateway reads it from clients (RFC 9112): what a message is, where
// it ends, and what is none. Each message is read whole, byte by byte, and cut at every place: how
// bytes arrive changes nothing of what they mean.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import type { MessageFault } from "../../src/http/message-fault.ts";
import type { MessageHead } from "../../src/http/request-framing.ts";
import { type RequestLine, RequestReader } from "../../src/http/request-reader.ts";

interface Message {
  head: MessageHead;
  body: string;
  trailers: readonly string[] | undefined;
}

interface Reading {
  messages: Message[];
  fault: MessageFault | undefined;
  line: RequestLine | undefined;
}

const headLimit = 512;

/** Reads pieces as a connection does: what is not looked at comes first the next time. */
function readPieces(pieces: readonly Buffer[], limit = headLimit): Reading {
  const reading: Reading = { messages: [], fault: undefined, line: undefined };
  const last = () => reading.messages.at(-1);
  const reader = new RequestReader(limit, {
    head: (head) => reading.messages.push({ head, body: "", trailers: undefined }),
    data(chunk) {
      const message = last();
      if (message !== undefined) message.body += chunk.toString("latin1");
    },
    end(trailers) {
      const message = last();
      if (message !== undefined) message.trailers = trailers;
    },
    fault(fault, line) {
      reading.fault = fault;
      reading.line = line;
    },
  });
  let waiting = Buffer.alloc(0);
  for (const piece of pieces) {
    waiting = Buffer.concat([waiting, piece]);
    for (let left = -1; left !== waiting.length && waiting.length > 0; ) {
      left = waiting.length;
      waiting = waiting.subarray(waiting.length - reader.read(waiting));
      if (last()?.trailers !== undefined && reading.fault === undefined) reader.next();
    }
  }
  return reading;
}

/** Reads a text whole, and holds every other way in which it may arrive to the same reading. */
function read(text: string, limit = headLimit): Reading {
  const bytes = Buffer.from(text, "latin1");
  const whole = readPieces([bytes], limit);
  const single = Array.from(bytes, (byte) => Buffer.of(byte));
  assert.deepEqual(readPieces(single, limit), whole, `byte by byte: ${text}`);
  for (let cut = 1; cut < bytes.length; cut++) {
    const pieces = [bytes.subarray(0, cut), bytes.subarray(cut)];
    assert.deepEqual(readPieces(pieces, limit), whole, `cut at ${cut}: ${text}`);
  }
  return whole;
}

function faultOf(text: string): MessageFault | undefined {
  return read(text).fault;
}

const get = "GET / HTTP/1.1\r\n";
const host = "Host: a.test\r\n";
const post = `POST / HTTP/1.1\r\n${host}`;
const chunked = `${post}Transfer-Encoding: chunked\r\n\r\n`;

test("a head is read as the client wrote it", () => {
  const { messages, fault } = read(
    "PATCH /a%2fb?c#d HTTP/1.1\r\nHost: a.test\r\nx-A:1\r\nX-a:  \t2 3  \r\nEmpty:\r\n\r\n",
  );
  assert.equal(fault, undefined);
  assert.deepEqual(messages, [
    {
      head: {
        method: "PATCH",
        target: "/a%2fb?c#d",
        version: "1.1",
        rawHeaders: ["Host", "a.test", "x-A", "1", "X-a", "\t2 3", "Empty", ""],
        framing: 0,
        persistent: true,
        upgrade: undefined,
      },
      body: "",
      trailers: [],
    },
  ]);
});

test("any token is a method, and any visible byte may stand in a target", () => {
  for (const method of ["LIST", "get", "M-SEARCH", "!#$%&'*+.^_`|~", "BASELINE-CONTROL"])
    assert.equal(read(`${method} / HTTP/1.1\r\n\r\n`).messages[0]?.head.method, method);
  for (const target of ["*", "a.test:443", "http://a.test/", "/caf\xe9?\xff", "/|^`{}\\"])
    assert.equal(read(`GET ${target} HTTP/1.1\r\n\r\n`).messages[0]?.head.target, target);
});

test("a body ends where its length says, and the next request begins there", () => {
  const { messages } = read(`${post}Content-Length: 5\r\n\r\nhello${get}\r\n${get}${host}\r\n`);
  assert.deepEqual(
    messages.map(({ head, body, trailers }) => [head.method, head.framing, body, trailers]),
    [
      ["POST", 5, "hello", []],
      ["GET", 0, "", []],
      ["GET", 0, "", []],
    ],
  );
});

test("chunks become one body, extensions are dropped, and trailers come after it", () => {
  const { messages, fault } = read(
    `${chunked}5;a=b;c="d e\\"f";g\r\nhello\r\n006\r\n world\r\n0;z\r\nX-Sum: 7\r\nY: \r\n\r\n${get}\r\n`,
  );
  assert.equal(fault, undefined);
  assert.equal(messages[0]?.head.framing, "chunked");
  assert.equal(messages[0]?.body, "hello world");
  assert.deepEqual(messages[0]?.trailers, ["X-Sum", "7", "Y", ""]);
  assert.equal(messages.length, 2);
});

test("a request line that is none is refused", () => {
  for (const line of [
    " GET / HTTP/1.1",
    "\r\nGET / HTTP/1.1",
    "GET  / HTTP/1.1",
    "GET /  HTTP/1.1",
    "GET / HTTP/1.1 ",
    "GET\t/ HTTP/1.1",
    "GET /a b HTTP/1.1",
    "GET / http/1.1",
    "GET / HTTP/1.10",
    "GET / HTTP/11",
    "GET / HTTP/1.2",
    "GET / HTTP/3.0",
    "GET / HTTP/9.9",
    "GET / HTTP/+1.1",
    "GET / HTTP/1.1\n",
    "GET / HTTP/1.1\r",
    "GET / FOO/1.1",
    "GET /\x00 HTTP/1.1",
    "GET /\x7f HTTP/1.1",
    "G(T / HTTP/1.1",
    "G\xc9T / HTTP/1.1",
    "GET",
    "GET ",
    "",
    "SSH-2.0-OpenSSH_9.2",
    "\x16\x03\x01\x02\x00\x01",
  ])
    assert.equal(faultOf(`${line}\r\n${host}\r\n`), "malformed_request_line", line);
});

test("another version of HTTP is told apart from what is no HTTP", () => {
  for (const line of ["GET /", "GET / HTTP/0.9", "GET / HTTP/2.0"]) {
    const { fault, line: read_ } = read(`${line}\r\n${host}\r\n`);
    assert.equal(fault, "bad_version", line);
    assert.deepEqual(read_, { method: "GET", target: "/" }, line);
  }
});

test("a field that is none is refused, in the head and behind the body (H7)", () => {
  for (const field of [
    "A : b",
    " A: b",
    "A\t: b",
    ": b",
    "A",
    "A b",
    "A(: b",
    "\xc9: b",
    "A: b\nB: c",
    "A: b\rB: c",
    "A: b\r\r",
    "A: b\n",
    "A: \x00",
    "A: \x01",
    "A: \x7f",
    "A: b\r\n c",
    "A: b\r\n\tc",
    "A: b\r\n : c",
    "\rX: y",
  ]) {
    assert.equal(faultOf(`${get}${host}${field}\r\n\r\n`), "malformed_header", field);
    assert.equal(faultOf(`${get}${field}\r\n\r\n`), "malformed_header", `first: ${field}`);
    assert.equal(faultOf(`${chunked}0\r\n${field}\r\n\r\n`), "malformed_header", `last: ${field}`);
  }
  for (const field of ["Content-Length: 5", "transfer-encoding: chunked", "TRANSFER-ENCODING:"])
    assert.equal(faultOf(`${chunked}0\r\nX: y\r\n${field}\r\n\r\n`), "malformed_header", field);
  assert.equal(faultOf(`${get}${host}\n`), "malformed_header");
  assert.equal(faultOf(`${get}${host}\rX`), "malformed_header");
});

test("a length that is no number, or stands there twice, is refused (H7)", () => {
  for (const value of ["+5", "-5", "5 5", "5,5", "5, 5", "0x5", "5.0", "", "five", "5;", "\xb2"])
    assert.equal(faultOf(`${post}Content-Length: ${value}\r\n\r\n`), "malformed_length", value);
  for (const value of ["5\t", "\t5", "5\xa0"])
    assert.equal(faultOf(`${post}Content-Length: ${value}\r\n\r\n`), "malformed_length", value);
  assert.equal(faultOf(`${post}Content-Length: ${"9".repeat(16)}\r\n\r\n`), "malformed_length");
  for (const second of ["5", "6", "05"])
    for (const name of ["Content-Length", "content-length"]) {
      const fields = `Content-Length: 5\r\nX: y\r\n${name}: ${second}\r\n`;
      assert.equal(faultOf(`${post}${fields}\r\nhello`), "malformed_length", fields);
    }
});

test("a transfer coding other than chunked, once, is refused (H7)", () => {
  for (const value of [
    "gzip, chunked",
    "chunked, chunked",
    "chunked, gzip",
    "xchunked",
    "chunked;q=1",
    "chunked\t",
    "\tchunked",
    "chunked\xa0",
    "chunked,",
    ",chunked",
    "identity",
    '"chunked"',
    "",
  ])
    assert.equal(faultOf(`${post}Transfer-Encoding: ${value}\r\n\r\n`), "unknown_coding", value);
  const twice = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
  assert.equal(faultOf(`${post}${twice}\r\n`), "unknown_coding");
  assert.equal(read(`${post}transfer-encoding:CHUNKED\r\n\r\n0\r\n\r\n`).messages.length, 1);
});

test("two framings, and a coding in HTTP/1.0, are refused (H7)", () => {
  const coding = "Transfer-Encoding: chunked\r\n";
  for (const length of ["0", "5", "x"])
    for (const fields of [
      `${coding}Content-Length: ${length}\r\n`,
      `Content-Length: ${length}\r\n${coding}`,
    ])
      assert.equal(faultOf(`${post}${fields}\r\n0\r\n\r\n`), "two_framings", fields);
  assert.equal(faultOf(`POST / HTTP/1.0\r\n${coding}\r\n0\r\n\r\n`), "coding_in_http_1_0");
});

test("a chunk that is none is refused (H7)", () => {
  for (const chunks of [
    "\r\n",
    "x\r\n",
    "+1\r\na\r\n",
    "-1\r\n",
    " 1\r\na\r\n",
    "1 \r\na\r\n",
    "1 ;a\r\nb\r\n",
    "0x1\r\na\r\n",
    "1\na\r\n",
    "1\r\r\na\r\n",
    "1\r\na\n",
    "1\r\nab\r\n",
    "1\r\na\rb",
    "1;a\nb\r\na\r\n",
    "1;a\rb\r\na\r\n",
    "1;a\x00\r\na\r\n",
    "1;a\x7f\r\na\r\n",
    ...["", ";", "=", "a=", "a b", " a", "a ", "a=b c", 'a="b', 'a="b"c', 'a="b\\"', "a=\x80"].map(
      (extension) => `1;${extension}\r\na\r\n`,
    ),
    ";a\r\n",
    `${"0".repeat(12)}1\r\na\r\n`,
    "fffffffffffff\r\n",
    `1;${"a".repeat(1_100)}\r\na\r\n`,
  ])
    assert.equal(faultOf(`${chunked}${chunks}`), "malformed_chunk", chunks);
});

test("a head and trailers have a size, and a head of just that size is read", () => {
  const fill = (length: number) => {
    const around = `${get}A: \r\n\r\n`;
    return around.replace("A: ", `A: ${"a".repeat(length - around.length)}`);
  };
  assert.equal(read(fill(headLimit)).messages.length, 1);
  assert.equal(faultOf(fill(headLimit + 1)), "head_too_large");
  assert.equal(faultOf(`GET /${"a".repeat(headLimit)}`), "head_too_large");
  assert.equal(faultOf("G".repeat(headLimit)), "head_too_large");
  assert.equal(faultOf(`${chunked}0\r\nA: ${"a".repeat(headLimit)}`), "head_too_large");
  const fields = (count: number) => `${get}${"a:\r\n".repeat(count)}\r\n`;
  const pieces = (count: number) => readPieces([Buffer.from(fields(count))], 65_536);
  assert.equal(pieces(1_024).messages.length, 1);
  assert.equal(pieces(1_025).fault, "head_too_large");
});

test("a connection is kept as the client says", () => {
  const persistent = (text: string) => read(`${text}\r\n`).messages[0]?.head.persistent;
  assert.equal(persistent(get), true);
  assert.equal(persistent(`${get}Connection: close\r\n`), false);
  assert.equal(persistent(`${get}Connection: x, Close\r\n`), false);
  assert.equal(persistent(`${get}Connection: x\r\nConnection: close\r\n`), false);
  assert.equal(persistent(`${get}Connection: closed\r\n`), true);
  assert.equal(persistent("GET / HTTP/1.0\r\n"), false);
  assert.equal(persistent("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n"), true);
  assert.equal(persistent("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n"), false);
});

test("a protocol to go on with is one that a request without a body asks for", () => {
  const upgrade = (fields: string, line = get) =>
    read(`${line}${fields}\r\n`).messages[0]?.head.upgrade;
  const asks = "Connection: keep-alive, Upgrade\r\n";
  assert.equal(upgrade(`${asks}Upgrade: WebSocket\r\n`), "WebSocket");
  assert.equal(upgrade(`${asks}Upgrade: SPDY/3.1\r\n`), "SPDY/3.1");
  for (const fields of [
    "Upgrade: websocket\r\n",
    asks,
    `${asks}Upgrade: h2c\r\n`,
    `${asks}Upgrade: TLS/1.0\r\n`,
    `${asks}Upgrade: a, b\r\n`,
    `${asks}Upgrade: a\r\nUpgrade: b\r\n`,
    `${asks}Upgrade:\r\n`,
    `${asks}Upgrade: websocket\r\nContent-Length: 1\r\n`,
    `${asks}Upgrade: websocket\r\nTransfer-Encoding: chunked\r\n`,
  ])
    assert.equal(upgrade(fields), undefined, fields);
  assert.equal(upgrade(`${asks}Upgrade: websocket\r\n`, "GET / HTTP/1.0\r\n"), undefined);
});

test("a reader that is held looks at no byte behind the piece", () => {
  const bodies: string[] = [];
  const reader = new RequestReader(headLimit, {
    head: () => undefined,
    data(chunk) {
      bodies.push(chunk.toString());
      reader.hold();
    },
    end: () => bodies.push("end"),
    fault: (fault) => assert.fail(fault),
  });
  const bytes = Buffer.from(`${chunked}3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n`);
  const left = reader.read(bytes);
  assert.deepEqual(bodies, ["one"]);
  assert.equal(reader.read(bytes.subarray(bytes.length - left)), left, "nothing while it is held");
  reader.release();
  const rest = reader.read(bytes.subarray(bytes.length - left));
  assert.deepEqual(bodies, ["one", "two"]);
  reader.release();
  assert.equal(reader.read(bytes.subarray(bytes.length - rest)), 0);
  assert.deepEqual(bodies, ["one", "two", "end"]);
});

const tokens = fc.stringMatching(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,12}$/);
const values = fc.stringMatching(/^(?:[!-~\x80-\xff](?:[\t -~\x80-\xff]{0,20}[!-~\x80-\xff])?)?$/);
const bytes = fc
  .uint8Array({ minLength: 1, maxLength: 20 })
  .map((array) => String.fromCharCode(...array));
const ours = /^(?:content-length|transfer-encoding|connection|upgrade)$/i;
const fields = fc.array(
  fc.tuple(
    tokens.filter((name) => !ours.test(name)),
    values,
  ),
  {
    maxLength: 8,
  },
);

test("whatever is written by the grammar is read back, however it is cut", () => {
  const messages = fc.array(
    fc.record({
      method: tokens,
      target: fc.stringMatching(/^[!-~\x80-\xff]{1,20}$/),
      fields,
      chunks: fc.option(fc.array(bytes, { maxLength: 4 })),
      trailers: fields,
    }),
    { minLength: 1, maxLength: 3 },
  );
  fc.assert(
    fc.property(messages, fc.array(fc.nat(), { maxLength: 12 }), (sent, cuts) => {
      const linesOf = (pairs: [string, string][]) =>
        pairs.map(([name, value]) => `${name}: ${value}\r\n`).join("");
      const text = sent
        .map(({ method, target, fields, chunks, trailers }) => {
          const head = `${method} ${target} HTTP/1.1\r\n${linesOf(fields)}`;
          if (chunks === null) return `${head}\r\n`;
          const body = chunks.map((each) => `${each.length.toString(16)}\r\n${each}\r\n`).join("");
          return `${head}Transfer-Encoding: chunked\r\n\r\n${body}0\r\n${linesOf(trailers)}\r\n`;
        })
        .join("");
      const bytes = Buffer.from(text, "latin1");
      const places = cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b);
      const pieces = [0, ...places].map((from, index) => bytes.subarray(from, places[index]));
      const { messages, fault } = readPieces(pieces, 4_096);
      assert.equal(fault, undefined);
      assert.equal(messages.length, sent.length);
      messages.forEach((message, index) => {
        const expected = sent[index];
        assert.ok(expected !== undefined);
        assert.equal(message.head.method, expected.method);
        assert.equal(message.head.target, expected.target);
        assert.deepEqual(
          message.head.rawHeaders.slice(0, 2 * expected.fields.length),
          expected.fields.flat(),
        );
        assert.equal(message.body, expected.chunks?.join("") ?? "");
        const trailers = expected.chunks === null ? [] : expected.trailers.flat();
        assert.deepEqual(message.trailers, trailers);
      });
    }),
    { numRuns: 300 },
  );
});
