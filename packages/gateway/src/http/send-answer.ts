// Puts an answer of the gateway's own on the wire. A body that nobody will read is not left on the
// connection, where it could be taken for the next request.
import type { IncomingMessage, ServerResponse } from "node:http";
import { headers } from "@postern/protocol";
import type { LocalAnswer } from "./local-answer.ts";
import type { RequestHeaders } from "./request-headers.ts";

/**
 * For so long and so much a refused upload is read, so that its sender sees the answer before the
 * connection ends.
 */
const lingerMs = 2_000;
const lingerBytes = 1_048_576;

/** What is known of the request that is answered. */
interface Answered {
  sent: RequestHeaders;
  rayId: string;
}

export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  { sent, rayId }: Answered,
  answer: LocalAnswer,
): void {
  if (response.headersSent || response.destroyed) return;
  const unread = sent.hasBody && !request.complete;
  const bodiless = answer.status === 204 || answer.status === 304;
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(bodiless ? {} : { "Content-Length": Buffer.byteLength(answer.body) }),
    ...(unread ? { Connection: "close" } : {}),
    [headers.ray]: rayId,
  });
  const body = request.method === "HEAD" || bodiless ? "" : answer.body;
  // A client that waits for its go-ahead has sent nothing yet, and will not.
  if (!unread || sent.expectsContinue) response.end(body);
  else linger(request, response, body);
}

function linger(request: IncomingMessage, response: ServerResponse, body: string): void {
  if (body === "") response.flushHeaders();
  else response.write(body);
  let left = lingerBytes;
  const end = () => {
    clearTimeout(timer);
    request.off("data", count);
    response.end();
  };
  const count = (chunk: Buffer) => {
    left -= chunk.length;
    if (left <= 0) end();
  };
  const timer = setTimeout(end, lingerMs);
  request.on("data", count);
  request.resume();
  request.once("end", end);
  request.once("error", end);
}
