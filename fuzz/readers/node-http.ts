// The parser of node:http by itself, as its server and its client drive it: llhttp with Node's own
// limits. Node shows it to nobody officially; `_http_common` is where its own modules have it from.
import { createRequire } from "node:module";
import type { Reader, Reading } from "../reading.ts";
import { MessageBuilder } from "./message-builder.ts";

interface Parser {
  [callback: number]: unknown;
  initialize(kind: number, resource: object, maxHeaderSize: number, lenient: number): void;
  execute(bytes: Buffer): number | (Error & { code?: string; reason?: string });
  finish(): undefined | Error;
  close(): void;
}

interface ParserClass {
  new (): Parser;
  REQUEST: number;
  RESPONSE: number;
  kOnHeaders: number;
  kOnHeadersComplete: number;
  kOnBody: number;
  kOnMessageBegin: number;
  kOnMessageComplete: number;
}

const { HTTPParser, methods } = createRequire(import.meta.url)("_http_common") as {
  HTTPParser: ParserClass;
  methods: readonly string[];
};

const maxHeaderSize = 16_384;

/** Requests as node:http reads them. */
export const nodeRequests: Reader = {
  name: "node:http",
  read: (pieces) => new Run(HTTPParser.REQUEST, "").read(pieces),
};

/**
 * The answer to a request of this method as node:http reads it.
 * @param closes whether the connection ends behind the pieces
 */
export function readResponseByNode(
  pieces: readonly Buffer[],
  method: string,
  closes: boolean,
): Reading {
  return new Run(HTTPParser.RESPONSE, method).read(pieces, closes);
}

class Run {
  readonly #parser = new HTTPParser();
  readonly #builder = new MessageBuilder();
  readonly #method: string;
  #begun = false;
  #fields: string[] = [];
  #target = "";

  constructor(kind: number, method: string) {
    this.#method = method;
    const parser = this.#parser;
    parser.initialize(kind, {}, maxHeaderSize, 0);
    parser[HTTPParser.kOnMessageBegin] = () => {
      this.#begun = true;
      this.#fields = [];
      this.#target = "";
    };
    // Headers beyond the first 32, and trailers.
    parser[HTTPParser.kOnHeaders] = (fields: string[], target: string) => {
      this.#fields.push(...fields);
      this.#target += target;
    };
    parser[HTTPParser.kOnHeadersComplete] = (...head: Head) => this.#headersComplete(head);
    parser[HTTPParser.kOnBody] = (bytes: Buffer) => this.#builder.data(bytes);
    parser[HTTPParser.kOnMessageComplete] = () => this.#messageComplete();
  }

  read(pieces: readonly Buffer[], closes = false): Reading {
    try {
      for (const piece of pieces) {
        const result = this.#parser.execute(piece);
        if (this.#builder.isClosed) return this.#builder.reading("closed");
        if (typeof result === "number") continue;
        if (result.code === "HPE_CLOSED_CONNECTION") return this.#builder.reading("closed");
        return this.#builder.reading("refused", result.reason ?? result.code ?? "");
      }
      if (closes && this.#builder.isInside) this.#parser.finish();
      if (this.#builder.isClosed) return this.#builder.reading("closed");
      return this.#builder.reading(this.#begun ? "partial" : "whole");
    } finally {
      this.#parser.close();
    }
  }

  #headersComplete(head: Head): number {
    const [, , fields, method, target, status, , upgrade, keepAlive] = head;
    const rawFields = fields ?? this.#fields;
    this.#fields = [];
    if (method === undefined) {
      this.#builder.head([String(status)], rawFields);
      return this.#method === "HEAD" ? 1 : 0;
    }
    const start = [methods[method] ?? "", target ?? this.#target];
    this.#builder.head(start, rawFields, upgrade || !keepAlive);
    return 0;
  }

  #messageComplete(): void {
    this.#begun = false;
    this.#builder.end(this.#fields);
    this.#fields = [];
  }
}

type Head = [
  major: number,
  minor: number,
  fields: string[] | undefined,
  method: number | undefined,
  target: string | undefined,
  status: number | undefined,
  phrase: string | undefined,
  upgrade: boolean,
  keepAlive: boolean,
];
