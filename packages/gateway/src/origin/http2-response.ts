// Reads the head of an answer over HTTP/2 as strictly as one over HTTP/1.1. nghttp2 has refused
// before what RFC 9113 8.2 and 8.3 forbid (connection-specific headers, capitals, pseudo-headers
// out of place, two lengths), has left out headers with bytes that none may have, and holds DATA
// frames to `Content-Length`.
import { STATUS_CODES } from "node:http";
import { ResponseFault } from "./response-fields.ts";
import {
  type Framing,
  type OriginResponseHead,
  readFraming,
  refuseAnnouncedBody,
} from "./response-head.ts";

const unprintable = /[^\t\x20-\x7e\x80-\xff]/;

/** The head of an answer, and how long it says that the body is. */
export interface Http2ResponseHead {
  head: OriginResponseHead;
  framing: Framing;
}

/**
 * @param status of the answer proper
 * @param fields names and values in turn, pseudo-headers among them
 * @throws {ResponseFault}
 */
export function readHttp2Head(status: number, fields: readonly string[]): Http2ResponseHead {
  if (!(status >= 200 && status <= 999)) throw new ResponseFault("the answer has no valid status");
  const rawHeaders = withoutPseudoHeaders(fields);
  const head: OriginResponseHead = {
    status,
    reason: STATUS_CODES[status] ?? "",
    rawHeaders,
    names: rawHeaders.filter((_field, index) => index % 2 === 0),
    persistent: true,
    keepAliveSeconds: Number.POSITIVE_INFINITY,
    chunked: false,
  };
  const framing = readFraming(head);
  if (status === 204) refuseAnnouncedBody(framing);
  head.chunked = framing.kind !== "length";
  return { head, framing };
}

/**
 * Headers or trailers of an answer.
 * @throws {ResponseFault} when one has a value that none may have
 */
export function withoutPseudoHeaders(fields: readonly string[]): string[] {
  const out: string[] = [];
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] ?? "";
    const value = fields[index + 1] ?? "";
    if (name.startsWith(":")) continue;
    if (unprintable.test(value)) throw new ResponseFault("a header of the answer is malformed");
    out.push(name, value.trim());
  }
  return out;
}
