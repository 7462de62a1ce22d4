// What is fuzzed: requests and responses, each with our reader, the readers it is compared with,
// and what they may see differently.
import { METHODS } from "node:http";
import type fc from "fast-check";
import { type Comparison, compare, type Difference, everything } from "./compare.ts";
import { type Case, piecesOf, type ResponseCase } from "./grammar/cases.ts";
import { requestCase } from "./grammar/requests.ts";
import { responseCase } from "./grammar/responses.ts";
import { llhttpRequests, readResponseByLlhttp } from "./readers/llhttp.ts";
import { nodeRequests, readResponseByNode } from "./readers/node-http.ts";
import { readRequestsByPostern } from "./readers/postern-requests.ts";
import { readResponseByPostern } from "./readers/postern-responses.ts";
import { type Message, plainFields, type Reading } from "./reading.ts";

/** A difference, and whose. */
export interface Finding extends Difference {
  reader: string;
}

/** Something that several programs read. */
export interface Subject<Tried extends Case = Case> {
  name: "requests" | "responses";
  cases: fc.Arbitrary<Tried>;
  /** Reads the pieces of a case, and what is said to follow them. */
  ours(tried: Tried, pieces: readonly Buffer[]): Reading;
  /** the readers in this process */
  others: readonly { name: string; read(tried: Tried): Reading }[];
  comparison: Comparison;
  /** Every way in which bytes of a corpus are tried. */
  variants(bytes: Buffer): Tried[];
}

export const requests: Subject<Case> = {
  name: "requests",
  cases: requestCase,
  ours: (_, pieces) => readRequestsByPostern(pieces),
  others: [nodeRequests, llhttpRequests].map(({ name, read }) => ({
    name,
    read: (tried: Case) => read(piecesOf(tried)),
  })),
  comparison: everything,
  variants: (bytes) => cutsOf(bytes).map((cuts) => ({ bytes, cuts })),
};

export const responses: Subject<ResponseCase> = {
  name: "responses",
  cases: responseCase,
  ours: ({ method, closes }, pieces) => readResponseByPostern(pieces, method, closes),
  others: [
    { name: "node:http", read: readResponseByNode },
    { name: "llhttp", read: readResponseByLlhttp },
  ].map(({ name, read }) => ({
    name,
    read: (tried: ResponseCase) => read(piecesOf(tried), tried.method, tried.closes),
  })),
  comparison: { ...everything, fields: withPlainLength },
  variants: (bytes) =>
    cutsOf(bytes).flatMap((cuts) =>
      (["GET", "HEAD"] as const).flatMap((method) =>
        [true, false].map((closes) => ({ bytes, cuts, method, closes })),
      ),
    ),
};

/** What the readers in this process see differently. Empty when they agree. */
export function tryCase<Tried extends Case>(subject: Subject<Tried>, tried: Tried): Finding[] {
  const ours = subject.ours(tried, piecesOf(tried));
  return subject.others.flatMap(({ name, read }) => {
    const finding = differenceOf(subject, tried, ours, { name, reading: read(tried) });
    return finding === undefined ? [] : [finding];
  });
}

/** How one reader differs from ours; undefined when ours has refused before they differ. */
export function differenceOf<Tried extends Case>(
  subject: Subject<Tried>,
  tried: Tried,
  ours: Reading,
  { name, reading, comparison = subject.comparison }: OtherReading,
): Finding | undefined {
  const difference = compare(ours, reading, comparison);
  if (difference === undefined) return undefined;
  if (ours.outcome === "partial" && isDoomed(subject, tried, ours)) return undefined;
  if (subject.name === "requests" && difference.kind === "refuses" && isWider(ours, reading))
    return undefined;
  return { ...difference, reader: name };
}

/** Whether ours has taken in a line that it refuses as soon as it is whole: nothing comes of it. */
function isDoomed<Tried extends Case>(
  subject: Subject<Tried>,
  tried: Tried,
  ours: Reading,
): boolean {
  const later = subject.ours(tried, [...piecesOf(tried), lineEnds]);
  return later.outcome === "refused" && later.messages.length === ours.messages.length;
}

/**
 * Whether another refuses a request for what the gateway takes on purpose: a method that it does
 * not know (any token is one, RFC 9110 9.1), or bytes beyond ASCII in a query. Neither moves the
 * end of a message, and both go on as they came.
 */
function isWider(ours: Reading, theirs: Reading): boolean {
  const place = theirs.messages.filter(({ complete }) => complete).length;
  const [method = "", target = ""] = ours.messages[place]?.start ?? [];
  return !METHODS.includes(method) || /\?.*[\x80-\xff]/.test(target);
}

/** What another reader made of a case. */
export interface OtherReading {
  name: string;
  reading: Reading;
  comparison?: Comparison;
}

/** Ends every line, head and trailer that may have begun. */
const lineEnds = Buffer.from("\r\n\r\n\r\n\r\n");

/** None, one at every place for short ones, and one at every place at once. */
function cutsOf(bytes: Buffer): number[][] {
  const places = Array.from(bytes.keys()).slice(1);
  return [[], places, ...places.map((place) => [place])];
}

/** Ours hands on a length in its one spelling. */
function withPlainLength({ fields }: Message): readonly string[] {
  return plainFields(fields).map((text, index, all) => {
    const isLength = index % 2 === 1 && all[index - 1] === "content-length";
    return isLength ? text.replace(/^0+(?=\d)/, "") : text;
  });
}
