// What is no request to the gateway: what the parser of node:http refuses, and CONNECT. It gets one
// plain answer with a ray id, and the connection ends.
import type { Socket } from "node:net";
import type { MessageFault } from "./message-fault.ts";

/** Why a request is refused before anybody read it. */
export interface Refusal {
  status: number;
  /** the phrase of the status line */
  phrase: string;
  /** one sentence for whoever sent it */
  message: string;
  /** for the log: the parser's code, or what takes its place */
  reason: string;
  /** as far as they could be read */
  method: string;
  target: string;
}

/** Writes down that a request is refused. @returns the ray id that its answer bears */
export type NoteRefusal = (refusal: Refusal & { peer: string | undefined }) => string;

/** What node:http says of a request that its parser refuses. */
export interface ParserError extends NodeJS.ErrnoException {
  /** the piece of the connection in which it stopped */
  rawPacket?: Buffer;
  /** where in that piece */
  bytesParsed?: number;
}

type Answer = Pick<Refusal, "status" | "phrase" | "message">;

const malformed: Answer = {
  status: 400,
  phrase: "Bad Request",
  message: "This is not a proper HTTP/1.1 request.",
};

/** What is answered to each fault of a request. */
const answersToFaults: Record<MessageFault, Answer> = {
  malformed_request_line: malformed,
  malformed_header: malformed,
  malformed_length: malformed,
  malformed_chunk: malformed,
  two_framings: malformed,
  incomplete: malformed,
  unknown_coding: {
    ...malformed,
    message: "The body has a transfer coding other than chunked, once. Send it chunked.",
  },
  coding_in_http_1_0: {
    ...malformed,
    message: "HTTP/1.0 has no transfer codings. Send a Content-Length, or use HTTP/1.1.",
  },
  bad_version: {
    status: 505,
    phrase: "HTTP Version Not Supported",
    message: "The gateway speaks HTTP/1.1 and HTTP/1.0, and no other version here.",
  },
  head_too_large: {
    status: 431,
    phrase: "Request Header Fields Too Large",
    message: "The head of the request is too large.",
  },
  head_timeout: {
    status: 408,
    phrase: "Request Timeout",
    message: "The head of the request did not arrive in time.",
  },
};

/** What is answered to a request that cannot be read. @param line as far as it could be */
export function refusalTo(fault: MessageFault, line: { method: string; target: string }): Refusal {
  return { ...answersToFaults[fault], ...line, reason: fault };
}

/** RFC 3986 2.1: the parser takes no bytes beyond ASCII in a request target. */
const rawBytes: Answer = {
  status: 400,
  phrase: "Bad Request",
  message: "The address has bytes beyond ASCII. Write them as escapes: %C3%A9 for an e with acute.",
};

/** CONNECT asks for another kind of proxy (case H9). */
export const connectRefusal: Refusal = {
  status: 405,
  phrase: "Method Not Allowed",
  message: "The gateway does not answer TRACE and CONNECT.",
  reason: "bad_method",
  method: "CONNECT",
  target: "",
};

/** What is answered to a request that the parser refused. */
export function refusalOf(error: ParserError): Refusal {
  const { code = "" } = error;
  const { method = "", target = "" } = requestAt(error) ?? {};
  return { ...answerTo(code, method, target), reason: code, method, target };
}

function answerTo(code: string, method: string, target: string): Answer {
  if (code === "HPE_INVALID_METHOD" && method !== "") return unknownMethod(method);
  if (code === "HPE_INVALID_URL" && /[\x80-\xff]/.test(target)) return rawBytes;
  return answersToFaults[faultOf(code)];
}

/** What the codes of node:http mean, as far as they say it. */
function faultOf(code: string): MessageFault {
  if (code === "HPE_HEADER_OVERFLOW") return "head_too_large";
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return "head_timeout";
  return "malformed_header";
}

/** To RFC 9110 9.1 a method is any token; the parser knows some thirty. */
function unknownMethod(method: string): Answer {
  const message = `This gateway does not forward the method ${method} yet.`;
  return { status: 501, phrase: "Not Implemented", message };
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) ([!-\xff]+) HTTP\/1\.[01]\r?\n/;
/** Bytes in which a request line is looked for. */
const lookedAt = 8_192;

/** The request line around the place where the parser stopped, if a whole one stands there. */
function requestAt(error: ParserError): { method: string; target: string } | undefined {
  const { rawPacket, bytesParsed = 0 } = error;
  if (rawPacket === undefined) return undefined;
  const start = rawPacket.lastIndexOf("\n", bytesParsed) + 1;
  const line = rawPacket.toString("latin1", start, start + lookedAt);
  const [, method, target] = requestLine.exec(line) ?? [];
  if (method === undefined || target === undefined) return undefined;
  return { method, target };
}

/** Answers and ends the connection: what follows on it could be read in another way. */
export function writeRefusal(socket: Socket, refusal: Answer, ray: string): void {
  socket.end(refusalText(refusal, ray), () => socket.destroy());
}

/** The whole answer to a request that is refused. */
export function refusalText({ status, phrase, message }: Answer, ray: string): string {
  const body = `${message} Ray ID: ${ray}\n`;
  const lines = [
    `HTTP/1.1 ${status} ${phrase}`,
    "Connection: close",
    "Content-Type: text/plain; charset=utf-8",
    `Content-Length: ${body.length}`,
    `cf-ray: ${ray}`,
    "",
    body,
  ];
  return lines.join("\r\n");
}
