// Where a request ends (security-cases 2.2), by every way in: what one reader takes for the end and
// another does not is refused, its connection ends, and the request that was hidden behind it
// reaches nobody. Everything here goes to a public path, so that its framing alone can stop it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawOrigin } from "../../packages/gateway/test/access/forward-fixture.ts";
import * as h2 from "../support/h2-frames.ts";
import { leaveOut } from "../support/requirements.ts";
import { http2Fields, type Request, waysIn } from "../support/ways-in.ts";
import {
  all,
  type Case,
  type Cut,
  type Denied,
  denied,
  type Mended,
  malformed,
  type Right,
  type RightByWay,
  type Row,
  refused,
  reset,
  tryEveryWay,
  type Unsayable,
} from "./attack.ts";
import { openHouse } from "./house.ts";

const host = "Host: app.localhost";
const hidden = `GET /public/smuggled HTTP/1.1\r\n${host}\r\n\r\n`;
const post = `POST /public/x HTTP/1.1\r\n${host}\r\n`;

/** A head with these lines, and behind it what they may hide. */
const withLines = (lines: string, rest = hidden): Request => ({
  target: "",
  bytes: `${post}${lines}\r\n\r\n${rest}`,
});
const withBytes = (bytes: string): Request => ({ target: "", bytes });

/** HTTP/2 has lengths in its frames, and no line to end. */
const noLines: Unsayable = { unsayable: "HTTP/2 frames what it sends by lengths alone" };
/** It may go on as the one request that it is, written anew. */
const readInOneWay: Mended = { mendedTo: ["/public/x"] };
/** The head has gone on when a body turns out to be none. */
const cut: Cut = { cutWith: [undefined, 400] };

const refusedText: RightByWay = { http1: refused, http2: noLines, nginx: refused };
const refusedHere: RightByWay = { http1: refused, http2: noLines, nginx: readInOneWay };
const brokenOff: RightByWay = { http1: cut, http2: noLines, nginx: readInOneWay };
const refusedVersion: Denied = { statuses: [400, 505] };

/** The same fields over HTTP/2, where they are malformed. */
const alsoFields = (line: string): Row[] => {
  const { bytes } = withLines(line);
  const frames = [
    h2.headers(
      1,
      http2Fields({ method: "POST", target: "/public/x", lines: line.split("\r\n") }),
      0,
    ),
    h2.data(1, "0\r\n\r\n"),
  ];
  return [{ ask: { target: "", bytes, frames } as Request, right: malformed }];
};

const chunked = (chunks: string) => withLines("Transfer-Encoding: chunked", chunks + hidden);

const onlyHttp2: Unsayable = {
  unsayable: "over HTTP/1.1 the same bytes are other lines, or the next request",
};
const rowsAbove: Unsayable = { unsayable: "the rows above have it" };
const toPost = { method: "POST", target: "/public/x" };

/** Fields in place of those of the same name, or behind them. */
function fieldsAlone(fields: readonly h2.Field[], right: Right): Row {
  const names = fields.map(([name]) => name);
  const sound = http2Fields({ target: "/public/x" }).filter(([name]) => !names.includes(name));
  const pseudo = fields.filter(([name]) => name.startsWith(":"));
  const others = fields.filter(([name]) => !name.startsWith(":"));
  const frames = [h2.headers(1, [...pseudo, ...sound, ...others])];
  return {
    ask: { target: "", frames },
    right: { http1: onlyHttp2, http2: right, nginx: onlyHttp2 },
  };
}

function connectFrames(authority: string, more: readonly h2.Field[] = []): Buffer[] {
  return [h2.headers(1, [[":method", "CONNECT"], [":authority", authority], ...more])];
}

const notServed: RightByWay = {
  http1: { statuses: [400, 405] },
  http2: { statuses: [405] },
  nginx: { statuses: [400, 405] },
};

const upgrade: Request = { target: "/public/chat", webSocket: true };

const webSocketLines = [
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];
const last = `GET /public/last HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`;
const inChunks = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;

/** A request whose body looks like a request, by length and in chunks, and one behind it. */
function bodied(asked: string, lines: readonly string[]): Request[] {
  const head = [`${asked} HTTP/1.1`, host, ...lines].join("\r\n");
  return [
    withBytes(`${head}\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}${last}`),
    withBytes(`${head}\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks}${last}`),
  ];
}

const chat = ["GET /public/chat HTTP/1.1", host, ...webSocketLines, "", ""].join("\r\n");
const chatAtMost: Mended = { mendedTo: ["/public/chat", "/public/last"] };
const lastAtMost: Mended = { mendedTo: ["/public/last"] };
const lastAlone: RightByWay = { http1: lastAtMost, http2: noLines, nginx: lastAtMost };
const bothAtMost: Mended = { mendedTo: ["/public/x", "/public/last"] };
const bothAlone: RightByWay = { http1: bothAtMost, http2: noLines, nginx: bothAtMost };

const cases: Case[] = [
  {
    about: "H7 a request with two lengths, or with a length that is none, is refused",
    rows: [
      ...[
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 5\r\nContent-Length: 5",
        "Content-Length: 0\r\ncontent-length: 46",
        "Content-Length: +5",
        "Content-Length: -1",
        "Content-Length: 0x5",
        "Content-Length: 5, 5",
        "Content-Length: 5,6",
        "Content-Length: 5 5",
        "Content-Length: 5;",
        "Content-Length: 5.0",
        "Content-Length: 1e1",
        "Content-Length: ",
        "Content-Length: five",
        "Content-Length: 99999999999999999999",
        "Content-Length: 18446744073709551621",
      ].flatMap(alsoFields),
    ],
  },
  {
    about: "H7 a request with a length and a coding, or with a coding that is not one, is refused",
    rows: [
      ...all(
        { ...refusedText, nginx: { statuses: [400, 501] } },
        [
          "Content-Length: 5\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nContent-Length: 5",
          "Transfer-Encoding: chunked\r\nContent-Length: 0",
          "Transfer-Encoding: xchunked",
          "Transfer-Encoding: chunkedx",
          "Transfer-Encoding: chunked, identity",
          "Transfer-Encoding: identity",
          "Transfer-Encoding: identity, chunked",
          "Transfer-Encoding: chunked, chunked",
          "Transfer-Encoding: gzip, chunked",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
          "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
          'Transfer-Encoding: "chunked"',
          "Transfer-Encoding: chunked;q=1",
          "Transfer-Encoding: \x0bchunked",
          "Transfer-Encoding: chunked\x0b",
          "Transfer-Encoding:",
          "Transfer-Encoding: ,",
          "Transfer-Encoding: chunked,",
        ].map((lines) => withLines(lines, `0\r\n\r\n${hidden}`)),
      ),
      ...["transfer-encoding: chunked", "transfer-encoding: identity"].map(
        (line): Row => ({
          ask: { method: "POST", target: "/public/x", lines: [line], body: "5" },
          right: {
            http1: rowsAbove,
            http2: reset,
            nginx: rowsAbove,
          },
        }),
      ),
    ],
  },
  {
    about: "H7 lines that end, begin or go on in another way than HTTP has it are refused",
    rows: [
      ...all(
        refusedText,
        [
          withLines("X: y\r\n folded: z"),
          withLines("X: y\r\n\tfolded: z"),
          withLines("X: y\r\n Content-Length: 5"),
          withLines("Content-Length : 5"),
          withLines("Transfer-Encoding : chunked", `0\r\n\r\n${hidden}`),
          withLines("Content-Length\t: 5"),
          withLines("X y: z"),
          withLines("X(y): z"),
          withLines(": y"),
          withLines("X\x00: y"),
          withLines("X: y\x00z"),
          withLines("X: y\rContent-Length: 5"),
          withLines("X: y\r\rContent-Length: 5"),
          withLines("\rContent-Length: 5"),
          withLines("X\xe9: y"),
        ].slice(0),
      ),
      ...all(refusedHere, [
        withLines("X"),
        withBytes(`GET /public/x HTTP/1.1\n${host}\n\n${hidden}`),
        withBytes(`GET /public/x HTTP/1.1\r\n${host}\nX: y\r\n\r\n${hidden}`),
        withBytes(`GET /public/x HTTP/1.1\r\n${host}\r\nX: y\n\r\n${hidden}`),
        withBytes(`GET /public/x HTTP/1.1\r\n${host}\r\n\n${hidden}`),
      ]),
      ...all(refusedText, [
        withBytes(`GET /public/x HTTP/1.1\r\n ${host}\r\n\r\n${hidden}`),
        withBytes(`GET /public/x HTTP/1.1\r\n\t\r\n${host}\r\n\r\n${hidden}`),
      ]),
    ],
  },
  {
    about: "H7 a request line that is none is refused, and so is what stands before it",
    rows: [
      ...all(refusedText, [
        withBytes(`G\0T /public/x HTTP/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`GET /public/x http/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`GET /public/x\t HTTP/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`GET\t/public/x HTTP/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`GET /public/x HTTP/1.1 x\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`/public/x HTTP/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(` GET /public/x HTTP/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`\0GET /public/x HTTP/1.1\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`HTTP/1.1 200 OK\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${hidden}`),
      ]),
      ...all({ http1: refusedVersion, http2: noLines, nginx: refusedVersion }, [
        withBytes(`GET /public/x HTTP/9.9\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`GET /public/x HTTP/01.1\r\n${host}\r\n\r\n${hidden}`),
      ]),
      ...all({ http1: refusedVersion, http2: noLines, nginx: readInOneWay }, [
        withBytes(`GET /public/x HTTP/1.2\r\n${host}\r\n\r\n${hidden}`),
        withBytes(`GET /public/x\r\n${host}\r\n\r\n${hidden}`),
      ]),
      // A second space changes nothing of what is asked; who reads on has read one request.
      ...all({ http1: readInOneWay, http2: noLines, nginx: readInOneWay }, [
        withBytes(`GET  /public/x HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`),
        withBytes(`GET /public/x  HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`),
        withBytes(`GET /public/x HTTP/1.1 \r\n${host}\r\nConnection: close\r\n\r\n`),
        withBytes(`\r\n\r\nGET /public/x HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`),
      ]),
    ],
  },
  {
    about: "H7 chunks that can be cut in two ways break their request off",
    rows: all(brokenOff, [
      chunked("0x5\r\nhello\r\n0\r\n\r\n"),
      chunked("+5\r\nhello\r\n0\r\n\r\n"),
      chunked("-5\r\nhello\r\n0\r\n\r\n"),
      chunked("5\nhello\r\n0\r\n\r\n"),
      chunked("5\rhello\r\n0\r\n\r\n"),
      chunked("5\r\nhelloX\r\n0\r\n\r\n"),
      chunked("5\r\nhello0\r\n\r\n"),
      chunked("5\r\nhello\n0\r\n\r\n"),
      chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"),
      chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"),
      chunked("5;a\0b\r\nhello\r\n0\r\n\r\n"),
      chunked("\r\nhello\r\n0\r\n\r\n"),
      chunked("five\r\nhello\r\n0\r\n\r\n"),
      chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"),
      chunked("FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n"),
      chunked("5\r\nhello\r\n0\r\nX : y\r\n\r\n"),
      chunked("5\r\nhello\r\n0\r\nX\r\n\r\n"),
      chunked("5\r\nhello\r\n0\r\n X: y\r\n\r\n"),
      chunked("5\r\nhello\r\n0\r\nX: y\n\n"),
      chunked("5\r\nhello\r\n0\n\n"),
    ]),
  },
  {
    about: "H7 HTTP/1.0 and earlier have no chunks",
    rows: [
      ...all({ ...refusedHere, nginx: { mendedTo: [] } }, [
        withBytes(
          `POST /public/x HTTP/1.0\r\n${host}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${hidden}`,
        ),
      ]),
      ...all({ http1: refusedVersion, http2: noLines, nginx: refusedVersion }, [
        withBytes(`GET /public/x HTTP/0.9\r\n${host}\r\n\r\n`),
      ]),
    ],
  },
  {
    about: "H7 a body that nobody reads is never the next request",
    rows: [
      ...all(lastAlone, [
        ...[
          "POST /x",
          "PUT /admin/x",
          "GET /x",
          "HEAD /x",
          "DELETE /x",
          "TRACE /public/x",
          "trace /public/x",
          "POST /cdn-cgi/access/none",
          "POST /cdn-cgi/access/logout",
          "GET /cdn-cgi/access/get-identity",
          "POST /public%2fx",
          "POST /public/..;/x",
          "OPTIONS *",
        ].flatMap((asked) => bodied(asked, [])),
        ...bodied("POST /x", ["Expect: 100-continue"]),
        ...bodied("GET /chat", webSocketLines),
        ...bodied("GET /public/chat", webSocketLines),
        ...bodied("GET /public/chat", [...webSocketLines.slice(0, 2), "Sec-WebSocket-Version: 7"]),
      ]),
      ...all(bothAlone, [
        ...[
          "GET /public/x",
          "HEAD /public/x",
          "DELETE /public/x",
          "OPTIONS /public/x",
          "PURGE /public/x",
        ].flatMap((asked) => bodied(asked, [])),
        ...bodied("POST /public/x", ["Expect: 100-continue"]),
        ...bodied("GET /public/x", [
          "Connection: Upgrade, HTTP2-Settings",
          "Upgrade: h2c",
          "HTTP2-Settings: AAMAAABk",
        ]),
        ...bodied("GET /public/x", ["Connection: upgrade", "Upgrade: TLS/1.0"]),
        ...bodied("POST /public/x", ["Connection: Upgrade", "Upgrade: x-other"]),
      ]),
      ...all({ http1: rowsAbove, http2: denied, nginx: rowsAbove }, [
        { method: "POST", target: "/x", body: hidden },
        { method: "DELETE", target: "/admin/x", body: hidden },
        { method: "GET", target: "/x", body: hidden, trailers: ["X-Sum: 7"] },
      ]),
      ...all({ http1: rowsAbove, http2: chatAtMost, nginx: rowsAbove }, [
        { target: "/public/chat", webSocket: true, body: hidden },
        { target: "/public/chat", webSocket: true, body: `${hidden}GARBAGE\r\n\r\n` },
      ]),
      // nginx forwards no expectation.
      ...all({ ...lastAlone, nginx: bothAtMost }, bodied("POST /public/x", ["Expect: something"])),
      // What comes behind an upgrade before it is agreed on is nobody's tunnel.
      ...all({ http1: chatAtMost, http2: noLines, nginx: chatAtMost }, [
        withBytes(`${chat}GET /admin/smuggled HTTP/1.1\r\n${host}\r\n\r\n${last}`),
        withBytes(`${chat}GARBAGE\r\n\r\n${last}`),
      ]),
    ],
  },
  {
    about: "H8 bytes that would end a line of HTTP/1.1 do not come through HTTP/2",
    rows: [
      ...["a\r\nx-injected: b", "a\nb", "a\rb", "a\0b", "a\x01b", "a\x7fb"].map((value) =>
        fieldsAlone([["x-value", value]], { reaches: "/public/x" }),
      ),
      ...["x-injected\r\nx", "x-injected:", "x injected", "x-\0injected", ""].map((name) =>
        fieldsAlone([[name, "a"]], { reaches: "/public/x" }),
      ),
      ...[
        [":path", "/public/x HTTP/1.1\r\nx-injected: b"],
        [":path", "/public/x\n"],
        [":method", "GET /public/x HTTP/1.1\r\nx: y\r\n\r\nGET"],
        [":authority", "app.localhost\r\nx-injected: b"],
        [":scheme", "http\r\nx"],
      ].map(([name = "", value = ""]) => fieldsAlone([[name, value]], reset)),
    ],
  },
  {
    about: "H8 a body over HTTP/2 of another length than was said is no whole request",
    rows: ["longer than five", "four", ""].map((body) => ({
      ask: {
        target: "",
        frames: [
          h2.headers(1, http2Fields({ ...toPost, lines: ["Content-Length: 5"] }), 0),
          h2.data(1, body),
        ],
      },
      right: {
        http1: onlyHttp2,
        http2: { cutWith: [undefined] },
        nginx: onlyHttp2,
      },
    })),
  },
  {
    about: "H9 CONNECT and TRACE open no way to anybody",
    rows: [
      ...all(notServed, [
        { method: "TRACE", target: "/public/x" },
        { method: "CONNECT", target: "/public/x", frames: connectFrames("app.localhost") },
        {
          method: "CONNECT",
          target: "app.localhost:443",
          frames: connectFrames("app.localhost:443"),
        },
        { method: "CONNECT", target: "127.0.0.1:22", frames: connectFrames("127.0.0.1:22") },
        {
          method: "CONNECT",
          target: "app.localhost:443",
          lines: ["Content-Length: 0"],
          frames: connectFrames("app.localhost:443", [["content-length", "0"]]),
        },
      ]),
    ],
  },
];

tryEveryWay(cases);

const own = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
const poison = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
const refusals = {
  "200 and a byte too many": "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno",
  "a 400": "HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno",
  "a 304": "HTTP/1.1 304 Not Modified\r\n\r\n",
  "another protocol":
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n",
};

for (const way of waysIn)
  test(
    `H9 what an origin adds to an upgrade that it refuses is nobody's answer, ${way.name}`,
    leaveOut(way.missing),
    async (context) => {
      let refusal = "";
      const { origin } = await rawOrigin(context, (socket) => {
        socket.on("data", (bytes) => {
          const isUpgrade = bytes.includes("/public/chat");
          socket.write(isUpgrade ? refusal + poison : own);
        });
      });
      const house = await openHouse(way, { ingress: [{ service: origin }] });
      context.after(() => house.close());
      for (const [what, answer] of Object.entries(refusals)) {
        refusal = answer;
        await house.door.ask(upgrade);
        const victims = await Promise.all(
          Array.from({ length: 4 }, () => house.door.ask({ target: "/public/x" })),
        );
        for (const { status, body } of victims)
          assert.deepEqual([status, body], [200, "own"], what);
      }
    },
  );
