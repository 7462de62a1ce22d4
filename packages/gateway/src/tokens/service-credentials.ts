// What a program sends to prove who it is: a pair of headers, or both values as JSON in the one
// header that an application names (access-features 14). Takes the values of headers, however they
// were read.
import type { ServiceCredentials } from "./service-token.ts";

const half: ServiceCredentials = { ok: false, fault: "half_service_token" };
const two: ServiceCredentials = { ok: false, fault: "two_service_tokens" };

/** What the pair of headers holds; undefined when neither is there. */
export function readHeaderPair(
  clientIds: readonly string[],
  clientSecrets: readonly string[],
): ServiceCredentials | undefined {
  if (clientIds.length + clientSecrets.length === 0) return undefined;
  if (clientIds.length > 1 || clientSecrets.length > 1) return two;
  const [clientId, secret] = [clientIds[0], clientSecrets[0]];
  return clientId === undefined || secret === undefined ? half : { ok: true, clientId, secret };
}

/**
 * What the header that an application names holds; undefined when it is absent, or not ours to
 * read.
 */
export function readOwnHeader(
  name: string,
  values: readonly string[],
): ServiceCredentials | undefined {
  if (values.length === 0) return undefined;
  // `Authorization` counts only when it holds exactly that JSON: else it is the application's own.
  const readings = values.map(readPair);
  const isForeign = readings.every((reading) => reading === undefined);
  if (isForeign && name.toLowerCase() === "authorization") return undefined;
  return values.length > 1 ? two : (readings[0] ?? half);
}

/** The credentials of a request that may have some in either place: in both, they are too many. */
export function onlyCredentials(
  first: ServiceCredentials | undefined,
  second: ServiceCredentials | undefined,
): ServiceCredentials | undefined {
  if (first === undefined) return second;
  if (second === undefined) return first;
  return two;
}

/** `{"cf-access-client-id": …, "cf-access-client-secret": …}` and nothing else. */
function readPair(text: string): ServiceCredentials | undefined {
  let pair: unknown;
  try {
    pair = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof pair !== "object" || pair === null || Object.keys(pair).length !== 2) return undefined;
  const { "cf-access-client-id": clientId, "cf-access-client-secret": secret } = pair as Record<
    string,
    unknown
  >;
  if (typeof clientId !== "string" || typeof secret !== "string") return undefined;
  return { ok: true, clientId, secret };
}
