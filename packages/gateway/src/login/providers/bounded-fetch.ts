import { isLoopbackHost } from "@postern/protocol";

const timeoutMs = 10_000;
const bodyLimit = 1024 * 1024;

/**
 * Fetch for what a provider serves: follows no redirect (case H14), waits ten seconds, reads one
 * mebibyte, and speaks plain HTTP to this machine alone (wire-protocol 9).
 * @throws {Error} when the answer is longer, later, or would have come over plain HTTP
 */
export async function boundedFetch(
  address: string | URL,
  options: RequestInit = {},
): Promise<Response> {
  const url = new URL(address);
  if (!mayFetch(url)) throw new Error(`${url.origin} is neither https nor this machine`);
  const response = await fetch(url, {
    ...options,
    redirect: "manual",
    signal: AbortSignal.timeout(timeoutMs),
  });
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > bodyLimit) throw new Error(`${url.origin} answers with more than a mebibyte`);
    chunks.push(chunk);
  }
  const { status, statusText, headers } = response;
  return new Response(length === 0 ? null : Buffer.concat(chunks), { status, statusText, headers });
}

/** Whether an address of a provider is one that may be used: https, or http on a loopback name. */
export function mayFetch(url: URL): boolean {
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopbackHost(url.hostname));
}
