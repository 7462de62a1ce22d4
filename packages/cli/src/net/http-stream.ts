// Asks one thing over HTTP and hands the answer over while it arrives: an event stream stays open
// for as long as its server has something to say. Other than http-client.ts it gives the answer no
// time and no size; whoever reads it bounds both. Connections are kept for the next request.
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import http from "node:http";
import https from "node:https";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { showRequest, showResponse } from "./debug.ts";
import { faultOf, requestOptions } from "./http-client.ts";
import type { HttpRequest } from "./http-message.ts";
import { requestTimeout } from "./request-timeout.ts";

export interface StreamRequest extends Pick<HttpRequest, "method" | "url"> {
  headers: Record<string, string>;
  body?: string;
  /** breaks the exchange off, also while its answer arrives */
  signal: AbortSignal;
}

/** An answer whose body is still on its way; it is read to its end, or broken off. */
export interface StreamedResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: AsyncIterable<Buffer>;
  /** gives up what has not arrived */
  breakOff(): void;
}

/** Connections that are kept from one request to the next. */
export class KeptConnections {
  readonly #context: Context;
  readonly #agents = {
    "http:": new http.Agent({ keepAlive: true }),
    "https:": new https.Agent({ keepAlive: true }),
  };

  constructor(context: Context) {
    this.#context = context;
  }

  /**
   * Sends the request, and waits for the head of the answer: for any time, since a program at the
   * other end may work for long before it says anything.
   * @param request its URL is https, or http on this machine
   * @throws {CliError} unreachable | unverified
   */
  async send(request: StreamRequest): Promise<StreamedResponse> {
    showRequest(this.#context, request);
    try {
      const response = await exchange(request, await this.#optionsFor(request));
      const { statusCode: status = 0, headers } = response;
      showResponse(this.#context, { status, headers, body: "" });
      return { status, headers, body: response, breakOff: () => response.destroy() };
    } catch (error) {
      throw faultOf(this.#context, request.url, error);
    }
  }

  /** Ends the connections that nothing is on. */
  close(): void {
    for (const agent of Object.values(this.#agents)) agent.destroy();
  }

  async #optionsFor({ url, method, headers, body, signal }: StreamRequest) {
    const options = await requestOptions(this.#context, url, requestTimeout(this.#context));
    const length = body === undefined ? undefined : Buffer.byteLength(body).toString();
    const allHeaders = { ...options.headers, ...headers, ...defined({ "Content-Length": length }) };
    // One that goes through a proxy has its connection already.
    const isDirect = options.agent === false;
    const agent = isDirect ? this.#agents[url.protocol as "http:" | "https:"] : options.agent;
    return { ...options, ...defined({ agent }), method, headers: allHeaders, signal };
  }
}

function exchange(
  { url, body }: StreamRequest,
  options: https.RequestOptions,
): Promise<IncomingMessage> {
  const { request: open } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    const request = open(url, options, resolve);
    request.on("error", reject);
    request.end(body);
  });
}
