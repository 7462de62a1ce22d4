// Responses as the gateway reads them from its origins.
import { ResponseFault } from "../../packages/gateway/src/origin/response-fields.ts";
import { ResponseReader } from "../../packages/gateway/src/origin/response-reader.ts";
import type { Reading } from "../reading.ts";
import { MessageBuilder } from "./message-builder.ts";

/**
 * The answer to a request of this method as the gateway reads it. Informational answers are
 * messages of their own.
 * @param closes whether the connection ends behind the pieces
 */
export function readResponseByPostern(
  pieces: readonly Buffer[],
  method: string,
  closes: boolean,
): Reading {
  const builder = new MessageBuilder();
  const reader = new ResponseReader();
  let before = 0;
  reader.start(method, {
    information(status, rawHeaders) {
      builder.head([String(status)], rawHeaders);
      builder.end([]);
    },
    // Whatever follows the answer, the connection serves nobody else.
    head: ({ status, rawHeaders }) => builder.head([String(status)], rawHeaders, true),
    data: (chunk) => builder.data(chunk),
    end: (rawTrailers) => builder.end(rawTrailers),
  });
  try {
    for (const piece of pieces) {
      const left = reader.read(piece);
      before += piece.length;
      if (!builder.isClosed) continue;
      builder.endedAt(before - left);
      return builder.reading("closed");
    }
  } catch (error) {
    if (error instanceof ResponseFault) return builder.reading("refused", error.message);
    throw error;
  }
  if (closes) reader.close();
  return builder.reading(builder.isClosed ? "closed" : "partial");
}
