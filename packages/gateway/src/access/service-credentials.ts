// What a program sends to prove who it is: a pair of headers, or both values as JSON in the one
// header that the application names (access-features 14).
import { valuesOf } from "../http/request-headers.ts";
import type { Application } from "../model/model.ts";
import type { ServiceCredentials } from "../tokens/service-token.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { bearerToken } from "./bearer-token.ts";
import type { ReadRequest } from "./read-request.ts";

const half: ServiceCredentials = { ok: false, fault: "half_service_token" };
const two: ServiceCredentials = { ok: false, fault: "two_service_tokens" };

/** The credentials of a program in a request; undefined when there are none. */
export function serviceCredentials(
  { headers, rawHeaders }: ReadRequest,
  application: Application,
): ServiceCredentials | undefined {
  const { clientId, clientSecret } = headers;
  const fromSingleHeader = readSingleHeader(application, rawHeaders);
  if (clientId.length + clientSecret.length === 0) return fromSingleHeader;
  if (fromSingleHeader !== undefined) return two;
  if (clientId.length > 1 || clientSecret.length > 1) return two;
  const [id, secret] = [clientId[0], clientSecret[0]];
  return id === undefined || secret === undefined ? half : { ok: true, clientId: id, secret };
}

const nothing: readonly string[] = [];

/**
 * The headers, in lower case, that hold a credential of ours in this request, used or not: the
 * application's own header for service tokens, and `Authorization` with its token.
 */
export function consumedHeaders(
  tokens: Pick<Tokens, "isOurs">,
  { rawHeaders }: ReadRequest,
  application: Application,
): readonly string[] {
  const { read_service_tokens_from_header: name, accept_bearer } = application;
  if (name === undefined && accept_bearer !== true) return nothing;
  const names: string[] = [];
  const usesOwnHeader = readSingleHeader(application, rawHeaders) !== undefined;
  if (name !== undefined && usesOwnHeader) names.push(name.toLowerCase());
  if (bearerToken(tokens, rawHeaders, application).token !== undefined) names.push("authorization");
  return names;
}

/** What stands in the header that the application names; undefined when it is not ours to read. */
function readSingleHeader(
  { read_service_tokens_from_header: name }: Application,
  rawHeaders: readonly string[],
): ServiceCredentials | undefined {
  if (name === undefined) return undefined;
  const [value, ...more] = valuesOf(rawHeaders, name);
  if (value === undefined) return undefined;
  // `Authorization` counts only when it holds exactly that JSON: else it is the application's own.
  const readings = [value, ...more].map(readPair);
  const isForeign = readings.every((reading) => reading === undefined);
  if (isForeign && name.toLowerCase() === "authorization") return undefined;
  return more.length > 0 ? two : (readings[0] ?? half);
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
