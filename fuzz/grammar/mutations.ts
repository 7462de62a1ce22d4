// Damage to bytes that were a proper message: what is inserted, and where, is what readers of HTTP
// are known to see differently.
import fc from "fast-check";

/** One piece of damage. */
interface Mutation {
  kind: (typeof kinds)[number];
  /** where: a place beside a delimiter, or any */
  atDelimiter: boolean;
  place: number;
  length: number;
  text: string;
}

const kinds = [
  "insert",
  "insert",
  "replace",
  "remove",
  "double",
  "move",
  "other line end",
] as const;

const texts = [
  ..."\r\n\t \0\v\f\x01\x7f\x80\x85\xa0\xff",
  ..."0123456789aAfFgGxX:;,=.-+_\"'\\/?#%@{}()<>[]|^~`&*",
  "\r\n",
  "\n\n",
  "\r\r\n",
  "\r\n\r\n",
  "\r\n ",
  "\r\n\t",
  "\n ",
  " \r\n",
  "  ",
  " :",
  "0\r\n\r\n",
  "0\n\n",
  "0x",
  "1\r\nx\r\n",
  ";a",
  ';a="b',
  ";\r\n",
  "HTTP/1.0",
  "HTTP/1.1",
  "HTTP/2.0",
  "http/1.1",
  "\r\nContent-Length: 5",
  "\r\nContent-Length: 0",
  "\r\ncontent-length : 3",
  "\r\nTransfer-Encoding: chunked",
  "\r\nTransfer-Encoding: identity",
  "\r\nTransfer_Encoding: chunked",
  "\r\nHost: b",
  "\r\nConnection: close",
  "\r\nX: y",
  "chunked",
  ", chunked",
  "GET / HTTP/1.1\r\nHost: c\r\n\r\n",
];

const mutation: fc.Arbitrary<Mutation> = fc.record({
  kind: fc.constantFrom(...kinds),
  atDelimiter: fc.boolean(),
  place: fc.nat(0xffff),
  length: fc.constantFrom(1, 1, 1, 2, 3, 8),
  text: fc.constantFrom(...texts),
});

/** Mostly none, so that proper messages are read as well. */
export const mutations: fc.Arbitrary<Mutation[]> = fc.oneof(
  { weight: 6, arbitrary: fc.constant<Mutation[]>([]) },
  { weight: 5, arbitrary: fc.tuple(mutation) },
  { weight: 1, arbitrary: fc.array(mutation, { minLength: 2, maxLength: 4 }) },
);

/** @param text latin1 */
export function mutate(text: string, list: readonly Mutation[]): string {
  return list.reduce(apply, text);
}

function apply(text: string, { kind, atDelimiter, place, length, text: piece }: Mutation): string {
  if (kind === "other line end") return withOtherLineEnd(text, place, piece);
  const at = placeIn(text, place, atDelimiter);
  const before = text.slice(0, at);
  const after = text.slice(at);
  switch (kind) {
    case "insert":
      return before + piece + after;
    case "replace":
      return before + piece + after.slice(length);
    case "remove":
      return before + after.slice(length);
    case "double":
      return before + after.slice(0, length) + after;
    case "move": {
      const rest = before + after.slice(length);
      const target = placeIn(rest, place * 31, true);
      return rest.slice(0, target) + after.slice(0, length) + rest.slice(target);
    }
  }
}

function placeIn(text: string, place: number, atDelimiter: boolean): number {
  const at = place % (text.length + 1);
  if (!atDelimiter) return at;
  delimiter.lastIndex = at;
  return delimiter.exec(text)?.index ?? at;
}

const delimiter = /[\r\n:;,= ]|(?<=[\r\n:;,= ])./g;

const lineEnds = ["\n", "\r", "\r\r\n", "\n\r", "\n\n", " \r\n", "\t\n", "\r\n "];

function withOtherLineEnd(text: string, place: number, piece: string): string {
  const lines = text.split("\r\n");
  if (lines.length < 2) return text;
  const index = place % (lines.length - 1);
  const lineEnd = lineEnds[piece.charCodeAt(0) % lineEnds.length] ?? "\n";
  const before = lines.slice(0, index + 1).join("\r\n");
  return before + lineEnd + lines.slice(index + 1).join("\r\n");
}
