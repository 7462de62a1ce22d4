// What one request of a stranger costs, whatever it is made of (case O7). Each place that a
// stranger reaches is filled with many small pieces. Four times as many may cost some four times as
// much, and none much more than a plain path of that length. The least CPU time of many tries
// counts: other work on the machine only adds to single ones.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  application,
  only,
  open,
  startAccessFixture,
} from "../../packages/gateway/test/access/access-fixture.ts";
import { rawExchange } from "../support/raw-request.ts";

interface Place {
  name: string;
  pieces: string[];
  /** the whole request with this filling */
  request(filling: string): string;
}

const get = (target: string, lines: string[] = [], host = "app.localhost") =>
  [`GET ${target} HTTP/1.1`, `Host: ${host}`, "Connection: close", ...lines, "", ""].join("\r\n");

const post = (target: string, type: string, body: string, host: string) =>
  [
    `POST ${target} HTTP/1.1`,
    `Host: ${host}`,
    "Connection: close",
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
    "",
    body,
  ].join("\r\n");

const header = (name: string, pieces: string[], start = ""): Place => ({
  name: `the header ${name}`,
  pieces,
  request: (filling) => get("/closed", [`${name}: ${start}${filling}`]),
});

const team = "login.localhost";
const access = "/cdn-cgi/access";
const form = "application/x-www-form-urlencoded";
const jws = "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln";

const places: Place[] = [
  {
    name: "the path",
    pieces: ["/", "/a", "/;", ";", "/..;", "%2F", "%61", "/A", "%c3%a9", "/%2e", "a", "*", "%252f"],
    request: (filling) => get(`/${filling}`),
  },
  {
    name: "a path with a wildcard in its pattern",
    pieces: ["/a", "/a/b", "/ab", "/B", "/a;"],
    request: (filling) => get(`/${filling}`, [], "glob.localhost"),
  },
  {
    name: "the query",
    pieces: [
      "&",
      "a=b&",
      "token=x&",
      `token=${jws}&`,
      "%",
      "%61&",
      "token=eyJ&",
      "%74oken=eyJh.e30.x&",
      "eyJ.",
    ],
    request: (filling) => get(`/closed?${filling}`),
  },
  header("Cookie", [
    "a=b; ",
    "CF_Authorization=x; ",
    `CF_Authorization=${jws}; `,
    ";",
    "=",
    "CF_AppSession=a;",
    "postern_a=b;",
  ]),
  header("cf-access-token", ["a", ".", "eyJ.", jws]),
  header("Authorization", ["a", `Bearer ${jws} `, "{", '{"a":']),
  header("X-Forwarded-For", ["1.1.1.1,", ",", "1,", "[", "::1,"]),
  header("X-Forwarded-Proto", ["https,", ","]),
  header("Accept", ["*/*,", "text/html", "a"]),
  header("Connection", ["a,", ",", "close,"]),
  header("Origin", ["a", "http://"]),
  header("Expect", ["100-continue,"]),
  header("Forwarded", ["for=1;", '"']),
  header("If-None-Match", ['"a",']),
  {
    name: "header names",
    pieces: ["a: b\r\n", "Cf.Access.A: b\r\n", "Cookie: a=b\r\n", "X-Forwarded-For: 1\r\n"],
    request: (filling) =>
      get("/closed", [`x: y\r\n${filling.slice(0, filling.lastIndexOf("\r\n"))}`]),
  },
  {
    name: "metadata",
    pieces: ["/a", "/;", "/A", "%61"],
    request: (filling) => get(`/${filling}`, ["cf-access-metadata-request: true"]),
  },
  {
    name: "the host",
    pieces: ["a.", "a", "-", "..", "a-."],
    request: (filling) => get("/", [], `${filling}localhost`),
  },
  ...["/login", "/pin", "/cli", "/logout"].map((path) => ({
    name: `the form of ${path}`,
    pieces: ["&", "a=b&", "target=x&", "%", "+", "%41", "a"],
    request: (filling: string) => post(access + path, form, filling, team),
  })),
  ...["/login/app.localhost", "/callback", "/cli", "/logout"].map((path) => ({
    name: `the query of ${path}`,
    pieces: ["&", "a=b&", "meta=x&", "state=x&", "token=x&", "redirect_url=/&", "%41"],
    request: (filling: string) => get(`${access}${path}?${filling}`, [], team),
  })),
  {
    name: "the JSON of a pass",
    pieces: ["[", '{"a":', '"', "1,", " "],
    request: (filling) =>
      post(`${access}/pass`, "application/json", filling, "app.localhost").replace(
        "Content-Type",
        "cf-access-token: x\r\nContent-Type",
      ),
  },
  {
    name: "the relay",
    pieces: ["a", "=", "/", "%41", "-_"],
    request: (filling) => get(`/transfer/${filling}`, [], team),
  },
  {
    name: "the sign-in link's meta",
    pieces: ["a", ".", jws],
    request: (filling) => get(`${access}/login/app.localhost?kid=a&meta=${filling}`, [], team),
  },
];

const small = 14_000;
const large = 4 * small;
/** Milliseconds of CPU below which a ratio says nothing. */
const floor = 6;
/** How many times as much as a plain path of the same length anything may cost. */
const dearest = 4;
/** How many times as much as a quarter of the same. What is in proportion is at four. */
const steepest = 9;

test("four times as much of anything costs a stranger's request some four times as much, and not sixteen", async (context) => {
  const { fixture } = await startAccessFixture(context, [
    application("app", [open]),
    application("app/closed", [only("a@x.test")]),
    application("app/closed/*/b*c", [open]),
    application("glob", [only("a@x.test")]),
    application("glob/a*/b*/c*/d", [open]),
    application("glob/X%40y/z", [open]),
  ]);
  const cost = async (text: string): Promise<number> => {
    const before = process.cpuUsage();
    await rawExchange(fixture.port, text);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1_000;
  };
  /** The least that a request costs: of five times, and of forty where `isTooMuch` says so. */
  const least = async (text: string, isTooMuch: (ms: number) => boolean): Promise<number> => {
    let result = await cost(text);
    for (let round = 1; round < (isTooMuch(result) ? 40 : 5); round++)
      result = Math.min(result, await cost(text));
    return result;
  };
  const plain = Math.max(floor, await least(get(`/${"a".repeat(large)}`), () => false));
  const faults: string[] = [];
  for (const { name, pieces, request } of places) {
    for (const piece of pieces) {
      const filled = (size: number) => request(piece.repeat(Math.floor(size / piece.length)));
      const little = await least(filled(small), () => false);
      const most = Math.max(floor, Math.min(dearest * plain, steepest * little));
      const much = await least(filled(large), (ms) => ms > most);
      if (much > most)
        faults.push(`${name}, ${piece}: ${much} ms, a quarter ${little} ms, a path ${plain} ms`);
    }
  }
  assert.deepEqual(faults, []);
});
