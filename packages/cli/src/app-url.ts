// Reads the URL of an application as a person types it, and finds out which of its parts count
// (wire-protocol 6.1 and 9). What is sent is always made from the parsed URL, never from the text.
import {
  isLoopbackHost,
  parseAuthority,
  withoutBrackets,
  withoutFinalDot,
} from "@postern/protocol/host";
import { CliError } from "./exit-status.ts";
import { percentEncodeRawBytes, showRawBytes } from "./raw-bytes.ts";

export interface AppUrl {
  /** as the person wrote it */
  written: string;
  /** the same with the scheme that will be used */
  href: string;
  /** `http:` on loopback names only */
  protocol: "http:" | "https:";
  /** lower-case, with the port if it is not the default one */
  host: string;
  /** without port and brackets */
  hostname: string;
  origin: string;
  pathname: string;
  /** without userinfo, query and fragment: the only form that identifies the application */
  bare: string;
}

const schemePattern = /^([a-z][a-z0-9+.-]*):\/\//i;

/**
 * Reads `example.com`, `localhost:8600/x`, `http://…` or `https://…`. Without a scheme it is https,
 * on loopback names http; any other `http://` becomes `https://` before anything is sent.
 * @throws {CliError} usage
 */
export function readAppUrl(text: string): AppUrl {
  if (text === "" || /[\s\\]/.test(text) || hasControlCharacter(text))
    throw badUrl(text, "is not a URL");
  const scheme = schemePattern.exec(text)?.[1]?.toLowerCase();
  if (scheme !== undefined && scheme !== "http" && scheme !== "https")
    throw badUrl(text, "is not an http or https URL");
  const encoded = percentEncodeRawBytes(text);
  const withScheme = scheme === undefined ? `https://${encoded}` : encoded;
  const url = parseUrl(withScheme);
  if (url === undefined) throw badUrl(text, "is not a URL");
  if (!namesHost(url)) throw badUrl(text, "has no host");
  return { ...partsOf(withSafeScheme(url, withScheme, scheme)), written: text };
}

/** A loop, because V8 takes longer to compile `\p{Cc}` than everything else here does. */
function hasControlCharacter(text: string): boolean {
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code < 0x20 || (code >= 0x7f && code < 0xa0)) return true;
  }
  return false;
}

function badUrl(text: string, why: string): CliError {
  return new CliError(
    "usage",
    `"${showRawBytes(withoutSecrets(text)).slice(0, 200)}" ${why}; write it like https://api.example.com/`,
  );
}

/**
 * For a message: a password before the host and whatever stands in the query may be worth something
 * to others. The text need not be a URL.
 */
function withoutSecrets(text: string): string {
  return text.replace(/^([^/?#]*:\/\/)?[^/?#]*@/, "$1…@").replace(/\?[^#]*/, "?…");
}

/**
 * The URL with the scheme to ask it by: plain http on this machine only, and there wherever no
 * scheme is written.
 * @param withScheme what was parsed
 * @param scheme as the person wrote it
 */
function withSafeScheme(url: URL, withScheme: string, scheme: string | undefined): URL {
  const isLoopback = isLoopbackHost(url.hostname);
  const isPlain = url.protocol === "http:";
  if (isPlain && !isLoopback) return new URL(url.href.replace(/^http:/, "https:"));
  // From the text: the parsed URL has already dropped the port that is https's default.
  if (scheme === undefined && isLoopback) return new URL(withScheme.replace(/^https:/, "http:"));
  return url;
}

function partsOf(url: URL): Omit<AppUrl, "written"> {
  return {
    href: url.href,
    protocol: url.protocol as AppUrl["protocol"],
    host: url.host,
    hostname: withoutFinalDot(withoutBrackets(url.hostname)),
    origin: url.origin,
    pathname: url.pathname,
    bare: `${url.origin}${url.pathname}`,
  };
}

/**
 * Whether the host is a name or an address. `URL` accepts far more, and a name with a leading dash
 * is somebody's flag (case C15).
 */
export function namesHost(url: URL): boolean {
  return parseAuthority(url.hostname) !== undefined && !/^[.-]/.test(url.hostname);
}

/** The URL as it is written, with the credential behind its query (wire-protocol 3). */
export function withTokenArgument(url: string, token: string): string {
  const [, start = "", fragment = ""] = /^([^#]*)(.*)$/s.exec(url) ?? [];
  const separator = start.includes("?") ? "&" : "?";
  return `${start}${separator}token=${token}${fragment}`;
}

/** The URL in the text; undefined when it holds none. (`URL.parse` wants Node 22.) */
export function parseUrl(text: unknown, base?: URL): URL | undefined {
  if (typeof text !== "string" || !URL.canParse(text, base?.href)) return undefined;
  return new URL(text, base);
}

/** The port of an http or https URL, also where it is the scheme's default. */
export function portOf(url: Pick<URL, "port" | "protocol">): number {
  if (url.port !== "") return Number(url.port);
  return url.protocol === "https:" ? 443 : 80;
}

/**
 * The origin of a team domain that an application names. Plain http stays on loopback: both must be
 * there (wire-protocol 1, `iss`).
 */
export function teamOrigin(app: Pick<AppUrl, "protocol">, authDomain: string): string {
  const url = new URL(`https://${authDomain}`);
  const isPlain = app.protocol === "http:" && isLoopbackHost(url.hostname);
  return isPlain ? new URL(`http://${authDomain}`).origin : url.origin;
}
