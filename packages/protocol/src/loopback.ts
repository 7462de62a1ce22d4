/**
 * Whether a host name (no port, brackets allowed) always means this machine: `localhost`, every
 * name below `.localhost` (RFC 6761 section 6.3) and the loopback addresses. Only for these is
 * `http://` allowed (wire-protocol 9).
 */
export function isLoopbackHost(host: string): boolean {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return true;
  if (name === "::1" || name === "[::1]") return true;
  return /^127(?:\.(?:\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])){3}$/.test(name);
}

/**
 * The address to dial for a loopback name, found without a resolver; undefined for all other names.
 */
export function loopbackAddress(host: string): string | undefined {
  const name = host.toLowerCase().replace(/\.$/, "");
  if (name === "localhost" || name.endsWith(".localhost")) return "127.0.0.1";
  return undefined;
}
