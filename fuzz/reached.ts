// Everything that reads strangers' text before anybody is known, each with the words of its
// grammar.

import { bearerToken } from "../packages/gateway/src/access/bearer-token.ts";
import { chooseDestination } from "../packages/gateway/src/access/choose-destination.ts";
import { readOriginalRequest, readPlace } from "../packages/gateway/src/access/original-request.ts";
import {
  sanitizeHeaders,
  sanitizeTrailers,
} from "../packages/gateway/src/access/sanitize-headers.ts";
import { shellWord } from "../packages/gateway/src/access/shell-word.ts";
import { parseProxies, readClient } from "../packages/gateway/src/access/trusted-proxies.ts";
import { problemOfUpgrade } from "../packages/gateway/src/access/upgrade-problems.ts";
import { choosePath } from "../packages/gateway/src/catalog/path-choice.ts";
import type { RequestFacts } from "../packages/gateway/src/catalog/request-facts.ts";
import { answerForm } from "../packages/gateway/src/http/answer-form.ts";
import { canonicalize, withItsSlashes } from "../packages/gateway/src/http/canonical-path.ts";
import {
  cookieValues,
  readCookies,
  setsOwnCookie,
  withoutOwnCookies,
} from "../packages/gateway/src/http/cookies.ts";
import { readHead } from "../packages/gateway/src/http/http2-head.ts";
import { takeToken } from "../packages/gateway/src/http/query-tokens.ts";
import { readFraming } from "../packages/gateway/src/http/request-framing.ts";
import { readHeaders } from "../packages/gateway/src/http/request-headers.ts";
import type { RequestHead } from "../packages/gateway/src/http/transport.ts";
import { webSocketAnswer } from "../packages/gateway/src/http/websocket-opening.ts";
import { hostOf, pathOnHost } from "../packages/gateway/src/login/application-host.ts";
import { fieldsOf } from "../packages/gateway/src/login/forms.ts";
import { readProviderWishes } from "../packages/gateway/src/login/provider-wishes.ts";
import { canonicalEmail } from "../packages/gateway/src/login/providers/canonical-email.ts";
import { mayBeCode } from "../packages/gateway/src/login/providers/one-time-pin.ts";
import { readCliRequest } from "../packages/gateway/src/login/terminal/cli-request.ts";
import { claimPattern } from "../packages/gateway/src/model/rules/claim-pattern.ts";
import { textOfLine } from "../packages/gateway/src/observe/log-text.ts";
import { readPath, traitsOf } from "../packages/gateway/src/path-readings.ts";
import { readPublicKeyLine } from "../packages/gateway/src/ssh/public-key.ts";
import { readOwnHeader } from "../packages/gateway/src/tokens/service-credentials.ts";
import { catalogOf } from "../packages/gateway/test/catalog/catalog-of.ts";
import { decodeToken } from "../packages/protocol/src/decode-token.ts";
import { isHostName, parseAuthority } from "../packages/protocol/src/host.ts";
import { decodeTransferKey } from "../packages/protocol/src/token-transfer.ts";
import { FrameFault, FrameReader } from "../packages/protocol/src/websocket-frames.ts";
import type { Reached } from "./growth.ts";
import { readRequestsByPostern } from "./readers/postern-requests.ts";
import { readResponseByPostern } from "./readers/postern-responses.ts";

const catalog = catalogOf({
  api: ["a/api", "a/api/*/admin", "a/*.php"],
  all: ["a", "*.b.example/x"],
});
const trustedProxies = parseProxies(["192.0.2.0/24"]);
const proxyPeer = "192.0.2.1";
const pattern = claimPattern("repo:*/a*:ref:**/b*c");
const logStyle = { width: 100, colour: false };

const requestFacts: RequestFacts = {
  method: "GET",
  scheme: "http",
  host: "a",
  authority: "a",
  path: "/",
  query: "",
  clientIp: "192.0.2.1",
  rayId: "0123456789abcdef",
  catalog,
  match: undefined,
};
const requestHead: RequestHead = {
  method: "GET",
  target: "/",
  version: "1.1",
  rawHeaders: [],
  upgrade: undefined,
  peer: undefined,
};

/** Text that belongs everywhere. */
const common = ["a", " ", "\t", "/", "."];

/** A function, and the words of what it reads. */
function reached(
  name: string,
  run: (text: string) => unknown,
  units: readonly string[],
  prefixes: readonly string[] = [""],
  ends: readonly string[] = ["", "!", "\x80"],
): Reached {
  return { name, run, units: [...new Set([...units, ...common])], prefixes, ends };
}

/** Values of every header that something looks into. */
function readAsHeaders(value: string): void {
  for (const name of headerNames) readHeaders([name, value]);
}

const headerNames = [
  ...["accept", "content-length", "content-type", "cookie", "expect", "origin", "te", "upgrade"],
  ...["transfer-encoding", "x-forwarded-for", "cf-access-token", "access-control-request-method"],
];

/** A header for each word. */
function asManyHeaders(text: string, name: string): string[] {
  return text.split(" ").flatMap((value) => [name, value]);
}

const version = "1.1";
const headerWords = [
  ",",
  ";",
  "close",
  "keep-alive",
  "upgrade",
  "websocket",
  "chunked",
  "trailers",
];
const pathWords = ["//", "/./", "/../", "..", ";", "%2e", "%2F", "%5c", "%25", "%C3%A9", "A", ":$"];
const pathStarts = ["/", "/api/", "/api/x;"];

/** Each byte by itself. */
function bytesOf(text: string): Buffer[] {
  const bytes = Buffer.from(text, "latin1");
  return Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
}

/** Everything that is looked at before it is known who asks, and what origins answer. */
export const everythingReached: readonly Reached[] = [
  {
    ...reached(
      "answers of origins byte by byte",
      (text) => readResponseByPostern(bytesOf(text), "GET", false),
      ["\r\n", "X: y\r\n", "X", "1\r\na\r\n", "1;a=b"],
      [
        "HTTP/1.1 200 OK\r\nX: ",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: ",
      ],
      [""],
    ),
    lengths: [3_750, 15_000, 60_000],
  },
  reached(
    "requests in one piece",
    (text) => readRequestsByPostern([Buffer.from(text, "latin1")]),
    ["\r\n", "X: y\r\n", "X:", "Connection: a\r\n", "Upgrade: a\r\n", "GET / HTTP/1.1\r\n\r\n"],
    ["", "GET / HTTP/1.1\r\nHost: a\r\n", "GET /"],
  ),
  reached(
    "requests byte by byte",
    (text) => readRequestsByPostern(bytesOf(text)),
    ["\r\n", "X: y\r\n"],
    ["GET / HTTP/1.1\r\nHost: a\r\n"],
    [""],
  ),
  reached(
    "chunks",
    (text) => readRequestsByPostern([Buffer.from(text, "latin1")]),
    ["1\r\na\r\n", "0", "1;", "a=b", ";a", '"', "\\", "T: u\r\n", "\r\n"],
    [
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n",
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;a="',
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    ],
  ),
  reached("values of headers", readAsHeaders, headerWords),
  reached("many headers", (text) => readHeaders(asManyHeaders(text, "te")), ["a ", "trailers "]),
  reached(
    "framing of requests",
    (text) => {
      for (const name of ["connection", "upgrade", "content-length", "transfer-encoding"])
        readFraming({ method: "GET", target: "/", version, rawHeaders: [name, text] });
    },
    [...headerWords, "0", "9"],
    ["", "close", "websocket"],
  ),
  reached(
    "Connection options, and headers that an origin must not see",
    (text) => {
      sanitizeHeaders({
        facts: requestFacts,
        rawHeaders: ["connection", text, text, "x", "cookie", text, "content-length", text],
        identity: undefined,
        consumedHeaders: [],
        hostHeader: undefined,
        wantsTrailers: false,
      });
      sanitizeTrailers([text, text]);
    },
    [...headerWords, "-", "_", "0", "CF_Authorization=", "postern_"],
    ["", "x-forwarded-", "0"],
  ),
  reached("Accept", (accept) => answerForm({ accept }), [
    ",",
    ";",
    "q=0",
    "0",
    "text/html",
    "=",
    "*",
  ]),
  reached(
    "cookies",
    (text) => {
      readCookies([text]);
      cookieValues([text], "CF_Authorization");
      withoutOwnCookies(text);
      setsOwnCookie(text);
    },
    [";", "=", "CF_Authorization", "CF_", "postern_", "__Host-postern_", "-", '"'],
    ["", "CF_Authorization", "=;"],
  ),
  reached(
    "paths in their one form",
    (text) => {
      const path = canonicalize(text)?.path;
      if (path !== undefined) withItsSlashes(text, path);
    },
    [...pathWords, "%", "%8", "%E2%82%AC"],
    pathStarts,
  ),
  reached(
    "readings of paths",
    (text) => {
      const path = canonicalize(text)?.path ?? "/";
      for (const _ of readPath(path, traitsOf(path)));
      choosePath(catalog, "a", { path, withItsSlashes: withItsSlashes(text, path) });
    },
    ["//", "/../", ";", "%2F", "%25", "."],
    ["/api/"],
    [""],
  ),
  reached(
    "tokens in queries",
    (text) => takeToken(text, () => false),
    ["&", "=", "token=eyJ", "eyJ", "%74", "%", "-", "token=", "&token=eyJa.a.a"],
    ["", "token=eyJ"],
  ),
  reached(
    "tokens",
    (text) => refusedOrRead(decodeToken, text),
    ["-", "_", "=", "eyJ", "e30"],
    ["", "e30.", "e30.e30."],
  ),
  reached(
    "Authorization",
    (text) => {
      const application = { accept_bearer: true } as Parameters<typeof bearerToken>[2];
      bearerToken({ isOurs: () => false }, ["authorization", text], application);
      readOwnHeader("x-token", [text]);
    },
    ["bearer", "bearer ", "=", "{", "[", '"', '{"a":'],
    ["", "bearer ", "["],
  ),
  reached(
    "X-Forwarded-For and its kin",
    (text) => {
      const headers = readHeaders(["x-forwarded-for", text, "x-forwarded-proto", text]);
      readClient({ scheme: "http", trustedProxies }, proxyPeer, headers);
    },
    [",", "192.0.2.7", "192.0.2.7,", "[", "]", ":", "::", "0", "1", "ffff"],
    ["", "192.0.2.1,", "["],
  ),
  reached(
    "hosts and targets of redirects",
    (text) => {
      parseAuthority(text);
      isHostName(text);
      hostOf(text);
      pathOnHost("https", "a.example", text);
    },
    ["-", "a.", "a-", "[", ":", "1", "\\", "?", "@", "%2e", "//", "_"],
    ["", "/", "a.", "["],
  ),
  reached(
    "login forms",
    (text) => {
      mayBeCode(text);
      canonicalEmail(text);
      fieldsOf(text);
      // The head of a request has 16 kB.
      const query = text.slice(0, 16_384);
      readProviderWishes(new URLSearchParams(query));
      readCliRequest(catalog, "a", query);
    },
    ["1", "-", "@", "&", "=", "+", "%", "email=", "login_hint=", "token=", "a@"],
    ["", "1", "12345", "login_hint="],
  ),
  reached(
    "keys of terminals, and SSH keys",
    (text) => {
      refusedOrRead(decodeTransferKey, text);
      readPublicKeyLine(text);
    },
    ["=", "A", "+", "ssh-ed25519", "\r\n", "AAAA"],
    ["", "ssh-ed25519 ", "ssh-ed25519 AAAA"],
  ),
  reached(
    "heads over HTTP/2",
    (text) => {
      const fields = text.split("\n").flatMap((value) => ["cookie", value, value, "x"]);
      readHead([":method", "GET", ":scheme", "http", ":path", text, ...fields], false, undefined);
      readHead(
        fields.map((field) => `:${field}`),
        true,
        undefined,
      );
    },
    ["\n", "\na", ":", "cookie", "host\n"],
  ),
  reached(
    "handshakes of WebSockets",
    (text) => {
      const rawHeaders = ["sec-websocket-protocol", text, "sec-websocket-key", text];
      const headers = readHeaders(["upgrade", "websocket", "origin", text]);
      webSocketAnswer({ ...requestHead, rawHeaders }, ["known"]);
      problemOfUpgrade(
        { method: "GET", version },
        {
          ...{ ok: true, facts: requestFacts, rayId: "", queryToken: undefined },
          upgrade: "websocket",
          rawHeaders,
          headers,
        },
      );
    },
    [",", "=", "==", "known", "A"],
  ),
  reached(
    "frames of WebSockets",
    readFrames,
    ["\x82\x80aaaa", "\x89\x80aaaa", "\x02\x81aaaab", "\0"],
    ["", "\x82\xff\0\0\0\0\0\x01\0\0aaaa"],
  ),
  reached(
    "destinations of a bastion",
    (text) => chooseDestination([{ kind: "below", suffix: ".a", port: 1 }], [text], []),
    [":", "a.", "1", "[", "]", "%"],
    ["", "["],
  ),
  reached(
    "questions of proxies",
    (text) => {
      for (const dialect of ["nginx", "forwarded", "envoy", "haproxy"]) {
        const place = readPlace(`/cdn-cgi/access/forward-auth/${dialect}${text}`);
        const rawHeaders = ["x-original-url", text, "x-original-method", "GET", "host", text];
        if (place !== undefined)
          readOriginalRequest(place, { ...requestHead, rawHeaders }, "https");
      }
    },
    ["http://", "https://a", "?", "@", "\\", "#"],
    ["", "/", "?", "https://"],
  ),
  reached("values of claims", pattern, ["repo:", ":ref:", "b", "c", "/a"], ["", "repo:"]),
  reached(
    "what the log and terminals are shown",
    (text) => {
      shellWord(text);
      const line = { level: 30, time: "", msg: text, path: text };
      textOfLine(JSON.stringify(line), logStyle);
    },
    ['"', "'", "\n", "\x1b", "\u202e", "-"],
  ),
];

function readFrames(text: string): void {
  const nothing = () => undefined;
  const reader = new FrameReader("client", {
    data: nothing,
    emptyMessage: nothing,
    ping: nothing,
    close: nothing,
  });
  try {
    reader.read(Buffer.from(text, "latin1"));
  } catch (error) {
    if (!(error instanceof FrameFault)) throw error;
  }
}

/** Reads a text by a reader that throws at what it refuses: only the time until then counts. */
function refusedOrRead(read: (text: string) => unknown, text: string): void {
  try {
    read(text);
  } catch {
    // It was refused.
  }
}
