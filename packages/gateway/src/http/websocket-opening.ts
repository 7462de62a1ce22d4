// The answer that begins a WebSocket where the gateway itself is its server (RFC 6455 4.2.2, RFC
// 8441 5).
import { acceptOf } from "@postern/protocol/websocket-handshake";
import { valuesOf } from "./request-headers.ts";
import type { RequestHead, ResponseHead } from "./transport.ts";

/** The answer, and what the bytes will mean. */
export interface WebSocketAnswer {
  head: ResponseHead;
  /** the subprotocol */
  protocol: string | undefined;
}

/**
 * Answers a proper request for a WebSocket. No extension is agreed on.
 * @param known the subprotocols of which the first that the client offers is agreed on
 */
export function webSocketAnswer(head: RequestHead, known: readonly string[]): WebSocketAnswer {
  const rawHeaders: string[] = [];

  // 1. The proof that the request was read. HTTP/2 has none.
  const [key = ""] = valuesOf(head.rawHeaders, "sec-websocket-key");
  const isHttp2 = head.version === "2.0";
  if (!isHttp2) rawHeaders.push("Sec-WebSocket-Accept", acceptOf(key));

  // 2. The subprotocol.
  const offers = valuesOf(head.rawHeaders, "sec-websocket-protocol")
    .flatMap((value) => value.split(","))
    .map((offer) => offer.trim());
  const protocol = offers.find((offer) => known.includes(offer));
  if (protocol !== undefined) rawHeaders.push("Sec-WebSocket-Protocol", protocol);
  return { head: { status: isHttp2 ? 200 : 101, rawHeaders }, protocol };
}
