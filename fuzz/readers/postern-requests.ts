// Requests as the gateway reads them from its clients: the reader of the connection, and the
// reading of the head behind it (access/read-request.ts), which refuses what has two meanings. The
// catalog has no applications, so that no path is refused for one.
import { RayIds } from "../../packages/gateway/src/access/ray-ids.ts";
import { type ReadingRules, readRequest } from "../../packages/gateway/src/access/read-request.ts";
import { RequestReader } from "../../packages/gateway/src/http/request-reader.ts";
import { catalogOf } from "../../packages/gateway/test/catalog/catalog-of.ts";
import type { Reading } from "../reading.ts";
import { MessageBuilder } from "./message-builder.ts";

const headLimit = 16_384;

const rules: ReadingRules = {
  scheme: "http",
  allowedPorts: new Set([80, 443]),
  trustedProxies: [],
  isOurs: () => false,
  rayIds: new RayIds((size) => Buffer.alloc(size)),
};

const catalog = catalogOf({});

/** Requests as the gateway reads them. */
export function readRequestsByPostern(pieces: readonly Buffer[]): Reading {
  return new Run().read(pieces);
}

class Run {
  readonly #builder = new MessageBuilder();
  readonly #reader: RequestReader;
  #fault: string | undefined;
  #ended = false;

  constructor() {
    this.#reader = new RequestReader(headLimit, {
      head: (head) => {
        const reading = readRequest(rules, { ...head, peer: "192.0.2.1" }, catalog);
        if (!reading.ok) {
          this.#fault = reading.fault;
          this.#reader.hold();
          return;
        }
        const { method, target, rawHeaders, persistent, upgrade } = head;
        this.#builder.head([method, target], rawHeaders, !persistent || upgrade !== undefined);
      },
      data: (chunk) => this.#builder.data(chunk),
      end: (rawTrailers) => {
        this.#builder.end(rawTrailers);
        this.#ended = true;
      },
      fault: (fault) => {
        this.#fault ??= fault;
      },
    });
  }

  read(pieces: readonly Buffer[]): Reading {
    let before = 0;
    for (const piece of pieces) {
      const reading = this.#readPiece(piece, before);
      if (reading !== undefined) return reading;
      before += piece.length;
    }
    return this.#builder.reading(this.#reader.isInside ? "partial" : "whole");
  }

  #readPiece(piece: Buffer, before: number): Reading | undefined {
    let rest = piece;
    while (rest.length > 0) {
      const left = this.#reader.read(rest);
      if (this.#fault !== undefined) return this.#builder.reading("refused", this.#fault);
      if (this.#ended) this.#builder.endedAt(before + piece.length - left);
      if (this.#ended && this.#builder.isClosed) return this.#builder.reading("closed");
      if (this.#ended) this.#reader.next();
      this.#ended = false;
      rest = rest.subarray(rest.length - left);
    }
    return undefined;
  }
}
