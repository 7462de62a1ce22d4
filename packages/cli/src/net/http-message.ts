import type { IncomingHttpHeaders } from "node:http";

export interface HttpRequest {
  method: "GET" | "HEAD" | "POST";
  url: URL;
  headers?: Record<string, string>;
  body?: string;
  /** milliseconds for the whole exchange; 7 s by default */
  timeout?: number;
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
