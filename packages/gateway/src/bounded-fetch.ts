// Every request to an identity provider goes through here, so that time, length and addresses are
// bounded in one place, and a failure knows what kind it is and which address it belongs to.
import { isLoopbackHost } from "@postern/protocol";

const bodyLimit = 1024 * 1024;

/**
 * `unreachable`: waiting may help. `slow`: no whole answer in time. `unusable`: somebody has to
 * change something first, such as a certificate or an address.
 */
export type FetchFault = "unreachable" | "slow" | "unusable";

/** No answer of a provider, or none that may be read. */
export class ProviderFetchError extends Error {
  override readonly name = "ProviderFetchError";
  readonly fault: FetchFault;
  /** without its query, which may hold a secret */
  readonly url: string;

  constructor(fault: FetchFault, url: URL, message: string, cause?: unknown) {
    super(message, { cause });
    this.fault = fault;
    this.url = addressOf(url);
  }
}

/** Fetch for what a provider serves. */
export type ProviderFetch = (address: string | URL, options?: RequestInit) => Promise<Response>;

/**
 * Fetch that follows no redirect (case H14), reads one mebibyte, and speaks plain HTTP to this
 * machine alone (wire-protocol 9).
 * @param timeoutMs for the whole answer
 * @returns a fetch that throws a ProviderFetchError
 */
export function boundedFetch(timeoutMs: number): ProviderFetch {
  return async (address, options = {}) => {
    const url = new URL(address);
    if (!mayFetch(url))
      throw new ProviderFetchError(
        "unusable",
        url,
        "the address is neither https nor on this machine",
      );
    try {
      return await fetchWhole(url, { ...options, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      if (error instanceof ProviderFetchError) throw error;
      throw failedFetch(url, timeoutMs, error);
    }
  };
}

async function fetchWhole(url: URL, options: RequestInit): Promise<Response> {
  const response = await fetch(url, { ...options, redirect: "manual" });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bodyLimit)
      throw new ProviderFetchError("unusable", url, "the answer is longer than 1 MiB");
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  const body = length === 0 ? null : Buffer.concat(chunks);
  const answer = new Response(body, { status, statusText, headers });
  // A response that was not fetched has no address, and a failure has to name it.
  return Object.defineProperty(answer, "url", { value: url.href });
}

function failedFetch(url: URL, timeoutMs: number, error: unknown): ProviderFetchError {
  if (error instanceof Error && error.name === "TimeoutError") {
    const message = `no complete answer within ${timeoutMs} ms`;
    return new ProviderFetchError("slow", url, message, error);
  }
  const { code } = innermostCause(error);
  if (code !== undefined && isCertificateFault(code))
    return new ProviderFetchError("unusable", url, certificateAdvice(code), error);
  return new ProviderFetchError("unreachable", url, "no answer", error);
}

/** Codes of Node and OpenSSL for certificates and TLS: time mends none of them. */
function isCertificateFault(code: string): boolean {
  return /^(?:CERT_|ERR_TLS_|ERR_SSL_|SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_|INVALID_CA|HOSTNAME_)/.test(
    code,
  );
}

function certificateAdvice(code: string): string {
  const isUnknownAuthority = /^(?:SELF_SIGNED_|DEPTH_ZERO_|UNABLE_TO_)/.test(code);
  if (!isUnknownAuthority) return "the certificate, or the TLS connection, is not valid";
  return "the certificate comes from an authority that is not trusted here; start the gateway with NODE_EXTRA_CA_CERTS=<its PEM file>";
}

/** Where an error began: undici and OpenID libraries wrap it several times. */
export function innermostCause(error: unknown): { message: string; code: string | undefined } {
  const errors = causesOf(error).filter((each) => each instanceof Error);
  const last = errors.at(-1);
  const code: unknown = (last as { code?: unknown } | undefined)?.code;
  // A parser quotes what it could not read, which may be a token.
  const message = last instanceof SyntaxError ? "the answer is not JSON" : last?.message;
  return { message: message ?? "", code: typeof code === "string" ? code : undefined };
}

const longestChain = 10;

/** The error, its cause, the cause of that, and so on; the first of several at once. */
export function causesOf(error: unknown): unknown[] {
  const chain: unknown[] = [];
  let next = error;
  while (next !== undefined && next !== null && chain.length < longestChain) {
    chain.push(next);
    const { cause, errors } = next as { cause?: unknown; errors?: unknown[] };
    next = cause ?? errors?.[0];
  }
  return chain;
}

/** An address as the log may have it. */
export function addressOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

/** Whether an address of a provider is one that may be used: https, or http on a loopback name. */
export function mayFetch(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}
