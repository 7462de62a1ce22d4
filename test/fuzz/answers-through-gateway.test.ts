// What an origin can make the gateway say (case H9): whatever bytes it answers with, its client
// gets one whole answer that llhttp reads as we read the origin's, or sees it break off, or gets a
// 502; and the next answer on the connection is the next request's own.
import assert from "node:assert/strict";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { printCase } from "../../fuzz/case-text.ts";
import { readCorpus } from "../../fuzz/corpus.ts";
import type { ResponseCase } from "../../fuzz/grammar/cases.ts";
import { responseCase } from "../../fuzz/grammar/responses.ts";
import { readResponseByLlhttp } from "../../fuzz/readers/llhttp.ts";
import { readResponseByPostern } from "../../fuzz/readers/postern-responses.ts";
import { type Message, type Reading, valuesOf } from "../../fuzz/reading.ts";
import { gatewayTo, host, rawOrigin } from "../../packages/gateway/test/access/forward-fixture.ts";
import fc from "../support/properties.ts";

const seed = Number(process.env["POSTERN_TEST_SEED"] ?? 1);
const own = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nown";
const lanes = 16;

type Tried = Pick<ResponseCase, "bytes" | "method">;

/** Answers that a client could take for two, or never end. */
const odd: Tried[] = [
  ...["Connection: content-length", "Connection: x-a, transfer-encoding", "Connection: date"],
  ...["Upgrade: h2c\r\nConnection: Upgrade", "Keep-Alive: timeout=0", "Trailer: Content-Length"],
  ...["Proxy-Connection: close", "TE: trailers", "HTTP2-Settings: AAMAAABk", "Cf-Ray: 0"],
  ...["Content-Length: 3, 3", "Content-Length: 03", "Content-Length: +3", "Set-Cookie: a=\x01"],
].map((line) => ({ method: "GET" as const, bytes: answerWith(`${line}\r\nX-A: b`) }));

const bodiless: Tried[] = ["204 No Content", "304 Not Modified", "205 Reset Content"].flatMap(
  (status) =>
    ["Content-Length: 3", "Transfer-Encoding: chunked", "Content-Length: 0", "X: y"].flatMap(
      (line) =>
        (["GET", "HEAD"] as const).map((method) => ({
          method,
          bytes: Buffer.from(`HTTP/1.1 ${status}\r\n${line}\r\n\r\n3\r\nabc\r\n0\r\n\r\n${own}`),
        })),
    ),
);

const informational: Tried[] = [
  "HTTP/1.1 100 Continue\r\n\r\n".repeat(5_000),
  "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n".repeat(5_000),
  `HTTP/1.1 103 Early Hints\r\nLink: ${"a".repeat(60_000)}\r\n\r\n`.repeat(9),
  "HTTP/1.1 102 Processing\r\nContent-Length: 0\r\n\r\n",
  "HTTP/1.1 102 Processing\r\nContent-Length: 5\r\n\r\n",
  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
  "HTTP/1.1 199 X\r\nConnection: close\r\nUpgrade: a\r\nSet-Cookie: a=b\r\n\r\n",
].map((before) => ({ method: "GET" as const, bytes: Buffer.from(before + own) }));

const oversize: Tried[] = [
  `HTTP/1.1 200 ${"O".repeat(70_000)}\r\n\r\n`,
  `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(20_000)}\r\n`,
  `HTTP/1.1 200 OK\r\n${"X: y\r\n".repeat(9_000)}Content-Length: 3\r\n\r\nown`,
  `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${"X: y\r\n".repeat(20_000)}\r\n`,
  "HTTP/1.1 200 OK\r\nContent-Length: 999999999999999\r\n\r\nabc",
  "HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
].map((text) => ({ method: "GET" as const, bytes: Buffer.from(text) }));

function answerWith(lines: string): Buffer {
  return Buffer.from(`HTTP/1.1 200 OK\r\n${lines}\r\nContent-Length: 3\r\n\r\nown`, "latin1");
}

/** A gateway in front of an origin that answers `/<number>` with that case, and ends. */
async function openGateway(context: TestContext, cases: readonly Tried[]) {
  const { origin } = await rawOrigin(context, (socket) => {
    let request = "";
    socket.on("data", (bytes) => {
      request += bytes.toString("latin1");
      if (!request.endsWith("\r\n\r\n")) return;
      const [, number = ""] = /^\w+ \/(\d*)/.exec(request) ?? [];
      request = "";
      if (number === "") socket.write(own);
      else socket.end(cases[Number(number)]?.bytes ?? "");
    });
  });
  return gatewayTo(context, [{ service: origin }]);
}

/** What a client gets that asks for a case, and for something innocent behind it. */
function ask(port: number, number: number, method: string): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const pieces: Buffer[] = [];
  const client = connect({ host: "127.0.0.1", port });
  client.on("data", (piece: Buffer) => pieces.push(piece));
  client.on("error", () => undefined);
  client.on("close", () => resolve(Buffer.concat(pieces)));
  const lines = `HTTP/1.1\r\nHost: ${host}\r\n`;
  client.write(`${method} /${number} ${lines}\r\nGET / ${lines}Connection: close\r\n\r\n`);
  return promise;
}

/** What is wrong with what the client got; undefined where nothing is. */
function faultOf({ bytes, method }: Tried, got: Buffer): string | undefined {
  // 1. The answer: as the origin's is read, or one of the gateway's own.
  const [answer, ...informations] = finalFirst(readResponseByLlhttp([got], method, true));
  if (answer === undefined) return got.length === 0 ? undefined : "it is no answer";
  const isOurs = answer.start[0] === "502";
  const [asked] = finalFirst(readResponseByPostern([bytes], method, true));
  if (!isOurs) {
    if (asked === undefined) return "it is no answer of the origin's";
    if (answer.start[0] !== asked.start[0]) return `status ${answer.start}, not ${asked.start}`;
    if (!asked.body.startsWith(answer.body)) return "it has a body of its own";
    if (answer.complete && answer.body !== asked.body) return "a part passes for the whole";
    if (answer.complete && !asked.complete) return "what broke off passes for the whole";
    const foreign = foreignLine(answer, asked);
    if (foreign !== undefined) return `it has ${foreign}`;
  }
  for (const { fields } of [answer, ...informations])
    for (const name of ["upgrade", "transfer-encoding, content-length", "te", "http2-settings"])
      if (name.split(", ").every((each) => valuesOf(fields, each).length > 0))
        return `it has ${name}`;

  // 2. The next one: its own, or none.
  if (!answer.complete || answer.end === undefined) return undefined;
  const rest = got.subarray(answer.end);
  if (rest.length === 0) return undefined;
  const next = readResponseByLlhttp([rest], "GET", true);
  const [second, ...more] = next.messages;
  const isNext = second?.start[0] === "200" && second.body === "own" && second.complete;
  if (!isNext || more.length > 0 || second.end !== rest.length) return "bytes are left behind it";
  return undefined;
}

/** The first final answer, and the informational ones before it. */
function finalFirst({ messages }: Reading): Message[] {
  const place = messages.findIndex(({ start }) => !/^1/.test(start[0] ?? ""));
  const final = messages[place];
  return final === undefined ? [] : [final, ...messages.slice(0, place)];
}

/** Lines that are the gateway's own to say. */
const ownLine = /^(?:connection|keep-alive|date|cf-ray|transfer-encoding):/;

/** A line of the answer that the origin has not said, and that is not the gateway's own. */
function foreignLine(answer: Message, asked: Message): string | undefined {
  const lines = new Set(linesOf(asked.fields));
  const statesLength = valuesOf(asked.fields, "content-length").length > 0;
  // Where the origin states no length, llhttp has seen that the gateway's is right.
  const isLength = (line: string) => !statesLength && line.startsWith("content-length:");
  return linesOf(answer.fields).find(
    (line) => !lines.has(line) && !ownLine.test(line) && !isLength(line),
  );
}

/** @param fields as `Message` has them @returns lengths in one spelling */
function linesOf(fields: readonly string[]): string[] {
  return fields.flatMap((name, index) => {
    if (index % 2 === 1) return [];
    const value = fields[index + 1] ?? "";
    return name === "content-length" ? `${name}: ${Number(value)}` : `${name}: ${value}`;
  });
}

async function tryAll(context: TestContext, cases: readonly Tried[]): Promise<void> {
  const { port } = await openGateway(context, cases);
  const faults: string[] = [];
  let next = 0;
  const lane = async () => {
    for (let number = next++; number < cases.length; number = next++) {
      const tried = cases[number];
      if (tried === undefined) return;
      const got = await ask(port, number, tried.method);
      const fault = faultOf(tried, got);
      if (fault === undefined) continue;
      const texts = [printCase(tried.bytes).slice(0, 600), printCase(got).slice(0, 600)];
      faults.push([`${tried.method}: ${fault}`, ...texts].join("\n"));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  assert.deepEqual(faults.slice(0, 3).join("\n\n"), "");
}

test("whatever an origin answers, its client gets that one answer and the next request its own (H9)", async (context) => {
  const kept = readCorpus("responses").flatMap(({ bytes }) =>
    (["GET", "HEAD"] as const).map((method) => ({ bytes, method })),
  );
  await tryAll(context, [...odd, ...bodiless, ...informational, ...oversize, ...kept]);
});

test("1,500 made answers reach their client as one answer each, or not at all (H9)", async (context) => {
  await tryAll(context, fc.sample(responseCase, { numRuns: 1_500, seed }));
});
