// How a WebSocket begins where the gateway itself is its server (RFC 6455 4.2, RFC 8441 5).
import { createHash } from "node:crypto";
import { valuesOf } from "./request-headers.ts";
import type { RequestHead } from "./transport.ts";

/** A WebSocket that may begin, or why none does. */
export type Opening =
  /** @see RequestHead for the names and values in turn */
  | { ok: true; status: number; rawHeaders: string[]; protocol: string | undefined }
  | { ok: false; fault: "no_websocket" | "websocket_version" | "websocket_key" };

const version = "13";
/** 16 bytes in base64 */
const keyPattern = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * Reads the opening handshake.
 * @param known the subprotocols of which the first that the client offers is agreed on
 */
export function readOpening(head: RequestHead, known: readonly string[]): Opening {
  const { rawHeaders } = head;
  if (head.upgrade !== "websocket") return { ok: false, fault: "no_websocket" };
  if (valuesOf(rawHeaders, "sec-websocket-version").join() !== version)
    return { ok: false, fault: "websocket_version" };

  // 1. The proof that it was read. HTTP/2 has none.
  const answer: string[] = [];
  const isHttp1 = head.version === "1.1";
  const keys = valuesOf(rawHeaders, "sec-websocket-key");
  if (isHttp1 && !(keys.length === 1 && keyPattern.test(keys[0] ?? "")))
    return { ok: false, fault: "websocket_key" };
  if (isHttp1) answer.push("Sec-WebSocket-Accept", acceptOf(keys[0] ?? ""));

  // 2. What the bytes will mean.
  const offers = valuesOf(rawHeaders, "sec-websocket-protocol")
    .flatMap((value) => value.split(","))
    .map((offer) => offer.trim());
  const protocol = offers.find((offer) => known.includes(offer));
  if (protocol !== undefined) answer.push("Sec-WebSocket-Protocol", protocol);
  return { ok: true, status: isHttp1 ? 101 : 200, rawHeaders: answer, protocol };
}

/** The proof that a key was read: `Sec-WebSocket-Accept`. */
export function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + guid)
    .digest("base64");
}
