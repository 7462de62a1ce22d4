// A table of attacks, each tried by every way in. A row is a request and what is right: an answer
// while the origin sees nothing, or exactly the request that the origin sees. After the rows of a
// case an innocent request goes the same way and must be all that the origin has seen: what an
// attack left behind in a connection would be seen there.
import assert from "node:assert/strict";
import { after, type TestContext, test } from "node:test";
import { claimsOf } from "../../packages/gateway/test/tokens/token-fixture.ts";
import { leaveOut } from "../support/requirements.ts";
import type { SeenRequest, Upstream } from "../support/upstream.ts";
import { type Request, type WayAnswer, type WayIn, waysIn } from "../support/ways-in.ts";
import { alice, type House, openHouse, type Who } from "./house.ts";

/** The origin has seen nothing, and the answer is one of these. */
export interface Denied {
  statuses: readonly number[];
}

/** The origin has seen nothing, and the stream or the connection ended with this error. */
export interface Reset {
  error: number;
}

/** The origin has seen this one request, in every byte, and its answer came back. */
export interface Reaches {
  /** the request target */
  reaches: string;
  /** default: the method that was asked with */
  method?: string;
  /** default: the host that was asked */
  host?: string;
  /** who the origin is told that asks; default: who does */
  told?: Who;
  /** lines of the client's that go on; all else is the gateway's own */
  keeps?: readonly string[];
  body?: string;
  trailers?: readonly string[];
}

/**
 * The origin has not seen a whole request: what it was sent of this one broke off. The answer is
 * one of these, or none.
 */
export interface Cut {
  cutWith: readonly (number | undefined)[];
}

/** A proxy in front has made something sound of it: the origin has seen these targets at most. */
export interface Mended {
  mendedTo: readonly string[];
}

/** This way in has no words for the attack. */
export interface Unsayable {
  /** why, in a sentence */
  unsayable: string;
}

export type Right = Denied | Reset | Reaches | Cut | Mended | Unsayable;
export type RightByWay = Readonly<Record<WayIn["kind"], Right>>;

/** Of one request: who asks for what, and what is right. A text is a GET of that target. */
export interface Row {
  ask: string | Request;
  /** default: nobody */
  as?: Who;
  right: Right | RightByWay;
}

export interface Case {
  /** id and sentence, which the names of its tests begin with */
  about: string;
  rows: readonly Row[];
}

/** 401, 403, or led to the sign-in. */
export const denied: Denied = { statuses: [302, 401, 403] };
export const refused: Denied = { statuses: [400] };
export const notFound: Denied = { statuses: [404] };
export const reset: Reset = { error: 1 };

/** Over HTTP/2 malformed (RFC 9113 8.1.1), and a 400 elsewhere. */
export const malformed: RightByWay = { http1: refused, http2: reset, nginx: refused };

/** Rows that differ in the request alone. */
export function all(
  right: Row["right"],
  asks: readonly (string | Request)[],
  as: Who = "nobody",
): Row[] {
  return asks.map((ask) => ({ ask, right, as }));
}

/** Makes each case a test for each way in. The house of a way is shared by a file's cases. */
export function tryEveryWay(cases: readonly Case[], sections?: Record<string, unknown>): void {
  for (const way of waysIn) {
    const house = sharedHouse(way, sections);
    for (const { about, rows } of cases)
      test(nameOf(about, way, rows), leaveOut(way.missing), async (context) =>
        tryRows(context, await house(), rows),
      );
  }
}

/** Where a way has no words for any of the rows, its test says so. */
function nameOf(about: string, way: WayIn, rows: readonly Row[]): string {
  const rights = rows.map(({ right }) => rightFor(way, right));
  const [reason] = rights.flatMap((right) => ("unsayable" in right ? [right.unsayable] : []));
  const isUnsayable = rights.every((right) => "unsayable" in right);
  const name = `${about}, ${way.name}`;
  return isUnsayable ? `${name}, where it cannot be said: ${reason}` : name;
}

/** The same house for everybody who asks, opened for the first and closed behind the last test. */
function sharedHouse(way: WayIn, sections?: Record<string, unknown>): () => Promise<House> {
  let house: Promise<House> | undefined;
  after(async () => (await house)?.close());
  return () => {
    house ??= openHouse(way, sections);
    return house;
  };
}

async function tryRows(context: TestContext, house: House, rows: readonly Row[]): Promise<void> {
  for (const row of rows) {
    const right = rightFor(house.way, row.right);
    if ("unsayable" in right) context.diagnostic(`${wordsFor(row.ask)}: ${right.unsayable}`);
    else await tryRow(house, row, right);
  }
  await assertUntouched(
    house,
    rows.flatMap(({ right }) => rightFor(house.way, right)),
  );
}

function rightFor({ kind }: WayIn, right: Row["right"]): Right {
  return "http1" in right ? right[kind] : right;
}

async function tryRow(house: House, row: Row, right: Exclude<Right, Unsayable>): Promise<void> {
  const { upstream, door } = house;
  const asked = typeof row.ask === "string" ? { target: row.ask } : row.ask;
  const { host = "app.localhost", lines = [] } = asked;
  const credentials = await house.credentials(row.as ?? "nobody", host ?? "app.localhost");
  upstream.reset();
  const answer = await door.ask({ ...asked, lines: [...credentials, ...lines] });
  const what = `${wordsFor(row.ask)}: ${answer.status ?? `ended with ${answer.error}`}`;

  assert.equal(answer.isOpen, false, `${what}, and the connection is open`);
  assert.deepEqual(cutOtherwise(upstream), [], what);
  const passage = { as: row.as ?? "nobody", asked, answer };
  await assertRight(house, passage, right, what);
}

async function assertRight(
  house: House,
  passage: Passage,
  right: Exclude<Right, Unsayable>,
  what: string,
): Promise<void> {
  const { requests } = house.upstream;
  const { status, error } = passage.answer;
  if ("reaches" in right) {
    assert.equal(status, 200, what);
    assert.equal(requests.length, 1, what);
    const [seen] = requests;
    assert.ok(seen !== undefined);
    return assertSeen(house, seen, passage, right, what);
  }
  if ("cutWith" in right) {
    assert.ok(right.cutWith.includes(status), what);
    return assertCut(house, what);
  }
  const seen = requests.map(({ url }) => url);
  if ("mendedTo" in right) {
    for (const url of seen)
      assert.ok(right.mendedTo.includes(url), `${what}: the origin saw ${url}`);
    return;
  }
  assert.deepEqual(seen, [], what);
  if ("error" in right) assert.deepEqual([status, error], [undefined, right.error], what);
  else assert.ok(right.statuses.includes(status ?? 0), what);
}

/** What the origin has read in another way than it was written, but for what was broken off. */
function cutOtherwise({ malformed }: Upstream): string[] {
  return malformed.filter((code) => code !== "HPE_INVALID_EOF_STATE");
}

async function assertCut({ upstream }: House, what: string): Promise<void> {
  // What was sent before the client was told is read before this is answered.
  await (await fetch(`${upstream.origin}/behind`)).text();
  const requests = upstream.requests.filter(({ url }) => url !== "/behind");
  assert.ok(requests.length <= 1, what);
  for (const request of requests) {
    await request.ended;
    assert.equal(request.aborted, true, `${what}: the origin saw a whole request`);
  }
}

interface Passage {
  as: Who;
  asked: Request;
  answer: WayAnswer;
}

/** The origin has what is the client's to say, what is ours to say, and not a line more. */
async function assertSeen(
  { door, way }: House,
  seen: SeenRequest,
  { as, asked, answer }: Passage,
  right: Reaches,
  what: string,
): Promise<void> {
  await seen.ended;
  const { host = right.host ?? asked.host ?? "app.localhost", keeps = [] } = right;
  const method = right.method ?? asked.method ?? "GET";
  assert.equal(seen.requestLine, `${method} ${right.reaches} HTTP/1.1`, what);
  const own = [
    `Host: ${host}`,
    `X-Forwarded-For: ${door.clientAddress}`,
    "X-Forwarded-Proto: http",
    `X-Forwarded-Host: ${host}`,
    ...identityLines(right.told ?? as),
  ];
  const expected = [...own, ...keeps].map(comparable).sort();
  // How a body is framed behind a proxy is for the proxy to say.
  const counts = (line: string) =>
    way.kind !== "nginx" || !/^(content-length|transfer-enc)/.test(line);
  assert.deepEqual(linesOf(seen, answer).filter(counts), expected.filter(counts), what);
  assert.equal(seen.body, right.body ?? "", what);
  const trailers = Object.entries(seen.trailers).map(([name, value]) => `${name}: ${value}`);
  assert.deepEqual(trailers.map(comparable), (right.trailers ?? []).map(comparable), what);
}

/** Who the origin is told that asks. */
function identityLines(as: Who): string[] {
  if (as === "nobody") return [];
  if (as === "robot") return ["Cf-Access-Jwt-Assertion: of robot.access"];
  return [`Cf-Access-Jwt-Assertion: of ${alice}`, `Cf-Access-Authenticated-User-Email: ${alice}`];
}

/** What arrived, but for what differs from request to request, which is checked here. */
function linesOf({ rawHeaders }: SeenRequest, { raw }: WayAnswer): string[] {
  const lines: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const [name = "", value = ""] = rawHeaders.slice(index, index + 2);
    if (name === "Cf-Ray") {
      assert.match(value, /^[0-9a-f]{16}$/);
      // Over HTTP/2 it is packed.
      if (raw.startsWith("HTTP/1.1"))
        assert.ok(raw.includes(value), "another ray than the answer's");
    } else if (name === "Cf-Access-Jwt-Assertion") {
      lines.push(`${name}: of ${personIn(value)}`);
    } else {
      lines.push(`${name}: ${value}`);
    }
  }
  return lines.map(comparable).sort();
}

function personIn(assertion: string): unknown {
  const { use, email, common_name } = claimsOf(assertion) as Record<string, unknown>;
  if (email !== undefined) assert.equal(use, "assertion");
  return email ?? common_name;
}

/** Names are the same in every case, and HTTP/2 has them in lower case. */
function comparable(line: string): string {
  const mark = line.indexOf(":");
  return line.slice(0, mark).toLowerCase() + line.slice(mark);
}

/**
 * What comes next on the same way is served as ever, and is all that the origin sees, but for what
 * a proxy in front may be slow to send of a row that was right.
 */
async function assertUntouched({ door, upstream }: House, rights: readonly Right[]): Promise<void> {
  const late = rights.flatMap((right) => ("mendedTo" in right ? right.mendedTo : []));
  upstream.reset();
  const answers = await Promise.all(
    ["/public/one", "/public/two"].map((target) => door.ask({ target })),
  );
  for (const { status } of answers) assert.equal(status, 200);
  const urls = upstream.requests.map(({ url }) => url).filter((url) => !late.includes(url));
  const seen = urls.sort();
  assert.deepEqual(seen, ["/public/one", "/public/two"], "something was left behind");
  assert.deepEqual(cutOtherwise(upstream), []);
}

function wordsFor(ask: string | Request): string {
  return JSON.stringify(ask).slice(0, 300);
}
