// The head of an answer of HTTP/1.1 as it goes on the wire, with what is the transport's own: how
// long the body is, whether the connection is kept, and the date (RFC 9112 6 and 9.3, RFC 9110
// 6.6.1).
import { STATUS_CODES } from "node:http";
import type { ResponseHead } from "./transport.ts";

/** How the client learns where the body ends. */
export type AnswerFraming =
  /** by `Content-Length`, this many bytes */
  | { kind: "length"; length: number }
  | { kind: "chunked" }
  /** by the end of the connection: HTTP/1.0 has no other way without a length */
  | { kind: "close" }
  /** an answer without a body, whatever its head says (HEAD, 204, 304) */
  | { kind: "none" };

/** What no name and no value of a header may have: it could end the line. */
const unsafe = /[^\t\x20-\x7e\x80-\xff]/;

/** The text of a head, without the lines that say how its body ends and the empty line. */
export interface AnswerHead {
  text: string;
  /** as `Content-Length` says */
  length: number | undefined;
}

/**
 * Writes status line and headers.
 * @throws {TypeError} when a header would not be one line of its own
 */
export function answerHead(head: ResponseHead): AnswerHead {
  const { status, reason, rawHeaders, areLines = false } = head;
  if (!areLines) refuseUnsafe(rawHeaders);
  const text = statusLine(status, reason ?? STATUS_CODES[status] ?? "") + linesOf(rawHeaders);
  let length: number | undefined;
  let hasDate = false;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    if (name.length === 14 && name.toLowerCase() === "content-length")
      length = Number(rawHeaders[index + 1]);
    if (name.length === 4 && name.toLowerCase() === "date") hasDate = true;
  }
  return { text: hasDate ? text : text + dateLine(), length };
}

function statusLine(status: number, phrase: string): string {
  if (unsafe.test(phrase)) throw new TypeError("the phrase of an answer is not one line");
  return `HTTP/1.1 ${status} ${phrase}\r\n`;
}

/** @param fields names and values in turn */
function fieldLines(fields: readonly string[]): string {
  refuseUnsafe(fields);
  return linesOf(fields);
}

/** @throws {TypeError} when a name or a value could end its line */
function refuseUnsafe(fields: readonly string[]): void {
  for (const [index, text] of fields.entries()) {
    if (!unsafe.test(text)) continue;
    const name = fields[index - (index % 2)];
    throw new TypeError(`the header ${JSON.stringify(name)} of an answer is not one line`);
  }
}

function linesOf(fields: readonly string[]): string {
  let text = "";
  for (let index = 0; index < fields.length; index += 2)
    text += `${fields[index]}: ${fields[index + 1]}\r\n`;
  return text;
}

/** The head that opens a tunnel. @param protocol as the client writes it */
export function tunnelHead({ status, reason, rawHeaders }: ResponseHead, protocol: string): string {
  const phrase = reason ?? STATUS_CODES[status] ?? "";
  const own = ["Connection", "Upgrade", "Upgrade", protocol];
  return `${statusLine(status, phrase)}${fieldLines([...own, ...rawHeaders])}\r\n`;
}

/** The trailers of a chunked body, behind its last chunk. @param rawTrailers names and values */
export function lastChunk(rawTrailers: readonly string[]): string {
  return `0\r\n${fieldLines(rawTrailers)}\r\n`;
}

let dateSecond = 0;
let dateText = "";

function dateLine(): string {
  const second = Math.floor(Date.now() / 1000);
  if (second !== dateSecond) {
    dateSecond = second;
    dateText = `Date: ${new Date(second * 1000).toUTCString()}\r\n`;
  }
  return dateText;
}
