// What the head of an origin's answer says (RFC 9112 5 and 6.3): its fields, how long the body is,
// and whether the connection can serve another request.
import type { ResponseHead } from "../http/transport.ts";
import { ResponseFault, type ResponseFields } from "./response-fields.ts";

/** The head of an origin's answer, with what it says of the body and the connection. */
export interface OriginResponseHead extends ResponseHead, ResponseFields {
  rawHeaders: string[];
  reason: string;
  /**
   * whether the connection can serve another request afterwards, as far as the head says: not when
   * bytes may follow that belong to no answer, nor when the origin ties it to one person
   */
  persistent: boolean;
  /**
   * seconds for which the origin keeps an idle connection (`Keep-Alive: timeout=`); infinite when
   * it does not say
   */
  keepAliveSeconds: number;
  /** no `Content-Length` states the length of the body: trailers may follow */
  chunked: boolean;
}

/** Bytes of a head at most, and of trailers. */
export const headLimit = 65_536;

/** How long the body is. */
export type Framing = { kind: "chunked" } | { kind: "length"; length: number } | { kind: "close" };

/**
 * For answers that never have a body: informational ones and 204 (RFC 9110 8.6, RFC 9112 6.1). A
 * length of 0 announces none, and some frameworks state it.
 * @throws {ResponseFault}
 */
export function refuseAnnouncedBody(framing: Framing): void {
  const isAnnounced = framing.kind === "length" ? framing.length > 0 : framing.kind === "chunked";
  if (isAnnounced) throw new ResponseFault("it announces a body, but its status allows none");
}

/** Whether silence is part of the answer: it comes when something happens, and has no end. */
export function hasNoEnd({ names, rawHeaders }: OriginResponseHead): boolean {
  const place = names.indexOf("content-type");
  if (place < 0) return false;
  return /^(?:text\/event-stream|application\/grpc)\b/i.test(rawHeaders[2 * place + 1] ?? "");
}

/** Reads the headers that are about the connection, and notes in the head what they say of it. */
export function readFraming(head: OriginResponseHead): Framing {
  let length: string | undefined;
  let coding: string | undefined;
  const { rawHeaders, names } = head;
  const isHttp10 = !head.persistent;
  for (let index = 0; index < names.length; index++) {
    const value = rawHeaders[2 * index + 1] ?? "";
    switch (names[index]) {
      case "content-length":
        if (!/^\d{1,15}$/.test(value) || length !== undefined)
          throw new ResponseFault("its Content-Length is not valid");
        length = value;
        // One spelling goes on: the client may read leading zeros as another base.
        rawHeaders[2 * index + 1] = String(Number(value));
        break;
      case "transfer-encoding": {
        const lower = value.toLowerCase();
        coding = coding === undefined ? lower : `${coding}, ${lower}`;
        break;
      }
      case "connection":
        if (/(?:^|[ \t,])close(?:$|[ \t,])/i.test(value)) head.persistent = false;
        break;
      case "keep-alive":
        head.keepAliveSeconds = readKeepAlive(value);
        break;
      // NTLM and Kerberos sign in the connection, and with it whoever asks next.
      case "www-authenticate":
        if (/(?:^|,)[ \t]*(?:ntlm|negotiate)\b/i.test(value)) head.persistent = false;
        break;
      case "persistent-auth":
        head.persistent = false;
        break;
    }
  }
  // HTTP/1.0 has no transfer codings (RFC 9112 section 6.1).
  if (coding !== undefined && isHttp10)
    throw new ResponseFault("it has a transfer coding, but is HTTP/1.0");
  return framingOf(length, coding);
}

function framingOf(length: string | undefined, coding: string | undefined): Framing {
  if (coding === undefined) {
    if (length === undefined) return { kind: "close" };
    return { kind: "length", length: Number(length) };
  }
  // Two statements of the length are how answers get smuggled (RFC 9112 section 6.1).
  if (length !== undefined)
    throw new ResponseFault(
      "its length is given twice, by Content-Length and by Transfer-Encoding",
    );
  if (coding !== "chunked")
    throw new ResponseFault("it has a transfer coding that was not requested");
  return { kind: "chunked" };
}

function readKeepAlive(value: string): number {
  const [, seconds] = /(?:^|[ \t,])timeout=(\d{1,6})/i.exec(value) ?? [];
  return seconds === undefined ? Number.POSITIVE_INFINITY : Number(seconds);
}
