// What a program sends to prove who it is: a pair of headers, or both values as JSON in the one
// header that the application names (access-features 14).
import { createHash, timingSafeEqual } from "node:crypto";
import type { Catalog } from "../catalog/catalog.ts";
import { valuesOf } from "../http/request-headers.ts";
import type { Application, ServiceToken } from "../model/model.ts";
import type { ReadRequest } from "./read-request.ts";

/** Why the credentials of a program do not count. */
export type ServiceTokenFault = "half_service_token" | "two_service_tokens" | "bad_service_token";

/** What stands in the headers of a program, not checked yet. */
export type ServiceCredentials =
  | { ok: true; clientId: string; secret: string }
  | { ok: false; fault: ServiceTokenFault };

/** Which service token the credentials are, if they hold. */
export type ServiceTokenCheck =
  | { ok: true; serviceToken: ServiceToken }
  | { ok: false; fault: ServiceTokenFault };

const half: ServiceCredentials = { ok: false, fault: "half_service_token" };
const two: ServiceCredentials = { ok: false, fault: "two_service_tokens" };
const noHash = Buffer.alloc(32);

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

/**
 * The application's own header for service tokens, in lower case, where this request used it: a
 * credential, and not the origin's.
 */
export function consumedHeader(
  { rawHeaders }: ReadRequest,
  application: Application,
): string | undefined {
  if (readSingleHeader(application, rawHeaders) === undefined) return undefined;
  return application.read_service_tokens_from_header?.toLowerCase();
}

/** Looks up the service token and compares its secret. @param now milliseconds since the epoch */
export function checkServiceToken(
  credentials: ServiceCredentials,
  catalog: Catalog,
  now: number,
): ServiceTokenCheck {
  if (!credentials.ok) return credentials;
  const serviceToken = catalog.serviceTokenByClientId.get(credentials.clientId);
  // An unknown id costs the same work as a wrong secret (case T14).
  const expectedHash =
    serviceToken === undefined ? noHash : Buffer.from(serviceToken.client_secret_hash, "hex");
  const hash = createHash("sha256").update(credentials.secret).digest();
  const isSecret = expectedHash.length === hash.length && timingSafeEqual(hash, expectedHash);
  if (serviceToken === undefined || !isSecret || !isUsable(serviceToken, now))
    return { ok: false, fault: "bad_service_token" };
  return { ok: true, serviceToken };
}

function isUsable({ enabled, expires_at }: ServiceToken, now: number): boolean {
  return enabled && (expires_at === undefined || expires_at > now);
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
