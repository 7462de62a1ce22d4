// What the plain port says where people are to come over TLS.
import { parseAuthority, withoutFinalDot } from "@postern/protocol";
import type { NoteRefusal } from "./refused-request.ts";
import { valuesOf } from "./request-headers.ts";
import type { Exchange, RequestHead, ResponseHead } from "./transport.ts";

/** Where the redirect leads, and for whom. */
export interface RedirectOptions {
  httpsPort: number;
  /** takes a host in lower case, without port */
  isServed(host: string): boolean;
  noteRefusal: NoteRefusal;
}

/**
 * Answers every request for a host that is served with the same address over https, and nothing
 * else. A redirect to any other host would lend the gateway's name to it.
 */
export function redirectToHttps({
  httpsPort,
  isServed,
  noteRefusal,
}: RedirectOptions): (exchange: Exchange) => void {
  return (exchange) => {
    const { head } = exchange;
    const refuse = (status: number, reason: string, message: string) => {
      const { method, target, peer } = head;
      const ray = noteRefusal({ status, phrase: "", reason, message, method, target, peer });
      send(exchange, { status, rawHeaders: ["cf-ray", ray] }, `${message} Ray ID: ${ray}\n`);
    };
    const address = addressOf(head);
    if (address === undefined)
      return refuse(400, "bad_target", "The request has no host, or its address is not a path.");
    const { host, path } = address;
    if (!isServed(host))
      return refuse(421, "not_served", "This gateway does not serve the host of the request.");
    const authority = httpsPort === 443 ? host : `${host}:${httpsPort}`;
    const rawHeaders = ["Location", `https://${authority}${path}`];
    return send(exchange, { status: 308, rawHeaders }, "Use https.\n");
  };
}

function send({ response }: Exchange, { status, rawHeaders }: ResponseHead, body: string): void {
  response.closeConnection();
  response.start({
    status,
    rawHeaders: [
      ...["Content-Type", "text/plain; charset=utf-8"],
      ...["Content-Length", String(body.length)],
      ...rawHeaders,
    ],
  });
  response.end(body);
}

/** What a request asks for; undefined when it names no one host, or no path. */
function addressOf({
  rawHeaders,
  target,
}: RequestHead): { host: string; path: string } | undefined {
  // A request with two Host headers is malformed (RFC 9112 3.2).
  const [value, ...more] = valuesOf(rawHeaders, "host");
  if (value === undefined || more.length > 0) return undefined;
  const authority = parseAuthority(value);
  if (authority === undefined) return undefined;
  const path = pathOf(target, value);
  if (path === undefined || path.includes("#")) return undefined;
  return { host: withoutFinalDot(authority.host), path: inAscii(path) };
}

/** Clients differ in what they take a byte of a `Location` for (RFC 9110 5.5). */
function inAscii(path: string): string {
  return path.replace(/[^!-~]/g, (byte) => `%${byte.charCodeAt(0).toString(16).toUpperCase()}`);
}

/** The path of a target; of an absolute one (RFC 9112 3.2.2) where it names the same host. */
function pathOf(target: string, host: string): string | undefined {
  if (target.startsWith("/")) return target;
  const [, authority = "", path = ""] = /^http:\/\/([^/?#]+)(.*)$/i.exec(target) ?? [];
  if (authority.toLowerCase() !== host.toLowerCase()) return undefined;
  return path.startsWith("/") ? path : `/${path}`;
}
