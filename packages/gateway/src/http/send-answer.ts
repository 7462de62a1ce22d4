// Puts an answer of the gateway's own on the wire.
import { headers as names } from "@postern/protocol";
import { endAndLinger } from "./linger.ts";
import type { LocalAnswer } from "./local-answer.ts";
import type { RequestHeaders } from "./request-headers.ts";
import type { Exchange } from "./transport.ts";

/** What is known of the request that is answered. */
interface Answered {
  headers: RequestHeaders;
  rayId: string;
}

/** Sends an answer, unless one has begun already or the client is gone. */
export function sendAnswer(
  exchange: Exchange,
  { headers, rayId }: Answered,
  answer: LocalAnswer,
): void {
  const { response } = exchange;
  if (response.started || response.closed) return;
  const isUnread = headers.hasBody && !exchange.body.complete;
  if (isUnread) response.closeConnection();
  response.start({ status: answer.status, rawHeaders: rawHeadersOf(answer, rayId) });

  if (isUnread && sendsTheRest(exchange, headers)) endAndLinger(exchange, Buffer.from(answer.body));
  else response.end(answer.body);
}

/**
 * Whether a client sends the rest of its body before it looks at the answer. One that waits for its
 * go-ahead has sent nothing yet, and will not. A call of gRPC may never end its body, and its
 * client keeps the answer of a stream that is reset (RFC 9113 8.1).
 */
function sendsTheRest({ head }: Exchange, { expectsContinue, isGrpc }: RequestHeaders): boolean {
  return !expectsContinue && !(isGrpc && head.version === "2.0");
}

function rawHeadersOf({ status, headers, body }: LocalAnswer, rayId: string): string[] {
  const rawHeaders = Object.entries(headers).flatMap(([name, value]) =>
    [value].flat().flatMap((line) => [name, line]),
  );
  if (status !== 204 && status !== 304)
    rawHeaders.push("Content-Length", String(Buffer.byteLength(body)));
  rawHeaders.push(names.ray, rayId);
  return rawHeaders;
}
