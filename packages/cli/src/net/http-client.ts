// Asks one thing over HTTP: no redirects, no retries, bounded in time and size. node:http and not
// fetch, which takes twice as long to start. Names below .localhost are dialled as 127.0.0.1
// without a resolver (wire-protocol 9) and never through a proxy.
import type {
  ClientRequest,
  IncomingHttpHeaders,
  IncomingMessage,
  RequestOptions,
} from "node:http";
import http from "node:http";
import https from "node:https";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { isLoopbackHost, loopbackAddress } from "@postern/protocol";
import type { Context } from "../context.ts";
import { CliError } from "../exit-status.ts";
import { printable } from "../printable.ts";
import { version } from "../version.ts";
import { trustedCertificates } from "./certificate-authorities.ts";
import { openTunnel, proxyFor } from "./proxy.ts";

export interface HttpRequest {
  method: "GET" | "HEAD" | "POST";
  url: URL;
  headers?: Record<string, string>;
  body?: string;
  /** milliseconds for the whole exchange */
  timeout: number;
  /** bytes of the answer's body; more is an error */
  limit?: number;
}

export interface HttpResponse {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** The answer did not come in time; unlike other failures it may be asked again at once. */
export class TimeoutError extends Error {}

/**
 * The terminal names itself; the approval page shows it. Not `cloudflared/…`: this client shows the
 * code.
 */
export const userAgent = `postern/${version}`;

const defaultLimit = 1024 * 1024;

/**
 * @throws {CliError} unreachable, with what to do about it
 * @throws {TimeoutError} when `timeout` has passed
 */
export async function send(context: Context, request: HttpRequest): Promise<HttpResponse> {
  const { url } = request;
  if (url.protocol !== "https:" && !(url.protocol === "http:" && isLoopbackHost(url.hostname))) {
    throw new CliError(
      "unverified",
      `${printable(withoutSecrets(url.href).slice(0, 200))} is not an https URL; nothing was sent there`,
    );
  }
  debugRequest(context, request);
  try {
    const response = await exchange(context, request);
    debugResponse(context, response);
    return response;
  } catch (error) {
    if (context.debug) context.say(`* ${String(error)}`);
    if (error instanceof CliError || error instanceof TimeoutError) throw error;
    throw unreachable(url, error as NodeJS.ErrnoException);
  }
}

async function exchange(context: Context, request: HttpRequest): Promise<HttpResponse> {
  const { url, method, body } = request;
  const deadline = Date.now() + request.timeout;
  const secure = url.protocol === "https:";
  const address = loopbackAddress(url.hostname);
  const options: RequestOptions &
    Pick<TlsOptions, "ca" | "rejectUnauthorized"> & { servername?: string } = {
    method,
    agent: false,
    headers: {
      Host: url.host,
      "User-Agent": userAgent,
      ...request.headers,
      ...(body === undefined
        ? {}
        : {
            "Content-Type": "application/json",
            "Content-Length": Buffer.byteLength(body).toString(),
          }),
    },
    // `hostname`, because the URL sets that and it wins over `host`.
    ...(address === undefined
      ? {}
      : { hostname: address, ...(secure ? { servername: url.hostname } : {}) }),
  };
  if (secure) {
    // NODE_TLS_REJECT_UNAUTHORIZED, set for some other program, must not open this one to everybody
    // on the way.
    options.rejectUnauthorized = true;
    const ca = trustedCertificates(context);
    if (ca !== undefined) options.ca = ca;
    const proxy = proxyFor(context.environment, url);
    if (proxy !== undefined) {
      const socket = await openTunnel(proxy, url, request.timeout, ca);
      // An agent, even one for this request alone, would connect by itself.
      delete options.agent;
      options.createConnection = () => socket;
    }
  }
  return new Promise((resolve, fail) => {
    let late: TimeoutError | undefined;
    // A time-out while the body arrives shows up as a broken connection.
    const reject = (error: unknown) => fail(late ?? error);
    const sent: ClientRequest = (secure ? https : http).request(url, options, (response) => {
      collect(response, url, request.limit ?? defaultLimit).then(
        (text) =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }),
        reject,
      );
    });
    const timer = setTimeout(() => {
      late = new TimeoutError(`no answer within ${request.timeout} ms`);
      sent.destroy(late);
    }, deadline - Date.now());
    sent.on("error", reject);
    sent.on("close", () => clearTimeout(timer));
    sent.end(body);
  });
}

function collect(response: IncomingMessage, url: URL, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit)
        response.destroy(
          new CliError(
            "unverified",
            `${url.origin} answers with more than ${limit} bytes; not read any further`,
          ),
        );
    });
    response.on("error", reject);
    response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
  });
}

const untrusted = /^(?:UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CERT_|ERR_TLS_CERT)/;

function unreachable(url: URL, error: NodeJS.ErrnoException): CliError {
  const code = error.code ?? "";
  const where = `${url.protocol}//${url.host}`;
  if (untrusted.test(code)) {
    return new CliError(
      "unverified",
      `the certificate of ${where} is not trusted (${code}); name its authority with --ca-file FILE if it is your own`,
    );
  }
  if (code === "ENOTFOUND" || code === "EAI_AGAIN")
    return new CliError(
      "unreachable",
      `${url.hostname} has no address (${code}); check the name and the network`,
    );
  if (code === "ECONNREFUSED")
    return new CliError(
      "unreachable",
      `nothing answers at ${where}; check the address, and that the gateway is up`,
    );
  return new CliError(
    "unreachable",
    `${where} cannot be reached: ${printable((error.message || code).slice(0, 200))}`,
  );
}

const secretHeaders =
  /^(?:cookie|set-cookie|authorization|proxy-authorization|cf-access-token|cf-access-client-secret|cf-access-metadata)$/i;

/**
 * What may be shown of a URL: passwords, transfer keys and query values may be worth something to
 * others.
 */
export function withoutSecrets(text: string): string {
  return text
    .replace(/(:\/\/)[^/?#\s]*@/g, "$1…@")
    .replace(/([?&#][^=&#\s]+=)[^&#\s]*/g, "$1…")
    .replace(/(\/transfer\/)[^/?#\s]+/g, "$1…");
}

function debugRequest(context: Context, request: HttpRequest): void {
  if (!context.debug) return;
  context.say(`> ${request.method} ${withoutSecrets(request.url.href)}`);
  for (const [name, value] of Object.entries(request.headers ?? {}))
    context.say(`> ${name}: ${secretHeaders.test(name) ? "…" : value}`);
}

function debugResponse(context: Context, response: HttpResponse): void {
  if (!context.debug) return;
  context.say(`< ${response.status}`);
  for (const [name, value] of Object.entries(response.headers)) {
    context.say(`< ${name}: ${secretHeaders.test(name) ? "…" : withoutSecrets(String(value))}`);
  }
}
