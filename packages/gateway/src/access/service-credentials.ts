// Where a program's credentials stand in a request on the data path, and which of its headers they
// take up.
import { valuesOf } from "../http/request-headers.ts";
import type { Application } from "../model/model.ts";
import { onlyCredentials, readHeaderPair, readOwnHeader } from "../tokens/service-credentials.ts";
import type { ServiceCredentials } from "../tokens/service-token.ts";
import type { Tokens } from "../tokens/tokens.ts";
import { bearerToken } from "./bearer-token.ts";
import type { ReadRequest } from "./read-request.ts";

/** The credentials of a program in a request; undefined when there are none. */
export function serviceCredentials(
  { headers, rawHeaders }: ReadRequest,
  application: Application,
): ServiceCredentials | undefined {
  const pair = readHeaderPair(headers.clientId, headers.clientSecret);
  return onlyCredentials(pair, readSingleHeader(application, rawHeaders));
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
  return readOwnHeader(name, valuesOf(rawHeaders, name));
}
