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

  // A client that waits for its go-ahead has sent nothing yet, and will not.
  if (isUnread && !headers.expectsContinue) endAndLinger(exchange, Buffer.from(answer.body));
  else response.end(answer.body);
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
