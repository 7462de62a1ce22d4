// `host:port` as somebody writes it, in one reading: what one program takes for a name, and another
// for an address in octal or hexadecimal, is neither here.
import { fitsDns, isHostName, isPort, parseAuthority, withoutBrackets } from "@postern/protocol";
import { parseAddress } from "../network.ts";

/** Where a TCP connection goes. */
export interface TcpAddress {
  /** a name in lower case, or an address in its canonical text without brackets */
  host: string;
  port: number;
}

/**
 * Reads `db.internal:5432`, `10.0.0.7:22` or `[2001:db8::7]:22`.
 * @returns undefined when the text is anything else
 */
export function readTcpAddress(text: string): TcpAddress | undefined {
  const authority = parseAuthority(text);
  if (authority?.port === undefined || !isPort(authority.port)) return undefined;
  // `:022` is 22 for some and 18 for others.
  if (!text.endsWith(`:${authority.port}`)) return undefined;
  const host = readHost(authority.host);
  return host === undefined ? undefined : { host, port: authority.port };
}

/** A name in lower case, or an address in its canonical text; undefined for anything else. */
export function readHost(host: string): string | undefined {
  if (host.startsWith("[")) {
    const address = withoutBrackets(host);
    // IPv4 in brackets is no form of anything.
    return address.includes(":") ? parseAddress(address)?.toString() : undefined;
  }
  if (!isHostName(host) || !fitsDns(host)) return undefined;
  return isNumeric(host) ? parseAddress(host)?.toString() : host;
}

/**
 * Whether a resolver may read the name as an IPv4 address: `2130706433`, `0x7f.1`, `127.1` (the
 * "ends in a number" of the URL standard). Only the canonical form is an address for everybody.
 */
function isNumeric(host: string): boolean {
  const last = host.slice(host.lastIndexOf(".") + 1);
  return /^(?:\d+|0x[0-9a-f]*)$/.test(last);
}

/** `db.internal:5432`, `[2001:db8::7]:22`: the text of an address. */
export function formatTcpAddress({ host, port }: TcpAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
