// Connections of a client: pipelines of one to three requests, proper or odd, damaged or not, and
// mostly a last plain one, which shows a reader that has taken it for part of another.
import fc from "fast-check";
import { type Case, cuts } from "./cases.ts";
import { type FramedBody, framedBody, otherFields } from "./messages.ts";
import { mutate, mutations } from "./mutations.ts";

const method = fc.oneof(
  { weight: 30, arbitrary: fc.constantFrom("GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS") },
  {
    weight: 2,
    arbitrary: fc.constantFrom("PATCH", "PROPFIND", "M-SEARCH", "CONNECT", "TRACE", "PRI", "BREW"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("get", "G ET", "GET\t", "", "GE(T", "X_Y", "!#$", "G\0"),
  },
);

const target = fc.oneof(
  { weight: 20, arbitrary: fc.constantFrom("/", "/a", "/a/b?c=d", "/a%20b", "/?q", "/a;b=c") },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "http://a/x",
      "HTTP://a:80/x",
      "https://a",
      "http://b/x?y",
      "http://a?x",
      "http://u@a/x",
      "ftp://a/x",
      "*",
      "a:443",
      "//a/b",
      "/a//b/../c/.",
      "/\x80",
      "/a#b",
      "/a?b#c",
      "/%zz%00",
      '/"<>^`{|}\\',
      "a/b",
      "",
    ),
  },
);

const version = fc.oneof(
  { weight: 40, arbitrary: fc.constant("HTTP/1.1") },
  {
    weight: 3,
    arbitrary: fc.constantFrom("HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2"),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("", "http/1.1", "HTTP/1.1 ", "HTTP/1.", "HTTP/11.1", "HTTP/1.10"),
  },
);

const host = fc.oneof(
  { weight: 24, arbitrary: fc.constantFrom(["Host: a"], ["host: a.example:80"]) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      [],
      ["Host: a", "Host: a"],
      ["Host: a", "Host: b"],
      ["Host:"],
      ["Host: a, b"],
      ["Host : a"],
      ["Host: [::1]:8"],
      ["Host: a b"],
      ["Host: a/b"],
      ["Host: a@b"],
    ),
  },
);

const oddUpgrade = fc.constantFrom(["Connection: upgrade", "Upgrade: websocket"], ["Upgrade: h2c"]);

interface RequestParts {
  method: string;
  target: string;
  version: string;
  host: readonly string[];
  others: readonly string[];
  framed: FramedBody;
  upgrade: readonly string[];
  framingFirst: boolean;
}

const request: fc.Arbitrary<string> = fc
  .record({
    method,
    target,
    version,
    host,
    others: otherFields,
    framed: framedBody,
    upgrade: fc.oneof(
      { weight: 20, arbitrary: fc.constant([]) },
      { weight: 1, arbitrary: oddUpgrade },
    ),
    framingFirst: fc.boolean(),
  })
  .map(writeRequest);

function writeRequest(parts: RequestParts): string {
  const { framed, host: hosts, others, upgrade, framingFirst } = parts;
  const before = framingFirst ? framed.fields : [];
  const after = framingFirst ? [] : framed.fields;
  const fields = [...hosts, ...before, ...others, ...upgrade, ...after];
  const head = [`${parts.method} ${parts.target} ${parts.version}`, ...fields, "", ""];
  return head.join("\r\n") + framed.body;
}

/** A plain request behind the others. */
const lastRequest = "GET /last HTTP/1.1\r\nHost: last\r\n\r\n";

/** The bytes that a client sends on one connection. */
export const requestCase: fc.Arbitrary<Case> = fc
  .record({
    requests: fc.array(request, { minLength: 1, maxLength: 3, size: "max" }),
    mutations,
    ends: fc.constantFrom(lastRequest, lastRequest, lastRequest, ""),
    cuts,
  })
  .map(({ requests, mutations: list, ends, cuts: places }) => ({
    bytes: Buffer.from(mutate(requests.join(""), list) + ends, "latin1"),
    cuts: places,
  }));
