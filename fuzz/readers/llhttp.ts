// llhttp, compiled to WebAssembly, as the undici package has it: the parser of Node without Node.
// It stops at the end of each message, so that the place of the end is known.
import { METHODS } from "undici/lib/llhttp/constants.js";
import wasm from "undici/lib/llhttp/llhttp-wasm.js";
import type { Reader, Reading } from "../reading.ts";
import { MessageBuilder } from "./message-builder.ts";

/** What of WebAssembly is used here; it has no types where there is no browser. */
interface WebAssemblyApi {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: { env: object }) => { exports: unknown };
}

interface Exports {
  memory: { buffer: ArrayBuffer };
  _initialize(): void;
  malloc(size: number): number;
  llhttp_alloc(type: number): number;
  llhttp_free(parser: number): void;
  llhttp_execute(parser: number, data: number, length: number): number;
  llhttp_finish(parser: number): number;
  llhttp_get_error_pos(parser: number): number;
  llhttp_get_error_reason(parser: number): number;
  llhttp_get_method(parser: number): number;
  llhttp_get_status_code(parser: number): number;
  llhttp_resume(parser: number): void;
}

const kinds = { request: 1, response: 2 };
const ok = 0;
const closedConnection = 5;
const paused = 21;
const pausedForUpgrade = 22;
const bufferSize = 1_048_576;

const methodNames = new Map(Object.entries(METHODS).map(([name, number]) => [number, name]));

/** What the callbacks of the parser that runs go to. */
let current: Run | undefined;

const env = {
  wasm_on_message_begin: () => current?.begin() ?? ok,
  wasm_on_url: (_: number, at: number, length: number) => current?.url(at, length) ?? ok,
  wasm_on_status: () => ok,
  wasm_on_header_field: (_: number, at: number, length: number) => current?.name(at, length) ?? ok,
  wasm_on_header_value: (_: number, at: number, length: number) => current?.value(at, length) ?? ok,
  wasm_on_headers_complete: (_: number, _status: number, upgrade: number, keepAlive: number) =>
    current?.headersComplete(upgrade !== 0, keepAlive !== 0) ?? ok,
  wasm_on_body: (_: number, at: number, length: number) => current?.body(at, length) ?? ok,
  wasm_on_message_complete: () => paused,
};

const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi };
const instance = new WebAssembly.Instance(new WebAssembly.Module(wasm), { env });
const llhttp = instance.exports as Exports;
llhttp._initialize();
const buffer = llhttp.malloc(bufferSize);

/** Requests as llhttp reads them. */
export const llhttpRequests: Reader = {
  name: "llhttp",
  read: (pieces) => new Run("request").read(pieces),
};

/**
 * The answer to a request of this method as llhttp reads it.
 * @param closes whether the connection ends behind the pieces
 */
export function readResponseByLlhttp(
  pieces: readonly Buffer[],
  method: string,
  closes: boolean,
): Reading {
  return new Run("response", method).read(pieces, closes);
}

class Run {
  readonly #kind: keyof typeof kinds;
  readonly #method: string;
  readonly #parser: number;
  readonly #builder = new MessageBuilder();
  /** bytes of the connection before the piece that is read */
  #before = 0;
  #begun = false;
  #target = "";
  #fields: string[] = [];
  #isName = false;

  constructor(kind: keyof typeof kinds, method = "") {
    this.#kind = kind;
    this.#method = method;
    this.#parser = llhttp.llhttp_alloc(kinds[kind]);
  }

  read(pieces: readonly Buffer[], closes = false): Reading {
    current = this;
    try {
      for (const piece of pieces) {
        const reading = this.#readPiece(piece);
        if (reading !== undefined) return reading;
        this.#before += piece.length;
      }
      return this.#finish(closes);
    } finally {
      current = undefined;
      llhttp.llhttp_free(this.#parser);
    }
  }

  #readPiece(piece: Buffer): Reading | undefined {
    new Uint8Array(llhttp.memory.buffer, buffer, piece.length).set(piece);
    let at = 0;
    while (at < piece.length) {
      const status = llhttp.llhttp_execute(this.#parser, buffer + at, piece.length - at);
      if (status === ok) return undefined;
      if (status === closedConnection) return this.#builder.reading("closed");
      if (status !== paused && status !== pausedForUpgrade)
        return this.#builder.reading("refused", this.#errorReason());
      // A tunnel begins where the message has ended.
      if (status === pausedForUpgrade) return this.#builder.reading("closed");
      at = llhttp.llhttp_get_error_pos(this.#parser) - buffer;
      this.#endMessage(this.#before + at);
      llhttp.llhttp_resume(this.#parser);
    }
    return undefined;
  }

  #finish(closes: boolean): Reading {
    if (closes && this.#builder.isInside) {
      const status = llhttp.llhttp_finish(this.#parser);
      if (status === ok || status === paused) this.#endMessage(this.#before);
    }
    if (this.#builder.isClosed) return this.#builder.reading("closed");
    return this.#builder.reading(this.#begun ? "partial" : "whole");
  }

  #endMessage(end: number): void {
    this.#begun = false;
    this.#builder.end(this.#fields, end);
    this.#fields = [];
  }

  #errorReason(): string {
    const bytes = Buffer.from(llhttp.memory.buffer, llhttp.llhttp_get_error_reason(this.#parser));
    return bytes.toString("latin1", 0, bytes.indexOf(0));
  }

  begin(): number {
    this.#begun = true;
    this.#target = "";
    this.#fields = [];
    this.#isName = false;
    return ok;
  }

  url(at: number, length: number): number {
    this.#target += text(at, length);
    return ok;
  }

  name(at: number, length: number): number {
    if (this.#isName) {
      const index = this.#fields.length - 2;
      this.#fields[index] += text(at, length);
    } else {
      this.#fields.push(text(at, length), "");
    }
    this.#isName = true;
    return ok;
  }

  value(at: number, length: number): number {
    this.#isName = false;
    this.#fields[this.#fields.length - 1] += text(at, length);
    return ok;
  }

  headersComplete(upgrade: boolean, keepAlive: boolean): number {
    const fields = this.#fields;
    this.#fields = [];
    this.#isName = false;
    if (this.#kind === "response") {
      const status = llhttp.llhttp_get_status_code(this.#parser);
      this.#builder.head([String(status)], fields);
      return this.#method === "HEAD" ? 1 : ok;
    }
    const method = methodNames.get(llhttp.llhttp_get_method(this.#parser)) ?? "";
    this.#builder.head([method, this.#target], fields, upgrade || !keepAlive);
    return ok;
  }

  body(at: number, length: number): number {
    this.#builder.data(Buffer.from(llhttp.memory.buffer, at, length));
    return ok;
  }
}

function text(at: number, length: number): string {
  return Buffer.from(llhttp.memory.buffer, at, length).toString("latin1");
}
