// How an answer ends when nobody reads the rest of its request. A body that stayed on the
// connection could be taken for the next request, so the connection ends; but not before the client
// had time to see the answer, which a reset would take from it.
import type { Exchange } from "./transport.ts";

/** For so long and so much the rest of a body is read and dropped. */
const lingerMs = 2_000;
const lingerBytes = 1_048_576;

/**
 * Writes the last of an answer, and ends it once the client has sent its body or the limits are
 * reached. The answer must have its `Content-Length`, and have begun with `closeConnection`.
 */
export function endAndLinger(exchange: Exchange, last: Buffer): void {
  const { body, response, head } = exchange;
  // A stream of HTTP/2 holds one request, and its transport ends what is left of it.
  if (head.version === "2.0") {
    response.end(last);
    return;
  }
  if (last.length > 0) response.write(last);
  response.flush();

  let remaining = lingerBytes;
  const end = () => {
    clearTimeout(timer);
    exchange.onAbort = undefined;
    body.stop();
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  exchange.onAbort = end;
  body.read({
    data(chunk) {
      remaining -= chunk.length;
      if (remaining <= 0) end();
    },
    end,
  });
}
