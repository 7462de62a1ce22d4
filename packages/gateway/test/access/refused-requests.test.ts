// What never becomes a request: the transport refuses it, and its answer has a ray id that the log
// knows, as every other one has. The origin sees nothing of it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { rawExchange } from "../../../../test/support/raw-request.ts";
import { overNodeHttp } from "../../../../test/support/transport.ts";
import { application, open, startAccessFixture } from "./access-fixture.ts";

const host = "Host: app.localhost";
const malformed = overNodeHttp ? "HPE_" : "malformed_(request_line|header)";

const refused: [what: string, request: string, status: number, reason: string][] = [
  ["CONNECT", `CONNECT app.localhost:443 HTTP/1.1\r\n${host}\r\n\r\n`, 405, "bad_method"],
  [
    "a method in another writing",
    `Trace / HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    overNodeHttp ? 501 : 405,
    overNodeHttp ? "HPE_INVALID_METHOD" : "bad_method",
  ],
  [
    "raw bytes in a path",
    `GET /caf\xe9 HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    400,
    overNodeHttp ? "HPE_INVALID_URL" : "bad_path",
  ],
  ["no version", `GET /\r\n${host}\r\n\r\n`, 505, "bad_version"],
  ["HTTP/0.9", `GET / HTTP/0.9\r\n${host}\r\n\r\n`, 505, "bad_version"],
  ["HTTP/2.0", `GET / HTTP/2.0\r\n${host}\r\nConnection: close\r\n\r\n`, 505, "bad_version"],
  ["HTTP/1.2", `GET / HTTP/1.2\r\n${host}\r\n\r\n`, 400, malformed],
  ["another protocol", "SSH-2.0-OpenSSH_9.2\r\n", 400, malformed],
  ["a header without a name", `GET / HTTP/1.1\r\n${host}\r\n: x\r\n\r\n`, 400, malformed],
  ["a folded header", `GET / HTTP/1.1\r\n${host}\r\nA: b\r\n c\r\n\r\n`, 400, malformed],
  [
    "two lengths",
    `POST / HTTP/1.1\r\n${host}\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n`,
    400,
    overNodeHttp ? "HPE_" : "malformed_length",
  ],
  [
    "a head without end",
    `GET / HTTP/1.1\r\n${host}\r\nA: ${"a".repeat(70_000)}`,
    431,
    overNodeHttp ? "HPE_HEADER_OVERFLOW" : "head_too_large",
  ],
  [
    "an unknown expectation",
    `POST / HTTP/1.1\r\n${host}\r\nExpect: a-miracle\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    417,
    "unknown_expectation",
  ],
  [
    "two expectations",
    `POST / HTTP/1.1\r\n${host}\r\nExpect: 100-continue, b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    417,
    "unknown_expectation",
  ],
];

test("what the transport refuses has a ray id on its answer and in the log", async (context) => {
  const { fixture } = await startAccessFixture(context, [application("app", [open])]);
  for (const [what, request, status, reason] of refused) {
    const answer = await rawExchange(fixture.port, request);
    assert.equal(answer.status, status, `${what}: ${answer.raw}`);
    const ray = answer.headers["cf-ray"];
    assert.match(ray ?? "", /^[0-9a-f]{16}$/, what);
    assert.ok(answer.body.includes(ray ?? "none"), `${what}: ${answer.body}`);
    const lines = fixture.events.filter((event) => "ray" in event && event.ray === ray);
    assert.equal(lines.length, 1, what);
    assert.partialDeepStrictEqual(lines[0], { event: "error_page_shown", status, ip: "127.0.0.1" });
    assert.match(JSON.stringify(lines[0]), new RegExp(`"reason":"${reason}`), what);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

const withoutHost: [what: string, request: string][] = [
  ["no Host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n"],
  ["no Host, in HTTP/1.0", "GET / HTTP/1.0\r\n\r\n"],
  ["an empty Host", "GET / HTTP/1.1\r\nHost:\r\nConnection: close\r\n\r\n"],
  [
    "an absolute address in place of a Host",
    "GET http://app.localhost/ HTTP/1.1\r\nConnection: close\r\n\r\n",
  ],
  ["a body and no Host", "POST / HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi"],
  [
    "X-Forwarded-Host in place of a Host",
    "GET / HTTP/1.1\r\nX-Forwarded-Host: app.localhost\r\nConnection: close\r\n\r\n",
  ],
];

test("a request that names no host has a ray id on its answer and in the log", async (context) => {
  const { fixture } = await startAccessFixture(context, [application("app", [open])]);
  for (const [what, request] of withoutHost) {
    const answer = await rawExchange(fixture.port, request);
    assert.equal(answer.status, 400, `${what}: ${answer.raw}`);
    const ray = answer.headers["cf-ray"];
    assert.match(ray ?? "", /^[0-9a-f]{16}$/, what);
    const lines = fixture.events.filter((event) => "ray" in event && event.ray === ray);
    assert.equal(lines.length, 1, what);
    assert.match(JSON.stringify(lines[0]), /"reason":"bad_host/, what);
  }
  assert.equal(fixture.upstream.requests.length, 0);
});

test("the query and the user of a refused address are in no line", async (context) => {
  const { fixture } = await startAccessFixture(context, [application("app", [open])]);
  await rawExchange(fixture.port, `GET /a?token=hush HTTP/1.1\r\n${host}\r\na b: c\r\n\r\n`);
  await rawExchange(fixture.port, `CONNECT /b?token=hush HTTP/1.1\r\n${host}\r\n\r\n`);
  await rawExchange(fixture.port, `CONNECT ada:hush@b.test:443 HTTP/1.1\r\n${host}\r\n\r\n`);
  for (const target of [
    "http://ada:hush@app.localhost/",
    `HTTPS://ada:${"hush".repeat(200)}@app.localhost/`,
    "http://ada@b:hush@app.localhost",
  ])
    await rawExchange(
      fixture.port,
      `GET ${target} HTTP/1.1\r\n${host}\r\nConnection: close\r\n\r\n`,
    );
  assert.equal(fixture.events.length, 6);
  assert.doesNotMatch(JSON.stringify(fixture.events), /hush/);
});
