// A connection's reader keeps the fields of the head before, and takes those of the next one for
// the same where all of their bytes are (head-scanner.ts). Whatever came before, a request is read
// as it is on a connection of its own.
import assert from "node:assert/strict";
import { test } from "node:test";
import { RequestReader } from "../../src/http/request-reader.ts";

const headLimit = 600;

/** What a reader says of the requests in the bytes, which arrive in pieces. */
function read(texts: readonly string[], cut?: number): unknown[] {
  const events: unknown[] = [];
  const reader = new RequestReader(headLimit, {
    head: (head) => events.push(structuredClone(head)),
    data: (chunk) => events.push(...chunk.toString("latin1")),
    end: (trailers) => events.push([...trailers]),
    fault: (fault, line) => events.push({ fault, ...line }),
  });
  for (const text of texts) {
    const bytes = Buffer.from(text, "latin1");
    const place = cut === undefined ? bytes.length : cut % bytes.length;
    for (const piece of [bytes.subarray(0, place), bytes.subarray(place)]) {
      // As on a connection: the next bytes overwrite these.
      const buffer = Buffer.from(piece);
      reader.read(buffer);
      buffer.fill(0x2e);
    }
    reader.next();
  }
  return events;
}

const fields = "Host: a.test\r\nCookie: a=b\r\n";
const long = `${fields}X-Long: ${"l".repeat(300)}\r\n`;

/** Heads, and whole requests, that begin or end alike. */
const requests = {
  plain: `GET / HTTP/1.1\r\n${fields}\r\n`,
  "another target": `GET /another?target HTTP/1.1\r\n${fields}\r\n`,
  "another method": `DELETE / HTTP/1.1\r\n${fields}\r\n`,
  "an older version": `GET / HTTP/1.0\r\n${fields}\r\n`,
  "a field more": `GET / HTTP/1.1\r\n${fields}X: y\r\n\r\n`,
  "a field less": "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n",
  "no field": "GET / HTTP/1.1\r\n\r\n",
  "another last byte": `GET / HTTP/1.1\r\n${fields.replace("a=b", "a=c")}\r\n`,
  "another case": `GET / HTTP/1.1\r\n${fields.toLowerCase()}\r\n`,
  "a length": `POST / HTTP/1.1\r\n${fields}Content-Length: 3\r\n\r\nabc`,
  "another length": `POST / HTTP/1.1\r\n${fields}Content-Length: 4\r\n\r\nabcd`,
  chunks: `POST / HTTP/1.1\r\n${fields}Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n`,
  "the fields as trailers": `POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${fields}\r\n`,
  "long fields": `GET / HTTP/1.1\r\n${long}\r\n`,
};

/** What is none, though its fields begin as others do. */
const faults = {
  "a line that goes on": `GET / HTTP/1.1\r\n${fields} more\r\n\r\n`,
  "a line feed alone": `GET / HTTP/1.1\r\n${fields}\n`,
  "a carriage return alone": `GET / HTTP/1.1\r\n${fields}\rX`,
  "a blank before the colon": `GET / HTTP/1.1\r\n${fields}X : y\r\n\r\n`,
  "two lengths": `GET / HTTP/1.1\r\n${fields}Content-Length: 1\r\nContent-Length: 1\r\n\r\n`,
  "another version": `GET / HTTP/2.0\r\n${fields}\r\n`,
  "a broken request line": `GET /a b HTTP/1.1\r\n${fields}\r\n`,
  "a line feed behind the request line": `GET / HTTP/1.1\n${fields}\r\n`,
  "the same fields in a head beyond the limit": `GET /${"p".repeat(300)} HTTP/1.1\r\n${long}\r\n`,
};

test("a request is read as on a connection of its own, whichever request came before it", () => {
  for (const [before, first] of Object.entries(requests))
    for (const [name, request] of Object.entries({ ...requests, ...faults })) {
      const alone = [...read([first]), ...read([request])];
      assert.deepEqual(read([first, request]), alone, `${name} after ${before}`);
      assert.deepEqual(read([first, first, request]), [...read([first]), ...alone], name);
    }
});

test("so it is read wherever the bytes of each request are cut", () => {
  for (const first of Object.values(requests))
    for (const request of Object.values({ ...requests, ...faults })) {
      const whole = read([first, request]);
      for (let cut = 1; cut < request.length; cut += 7)
        assert.deepEqual(read([first, request], cut), whole);
    }
});

test("each of a series of requests is refused for what is wrong with it, and for nothing before", () => {
  for (const [name, request] of Object.entries(faults)) {
    const events = read([requests.plain, requests.plain, requests["long fields"], request]);
    const last = events.at(-1) as { fault?: string };
    assert.notEqual(last.fault, undefined, name);
    assert.deepEqual(events.slice(-1), read([request]), name);
  }
});
