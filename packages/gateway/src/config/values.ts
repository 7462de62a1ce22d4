// The leaves of the settings: one schema for each kind of value. Those of objects are in the model.
import { isIP } from "node:net";
import { fitsDns, isHostName, isPort, parseAuthority, withoutBrackets } from "@postern/protocol";
import { isBareAddress, refuse, text } from "../model/values.ts";

/** Where to listen. */
export type ListenAddress =
  | { kind: "tcp"; host: string; port: number }
  | { kind: "unix"; path: string };

/** `host[:port]`, lower-case */
export const authority = text((source) => {
  if (isAuthority(source)) return source.toLowerCase();
  const [, bare = ""] = /^(?:[a-z][a-z+.-]*:\/\/)?([^/?#@*]+)/i.exec(source) ?? [];
  const example = "write one like login.example.com or login.example.com:8443";
  const own = isAuthority(bare) ? `write ${bare.toLowerCase()}` : example;
  return refuse("is not a host, or host:port, without scheme, path and wildcard", { own, example });
});

function isAuthority(source: string): boolean {
  const { host = "", port } = parseAuthority(source) ?? {};
  return isHost(host) && (port === undefined || isPort(port));
}

function isHost(host: string): boolean {
  if (host.startsWith("[")) return isIP(host.slice(1, -1)) === 6;
  return isHostName(host) && fitsDns(host);
}

/** `smtp://` or `smtps://` with a host */
export const mailUrl = text((source) => {
  const url = URL.canParse(source) ? new URL(source) : undefined;
  if (url !== undefined && /^smtps?:$/.test(url.protocol) && url.hostname !== "") return source;
  const example = "write it like smtp://mail.example.com:587 or smtps://mail.example.com";
  const own = isBareAddress(source) ? `write smtp://${source}` : example;
  return refuse("is not a mail server", { own, example });
});

/** A host name, or an address literal like `[192.0.2.1]` (RFC 5321 4.1.3) */
export const heloName = text((source) => {
  if (/^(?=.{1,255}$)[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/i.test(source)) return source;
  if (/^\[(?:IPv6:)?[0-9a-f:.]+\]$/i.test(source)) return source;
  return refuse("is not a name to greet a mail server with; write it like mail.example.com");
});

/** `host:port`, `[::1]:port`, `:port` or `unix:/path` */
export const listenAddress = text((source): ListenAddress => {
  if (source.startsWith("unix:")) {
    const path = source.slice("unix:".length);
    if (path === "") refuse("has no path; write unix:/run/postern.sock");
    return { kind: "unix", path };
  }
  const [, host = "", digits = ""] = /^(.*):(\d{1,5})$/.exec(source) ?? [];
  const port = Number(digits);
  if (digits !== "" && port <= 65_535 && isListenHost(host))
    return { kind: "tcp", host: withoutBrackets(host) || "::", port };
  const example = "write it like 0.0.0.0:443, [::]:443, 127.0.0.1:8600 or unix:/run/postern.sock";
  return refuse("is not an address to listen on", { own: listenMeant(source) ?? example, example });
});

function listenMeant(source: string): string | undefined {
  if (/^\d{1,5}$/.test(source) && Number(source) <= 65_535)
    return `write 127.0.0.1:${source}, or 0.0.0.0:${source} for every address of this machine`;
  if (source.startsWith("/")) return `write unix:${source}`;
  const [, rest = ""] = /^https?:\/\/([^/]+)\/?$/.exec(source) ?? [];
  if (/:\d{1,5}$/.test(rest)) return `write ${rest}`;
  return isIP(source) === 4 ? `write ${source}:8600, with the port` : undefined;
}

function isListenHost(host: string): boolean {
  if (host === "" || isIP(host) === 4) return true;
  if (host.startsWith("[")) return isIP(withoutBrackets(host)) !== 0;
  // Digits and dots that are no address are a mistake in one.
  return isHost(host.toLowerCase()) && !/^[\d.]+$/.test(host);
}
