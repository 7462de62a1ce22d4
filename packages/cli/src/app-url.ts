// Reads the URL of an application as a person types it, and finds out which of its parts count
// (wire-protocol 6.1 and 9). What is sent is always made from the parsed URL, never from the text.
import { isLoopbackHost } from "@postern/protocol/host";
import { CliError } from "./exit-status.ts";

export interface AppUrl {
  /** as the person wrote it */
  written: string;
  /** as given, with the scheme that will be used */
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

const scheme = /^([a-z][a-z0-9+.-]*):\/\//i;

/**
 * Reads `example.com`, `localhost:8600/x`, `http://…` or `https://…`. Without a scheme it is https,
 * on loopback names http; any other `http://` becomes `https://` before anything is sent.
 * @throws {CliError} usage
 */
export function readAppUrl(text: string): AppUrl {
  return { ...parse(text), written: text };
}

/**
 * For a message: a password before the host and whatever stands in the query may be worth something
 * to others.
 */
function withoutSecrets(text: string): string {
  return text.replace(/^([^/?#]*:\/\/)?[^/?#]*@/, "$1…@").replace(/\?[^#]*/, "?…");
}

function parse(text: string): Omit<AppUrl, "written"> {
  const fail = (why: string): never => {
    throw new CliError(
      "usage",
      `"${withoutSecrets(text).slice(0, 200)}" ${why}; give it like https://api.example.com/`,
    );
  };
  if (text === "" || /[\p{Cc}\s\\]/u.test(text)) fail("is not a URL");
  const given = scheme.exec(text)?.[1]?.toLowerCase();
  if (given !== undefined && given !== "http" && given !== "https")
    fail("is not an http or https URL");
  const withScheme = given === undefined ? `https://${text}` : text;
  if (!URL.canParse(withScheme)) fail("is not a URL");
  const url = new URL(withScheme);
  if (!namesHost(url)) fail("names no host");
  const loopback = isLoopbackHost(url.hostname);
  if (url.protocol === "http:" && !loopback) return parse(url.href.replace(/^http:/, "https:"));
  // From the text, not from the parsed URL: that has already dropped the port that is https's
  // default.
  if (given === undefined && loopback) return parse(withScheme.replace(/^https:/, "http:"));
  const bare = `${url.origin}${url.pathname}`;
  return {
    href: url.href,
    protocol: url.protocol as AppUrl["protocol"],
    host: url.host,
    hostname: url.hostname.replace(/^\[|\]$/g, "").replace(/\.$/, ""),
    origin: url.origin,
    pathname: url.pathname,
    bare,
  };
}

/**
 * Whether the host is a name or an address: URL accepts far more, and a name with a leading dash is
 * somebody's flag (case C15).
 */
export function namesHost(url: URL): boolean {
  return /^(?:\[[0-9a-f:.]+\]|[a-z0-9_][a-z0-9._-]*)$/.test(url.hostname);
}

/**
 * The origin of a team domain that an application names. Plain http stays on loopback: both must be
 * there (wire-protocol 1, `iss`).
 */
export function teamOrigin(app: Pick<AppUrl, "protocol">, authDomain: string): string {
  const url = new URL(`https://${authDomain}`);
  return app.protocol === "http:" && isLoopbackHost(url.hostname)
    ? new URL(`http://${authDomain}`).origin
    : url.origin;
}
