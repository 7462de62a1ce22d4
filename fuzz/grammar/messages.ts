// What requests and responses have in common: header fields, and bodies with the fields that say
// how long they are, rightly or not. Everything is latin1 text, a character for each byte.
import fc from "fast-check";

/** Fields that say how long a body is, and the body as it goes over the wire. */
export interface FramedBody {
  fields: readonly string[];
  body: string;
}

const bodyText = fc.oneof(
  fc.constantFrom("hello", "a", "\r\n", "0\r\n\r\n", "5\r\nhello\r\n0\r\n\r\n", "x".repeat(17)),
  // A body that is a message, for readers that end it too early.
  fc.constantFrom("GET /inner HTTP/1.1\r\nHost: inner\r\n\r\n", "HTTP/1.1 200 OK\r\n\r\n"),
  fc.string({ maxLength: 12 }),
);

const none: fc.Arbitrary<FramedBody> = fc.constant({ fields: [], body: "" });

const withLength: fc.Arbitrary<FramedBody> = bodyText.map((body) => ({
  fields: [`Content-Length: ${body.length}`],
  body,
}));

const oddLength: fc.Arbitrary<FramedBody> = fc
  .record({
    body: bodyText,
    write: fc.constantFrom<(length: number) => readonly string[]>(
      (length) => [`Content-Length: 0${length}`],
      (length) => [`Content-Length: +${length}`],
      (length) => [`Content-Length: -${length}`],
      (length) => [`Content-Length: 0x${length}`],
      (length) => [`Content-Length: ${length} `],
      (length) => [`Content-Length:\t${length}\t`],
      (length) => [`Content-Length:${length}`],
      (length) => [`Content-Length : ${length}`],
      (length) => [`Content-Length: ${length}, ${length}`],
      (length) => [`Content-Length: ${length}`, `Content-Length: ${length}`],
      (length) => [`Content-Length: ${length}`, `content-length: ${length + 1}`],
      (length) => [`Content-Length: ${length} 1`],
      (length) => [`Content-Length: ${length}.0`],
      (length) => [`Content-Length: ${length}e0`],
      (length) => [`Content-Length: "${length}"`],
      (length) => [`Content-Length: ${length + 3}`],
      (length) => [`Content-Length: ${Math.max(0, length - 3)}`],
      () => ["Content-Length:"],
      () => ["Content-Length: ,"],
      () => ["Content-Length: 18446744073709551617"],
      () => ["Content-Length: 9007199254740993"],
      () => ["Content-Length: 99999999999999999999999"],
    ),
  })
  .map(({ body, write }) => ({ fields: write(body.length), body }));

const sizeOf = fc.constantFrom<(length: number) => string>(
  (length) => length.toString(16),
  (length) => length.toString(16),
  (length) => length.toString(16),
  (length) => length.toString(16).toUpperCase(),
  (length) => `00${length.toString(16)}`,
  (length) => `0000000000000000${length.toString(16)}`,
  (length) => `${length.toString(16)} `,
  (length) => ` ${length.toString(16)}`,
  (length) => `${length.toString(16)}\t`,
  (length) => `+${length.toString(16)}`,
  (length) => `-${length.toString(16)}`,
  (length) => `0x${length.toString(16)}`,
  (length) => `${length.toString(16)}g`,
  (length) => `${length.toString(16)}h`,
  (length) => `1000000000000000${length.toString(16)}`,
  (length) => (length + 1).toString(16),
  () => "",
  () => "ffffffffffffffff",
);

const extension = fc.constantFrom(
  "",
  "",
  "",
  "",
  ";a",
  ";a=b",
  '; a = "b c"',
  ';a="b;c"',
  ';a="b\\"c"',
  ';a="\r\n"',
  ' ;a="',
  ";",
  ";;",
  "; ",
  ";a=\x80",
  ";a\n",
  ";a\r",
  ";a=b\tc",
);

const trailers = fc.constantFrom(
  "",
  "",
  "",
  "T: u\r\n",
  "T: u\r\nV: w\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Host: trailer\r\n",
  "T : u\r\n",
  "T: u\r\n v\r\n",
  "T\r\n",
  ": u\r\n",
  "T: \0\r\n",
);

const chunk = fc.record({ text: bodyText, size: sizeOf, extension });

/** Chunks, of which most are proper. */
const chunks = fc
  .record({
    list: fc.array(chunk, { maxLength: 3 }),
    last: fc.constantFrom("0", "0", "0", "0", "00", "0;a=b", "0 ", "-0", "0x0", "000000000000"),
    trailers,
    plain: fc.constantFrom(true, true, false),
  })
  .map(({ list, last, trailers: fields, plain }) => {
    const written = list.filter(({ text }) => text !== "").map((each) => writeChunk(each, plain));
    return `${written.join("")}${plain ? "0" : last}\r\n${fields}\r\n`;
  });

function writeChunk(
  {
    text,
    size,
    extension: after,
  }: { text: string; size: (n: number) => string; extension: string },
  plain: boolean,
): string {
  const head = plain ? text.length.toString(16) : size(text.length) + after;
  return `${head}\r\n${text}\r\n`;
}

const chunked: fc.Arbitrary<FramedBody> = chunks.map((body) => ({
  fields: ["Transfer-Encoding: chunked"],
  body,
}));

/** Transfer codings that some readers take for `chunked`, and some do not. */
const oddCoding: fc.Arbitrary<FramedBody> = fc.record({
  fields: fc.constantFrom<readonly string[]>(
    ["Transfer-Encoding: Chunked"],
    ["transfer-encoding:chunked"],
    ["Transfer-Encoding: chunked "],
    ["Transfer-Encoding:\tchunked\t"],
    ["Transfer-Encoding: \x0bchunked"],
    ["Transfer-Encoding : chunked"],
    [" Transfer-Encoding: chunked"],
    ["Transfer-Encoding: xchunked"],
    ["Transfer-Encoding: chunkedx"],
    ["Transfer-Encoding: chunked;q=1"],
    ['Transfer-Encoding: "chunked"'],
    ["Transfer-Encoding: gzip, chunked"],
    ["Transfer-Encoding: chunked, gzip"],
    ["Transfer-Encoding: chunked, chunked"],
    ["Transfer-Encoding: chunked,"],
    ["Transfer-Encoding: ,chunked"],
    ["Transfer-Encoding: identity"],
    ["Transfer-Encoding: identity, chunked"],
    ["Transfer-Encoding: gzip"],
    ["Transfer-Encoding:"],
    ["Transfer-Encoding: gzip", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
    ["Transfer-Encoding:", "Transfer-Encoding: chunked"],
    ["Transfer-Encoding:\r\n chunked"],
    ["Transfer_Encoding: chunked"],
    ["Transfer-Encoding\xa0: chunked"],
    ["X: y\nTransfer-Encoding: chunked"],
    ["X: y\rTransfer-Encoding: chunked"],
  ),
  body: chunks,
});

/** Two statements of one length. */
const both: fc.Arbitrary<FramedBody> = fc
  .record({
    body: chunks,
    length: fc.constantFrom<(length: number) => number>(
      (length) => length,
      () => 0,
      () => 3,
      (length) => length + 5,
    ),
    coding: fc.constantFrom("chunked", "chunked", "Chunked", "identity", "xchunked", ""),
    codingFirst: fc.boolean(),
  })
  .map(({ body, length, coding, codingFirst }) => {
    const fields = [`Content-Length: ${length(body.length)}`, `Transfer-Encoding: ${coding}`];
    return { fields: codingFirst ? fields.toReversed() : fields, body };
  });

/** A body under one statement or several. */
export const framedBody: fc.Arbitrary<FramedBody> = fc.oneof(
  { weight: 12, arbitrary: none },
  { weight: 8, arbitrary: withLength },
  { weight: 3, arbitrary: oddLength },
  { weight: 12, arbitrary: chunked },
  { weight: 3, arbitrary: oddCoding },
  { weight: 2, arbitrary: both },
);

const plainField = fc.constantFrom(
  "Accept: */*",
  "Cookie: a=b; c=d",
  "X-Empty:",
  "X-Blank: ",
  "X-Bytes: \x80\xff",
  "X-Tab: a\tb",
  "x:y",
  "X-Many: a, b,, c",
  "User-Agent: fuzz/1.0 (a; b)",
  "Connection: keep-alive",
  "Keep-Alive: timeout=5",
);

const oddField = fc.constantFrom(
  "X-Space : y",
  " X-Fold: y",
  "X-Folded: a\r\n b",
  "X-Tab\t: y",
  "X_Under: y",
  "X.Dot: y",
  "X!#$%&'*+-.^_`|~: y",
  "X(y): z",
  "X-Nul: a\0b",
  "X-Control: a\x01b",
  "X-Del: a\x7fb",
  "X-Cr: a\rb",
  "X-Lf: a\nb: c",
  "no colon",
  ": no name",
  "\x80: name",
  "Connection: close",
  "Connection: Close, x",
  "Connection: keep-alive, close",
  "Connection: upgrade",
  "Expect: 100-continue",
  "Expect: x",
  "TE: trailers",
  `X-Long: ${"y".repeat(300)}`,
);

/** Header fields that do not say how long a body is. */
export const otherFields: fc.Arbitrary<string[]> = fc.array(
  fc.oneof({ weight: 24, arbitrary: plainField }, { weight: 1, arbitrary: oddField }),
  { maxLength: 4 },
);
