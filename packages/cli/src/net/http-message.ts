import type { IncomingHttpHeaders } from "node:http";

export interface HttpRequest {
  method: "GET" | "HEAD" | "POST" | "DELETE";
  url: URL;
  headers?: Record<string, string>;
  body?: string;
  /** milliseconds for the whole exchange; by default as `requestTimeout` says */
  timeout?: number;
  /** ends the exchange before its time, as if the time had passed */
  signal?: AbortSignal;
  /** what to do when there is no answer in time; "try again later" by default */
  remedy?: string;
  /** bytes of the answer's body; more is an error; 1 MiB by default */
  limit?: number;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}
