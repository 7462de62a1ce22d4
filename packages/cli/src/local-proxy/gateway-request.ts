// One request at the gateway, whichever HTTP carries it there.
import type { Readable, Writable } from "node:stream";
import type { RawFields } from "./header-fields.ts";

/** The head of a request. */
export interface GatewayHead {
  method: string;
  /** path and query, byte for byte */
  path: string;
  /** without `Host` and what frames the body */
  fields: RawFields;
  /** undefined: there is no body, or its length is not known */
  contentLength: string | undefined;
  hasBody: boolean;
  /** the client waits for a go-ahead before it sends the body (RFC 9110 10.1.1) */
  expectsContinue: boolean;
  wantsTrailers: boolean;
}

/** The head of an answer, and its body to read. */
export interface GatewayAnswer {
  status: number;
  /** empty over HTTP/2, which has none */
  reason: string;
  fields: RawFields;
  body: Readable;
  /** what followed the body; known when it has ended */
  trailers(): RawFields;
}

/** A request that is under way. */
export interface GatewayRequest {
  /** takes the body, and is ended where there is none as well */
  body: Writable;
  /** @throws {GatewayFault} */
  answer: Promise<GatewayAnswer>;
  /** said before the body ends */
  trail(trailers: RawFields): void;
  /** nobody waits for it any more */
  cancel(): void;
}

/** What arrives before the answer: 100, 103 and the like. */
export type OnInformation = (status: number, fields: RawFields) => void;

/** The gateway did not answer. */
export class GatewayFault extends Error {
  /** surely not read by the gateway, so that the request may be sent once more */
  readonly unread: boolean;

  constructor(message: string, unread: boolean) {
    super(message);
    this.name = "GatewayFault";
    this.unread = unread;
  }
}
