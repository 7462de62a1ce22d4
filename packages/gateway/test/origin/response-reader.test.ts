import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "../../../../test/support/properties.ts";
import { ResponseFault } from "../../src/origin/response-fields.ts";
import type { OriginResponseHead } from "../../src/origin/response-head.ts";
import { ResponseReader } from "../../src/origin/response-reader.ts";

interface Read {
  information: number[];
  head: OriginResponseHead | undefined;
  body: string;
  trailers: string[] | undefined;
  left: number;
}

/** Reads the bytes in the given pieces. */
function readAll(pieces: Buffer[], method = "GET", closes = false): Read {
  const read: Read = { information: [], head: undefined, body: "", trailers: undefined, left: 0 };
  const reader = new ResponseReader();
  reader.start(method, {
    information: (status) => read.information.push(status),
    head: (head) => {
      read.head = head;
    },
    data: (chunk) => {
      read.body += chunk.toString("latin1");
    },
    end: (rawTrailers) => {
      read.trailers = rawTrailers;
    },
  });
  for (const piece of pieces) read.left = reader.read(piece);
  if (closes) reader.close();
  return read;
}

const ok = (text: string, method?: string, closes?: boolean) =>
  readAll([Buffer.from(text, "latin1")], method, closes);

test("an answer with a stated length ends where it says", () => {
  const read = ok("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello");
  assert.equal(read.head?.status, 200);
  assert.deepEqual(read.head?.rawHeaders, ["Content-Length", "5", "X-A", "b"]);
  assert.equal(read.body, "hello");
  assert.deepEqual(read.trailers, []);
  assert.equal(read.left, 0);
  assert.equal(read.head?.persistent, true);
});

test("chunks become one body, and trailers come after it", () => {
  const read = ok(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;x=y\r\nhello\r\n6\r\n world\r\n0\r\nGrpc-Status: 0\r\n\r\n",
  );
  assert.equal(read.body, "hello world");
  assert.deepEqual(read.trailers, ["Grpc-Status", "0"]);
  assert.equal(read.head?.chunked, true);
});

test("extensions of chunks are read over, and spaces around a value are no part of it", () => {
  const read = ok(
    'HTTP/1.1 200 OK\r\nX-A:  \t b\xa0  \r\nTransfer-Encoding:  chunked \r\n\r\n5;a;b=c;d="e;\\"f"\r\nhello\r\n0;z\r\n\r\n',
  );
  assert.deepEqual([read.body, read.head?.rawHeaders[1]], ["hello", "\t b\xa0"]);
});

test("an answer without a length ends with the connection, which serves nobody afterwards", () => {
  const read = ok("HTTP/1.1 200 OK\r\n\r\nall of it", "GET", true);
  assert.equal(read.body, "all of it");
  assert.deepEqual(read.trailers, []);
  assert.equal(read.head?.persistent, false);
  const stated = ok("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "GET", true);
  assert.equal(stated.trailers, undefined, "cut off before its length is not complete");
});

test("HEAD, 204 and 304 have no body, and their connection serves nobody afterwards: some origins send one (H9)", () => {
  for (const [method, head] of [
    ["HEAD", "200 OK\r\nContent-Length: 10"],
    ["HEAD", "200 OK\r\nContent-Length: 0"],
    ["HEAD", "200 OK\r\nTransfer-Encoding: chunked"],
    ["HEAD", "404 Not Found"],
    ["GET", "204 No Content"],
    ["DELETE", "204 No Content\r\nContent-Length: 0"],
    ["GET", "304 Not Modified\r\nContent-Length: 10"],
    ["GET", "304 Not Modified\r\nTransfer-Encoding: chunked"],
  ] as const) {
    const read = ok(`HTTP/1.1 ${head}\r\n\r\n`, method);
    assert.deepEqual([read.trailers, read.body], [[], ""], head);
    assert.equal(read.head?.persistent, false, head);
  }
});

test("a status that never has a body, and announces one, is malformed (H9)", () => {
  for (const status of ["204 No Content", "100 Continue", "102 Processing", "103 Early Hints"])
    for (const framing of [
      "Content-Length: 5",
      "Transfer-Encoding: chunked",
      "content-length: 0005",
    ])
      assert.throws(() => ok(`HTTP/1.1 ${status}\r\n${framing}\r\n\r\n`), ResponseFault, status);
});

test("a length goes on in its one spelling", () => {
  const read = ok("HTTP/1.1 200 OK\r\nContent-Length: 005\r\n\r\nhello");
  assert.deepEqual([read.body, read.head?.rawHeaders], ["hello", ["Content-Length", "5"]]);
});

test("a connection that the origin signs in serves nobody else", () => {
  for (const line of [
    "WWW-Authenticate: NTLM TlRMTVNTUAAC",
    "www-authenticate: Negotiate",
    "WWW-Authenticate: Basic realm=x, Negotiate oYG2",
    "Persistent-Auth: true",
  ]) {
    const read = ok(`HTTP/1.1 401 Unauthorized\r\n${line}\r\nContent-Length: 0\r\n\r\n`);
    assert.equal(read.head?.persistent, false, line);
  }
  const basic =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n";
  assert.equal(ok(basic).head?.persistent, true);
});

test("answers before the answer are told apart from it", () => {
  const read = ok(
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
  );
  assert.deepEqual(read.information, [100, 103]);
  assert.equal(read.head?.status, 200);
});

test("whether the connection stays is read from the head", () => {
  const persistent = (head: string) => ok(`${head}\r\nContent-Length: 0\r\n\r\n`).head?.persistent;
  assert.equal(persistent("HTTP/1.1 200 OK"), true);
  assert.equal(persistent("HTTP/1.0 200 OK"), false);
  assert.equal(persistent("HTTP/1.1 200 OK\r\nConnection: x, Close"), false);
  assert.equal(persistent("HTTP/1.1 200 OK\r\nConnection: closed"), true);
  assert.equal(
    ok("HTTP/1.1 200 OK\r\nKeep-Alive: timeout=5, max=9\r\nContent-Length: 0\r\n\r\n").head
      ?.keepAliveSeconds,
    5,
  );
});

test("bytes after the answer are nobody's, and are counted", () => {
  assert.equal(ok("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n").left, 17);
  assert.equal(ok("HTTP/1.1 204 No Content\r\n\r\nx").left, 1);
});

test("what can be read in two ways is refused (H7, H9)", () => {
  const refused = [
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/1.1  200 OK\r\n\r\n",
    "ICY 200 OK\r\n\r\n",
    "<html>no head at all</html>\r\n\r\n",
    "HTTP/1.1 101 Switching Protocols\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
    "HTTP/1.1 200 OK\r\nContent-Length: 5, 5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A: b\r\n folded\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A : b\r\n\r\n",
    "HTTP/1.1 200 OK\r\n: b\r\n\r\n",
    "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A: b\nX-B: c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A: b\rX-B: c\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX-A: \0\r\n\r\n",
    "HTTP/1.1 200 O\rK\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n 5\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello, and more\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;\n\r\nhello\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\xa0\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\t\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding:\tchunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length:\t5\r\n\r\nhello",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\xa0\r\n\r\nhello",
    ...[";", ";;a", ";a=", ";a b", ';a="b', ';a="b"c', ";a=\x80", " ;a", ";a=b "].map(
      (extension) =>
        `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5${extension}\r\nhello\r\n`,
    ),
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nTransfer-Encoding: x\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\ncontent-length: 5\r\n\r\n",
    `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nX-A: ${"a".repeat(70_000)}`,
    `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${"0".repeat(5_000)}`,
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA B: c\r\n\r\n",
  ];
  for (const text of refused)
    assert.throws(() => ok(text), ResponseFault, JSON.stringify(text.slice(0, 90)));
});

test("an answer reads the same however the network cuts it", () => {
  const answers = [
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nA: b\r\n\r\n3\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\nT: u\r\n\r\n",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "HTTP/1.1 404 Not Found\r\nContent-Length: 11\r\n\r\nhello\r\n\r\nxy",
  ];
  fc.assert(
    fc.property(
      fc.constantFrom(...answers),
      fc.array(fc.nat(200), { maxLength: 12 }),
      (text, cuts) => {
        const bytes = Buffer.from(text, "latin1");
        const edges = [
          0,
          ...cuts.map((cut) => cut % bytes.length).sort((a, b) => a - b),
          bytes.length,
        ];
        const pieces = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        assert.deepEqual(readAll(pieces.filter(({ length }) => length > 0)), readAll([bytes]));
      },
    ),
  );
});

test("a head, and trailers, of more than 64 KiB are refused, however they arrive", () => {
  const many = "X: y\r\n".repeat(20_000);
  const chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  for (const text of [`HTTP/1.1 200 OK\r\n${many}\r\n`, `${chunked}${many}\r\n`]) {
    const bytes = Buffer.from(text);
    const halves = [bytes.subarray(0, 60_000), bytes.subarray(60_000)];
    for (const pieces of [[bytes], halves]) assert.throws(() => readAll(pieces), ResponseFault);
  }
});
