// What the gateway says itself instead of an origin: in the form that the client reads
// (wire-protocol 4), and with a line in the log under the ray id that it shows.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RawAnswer } from "../../../../test/support/raw-request.ts";
import { overNodeHttp } from "../../../../test/support/transport.ts";
import {
  type AccessFixture,
  application,
  bob,
  only,
  open,
  startAccessFixture,
} from "./access-fixture.ts";

interface Fault {
  what: string;
  status: number;
  ask(lines: string[]): Promise<RawAnswer>;
}

async function start(context: Parameters<typeof startAccessFixture>[0]): Promise<AccessFixture> {
  const access = await startAccessFixture(context, [
    application("app", [open]),
    application("bobs", [only(bob)]),
  ]);
  const { upstream } = access.fixture;
  await access.fixture.change({
    applications: [application("app", [open]), application("bobs", [only(bob)])],
    ingress: [
      { hostname: "app.localhost", path: "/gone", service: "http_status:410" },
      { hostname: "app.localhost", path: "/down", service: "http://127.0.0.1:1" },
      { hostname: "app.localhost", service: upstream.origin },
      { service: "http_status:404" },
    ],
  });
  return access;
}

async function faults({ fixture, ask, token }: AccessFixture): Promise<Fault[]> {
  const adas = `cf-access-token: ${await token("bobs")}`;
  const asking =
    (path: string, more: string[] = [], host = "app.localhost", method = "GET") =>
    (lines: string[]) =>
      ask(path, [...more, ...lines], { host, method });
  return [
    { what: "an unknown host", status: 403, ask: asking("/", [], "nobody.localhost") },
    { what: "a path that is none", status: 400, ask: asking("/%zz") },
    { what: "an encoded slash", status: 400, ask: asking("/a%2Fb") },
    { what: "another port", status: 421, ask: asking("/", [], "app.localhost:1") },
    { what: "a doubled Host", status: 400, ask: asking("/", ["Host: x.test"]) },
    { what: "TRACE", status: 405, ask: asking("/", [], "app.localhost", "TRACE") },
    { what: "a rule that answers itself", status: 410, ask: asking("/gone") },
    { what: "half a WebSocket", status: 400, ask: asking("/", ["Upgrade: websocket"]) },
    { what: "an origin that is down", status: 502, ask: asking("/down") },
    { what: "no permission", status: 403, ask: asking("/", [adas], "bobs.localhost") },
    {
      what: "a host with another port",
      status: 421,
      ask: asking("/", [], `app.localhost:${fixture.port + 1}`),
    },
  ];
}

test("a fault is a page for browsers, JSON for who asks for it, and one line of text for tools", async (context) => {
  const access = await start(context);
  for (const { what, status, ask } of await faults(access)) {
    for (const lines of [
      [],
      ["Accept: */*"],
      ["User-Agent: Wget/1.21", "Accept: */*", "Accept-Encoding: identity"],
      ["User-Agent: Go-http-client/1.1"],
      ["Accept: image/png, */*;q=0.5"],
      // Not acceptable at all (RFC 9110 12.4.2).
      ["Accept: text/html;q=0, */*"],
      ["Accept: */*, TEXT/HTML ; level=1 ; q=0.000"],
    ]) {
      const answer = await ask(lines);
      const told = `${what}, ${lines.join()}: ${answer.raw}`;
      assert.equal(answer.status, status, told);
      assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8", told);
      assert.match(answer.body, /^[^\n]{20,400}\n$/, told);
      assert.ok(answer.body.includes(answer.headers["cf-ray"] ?? "?"), told);
      assert.equal(answer.headers["set-cookie"], undefined, told);
    }
    for (const lines of [
      ["Accept: text/html,application/xhtml+xml,*/*;q=0.8"],
      ["Accept: TEXT/HTML"],
      ["Accept: application/json;q=0, text/html;q=0.1"],
      ["Accept: */*", "Sec-Fetch-Mode: navigate"],
      ["Sec-Fetch-Mode: navigate"],
    ]) {
      const answer = await ask(lines);
      assert.equal(answer.status, status, what);
      assert.match(answer.headers["content-type"] ?? "", /^text\/html/, what);
      assert.ok(answer.body.includes(`<code>${answer.headers["cf-ray"]}</code>`), what);
    }
    for (const lines of [
      ["Accept: application/json"],
      ["Accept: application/json, text/plain, */*"],
      ["Accept: application/problem+json;q=0.9, */*;q=0.1"],
      ["Accept: */*", "X-Requested-With: XMLHttpRequest"],
      ["Accept: text/html", "Sec-Fetch-Mode: cors"],
      ["Accept: application/xml"],
      ["Accept: text/html;q=0, application/json"],
    ]) {
      const answer = await ask(lines);
      assert.equal(answer.status, status, what);
      assert.equal(answer.headers["content-type"], "application/json", `${what} ${lines}`);
      assert.equal(JSON.parse(answer.body).ray_id, answer.headers["cf-ray"], what);
    }
  }
  assert.equal(access.fixture.upstream.requests.length, 0);
});

test("every ray id that an answer shows is in the log, with what was wrong and without the query", async (context) => {
  const access = await start(context);
  const { events } = access.fixture;
  for (const { what, status, ask } of await faults(access)) {
    events.splice(0);
    const answer = await ask(["Accept: application/json"]);
    assert.equal(answer.status, status, what);
    const ray = JSON.parse(answer.body).ray_id;
    const lines = events.filter((event) => "ray" in event && event.ray === ray);
    assert.equal(lines.length, 1, `${what}: ${JSON.stringify(events)}`);
    assert.ok(JSON.stringify(lines).includes("127.0.0.1"), what);
  }
  events.splice(0);
  await access.ask(`/${"x".repeat(7_000)}%zz?secret=1`, []);
  const text = JSON.stringify(events);
  assert.match(text, /bad_path/);
  assert.doesNotMatch(text, /secret/);
  assert.ok(text.length < 1_000, `${text.length} characters`);
});

test("a stranger who asks for unknown hosts without end gets some lines, and the rest is counted", async (context) => {
  const access = await start(context);
  for (let nth = 0; nth < 60; nth++) await access.ask("/", [], { host: `h${nth}.localhost` });
  const lines = access.fixture.events.filter(({ event }) => event === "error_page_shown");
  assert.ok(lines.length >= 10 && lines.length < 40, `${lines.length} lines`);
});

const unusualMethods = [...["LIST", "BAN", "UPDATE", "VERSION-CONTROL", "X", "FOO!", "PROPFINDER"]];

test("what is no method is a 400", async (context) => {
  const access = await start(context);
  for (const method of ["", "G\u00e9T", "GET,", "(LIST)", "L/ST"])
    await access.refused(400, "/x", [], { method });
});

const rawTargets = ["/x?q=café", "/x?€=1&y=日本", "/café/x", "/x?q=ü#y"];

test("bytes beyond ASCII in a query reach the origin as escapes, and in a path are refused", async (context) => {
  const access = await start(context);
  const raw = (text: string) => Buffer.from(text).toString("latin1");
  for (const target of rawTargets) {
    const escaped = encodeURI(target).replace(/#.*/, "");
    assert.equal((await access.passed(escaped)).url, escaped);
    const isQuery = !overNodeHttp && /^\/x\?[^#]*$/.test(target);
    if (isQuery) assert.equal((await access.passed(raw(target))).url, escaped);
    else await access.refused(400, raw(target));
  }
  for (const target of ["/\xc0\xaf", "http://app.localhost/\xe9", "/x?\x7f", "/x?\xe9#"])
    await access.refused(400, target);
});

// The parser of node:http knows some thirty methods, and no byte beyond ASCII.
if (overNodeHttp) {
  test("a method that the gateway does not know is a 501 that names it, and what is none stays a 400", async (context) => {
    const access = await start(context);
    for (const method of unusualMethods) {
      const answer = await access.refused(501, "/x", [], { method });
      assert.match(answer.body, new RegExp(`the method ${method} `), answer.raw);
    }
    for (const method of ["", "G\u00e9T", "GET,", "(LIST)", "L/ST"])
      await access.refused(400, "/x", [], { method });
    const kept = await access.passed("/x", [], { method: "PROPFIND" });
    assert.equal(kept.method, "PROPFIND");
  });

  test("an address with bytes beyond ASCII is told to write them as escapes, which pass", async (context) => {
    const access = await start(context);
    const raw = (text: string) => Buffer.from(text).toString("latin1");
    for (const target of rawTargets) {
      const answer = await access.refused(400, raw(target));
      assert.match(answer.body, /bytes beyond ASCII\. Write them as escapes: %C3%A9/, answer.raw);
      const escaped = encodeURI(target).replace(/#.*/, "");
      assert.equal((await access.passed(escaped)).url, escaped);
    }
    for (const target of ["/x?q=\xff\xfe", "/\xc0\xaf", "http://app.localhost/?\xe9"])
      assert.match((await access.refused(400, target)).body, /as escapes/);
    assert.doesNotMatch((await access.refused(400, "/x?\x7f")).body, /as escapes/);
  });
}
