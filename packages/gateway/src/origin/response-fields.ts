// Reads the lines of an answer's head, and of its trailers, in one pass over the bytes (RFC 9112 4
// and 5). One grammar: CR LF ends a line, a name stands right before its colon, no line goes on
// with the next, and nothing but names and values has room in one.

/** What is wrong with an answer. The message is for the log and quotes nothing of the answer. */
export class ResponseFault extends Error {}

const lineFeed = 0x0a;
const carriageReturn = 0x0d;
const space = 0x20;
const colon = 0x3a;

/** For each byte whether it may stand in a name, and in a value or a reason. */
const inName = bytesOf(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/);
const inValue = bytesOf(/[\t\x20-\x7e\x80-\xff]/);

function bytesOf(kind: RegExp): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, byte) =>
    kind.test(String.fromCharCode(byte)) ? 1 : 0,
  );
}

/**
 * Header names as origins write them → in lower case, since most are written again and again.
 * Bounded: an origin may make names up.
 */
const lowerCaseNames = new Map<string, string>();
const lowerCaseNamesLimit = 1_000;

/** The fields of a head. */
export interface ResponseFields {
  /** names and values in turn, in the order and writing of the origin */
  rawHeaders: string[];
  /** the same names in lower case, one for each pair */
  names: string[];
}

/**
 * Reads fields, each of which is a line.
 * @param start where the first line begins
 * @param end behind the CR LF of the last one
 * @throws {ResponseFault}
 */
export function readFields(bytes: Buffer, start: number, end: number): ResponseFields {
  // One string for all of them, of which names and values are parts.
  const text = bytes.toString("latin1", start, end);
  const rawHeaders: string[] = [];
  const names: string[] = [];
  let at = start;
  while (at < end) {
    const nameEnd = endOfRun(inName, bytes, at);
    if (nameEnd === at || bytes[nameEnd] !== colon)
      throw new ResponseFault("a header of the answer has no valid name");
    const lineEnd = endOfLine(bytes, nameEnd + 1);
    const name = text.slice(at - start, nameEnd - start);
    rawHeaders.push(name, withoutSpaces(text.slice(nameEnd + 1 - start, lineEnd - start)));
    names.push(lowerCaseNames.get(name) ?? learnName(name));
    at = lineEnd + 2;
  }
  return { rawHeaders, names };
}

/**
 * The end of a line's text, behind which its CR LF stands.
 * @throws {ResponseFault} where another control character stands in it
 */
export function endOfLine(bytes: Buffer, from: number): number {
  const end = endOfRun(inValue, bytes, from);
  if (bytes[end] !== carriageReturn || bytes[end + 1] !== lineFeed)
    throw new ResponseFault("a header of the answer is malformed");
  return end;
}

/** The first place whose byte is not one of these. */
function endOfRun(kind: Uint8Array, bytes: Buffer, from: number): number {
  let at = from;
  while (kind[bytes[at] ?? lineFeed] === 1) at++;
  return at;
}

/**
 * A value without the spaces around it. A tab stays: some readers take `chunked` with a tab for
 * another coding, so that it must be none here.
 */
function withoutSpaces(text: string): string {
  let start = 0;
  let end = text.length;
  while (text.charCodeAt(start) === space) start++;
  while (end > start && text.charCodeAt(end - 1) === space) end--;
  return text.slice(start, end);
}

/** Whether this header says how long a message is. @param name in lower case */
export function saysLength(name: string): boolean {
  return name === "content-length" || name === "transfer-encoding";
}

function learnName(name: string): string {
  const lower = name.toLowerCase();
  const hasRoom = lowerCaseNames.size < lowerCaseNamesLimit && name.length <= 64;
  if (hasRoom) lowerCaseNames.set(name, lower);
  return lower;
}
