import { createHash } from "node:crypto";

const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/**
 * The proof that a server has read the key of a request for a WebSocket: `Sec-WebSocket-Accept`
 * (RFC 6455 4.2.2).
 */
export function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + guid)
    .digest("base64");
}
