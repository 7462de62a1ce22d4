// Asks one thing over HTTP: no redirects, no retries, bounded in time and size. node:http and not
// fetch, which takes twice as long to start. Names below .localhost are dialled as 127.0.0.1
// without a resolver (wire-protocol 9) and never through a proxy.
import type { IncomingMessage, RequestOptions } from "node:http";
import http from "node:http";
import https from "node:https";
import { isIP } from "node:net";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { withoutBrackets } from "@postern/protocol/host";
import type { Context } from "../context.ts";
import { defined } from "../defined.ts";
import { CliError } from "../exit-status.ts";
import { version } from "../version.ts";
import { trustedCertificates } from "./certificate-authorities.ts";
import { showRequest, showResponse } from "./debug.ts";
import type { HttpRequest, HttpResponse } from "./http-message.ts";
import { dialFor, refuseUnknown } from "./network.ts";
import { openTunnel, proxyFor } from "./proxy.ts";
import { requestTimeout } from "./request-timeout.ts";
import { refuseUnsafe, unreachable } from "./unreachable.ts";

/**
 * The answer did not come in time. Other than an unreachable host, it may be asked again at once.
 */
export class TimeoutError extends CliError {
  constructor({ url, remedy = "try again later" }: HttpRequest) {
    super("unreachable", `${url.origin} does not answer; ${remedy}`);
    this.name = "TimeoutError";
  }
}

/**
 * The terminal names itself; the approval page shows it. Not `cloudflared/…`: this client shows the
 * code.
 */
const userAgent = `postern/${version}`;

const defaultLimit = 1024 * 1024;

/**
 * Sends the request and reads the whole answer, whatever its status.
 * @throws {CliError} unreachable | unverified, with what to do about it
 * @throws {TimeoutError} when `timeout` has passed
 */
export async function send(context: Context, request: HttpRequest): Promise<HttpResponse> {
  const { url } = request;
  refuseUnsafe(url);
  refuseUnknown(context.network);
  showRequest(context, request);
  try {
    const response = await exchange(context, request);
    showResponse(context, response);
    return response;
  } catch (error) {
    if (context.debug) context.tell(`* ${String(error)}`);
    throw faultOf(context, url, error);
  }
}

/** What is wrong where a connection to this URL fails, in words for a person. */
export function faultOf(context: Context, url: URL, error: unknown): CliError {
  if (error instanceof CliError) return error;
  return withCurlOnly(context, unreachable(url, error as NodeJS.ErrnoException));
}

/** Names the options that let curl through, perhaps, and not what is asked before it. */
function withCurlOnly({ network }: Context, { code, message }: CliError): CliError {
  const options = (network?.curlOnly ?? []).map((name) => `--${name}`).join(", ");
  if (options === "") return new CliError(code, message);
  return new CliError(code, `${message} (${options} applies to curl alone)`);
}

type ExchangeOptions = RequestOptions &
  Pick<TlsOptions, "ca" | "rejectUnauthorized"> & {
    servername?: string;
    headers?: Record<string, string>;
  };

async function exchange(context: Context, request: HttpRequest): Promise<HttpResponse> {
  const { url, method, headers, body, timeout = requestTimeout(context) } = request;
  const deadline = performance.now() + timeout;
  const options = await requestOptions(context, url, timeout);
  const allHeaders = { ...options.headers, ...headers, ...headersOf(body) };
  return exchangeUntil(deadline, request, { ...options, method, headers: allHeaders });
}

/**
 * How a request for this URL leaves: where to, whom to trust, and by what name.
 * @param timeout milliseconds, for the tunnel through a proxy
 * @throws {CliError} usage | unreachable
 */
export async function requestOptions(
  context: Context,
  url: URL,
  timeout: number,
): Promise<ExchangeOptions> {
  const isSecure = url.protocol === "https:";
  const security = isSecure ? await secureOptions(context, url, timeout) : {};
  return {
    agent: false,
    headers: { Host: url.host, "User-Agent": userAgent },
    ...dialOptions(context, url),
    ...security,
  };
}

function headersOf(body: string | undefined): Record<string, string> {
  if (body === undefined) return {};
  return {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(body).toString(),
  };
}

/** Where to connect to; the certificate must still be the name's. */
function dialOptions({ network }: Context, url: URL): ExchangeOptions {
  const { host, ...dial } = dialFor(url, network);
  const name = withoutBrackets(url.hostname);
  const servername = isIP(name) === 0 ? name : undefined;
  // `hostname`, because the URL sets that and it wins over `host`.
  return { ...dial, hostname: host, ...defined({ servername }) };
}

async function secureOptions(
  context: Context,
  url: URL,
  timeout: number,
): Promise<ExchangeOptions> {
  const ca = trustedCertificates(context);
  // NODE_TLS_REJECT_UNAUTHORIZED, set for some other program, must not open this one to everybody
  // on the way.
  const trust = { rejectUnauthorized: true, ca };
  const proxy = proxyFor(context.environment, url, context.network);
  if (proxy === undefined) return trust;
  const socket = await openTunnel(proxy, url, timeout, ca, context.network);
  // An agent, even one for this request alone, would connect by itself.
  return { ...trust, agent: undefined, createConnection: () => socket };
}

/** @param deadline of the monotonic clock: a step of the other one must not end the exchange */
function exchangeUntil(
  deadline: number,
  request: HttpRequest,
  options: ExchangeOptions,
): Promise<HttpResponse> {
  const { url, body, signal, limit = defaultLimit } = request;
  const { request: open } = url.protocol === "https:" ? https : http;
  return new Promise((resolve, reject) => {
    let timeoutError: TimeoutError | undefined;
    // A time-out while the body arrives shows up as a broken connection.
    const fail = (error: unknown) => reject(timeoutError ?? error);
    const clientRequest = open(url, options, (response) => {
      const { statusCode: status = 0, headers } = response;
      const answer = (text: string) => resolve({ status, headers, body: text });
      collect(response, url, limit).then(answer, fail);
    });
    const giveUp = () => {
      timeoutError = new TimeoutError(request);
      clientRequest.destroy(timeoutError);
    };
    const timer = setTimeout(giveUp, deadline - performance.now());
    signal?.addEventListener("abort", giveUp);
    clientRequest.on("error", fail);
    clientRequest.on("close", () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", giveUp);
    });
    clientRequest.end(body);
  });
}

/** The text of a body. @param limit bytes; more is an error */
export function collect(response: IncomingMessage, url: URL, limit: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    response.on("data", (chunk: Buffer) => {
      size += chunk.length;
      chunks.push(chunk);
      if (size > limit) response.destroy(tooLarge(url, limit));
    });
    response.on("error", reject);
    response.on("end", () => resolve(Buffer.concat(chunks).toString("utf8")));
  });
}

function tooLarge(url: URL, limit: number): CliError {
  return new CliError(
    "unverified",
    `${url.origin} sent more than ${limit} bytes; the rest was not read`,
  );
}
