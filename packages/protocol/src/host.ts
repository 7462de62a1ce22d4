// The grammar of hosts: names, addresses in brackets, and `host[:port]` (RFC 3986 3.2.2 and 3.2.3,
// without userinfo and escapes). `parseAuthority` splits and checks characters; the functions below
// it are the further conditions, and each caller says which of them it needs.

/** `host[:port]`, split. */
export interface Authority {
  /** lower case: a name, or an address in brackets; a final dot stays */
  host: string;
  /** 0 to 99999: `isPort` checks the range; undefined where the text has none */
  port: number | undefined;
}

// No Unicode flag: with it, `i` would take U+212A (the Kelvin sign) for a `k`.
const authority = /^([a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::(\d{1,5}))?$/i;

/**
 * Splits `host[:port]`. The characters are those of a name or of an address; whether the name has
 * empty labels or a dash at an end is for `isHostName` to say.
 * @returns undefined when the text holds anything else: userinfo, a path, an empty port, Unicode
 */
export function parseAuthority(text: string): Authority | undefined {
  const [, host, port] = authority.exec(text) ?? [];
  if (host === undefined) return undefined;
  return { host: host.toLowerCase(), port: port === undefined ? undefined : Number(port) };
}

const label = "[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?";
const name = new RegExp(`^(?:${label}\\.)*${label}$`);

/**
 * Whether the text is a host name or an IPv4 address in lower case: labels of letters, digits, `_`
 * and inner dashes, without a final dot. Lengths are for `fitsDns` to say.
 */
export function isHostName(text: string): boolean {
  return name.test(text);
}

/** Whether the host is an address in brackets, judged by its characters alone. */
export function isBracketedAddress(host: string): boolean {
  return /^\[[0-9a-f:.]+\]$/.test(host);
}

/** Whether a resolver can be asked for the name: 253 characters, 63 a label (RFC 1035 2.3.4). */
export function fitsDns(hostName: string): boolean {
  return hostName.length <= 253 && hostName.split(".").every((part) => part.length <= 63);
}

/** Whether the number is a port that something can listen on: 1 to 65535. */
export function isPort(port: number): boolean {
  return Number.isInteger(port) && port > 0 && port < 65_536;
}

/** The host as resolvers and sockets take it: `[::1]` → `::1`; a name stays. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, "");
}

/** The name without the dot of the root: `example.com.` and `example.com` are one host. */
export function withoutFinalDot(host: string): string {
  return host.endsWith(".") ? host.slice(0, -1) : host;
}

/**
 * Whether a host name (no port, brackets allowed) always means this machine: `localhost`, every
 * name below `.localhost` (RFC 6761 6.3) and the loopback addresses. Only for these is `http://`
 * allowed (wire-protocol 9).
 */
export function isLoopbackHost(host: string): boolean {
  const lower = withoutFinalDot(host.toLowerCase());
  if (isLocalhost(lower) || lower === "::1" || lower === "[::1]") return true;
  return /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/.test(lower);
}

/**
 * The address to dial for a loopback name, without asking a resolver (wire-protocol 9).
 * @returns undefined for all other names, and for addresses
 */
export function loopbackAddress(host: string): string | undefined {
  return isLocalhost(withoutFinalDot(host.toLowerCase())) ? "127.0.0.1" : undefined;
}

function isLocalhost(lower: string): boolean {
  return lower === "localhost" || lower.endsWith(".localhost");
}
