// What the gateway gets of a local request's head. Credentials that the client sends are taken out:
// the gateway's would come before ours, and a client that holds some has no need of this proxy.
import { decodeToken } from "@postern/protocol/decode-token";
import { connectionFields, fieldsIn, type RawFields } from "./header-fields.ts";
import { isOwnHeader, withoutOwnCookies } from "./own-names.ts";

/** What a local request is turned into, and for whom. */
export interface RequestSides {
  /** origin of the application */
  appOrigin: string;
  /** origin of this proxy, as the client wrote it */
  localOrigin: string;
}

/** Fields that are written for the gateway by themselves. */
const agreedAnew = new Set(["host", "expect", "content-length"]);

/** The fields for the gateway, without `Host`, a credential, and what frames the body. */
export function gatewayFields(raw: RawFields, sides: RequestSides): string[] {
  const out: string[] = [];
  const isOfConnection = connectionFields(raw);
  for (const { name, lower, value } of fieldsIn(raw)) {
    if (agreedAnew.has(lower) || isOfConnection(lower) || isOwnHeader(lower)) continue;
    const text = valueFor(lower, value, sides);
    if (text !== undefined) out.push(name, text);
  }
  return out;
}

/** @returns undefined where nothing is left of it */
function valueFor(lower: string, value: string, sides: RequestSides): string | undefined {
  if (lower === "cookie") return withoutOwnCookies(value) || undefined;
  // Checked when the request was admitted: to the application this proxy is itself.
  if (lower === "origin") return sides.appOrigin;
  if (lower === "referer") return refererFor(value, sides);
  return value;
}

function refererFor(value: string, { localOrigin, appOrigin }: RequestSides): string {
  const isLocal = value === localOrigin || value.startsWith(`${localOrigin}/`);
  return isLocal ? appOrigin + value.slice(localOrigin.length) : value;
}

/** Trailers that may go on: none that names somebody or frames the message (RFC 9110 6.5.1). */
export function withoutOwnTrailers(raw: RawFields): string[] {
  const out: string[] = [];
  const isOfConnection = connectionFields([]);
  for (const { name, lower, value } of fieldsIn(raw)) {
    if (isOwnHeader(lower) || isOfConnection(lower) || neverTrailers.has(lower)) continue;
    out.push(name, value);
  }
  return out;
}

const neverTrailers = new Set([
  "host",
  "cookie",
  "set-cookie",
  "authorization",
  "content-length",
  "content-type",
  "content-encoding",
  "trailer",
  "location",
]);

const tokenArgument = "token";

/**
 * The request target without `token` arguments that are tokens of the team domain (wire-protocol
 * 3). Any other `token` is the application's own.
 * @param target path and query
 * @param team origin of the team domain, the issuer
 */
export function withoutOwnTokens(target: string, team: string): string {
  const start = target.indexOf("?");
  if (start < 0) return target;
  const all = target.slice(start + 1).split("&");
  const others = all.filter((argument) => !holdsOwnToken(argument, team));
  if (others.length === all.length) return target;
  const query = others.join("&");
  return query === "" ? target.slice(0, start) : `${target.slice(0, start)}?${query}`;
}

function holdsOwnToken(argument: string, team: string): boolean {
  const [name = "", value = ""] = argument.split("=", 2);
  if (unescaped(name) !== tokenArgument) return false;
  try {
    return decodeToken(unescaped(value)).claims["iss"] === team;
  } catch {
    return false;
  }
}

/** Tokens are ASCII: an escape stands for one character, and what is none stays as it is. */
function unescaped(text: string): string {
  return text.replace(/%[0-7][0-9a-f]/gi, decodeURIComponent);
}
