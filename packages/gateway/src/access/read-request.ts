// From what arrived to the facts that everything else reads: host, canonical path, client address.
// Whatever can be read in two ways is refused here, before anything is decided.
import type { Catalog } from "../catalog/catalog.ts";
import { matchApplication } from "../catalog/match-application.ts";
import { choosePath, isPlainRequest, type PathChoice } from "../catalog/path-choice.ts";
import type { RequestFacts } from "../catalog/request-facts.ts";
import { type CanonicalPath, canonicalize, withItsSlashes } from "../http/canonical-path.ts";
import { isServedMethod } from "../http/methods.ts";
import { takeToken } from "../http/query-tokens.ts";
import { type RequestHeaders, readHeaders } from "../http/request-headers.ts";
import type { RequestHead } from "../http/transport.ts";
import type { Network } from "../network.ts";
import { hasManyReadings, isUnplain } from "../path-readings.ts";
import type { RayIds } from "./ray-ids.ts";
import { readAuthority } from "./read-authority.ts";
import { type ForwardingFault, readClient } from "./trusted-proxies.ts";

/** Why a request is not even looked at. Each becomes one plain answer. */
export type RequestFault =
  | "bad_host"
  | "bad_port"
  | "bad_target"
  | "bad_path"
  | "path_too_long"
  | "ambiguous_path"
  | "encoded_slash"
  | "two_tokens"
  | ForwardingFault["fault"]
  | "bad_method"
  | "unknown_coding"
  | "coding_in_http_1_0"
  | "unknown_expectation"
  | "bad_version"
  | "too_many_headers";

/** A request that has one meaning. */
export interface ReadRequest {
  ok: true;
  facts: RequestFacts;
  headers: RequestHeaders;
  /** as the client sent them, names and values in turn */
  rawHeaders: readonly string[];
  rayId: string;
  /** the protocol to go on with, as RequestHead has it */
  upgrade: string | undefined;
  /** our token from the `token` query argument */
  queryToken: string | undefined;
}

/** A request that has none, or two. */
export interface UnreadableRequest {
  ok: false;
  fault: RequestFault;
  /** the same more precisely, for the log */
  detail: string | undefined;
  headers: RequestHeaders;
  rayId: string;
}

export type RequestReading = ReadRequest | UnreadableRequest;

/** Whether a request asks for something else than an answer, properly or not. */
export function asksForUpgrade({ upgrade, headers }: ReadRequest): boolean {
  return upgrade !== undefined || headers.asksForWebSocket;
}

/** What the reading of a request depends on besides the request. */
export interface ReadingRules {
  /** of the listeners */
  scheme: "http" | "https";
  /** the ports that a `Host` may name */
  allowedPorts: ReadonlySet<number>;
  /** whose X-Forwarded-* are believed */
  trustedProxies: readonly Network[];
  /** whether a `token` argument is the gateway's own */
  isOurs(token: string): boolean;
  rayIds: RayIds;
}

const headerLimit = 256;
/** Characters of a path that origins could read in several ways: enough by RFC 9110 4.1. */
const longestUnplainPath = 8_000;
/** The same where nested escapes, or the ends of names, multiply the ways to read it. */
const longestAmbiguousPath = 1_000;

/** Reads one request under the catalog in force. */
export function readRequest(
  rules: ReadingRules,
  head: RequestHead,
  catalog: Catalog,
): RequestReading {
  const { method, rawHeaders, upgrade, peer } = head;
  const rayId = rules.rayIds.next();
  const headers = headersOf(head);
  const refuse = (fault: RequestFault, detail?: string): RequestReading => ({
    ok: false,
    fault,
    detail,
    headers,
    rayId,
  });

  // 1. What cannot be carried on at all.
  const fault = faultOfMessage(head, headers);
  if (fault !== undefined) return refuse(fault);

  // 2. Who asks, and for which host, by the word of a trusted proxy where one is in front.
  const clientReading = readClient(rules, peer, headers);
  if (!clientReading.ok) return refuse(clientReading.fault, clientReading.detail);
  const { client } = clientReading;
  const authority = readAuthority(client.host, client.scheme);
  if (authority === undefined) return refuse("bad_host", client.host.join(" | "));
  const { host, port } = authority;
  if (port !== undefined && !rules.allowedPorts.has(port)) return refuse("bad_port", String(port));

  // 3. Path and query.
  const target = readTarget(head.target, headers.host[0] ?? "");
  if (!target.ok) return refuse(target.fault);
  const { canonical } = target;
  const query = takeToken(target.query, rules.isOurs);
  if (query === undefined) return refuse("two_tokens");

  // 4. The application, which must be the same in every reading of the path.
  const choice = readPath(catalog, host, target.rawPath, canonical.path);
  if (choice === undefined) return refuse("ambiguous_path");
  const { path, match } = choice;
  if (canonical.encodedSlash && match?.application.allow_encoded_slashes !== true)
    return refuse("encoded_slash");

  const facts: RequestFacts = {
    method,
    scheme: client.scheme,
    host,
    authority: authority.text,
    path,
    query: query.rest,
    clientIp: client.address,
    rayId,
    catalog,
    match,
  };
  return { ok: true, facts, headers, rawHeaders, rayId, upgrade, queryToken: query.token };
}

/** The headers; of too many, the first ones. */
function headersOf(head: RequestHead): RequestHeaders {
  const { rawHeaders, version, upgrade, bodyFollows } = head;
  const isCut = hasTooManyHeaders(head);
  const headers = readHeaders(isCut ? rawHeaders.slice(0, 2 * headerLimit) : rawHeaders, upgrade);
  // Nobody looks for a body among the others.
  if (isCut) headers.hasBody = true;
  if (bodyFollows === true) {
    headers.hasBody = true;
    headers.chunked = true;
  }
  // HTTP/1.0 knows no go-ahead (RFC 9110 section 10.1.1).
  if (version === "1.0") headers.expectsContinue = false;
  return headers;
}

function hasTooManyHeaders({ rawHeaders }: RequestHead): boolean {
  return rawHeaders.length > 2 * headerLimit;
}

/** What is wrong with a message whatever it asks for. */
function faultOfMessage(head: RequestHead, headers: RequestHeaders): RequestFault | undefined {
  const { method, version } = head;
  if (hasTooManyHeaders(head)) return "too_many_headers";
  if (version === "other") return "bad_version";
  if (headers.unknownCoding) return "unknown_coding";
  // A proxy in front that does not know chunks takes them for the next request (RFC 9112 6.1).
  if (headers.chunked && version === "1.0") return "coding_in_http_1_0";
  if (headers.unknownExpectation) return "unknown_expectation";
  return isServedMethod(method) ? undefined : "bad_method";
}

type TargetReading =
  | { ok: true; rawPath: string; canonical: CanonicalPath; query: string }
  | { ok: false; fault: "bad_target" | "bad_path" | "path_too_long" };

/** Path and query of a request target, which can be read in a time that is worth it. */
function readTarget(target: string, host: string): TargetReading {
  const parts = splitTarget(target, host);
  if (parts === undefined) return { ok: false, fault: "bad_target" };
  const { path: rawPath, query } = parts;
  if (isTooLong(rawPath)) return { ok: false, fault: "path_too_long" };
  const canonical = canonicalize(rawPath);
  if (canonical === undefined) return { ok: false, fault: "bad_path" };
  // Its escapes may hide how many readings it has: `%2E/` is `./`.
  if (isTooLong(canonical.path)) return { ok: false, fault: "path_too_long" };
  return { ok: true, rawPath, canonical, query };
}

/**
 * Path and query of a request target. An absolute one must name the host that `Host` names (case
 * P11), with or without the default port of its scheme.
 */
function splitTarget(target: string, host: string): { path: string; query: string } | undefined {
  const relative = target.startsWith("/") ? target : relativeTarget(target, host);
  if (relative === undefined) return undefined;
  const mark = relative.indexOf("?");
  if (mark < 0) return { path: relative, query: "" };
  const path = relative.slice(0, mark);
  const query = relative.slice(mark + 1);
  // A query may hold nearly anything, but no raw `#` (case P2) and no control character.
  if (/^[!"$-~]*$/.test(query)) return { path, query };
  if (/[^!-~\x80-\xff]|#/.test(query)) return undefined;
  return { path, query: query.replace(/[\x80-\xff]/g, escapeOf) };
}

/** Some clients send raw bytes in queries. Escaped they mean the same to every origin. */
function escapeOf(byte: string): string {
  return `%${byte.charCodeAt(0).toString(16).toUpperCase()}`;
}

function relativeTarget(target: string, host: string): string | undefined {
  const [, scheme, authority, rest = ""] = /^(https?):\/\/([^/?#]*)([^#]*)$/i.exec(target) ?? [];
  if (scheme === undefined || authority === undefined) return undefined;
  const defaultPort = scheme.toLowerCase() === "https" ? /:443$/ : /:80$/;
  const nameOf = (text: string) => text.toLowerCase().replace(defaultPort, "");
  if (nameOf(authority) !== nameOf(host)) return undefined;
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** Whether a path takes too long to read: each way of reading it goes through the whole of it. */
function isTooLong(path: string): boolean {
  if (path.length <= longestAmbiguousPath) return false;
  if (hasManyReadings(path)) return true;
  if (path.length <= longestUnplainPath) return false;
  return isUnplain(path) || /\/[/.]/.test(path);
}

/** The form that the origin gets, and whose it is; undefined when it could be two applications'. */
function readPath(
  catalog: Catalog,
  host: string,
  raw: string,
  path: string,
): PathChoice | undefined {
  const forms = { path, withItsSlashes: withItsSlashes(raw, path) };
  if (isPlainRequest(catalog, host, forms))
    return { path, match: matchApplication(catalog, host, path) };
  return choosePath(catalog, host, forms);
}
