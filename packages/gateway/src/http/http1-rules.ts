import type { Socket } from "node:net";
import { type LookLimits, lookLimits } from "./http1-looks.ts";
import type { NoteRefusal } from "./refused-request.ts";
import type { ServerLimits } from "./server-limits.ts";
import type { Exchange } from "./transport.ts";

/** Who gets what arrives. */
export interface Http1Handlers {
  /** every request that can be read */
  handler: (exchange: Exchange) => void;
  /** every other one, before it is refused */
  noteRefusal: NoteRefusal;
  /** connections on which HTTP/2 begins; undefined where it is not spoken */
  acceptHttp2: ((socket: Socket) => void) | undefined;
}

/** What holds for all connections of a listener. */
export interface ConnectionRules extends Http1Handlers {
  /** bytes of a head, at most */
  headBytes: number;
  /** seconds for which an idle connection is kept, as clients are told */
  idleSeconds: number;
  looks: LookLimits;
  /** whether every answer ends its connection */
  isDraining: boolean;
}

/** The rules of a listener that has just begun. */
export function rulesOf(
  limits: ServerLimits,
  { handler, noteRefusal, acceptHttp2 }: Http1Handlers,
): ConnectionRules {
  return {
    handler,
    noteRefusal,
    acceptHttp2,
    headBytes: limits.header_bytes,
    idleSeconds: Math.max(1, Math.floor(limits.idle_timeout / 1000)),
    looks: lookLimits(limits),
    isDraining: false,
  };
}
