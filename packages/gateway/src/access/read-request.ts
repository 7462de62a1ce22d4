// From what arrived on the socket to the facts that everything else reads: host, canonical path,
// client address. Whatever can be read in two ways is refused here, before anything is decided.

import { randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { Catalog } from "../catalog/catalog.ts";
import { matchApplication, matchesOnlyWithoutCase } from "../catalog/match-application.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { canonicalize } from "../http/canonical-path.ts";
import { type RequestHeaders, readHeaders } from "../http/request-headers.ts";
import {
  canonicalAddress,
  canonicalPeer,
  contains,
  parseAddress,
  parseNetwork,
} from "../network.ts";

/** Why a request is not even looked at. Each becomes one plain 400. */
export type RequestFault =
  | "bad_host"
  | "bad_port"
  | "bad_target"
  | "bad_path"
  | "ambiguous_path"
  | "encoded_slash"
  | "two_tokens"
  | "bad_forwarding"
  | "bad_method"
  | "unknown_coding"
  | "too_many_headers";

export interface ReadRequest {
  ok: true;
  facts: RequestFacts;
  sent: RequestHeaders;
  rayId: string;
  /** our token from the `token` query argument */
  queryToken: string | undefined;
}

export type RequestReading =
  | ReadRequest
  | { ok: false; fault: RequestFault; sent: RequestHeaders; rayId: string };

export interface RequestReader {
  scheme: "http" | "https";
  allowedPorts: ReadonlySet<number>;
  /** CIDRs whose X-Forwarded-* are believed; none by default (case H4) */
  trustedProxies: readonly string[];
  isOurs(token: string): boolean;
}

const headerLimit = 256;
const upperCase = /[A-Z]/;
const hostPattern =
  /^(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.?$|^\[[0-9a-f:.]+\]$/;
const rayPool = { bytes: Buffer.alloc(0), used: 0 };

/** Makes the function that reads one request under the catalog in force. */
export function createRequestReader({
  scheme,
  allowedPorts,
  trustedProxies,
  isOurs,
}: RequestReader) {
  const trusted = trustedProxies.map(parseNetwork).filter((reading) => reading.ok);
  const isTrusted = (text: string) => {
    const address = parseAddress(text);
    return address !== undefined && trusted.some(({ network }) => contains(network, address));
  };

  return (request: IncomingMessage, catalog: Catalog): RequestReading => {
    const rayId = newRayId();
    const sent = readHeaders(request.rawHeaders);
    const peer = addressOf(request);
    // Who may write to a Unix socket is the file system's business: what listens there has a proxy
    // in front of it.
    const behindProxy = peer === undefined || (trusted.length > 0 && isTrusted(peer));
    const refuse = (fault: RequestFault): RequestReading => ({ ok: false, fault, sent, rayId });
    // HTTP/1.0 knows no go-ahead (RFC 9110 section 10.1.1).
    if (request.httpVersionMinor === 0) sent.expectsContinue = false;
    if (request.rawHeaders.length > 2 * headerLimit) return refuse("too_many_headers");
    if (sent.unknownCoding) return refuse("unknown_coding");
    // TRACE shows to a page what scripts must not read, and CONNECT asks for another kind of proxy
    // (case H9).
    if (request.method === "TRACE" || request.method === "CONNECT") return refuse("bad_method");

    const client = behindProxy ? forwardedClient(sent, isTrusted) : peer;
    if (client === undefined) return refuse("bad_forwarding");
    const asked = behindProxy ? forwardedOrigin(sent, scheme) : { host: sent.host, scheme };
    if (asked === undefined) return refuse("bad_forwarding");

    const place = readHost(asked.host);
    if (place === undefined) return refuse("bad_host");
    if (place.port !== undefined && !allowedPorts.has(place.port)) return refuse("bad_port");

    const target = splitTarget(request.url ?? "", sent.host[0] ?? "");
    if (target === undefined) return refuse("bad_target");
    const canonical = canonicalize(target.path);
    if (canonical === undefined) return refuse("bad_path");
    const query = takeTokens(target.query, isOurs);
    if (query === undefined) return refuse("two_tokens");

    const match = matchApplication(catalog, place.host, canonical.path);
    for (const reading of canonical.otherReadings) {
      const other = matchApplication(catalog, place.host, reading);
      if (other?.application !== match?.application || reading.startsWith("/cdn-cgi/access"))
        return refuse("ambiguous_path");
    }
    if (
      upperCase.test(canonical.path) &&
      matchesOnlyWithoutCase(catalog, place.host, canonical.path, match)
    )
      return refuse("ambiguous_path");
    if (canonical.encodedSlash && match?.application.allow_encoded_slashes !== true)
      return refuse("encoded_slash");
    const facts: RequestFacts = {
      method: request.method ?? "GET",
      scheme: asked.scheme,
      host: place.host,
      authority: place.authority,
      path: canonical.path,
      query: query.rest,
      clientIp: client,
      rayId,
      catalog,
      match,
    };
    return { ok: true, facts, sent, rayId, queryToken: query.token };
  };
}

export type ReadOneRequest = ReturnType<typeof createRequestReader>;

/** 16 hex characters, from a pool: one call for the kernel's randomness serves many requests. */
function newRayId(): string {
  if (rayPool.used + 8 > rayPool.bytes.length) {
    rayPool.bytes = randomBytes(2048);
    rayPool.used = 0;
  }
  const ray = rayPool.bytes.toString("hex", rayPool.used, rayPool.used + 8);
  rayPool.used += 8;
  return ray;
}

/** Canonical text of the peer's address; undefined on a Unix socket. */
function addressOf(request: IncomingMessage): string | undefined {
  const address = request.socket.remoteAddress;
  return address === undefined ? undefined : canonicalPeer(address);
}

/** The last address that no trusted proxy has; undefined when the list cannot be read (case H5). */
function forwardedClient(
  headers: RequestHeaders,
  isTrusted: (address: string) => boolean,
): string | undefined {
  const hops = headers.forwardedFor
    .join(",")
    .split(",")
    .map((hop) => hop.trim());
  for (let index = hops.length - 1; index >= 0; index--) {
    const hop = canonicalAddress(hops[index] ?? "");
    if (hop === undefined) return undefined;
    if (index === 0 || !isTrusted(hop)) return hop;
  }
  return undefined;
}

/**
 * Host and scheme as the trusted proxy says the client used them; undefined when it says two
 * things.
 */
function forwardedOrigin(
  headers: RequestHeaders,
  scheme: "http" | "https",
): { host: string[]; scheme: "http" | "https" } | undefined {
  const { forwardedProto, forwardedHost } = headers;
  const proto = forwardedProto[0]?.toLowerCase() ?? scheme;
  if (
    forwardedProto.length > 1 ||
    forwardedHost.length > 1 ||
    (proto !== "http" && proto !== "https")
  )
    return undefined;
  return { host: forwardedHost.length === 0 ? headers.host : forwardedHost, scheme: proto };
}

/** One `Host`, a name or an address with or without port, and nothing else (cases P7, H11). */
function readHost(
  values: readonly string[],
): { host: string; authority: string; port: number | undefined } | undefined {
  const [value] = values;
  if (value === undefined || values.length !== 1) return undefined;
  const lower = value.toLowerCase();
  const colon = lower.endsWith("]") ? -1 : lower.lastIndexOf(":");
  const name = colon < 0 ? lower : lower.slice(0, colon);
  const port = colon < 0 ? undefined : lower.slice(colon + 1);
  if (
    name.length > 255 ||
    !hostPattern.test(name) ||
    (port !== undefined && !/^[1-9]\d{0,4}$/.test(port))
  )
    return undefined;
  const host = name.endsWith(".") ? name.slice(0, -1) : name;
  return {
    host,
    authority: port === undefined ? host : `${host}:${port}`,
    port: port === undefined ? undefined : Number(port),
  };
}

/**
 * Path and query of a request target; an absolute one must name the host that `Host` names (case
 * P11).
 */
function splitTarget(target: string, host: string): { path: string; query: string } | undefined {
  let origin = target;
  if (!target.startsWith("/")) {
    const absolute = /^https?:\/\/([^/?#]*)([^#]*)$/i.exec(target);
    if (absolute === null || absolute[1]?.toLowerCase() !== host.toLowerCase()) return undefined;
    origin = absolute[2]?.startsWith("/") ? absolute[2] : `/${absolute[2] ?? ""}`;
  }
  const mark = origin.indexOf("?");
  const query = mark < 0 ? "" : origin.slice(mark + 1);
  // A query may hold nearly anything, but no raw `#` (case P2) and nothing that is no printable
  // ASCII.
  if (/[^\x21-\x7e]|#/.test(query)) return undefined;
  return { path: mark < 0 ? origin : origin.slice(0, mark), query };
}

/**
 * Takes every `token` argument of ours out of the query (wire-protocol 3); undefined when there are
 * two.
 */
function takeTokens(
  query: string,
  isOurs: (token: string) => boolean,
): { rest: string; token: string | undefined } | undefined {
  // A token starts with `{"` in base64url, unless somebody wrote it with escapes.
  if (!query.includes("eyJ") && !query.includes("%")) return { rest: query, token: undefined };
  let token: string | undefined;
  let twice = false;
  const rest = query.split("&").filter((argument) => {
    const equals = argument.indexOf("=");
    if (equals < 0 || unescaped(argument.slice(0, equals)) !== "token") return true;
    const value = unescaped(argument.slice(equals + 1));
    if (!isOurs(value)) return true;
    twice ||= token !== undefined;
    token ??= value;
    return false;
  });
  return twice ? undefined : { rest: rest.join("&"), token };
}

function unescaped(text: string): string {
  if (!text.includes("%")) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
