// Functions that strangers' text reaches, each with a property that is stronger than that nothing
// is thrown, the words of its grammar and a few inputs to begin with.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { canonicalize, withItsSlashes } from "../../packages/gateway/src/http/canonical-path.ts";
import {
  cookieValues,
  readCookies,
  withoutOwnCookies,
} from "../../packages/gateway/src/http/cookies.ts";
import { readHead } from "../../packages/gateway/src/http/http2-head.ts";
import { readPath, traitsOf } from "../../packages/gateway/src/path-readings.ts";
import { decodeToken } from "../../packages/protocol/src/decode-token.ts";
import { ProtocolError } from "../../packages/protocol/src/errors.ts";
import { verifyRs256 } from "../../packages/protocol/src/jws.ts";
import { readCorpus } from "../corpus.ts";
import { readRequestsByPostern } from "../readers/postern-requests.ts";
import { requests, tryCase } from "../subjects.ts";

/** What is driven by coverage. */
export interface Target {
  /** @throws when the property does not hold */
  check(input: Buffer): void;
  words: readonly string[];
  seeds: readonly string[];
}

/** name → target */
export const targets: Readonly<Record<string, Target>> = {
  requests: {
    check: checkRequests,
    words: [
      "\r\n",
      ": ",
      "Host: a\r\n",
      "Transfer-Encoding: chunked\r\n",
      "0\r\n\r\n",
      ";a=b",
      '"',
      "GET / HTTP/1.1\r\n",
      "Content-Length: 5\r\n",
    ],
    seeds: readCorpus("requests").map(({ bytes }) => bytes.toString("latin1")),
  },
  paths: {
    check: checkPath,
    words: [
      "/",
      "//",
      "/./",
      "/../",
      "%2e",
      "%2F",
      "%5c",
      "%25",
      "%C3%A9",
      ";",
      ":$",
      "%00",
      "%ff",
      "A",
    ],
    seeds: ["/", "/a/b", "/a//../b;c=d/%2e%2E/%2F", "/caf%C3%A9/.", "/x::$DATA", "/a%3Bb/%20."],
  },
  cookies: {
    check: checkCookies,
    words: [
      "CF_Authorization=",
      "CF_AppSession=",
      "postern_a=",
      "__Host-postern_a=",
      ";",
      "; ",
      "=",
      " ",
      "\t",
    ],
    seeds: [
      "a=b; CF_Authorization=x; c=d",
      "postern_x=1;__Host-postern_y=2",
      "= CF_Authorization=x",
    ],
  },
  jws: {
    check: checkToken,
    words: ["eyJhbGciOiJSUzI1NiJ9", "e30", ".", "W10", "bnVsbA", "-", "_", "="],
    seeds: ["eyJhbGciOiJSUzI1NiJ9.e30.c2ln", "e30.e30.e30", "W10.e30.AA"],
  },
  http2: {
    check: checkHttp2,
    words: [
      ":method\0GET\n",
      ":path\0/\n",
      ":authority\0a\n",
      ":protocol\0websocket\n",
      "cookie\0a=b\n",
      "host\0",
      "content-length\0",
      "\0",
      "\n",
    ],
    seeds: [
      ":method\0GET\n:scheme\0http\n:authority\0a\n:path\0/\ncookie\0a=b\ncookie\0c=d\nhost\0A\n",
    ],
  },
};

/** Read alike by all, and the same in one piece as byte by byte. */
function checkRequests(input: Buffer): void {
  assert.deepEqual(tryCase(requests, { bytes: input, cuts: [] }), []);
  const bytes = Array.from(input.keys(), (at) => input.subarray(at, at + 1));
  assert.deepEqual(readRequestsByPostern(bytes), readRequestsByPostern([input]));
}

/** Canonical once is canonical for good, and so is the form that keeps its slashes. */
function checkPath(input: Buffer): void {
  const raw = input.toString("latin1");
  const canonical = canonicalize(raw);
  if (canonical === undefined) return;
  const { path } = canonical;
  assert.deepEqual(canonicalize(path), canonical);
  assert.doesNotMatch(
    path,
    /\/\/|\/\.{1,2}(?:\/|$)|[^!-~]|[\\#]|%(?![0-9A-F]{2})|%(?:4[1-9A-F]|6[1-9A-F]|2[DE])/,
  );
  const slashes = withItsSlashes(raw, path);
  if (slashes !== undefined) assert.equal(canonicalize(slashes)?.path, path);
  const readings = [...readPath(path, traitsOf(path))].map(({ text }) => text);
  assert.ok(readings.includes(path));
  for (const other of canonical.otherReadings) assert.ok(readings.includes(other), other);
}

/** The one reader finds what the other does, and what goes on has no cookie of ours. */
function checkCookies(input: Buffer): void {
  const line = input.toString("latin1");
  const cookies = readCookies([line]);
  const values = cookies
    .filter(({ name }) => name === "CF_Authorization")
    .map(({ value }) => value);
  assert.deepEqual(cookieValues([line], "CF_Authorization"), values);
  const rest = withoutOwnCookies(line);
  const isOwn = /^(?:CF_Authorization|CF_AppSession|(?:__Host-)?postern_[\w-]*)$/;
  const others = ({ name }: { name: string }) => !isOwn.test(name.trim());
  assert.deepEqual(readCookies([rest]).filter(others), readCookies([rest]));
  assert.deepEqual(readCookies([rest]).map(trimmed), cookies.filter(others).map(trimmed));
  assert.equal(withoutOwnCookies(rest), rest);
}

function trimmed({ name, value }: { name: string; value: string }): string[] {
  return [name.trim(), value.trim()];
}

const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Two JSON objects around which nothing stands, or no token; and never one of ours. */
function checkToken(input: Buffer): void {
  const text = input.toString("latin1");
  try {
    const { header, claims } = decodeToken(text);
    for (const part of [header, claims])
      assert.equal(Object.prototype.toString.call(part), "[object Object]");
    assert.match(text, /^[\w-]+\.[\w-]+\.[\w-]+$/);
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error;
    return;
  }
  assert.equal(verifyRs256(text, publicKey), false);
}

/** One host first, one cookie, no pseudo-header field among the fields, and nothing lost. */
function checkHttp2(input: Buffer): void {
  const lines = input
    .toString("latin1")
    .split("\n")
    .filter((line) => line.includes("\0"));
  // What nghttp2 lets through: pseudo-header fields first, each once, names in lower case.
  const pairs = lines.map((line) => [
    line.split("\0", 1)[0] ?? "",
    line.slice(line.indexOf("\0") + 1),
  ]);
  const pseudo = new Map(
    pairs.filter(([name = ""]) => /^:(?:method|scheme|authority|path)$/.test(name)) as [
      string,
      string,
    ][],
  );
  const fields = pairs.filter(([name = ""]) => /^[a-z0-9-]+$/.test(name));
  const { rawHeaders } = readHead([...[...pseudo].flat(), ...fields.flat()], true, undefined);
  const names = rawHeaders.filter((_, index) => index % 2 === 0);
  const count = (name: string) => fields.filter(([each]) => each === name).length;
  assert.ok(names.every((name) => !name.startsWith(":")));
  assert.ok(names.filter((name) => name === "cookie").length === Math.min(1, count("cookie")));
  const authority = pseudo.get(":authority") ?? "";
  if (authority !== "") assert.deepEqual(rawHeaders.slice(0, 2), ["host", authority]);
  const hosts = fields.filter(([name]) => name === "host").map(([, value = ""]) => value);
  const differing = hosts.filter((host) => host.toLowerCase() !== authority.toLowerCase());
  if (differing.length > 0) assert.ok(rawHeaders.includes(differing[0] ?? ""));
  const others = fields.filter(([name]) => name !== "host" && name !== "cookie");
  for (const [name = "", value = ""] of others)
    assert.ok(names.some((each, index) => each === name && rawHeaders[2 * index + 1] === value));
}
