// Works around a fault of Node (seen up to 24.21). A header block that was cut off in its middle
// stays with its stream, in memory that the native session counts. When the garbage collector takes
// the session before the stream, Node finds that memory missing and ends the process: an assertion
// in ~Http2Session that anybody could cause, by cutting a connection in the middle of trailers.
// The native session is therefore held until its native streams are collected.
import type { Http2Session, Http2Stream } from "node:http2";

/** Holds each native session for as long as one of its native streams is there. */
const held = new FinalizationRegistry<object>(() => undefined);

/** @param stream one of the session's, before it is destroyed */
export function outliveStream(session: Http2Session, stream: Http2Stream): void {
  const sessionHandle = handleOf(session);
  const streamHandle = handleOf(stream);
  if (sessionHandle !== undefined && streamHandle !== undefined)
    held.register(streamHandle, sessionHandle);
}

/** The native object behind one of node:http2, which has no public name. */
function handleOf(owner: object): object | undefined {
  const name = Object.getOwnPropertySymbols(owner).find(isHandleName);
  const handle: unknown = name && Reflect.get(owner, name);
  return typeof handle === "object" && handle !== null ? handle : undefined;
}

function isHandleName({ description }: symbol): boolean {
  return description === "kHandle";
}
