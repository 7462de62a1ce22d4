// Connections of an origin: informational answers, the answer to one request, proper or odd,
// damaged or not, and what may follow it.
import fc from "fast-check";
import { cuts, type ResponseCase } from "./cases.ts";
import { type FramedBody, framedBody, otherFields } from "./messages.ts";
import { mutate, mutations } from "./mutations.ts";

const statusLine = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom("HTTP/1.1 200 OK", "HTTP/1.1 404 Not Found") },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      "HTTP/1.0 200 OK",
      "HTTP/1.1 200",
      "HTTP/1.1 200 ",
      "HTTP/1.1 204 No Content",
      "HTTP/1.1 304 Not Modified",
      "HTTP/1.1 205 Reset Content",
      "HTTP/1.1 599 \x80",
      "HTTP/1.1 999 ?",
      "HTTP/1.1 101 Switching Protocols",
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "HTTP/1.1  200 OK",
      "HTTP/1.1 20 OK",
      "HTTP/1.1 2000 OK",
      "HTTP/1.1 099 OK",
      "HTTP/2 200 OK",
      "HTTP/1.2 200 OK",
      "HTTP/0.9 200 OK",
      "http/1.1 200 OK",
      "ICY 200 OK",
      "HTTP/1.1\t200 OK",
      "HTTP/1.1 200\tOK",
      "HTTP/1.1 200OK",
      "HTTP/1.1 +20 OK",
      "",
    ),
  },
);

const information = fc.oneof(
  { weight: 8, arbitrary: fc.constant("") },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      "HTTP/1.1 100 Continue\r\n\r\n",
      "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
      "HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\n",
      "HTTP/1.1 102 Processing\r\nTransfer-Encoding: chunked\r\n\r\n",
      "HTTP/1.0 100 Continue\r\n\r\n",
      "HTTP/1.1 100 Continue\r\nConnection: close\r\n\r\n",
    ),
  },
);

const behind = fc.constantFrom(
  "",
  "",
  "",
  "x",
  "\r\n",
  "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
);

interface ResponseParts {
  information: string;
  statusLine: string;
  others: readonly string[];
  framed: FramedBody;
  behind: string;
}

const response: fc.Arbitrary<string> = fc
  .record({ information, statusLine, others: otherFields, framed: framedBody, behind })
  .map(writeResponse);

function writeResponse(parts: ResponseParts): string {
  const head = [parts.statusLine, ...parts.framed.fields, ...parts.others, "", ""];
  return parts.information + head.join("\r\n") + parts.framed.body + parts.behind;
}

/** What an origin sends on one connection. */
export const responseCase: fc.Arbitrary<ResponseCase> = fc
  .record({
    response,
    mutations,
    cuts,
    method: fc.constantFrom<"GET" | "HEAD">("GET", "GET", "GET", "HEAD"),
    closes: fc.boolean(),
  })
  .map(({ response: text, mutations: list, cuts: places, method, closes }) => ({
    bytes: Buffer.from(mutate(text, list), "latin1"),
    cuts: places,
    method,
    closes,
  }));
